"""How a run ends: conclusion, exit status, report files, clean-up, and the very last line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.errors import HarnessTrouble
from sm_conformance.judgement import finding as findings
from sm_conformance.judgement.conclusion import (
    Conclusion,
    ExitStatus,
    Judgement,
    conclude,
    exit_status,
)
from sm_conformance.judgement.finding import Finding, Verdict
from sm_conformance.pytest_run.answering import is_part, is_whole
from sm_conformance.pytest_run.judging import finding_of
from sm_conformance.pytest_run.junit import Properties
from sm_conformance.pytest_run.run import PytestRun
from sm_conformance.pytest_run.terminal import count_clauses, kept_containers, last_line, summary
from sm_conformance.rules import changed_limits
from sm_conformance.run_folder import EVIDENCE
from sm_conformance.session import latency_figures, load_figures, write_report

# Exit statuses of ours and of pytest's, from good to bad.
_WORSE = (0, 5, 3, 1, 4, 2)


class Ending:
    """The plugin that gathers the findings, also those of workers, and makes an end of the run."""

    def __init__(self, run: PytestRun) -> None:
        self._run = run
        self._found: dict[str, Finding] = {}
        self._others_failed = False
        self._workers: list[dict[str, Any]] = []
        self._kept: dict[str, str] = {}
        self._judgement: Judgement | None = None
        self._report: dict[str, Any] | None = None
        self._complete = False
        self._interrupted = False
        self._deselected = False
        option = run.config.option
        if run.handed is None and run.options.report is not None and not option.xmlpath:
            option.xmlpath = str(run.folder / "junit.xml")
        run.config.pluginmanager.register(Properties(self._found))

    # -- gathering ----------------------------------------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        finding = finding_of(report)
        if finding is None:
            self._others_failed |= report.failed
            return
        held = self._found.get(finding.key)
        self._found[finding.key] = findings.worst(held, finding) if held else finding

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._others_failed |= report.failed

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self._deselected |= bool(items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["sm_last"] = json.dumps(self._run.last)
        node.workerinput["sm_run_id"] = getattr(self._run.session.engine, "run_id", None)
        node.workerinput["sm_folder"] = str(self._run.folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {})
        if "sm_facts" in output:
            self._workers.append(json.loads(output["sm_facts"]))

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Ctrl-C, or SIGTERM; what derives from it is pytest's own way to end a run early."""
        if excinfo.type is KeyboardInterrupt or isinstance(excinfo.value, pytest.exit.Exception):
            self._interrupted = True
            self._run.hold_off()

    # -- concluding ---------------------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        run = self._run
        facts = self._facts()
        if run.handed is not None:
            run.config.workeroutput["sm_facts"] = json.dumps(facts)  # type: ignore[attr-defined]
            return
        interrupted = self._interrupted
        self._judgement = conclude(
            run.rules.contract,
            run.rules.profile,
            run.claims,
            self._found.values(),
            missing="interrupted" if interrupted else "not selected, or not reached",
            changed_limits=bool(changed_limits(run.rules)),
            waivers=run.rules.declaration.waivers,
            with_requests=bool(run.rules.declaration.requests),
            launched=not run.is_open or run.session.engine_facts.launches,
        )
        own = ExitStatus.INTERRUPTED if interrupted else exit_status(self._judgement.conclusion)
        # Several processes end with the status of an interruption also where -x ended them.
        ended = 0 if int(exitstatus) == pytest.ExitCode.INTERRUPTED else int(exitstatus)
        session.exitstatus = self._worse(own, ended)
        ended_early = interrupted or bool(session.shouldfail or session.shouldstop)
        broke = int(exitstatus) == pytest.ExitCode.INTERNAL_ERROR
        self._complete = not ended_early and not broke and not self._others_failed
        if run.is_open:
            self._write(facts, own, complete=not interrupted and not broke)

    def _worse(self, own: ExitStatus, exitstatus: int) -> int:
        """The worse of our status and of what other tests, or pytest itself, came to."""
        if self._others_failed:
            return max(int(own), 1, key=_WORSE.index)
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return max(int(own), exitstatus, key=_WORSE.index)
        return int(own)

    def _facts(self) -> dict[str, Any]:
        """What only the process that launched knows."""
        if not self._run.is_open:
            return {"launches": 0, "latency": {}, "load": None, "kept": {}, "baseline": None}
        if self._run.last is not None:
            told = self._run.last["report"]
            parts = {name: told.get(name) for name in ("latency", "load", "baseline")}
            return {"launches": 0, "kept": {}, **parts}
        session = self._run.session
        return {
            "launches": session.lab.bench.launches.value,
            "latency": latency_figures(session),
            "load": load_figures(session),
            "kept": self._keep_failed(),
            "baseline": self._run.comparison(),
        }

    def _keep_failed(self) -> dict[str, str]:
        """Leaves the containers that doubtful findings looked at to the user; their names."""
        if not self._run.options.keep:
            return {}
        doubtful = {
            Path(finding.evidence).name
            for finding in self._found.values()
            if finding.evidence
            and finding.verdict not in (Verdict.PASS, Verdict.BLOCKED)  # what blocks is kept
            and not finding.excused
        }
        try:
            return self._run.session.lab.bench.settle(doubtful)
        except HarnessTrouble:
            return {}  # the engine is away; the end of the run tells that

    def _write(self, facts: dict[str, Any], own: ExitStatus, *, complete: bool) -> None:
        run = self._run
        assert self._judgement is not None
        latency: dict[str, Any] = {}
        load: dict[str, Any] | None = None
        launches = 0
        baseline = None
        for told in (facts, *self._workers):
            baseline = told["baseline"] or baseline
            latency |= told["latency"]
            load = told["load"] or load
            launches += told["launches"]
            self._kept |= told["kept"]
        self._report = write_report(
            run.session,
            self._judgement,
            own,
            latency=latency,
            load=load,
            launches=launches,
            complete=complete,
            baseline=baseline or run.no_comparison(),
            cached_of=run.last["judged_at"] if run.last is not None else None,
        )
        self._keep_result(self._report)
        if run.options.report is not None:
            from sm_conformance.judgement import forms

            document = run.mask.data(dict(run.rules.declaration.document))
            forms.write(self._report, run.folder, declaration=document)

    def _keep_result(self, report: dict[str, Any]) -> None:
        """Keeps the result of a run in which every clause was judged, and nothing else failed."""
        assert self._judgement is not None
        partly = not self._complete or self._deselected or is_part(self._run.config)
        whole = is_whole(self._judgement.findings, self._found.keys())
        if self._run.answers is not None and self._run.last is None and whole and not partly:
            self._run.answers.keep(report)

    # -- telling and cleaning up --------------------------------------------------------------

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        run = self._run
        if run.handed is not None or self._judgement is None or run.config.option.collectonly:
            return
        kept = run.folder if self._keeps_folder() else None
        notes = run.rules.notes
        summary(terminalreporter, self._judgement, self._report, notes=notes, kept=kept)
        if self._kept:
            run_id = getattr(run.session.engine, "run_id", None)
            kept_containers(terminalreporter, self._kept, run_id=str(run_id))
        count_clauses(terminalreporter, self._judgement, finding_of)

    def _keeps_folder(self) -> bool:
        """Evidence of a conformant run that nobody asked for is not kept, nor is none at all."""
        if self._run.options.report is not None:
            return True
        if self._judgement is None or self._judgement.conclusion is Conclusion.CONFORMANT:
            return False
        evidence = self._run.folder / EVIDENCE
        return evidence.is_dir() and any(evidence.iterdir())

    def pytest_unconfigure(self) -> None:
        self._run.close()
        if self._run.handed is None:
            self._say_conclusion()
            # Workers use the folder too, so it goes when they have gone.
            self._run.leave_folder(keep=self._keeps_folder())

    def _say_conclusion(self) -> None:
        """The very last line, below pytest's own."""
        config = self._run.config
        reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        if self._judgement is None or reporter is None:
            return
        if config.option.collectonly:
            reporter.write_line("nothing was judged: tests were only collected")
            return
        line = last_line(
            self._judgement,
            judged=self._found.keys(),
            complete=self._complete,
            others_failed=self._others_failed,
        )
        if self._run.last is not None:
            line += f"; the result of {self._run.last['judged_at']}, not judged again"
        reporter.write_line(f"interrupted: {line}" if self._interrupted else line, bold=True)
