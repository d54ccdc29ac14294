"""One judging run inside pytest: collects the suite, judges each clause, ends with the conclusion."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.inputs.scenario import load
from sm_conformance.judgement import finding as findings
from sm_conformance.judgement.attributed import attributed
from sm_conformance.judgement.card import card
from sm_conformance.judgement.conclusion import (
    Conclusion,
    ExitStatus,
    Judgement,
    conclude,
    exit_status,
)
from sm_conformance.judgement.finding import Finding, Sight, Verdict
from sm_conformance.judgement.outcome import Outcome
from sm_conformance.laboratory.halves import excuse
from sm_conformance.observed.run import Cause, Server, TrainRun
from sm_conformance.session import (
    Options,
    Rules,
    Session,
    changed_limits,
    latency_figures,
    open_session,
    read_rules,
    report_folder,
    write_report,
)
from sm_conformance.suite.binding import Binding, binding_of
from sm_conformance.terminal import Progress, kept_containers, last_line, summary
from sm_conformance.termination import Termination

SUITE = Path(__file__).resolve().parent / "suite"
RUN_KEY: pytest.StashKey[PytestRun] = pytest.StashKey()

_FINDING = "sm_conformance_finding"
_WORSE = (0, 5, 3, 1, 4, 2)


class PytestRun:
    """The plugin object of a run that has an image to judge."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.options = _options(config)
        self.found: dict[str, Finding] = {}
        self.judgement: Judgement | None = None
        self.report: dict[str, Any] | None = None
        self._session: Session | None = None
        self._workers: list[dict[str, Any]] = []
        self._prefetched = False
        self._others_failed = False
        self._own_status = 0
        self._kept: dict[str, str] = {}
        self._worker = getattr(config, "workerinput", None)
        self._termination = Termination()
        try:
            self.rules: Rules = read_rules(self.options)
            self.folder = (
                Path(self._worker["sm_folder"]) if self._worker else report_folder(self.options)
            )
            if not config.option.collectonly:
                self._open()
        except UsageProblem as error:
            raise pytest.UsageError(str(error)) from None
        except HarnessTrouble as error:
            pytest.exit(f"sm-conformance: {error}", returncode=ExitStatus.INCONCLUSIVE)
        self._point_at_suite()
        wants_junit = self.options.report is not None and not config.option.xmlpath
        if self._worker is None and wants_junit:
            config.option.xmlpath = str(self.folder / "junit.xml")

    # -- opening ------------------------------------------------------------------------------

    def _open(self) -> None:
        run_id = self._worker["sm_run_id"] if self._worker else None
        engine = self.config.hook.pytest_sm_engine(config=self.config, run_id=run_id)
        if engine is None:
            from sm_conformance.engine.docker import DockerEngine

            engine = DockerEngine(run_id=run_id)
        self.engine = engine
        self._termination.watch()
        try:
            self._session = open_session(self.options, self.rules, engine, folder=self.folder)
        except BaseException:
            engine.close()
            self._termination.release()
            raise

    @property
    def session(self) -> Session:
        """The open session. Raises HarnessTrouble while only collecting."""
        if self._session is None:
            raise HarnessTrouble("nothing is launched while tests are only collected")
        return self._session

    def _point_at_suite(self) -> None:
        """Without paths of the user's, pytest collects the suite instead of what lies around."""
        if self.config.args_source is not pytest.Config.ArgsSource.ARGS:
            self.config.args[:] = [str(SUITE)]

    # -- collecting ---------------------------------------------------------------------------

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        """Collects the suite also where the project's ``python_files`` would hide it."""
        patterns: list[str] = self.config.getini("python_files")
        seen = any(file_path.match(pattern) for pattern in patterns)
        if seen or parent.session.isinitpath(file_path) or not _is_ours(file_path):
            return None
        module: pytest.Module = _SuiteModule.from_parent(parent, path=file_path)
        return module

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        """Finds the suite's tests also where the project's ``python_functions`` would hide them."""
        if not _is_ours(module_path):
            return None
        module: pytest.Module = _SuiteModule.from_parent(parent, path=module_path)
        return module

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Runs a clause on each of its scenarios that the claims allow."""
        binding = binding_of(metafunc.function)
        if binding is not None and len(binding.given) > 1:
            wanted = [name for name in binding.given if self._claimed(name)]
            metafunc.parametrize("given", wanted)

    def _claimed(self, name: str) -> bool:
        """Whether the candidate claims the job that a scenario is of."""
        return {"train": "training", "serve": "hosting"}[load(name).kind] in self._claims()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Leaves out clauses that bind other images; keeps ours together and in contract order."""
        yield
        claims = self._claims()
        order = {clause.key: at for at, clause in enumerate(self.rules.contract.clauses)}
        ours, others = [], []
        for item in items:
            binding = _binding(item)
            if binding is None:
                others.append(item)
            elif self.rules.contract.clause(binding.key).applies(claims):
                item.add_marker(pytest.mark.sm_clause(binding.key))
                ours.append(item)
        ours.sort(key=lambda item: order[_bound(item).key])
        items[:] = ours + others

    def _claims(self) -> frozenset[str]:
        if self._session is not None:
            return self._session.candidate.claims
        declared = self.rules.declaration.claims
        return declared if declared is not None else frozenset({"training", "hosting"})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Starts the launches that the selection needs, ahead of need, before its first clause.

        Not earlier: of several workers only the one that is given the clauses shall launch.
        """
        if _binding(item) is not None and not self._prefetched:
            self._prefetched = True
            given = [name for other in item.session.items if (name := self._given(other))]
            self.session.lab.prefetch(dict.fromkeys(given))

    # -- running ------------------------------------------------------------------------------

    def _given(self, item: pytest.Item) -> str | None:
        """The scenario that a test looks at; None where there is none, or none that is claimed."""
        binding = _binding(item)
        if binding is None or not binding.given:
            return None
        params: dict[str, str] = item.callspec.params if hasattr(item, "callspec") else {}
        name = params.get("given", binding.given[0])
        return name if self._claimed(name) else None

    def observation(self, name: str) -> TrainRun | Server | Cause | None:
        """What a scenario showed, None of a job that is not claimed; shows what is waited for."""
        if not self._claimed(name):
            return None
        lab = self.session.lab
        progress = Progress(self.config, self.rules.limits)
        while not lab.ready(name, 0.2):
            progress.show(lab.going())
        progress.clear()
        return self._as_it_counts(name, lab.observe(name))

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        """Says what an observation means for a clause before the clause looks at it."""
        binding, given = _binding(pyfuncitem), self._given(pyfuncitem)
        if binding is None or given is None:
            return
        observed = self.observation(given)
        cause = observed if observed is None or isinstance(observed, Cause) else observed.cause
        outcome = attributed(self.rules.contract, binding.key, binding.needs, cause)
        if outcome is not None:
            raise outcome

    def _as_it_counts(
        self, name: str, observed: TrainRun | Server | Cause
    ) -> TrainRun | Server | Cause:
        """The observation with its cause as it counts where no claims were declared."""
        cause = observed if isinstance(observed, Cause) else observed.cause
        if cause is None or self.session.candidate.claims_are_declared:
            return observed
        excused = excuse(self.session.lab, name, cause)
        return excused if isinstance(observed, Cause) else replace(observed, cause=excused)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        binding = _binding(item)
        if binding is None or (call.when != "call" and call.excinfo is None):
            return report
        finding = self._finding(item, binding, call)
        setattr(report, _FINDING, finding.as_dict())
        for properties in (item.user_properties, report.user_properties):
            properties.append((finding.key, finding.verdict))
        _dress(report, finding)
        if call.excinfo is not None and isinstance(call.excinfo.value, HarnessTrouble):
            # It happened in a launch, far from this clause: where it was raised tells nothing.
            report.longrepr = f"{finding.key}: {finding.reason}"
        return report

    def _finding(self, item: pytest.Item, binding: Binding, call: pytest.CallInfo[None]) -> Finding:
        clause = self.rules.contract.clause(binding.key)
        error = call.excinfo.value if call.excinfo else None
        if error is None or isinstance(error, Outcome):
            sight = self._sight(self._given(item))
            return findings.judge(clause, self.rules.profile, error, sight)
        if isinstance(error, HarnessTrouble | pytest.exit.Exception | KeyboardInterrupt):
            return findings.error(clause, str(error) or "interrupted")
        return findings.error(clause, f"the harness is at fault: {type(error).__name__}: {error}")

    def _sight(self, given: str | None) -> Sight:
        if given is None:
            return Sight()
        observed = self.session.lab.observe(given)
        if isinstance(observed, Cause):
            return Sight(scenario=given)
        return Sight(
            scenario=given,
            repeat=observed.repeat,
            evidence=f"evidence/{observed.evidence.name}",
            log=observed.logs.tail(),
        )

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        data = getattr(report, _FINDING, None)
        if data is None:
            return None
        verdict = data["verdict"]
        if verdict == Verdict.ADVICE:
            return "advice", "a", "ADVICE"
        if verdict in (Verdict.BLOCKED, Verdict.NOT_RUN, Verdict.NOT_APPLICABLE):
            return verdict, verdict[0], verdict.upper()
        return None

    # -- collecting results -------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = getattr(report, _FINDING, None)
        if data is None:
            self._others_failed |= report.failed
            return
        finding = Finding.from_dict(data)
        held = self.found.get(finding.key)
        self.found[finding.key] = findings.worst(held, finding) if held else finding

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._others_failed |= report.failed

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keeps the clauses together on one worker, whichever way the others are spread."""
        if config.option.dist == "each":
            return None
        from sm_conformance.spreading import ClausesTogether

        return ClausesTogether(config, log)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["sm_run_id"] = getattr(self.engine, "run_id", None)
        node.workerinput["sm_folder"] = str(self.folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        output = getattr(node, "workeroutput", {})
        if "sm_facts" in output:
            self._workers.append(json.loads(output["sm_facts"]))

    # -- ending -------------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._kept = self._keep_failed()
        facts = self._facts()
        if self._worker is not None:
            output = self.config.workeroutput  # type: ignore[attr-defined]
            output["sm_facts"] = json.dumps(facts)
            return
        interrupted = int(exitstatus) == pytest.ExitCode.INTERRUPTED
        self.judgement = conclude(
            self.rules.contract,
            self.rules.profile,
            self._claims(),
            self.found.values(),
            missing="interrupted" if interrupted else "not selected, or not reached",
            changed_limits=bool(changed_limits(self.rules)),
        )
        self._own_status = int(exit_status(self.judgement.conclusion))
        if interrupted:
            self._own_status = int(ExitStatus.INTERRUPTED)
        status = self._own_status
        if self._others_failed or int(exitstatus) in (2, 4):
            status = max(status, 1 if self._others_failed else int(exitstatus), key=_WORSE.index)
        session.exitstatus = status
        if self._session is not None:
            self._write(facts, complete=not interrupted)

    def _keep_failed(self) -> dict[str, str]:
        """Leaves the containers that doubtful findings looked at to the user; their names."""
        if self._session is None or not self.options.keep:
            return {}
        doubtful = {
            Path(finding.evidence).name
            for finding in self.found.values()
            if finding.evidence and finding.verdict != Verdict.PASS and not finding.excused
        }
        try:
            return self._session.lab.bench.settle(doubtful)
        except HarnessTrouble:
            return {}  # the engine is away; the end of the run tells that

    def _facts(self) -> dict[str, Any]:
        """What only the process that launched knows."""
        if self._session is None:
            return {"launches": 0, "latency": {}, "kept": {}}
        launches = self._session.lab.bench.launches.value
        latency = latency_figures(self._session)
        return {"launches": launches, "latency": latency, "kept": self._kept}

    def _write(self, facts: dict[str, Any], *, complete: bool) -> None:
        assert self.judgement is not None
        latency = dict(facts["latency"])
        launches = facts["launches"]
        for worker in self._workers:
            latency |= worker["latency"]
            launches += worker["launches"]
            self._kept |= worker["kept"]
        self.report = write_report(
            self.session,
            self.judgement,
            ExitStatus(self._own_status),
            latency=latency,
            launches=launches,
            complete=complete,
        )
        if self.options.report is not None:
            text = json.dumps(self.report, indent=1, ensure_ascii=False)
            (self.folder / "report.json").write_text(text + "\n", encoding="utf-8")
            from sm_conformance.judgement.page import render

            (self.folder / "report.html").write_text(render(self.report), encoding="utf-8")

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        collected_only = bool(self.config.option.collectonly)
        if self._worker is None and self.judgement is not None and not collected_only:
            summary(
                terminalreporter,
                self.judgement,
                self.report,
                folder=self.folder,
                kept=self._keeps_evidence(),
            )
            if self._kept:
                kept_containers(terminalreporter, self._kept, run_id=self.engine.run_id)

    def _keeps_evidence(self) -> bool:
        """Evidence of a conformant run that nobody asked for is not kept."""
        if self.options.report is not None:
            return True
        return self.judgement is not None and self.judgement.conclusion is not Conclusion.CONFORMANT

    def _say_conclusion(self) -> None:
        """The very last line, below pytest's own."""
        reporter: Any = self.config.pluginmanager.get_plugin("terminalreporter")
        if self._worker is not None or self.judgement is None or reporter is None:
            return
        if self.config.option.collectonly:
            reporter.write_line("nothing was judged: tests were only collected")
            return
        line = last_line(self.judgement, others_failed=self._others_failed)
        reporter.write_line(line, bold=True)

    def pytest_unconfigure(self) -> None:
        if self._session is not None:
            self._close(self._session)
            self._session = None
        self._say_conclusion()
        if self._worker is not None:
            return
        # Workers share the lock, so it goes when they have gone.
        (self.folder / ".lock").unlink(missing_ok=True)
        if not self._keeps_evidence():
            shutil.rmtree(self.folder, ignore_errors=True)

    def _close(self, session: Session) -> None:
        """Removes what the run made; an engine that is away cannot be helped, but is told."""
        self._termination.hold_off()
        try:
            session.close()
        except HarnessTrouble as error:
            left = "what is left on the engine goes with the next run"
            sys.stderr.write(f"sm-conformance: {left}: {error}\n")
        finally:
            self._termination.release()


class _SuiteModule(pytest.Module):
    """A module of the suite, whose tests are called as we call them, not as the project does."""

    def funcnamefilter(self, name: str) -> bool:
        return name.startswith("test_")


def _is_ours(path: Path) -> bool:
    return path.parent == SUITE and path.name.startswith("test_")


def _options(config: pytest.Config) -> Options:
    option = config.option

    def path(name: str) -> Path | None:
        text = getattr(option, name)
        return Path(text) if text else None

    return Options(
        image=option.sm_image,
        train_image=option.sm_train_image,
        serve_image=option.sm_serve_image,
        declaration=path("sm_declaration"),
        look_here=not option.sm_hermetic,
        model_data=path("sm_model_data"),
        profile=option.sm_profile,
        limits=path("sm_limits"),
        patience_s=option.sm_patience,
        report=path("sm_report"),
        max_ping_p99_ms=option.sm_max_ping_p99_ms,
        max_invocation_p99_ms=option.sm_max_invocation_p99_ms,
        keep=option.sm_keep,
        allow_network=option.sm_allow_network,
    )


def _binding(item: pytest.Item) -> Binding | None:
    return binding_of(getattr(item, "function", None))


def _bound(item: pytest.Item) -> Binding:
    binding = _binding(item)
    assert binding is not None
    return binding


def _dress(report: pytest.TestReport, finding: Finding) -> None:
    """Gives pytest's own reporters what they need: outcome, card, reason."""
    where = (str(SUITE), 0)
    match Verdict(finding.verdict):
        case Verdict.FAIL:
            report.longrepr = card(finding)
        case Verdict.ADVICE:
            report.outcome = "skipped"
            report.longrepr = (*where, f"ADVICE {finding.key}: {finding.actual}")
        case Verdict.BLOCKED | Verdict.NOT_RUN | Verdict.NOT_APPLICABLE:
            report.outcome = "skipped"
            report.longrepr = (*where, f"{finding.verdict}: {finding.reason}")
        case Verdict.ERROR:
            # One line: a traceback of the harness helps nobody who judges an image.
            report.longrepr = f"{finding.key}: error: {finding.reason}"
        case _:
            return
