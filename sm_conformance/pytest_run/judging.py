"""How a clause is judged: launch, observation, outcome, finding, and what pytest is told of it."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

from sm_conformance.binding import Binding, binding_of
from sm_conformance.errors import HarnessTrouble, Unknowable
from sm_conformance.judgement import finding as findings
from sm_conformance.judgement.attributed import attributed
from sm_conformance.judgement.card import card
from sm_conformance.judgement.finding import Finding, Sight, Verdict
from sm_conformance.judgement.outcome import NotApplicable, Outcome
from sm_conformance.judgement.waivers import waived
from sm_conformance.observed.run import Cause
from sm_conformance.pytest_run.answering import finding_in
from sm_conformance.pytest_run.run import SUITE, PytestRun

_FINDING = "sm_conformance_finding"
_TOLD_BY_THEIR_NAME = (Verdict.WAIVED, Verdict.BLOCKED, Verdict.NOT_RUN, Verdict.NOT_APPLICABLE)


def finding_of(report: Any) -> Finding | None:
    """The finding that a report of pytest's carries, also from another process; None without one."""
    data = getattr(report, _FINDING, None)
    return None if data is None else Finding.from_dict(data)


class Judging:
    """The plugin that makes a finding of each test of a clause."""

    def __init__(self, run: PytestRun) -> None:
        self._run = run
        self._prefetched = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Starts the launches that the selection needs, ahead of need, before its first clause.

        Not earlier: of several workers only the one that is given the clauses shall launch.
        """
        nothing_to_do = self._prefetched or self._run.last is not None
        if _binding(item) is not None and not nothing_to_do:
            self._prefetched = True
            given = [name for other in item.session.items if (name := self._given(other))]
            self._run.session.lab.prefetch(dict.fromkeys(given))
            self._run.compare()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Waits for what no clause waits for, while Ctrl-C is still heard."""
        ended = yield
        self._run.await_comparison()
        return ended

    def _given(self, item: pytest.Item) -> str | None:
        """The scenario that a test looks at; None where there is none, or none that is claimed."""
        binding = _binding(item)
        if binding is None or not binding.given:
            return None
        params: dict[str, str] = item.callspec.params if hasattr(item, "callspec") else {}
        name = params.get("given", binding.given[0])
        return name if self._run.claimed(name) else None

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> None:
        """Says what an observation means for a clause before the clause looks at it."""
        binding, given = _binding(pyfuncitem), self._given(pyfuncitem)
        if binding is None or not binding.given:
            return
        if given is None:
            jobs = " or ".join(dict.fromkeys(map(self._run.job, binding.given)))
            raise NotApplicable(f"the image does not claim {jobs}")
        observed = self._run.observation(given)
        cause = observed if observed is None or isinstance(observed, Cause) else observed.cause
        outcome = attributed(self._run.rules.contract, binding.key, binding.needs, cause)
        if outcome is not None:
            raise outcome

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        binding, told = _binding(item), call.excinfo
        if binding is not None and told is not None and isinstance(told.value, Outcome):
            # Where in a clause it was said is never shown, and pytest would parse the source for it.
            unseen = pytest.fail.Exception(pytrace=False).with_traceback(told.tb)
            call.excinfo = pytest.ExceptionInfo.from_exception(unseen)
        report = yield
        call.excinfo = told
        if binding is None or (call.when != "call" and call.excinfo is None):
            return report
        # From here on it is printed, written and sent to other processes.
        finding = self._finding(item, binding, call).hidden(self._run.mask)
        setattr(report, _FINDING, finding.as_dict())
        _dress(report, finding)
        if (
            finding.verdict == Verdict.ERROR
            and call.excinfo is not None
            and isinstance(call.excinfo.value, HarnessTrouble)
        ):
            # It happened in a launch, far from this clause: where it was raised tells nothing.
            report.longrepr = f"{finding.key}: {finding.reason}"
        return report

    def _finding(self, item: pytest.Item, binding: Binding, call: pytest.CallInfo[None]) -> Finding:
        if self._run.last is not None:
            return finding_in(self._run.last, binding.key)
        rules = self._run.rules
        clause = rules.contract.clause(binding.key)
        error = call.excinfo.value if call.excinfo else None
        if error is None or isinstance(error, Outcome):
            judged = findings.judge(clause, rules.profile, error, self._sight(self._given(item)))
            return waived(judged, rules.declaration.waivers)
        if isinstance(error, Unknowable):
            return waived(findings.not_run(clause, str(error)), rules.declaration.waivers)
        if isinstance(error, HarnessTrouble | pytest.exit.Exception | KeyboardInterrupt):
            return findings.error(clause, str(error) or "interrupted")
        return findings.error(clause, f"the harness is at fault: {type(error).__name__}: {error}")

    def _sight(self, given: str | None) -> Sight:
        if given is None:
            return Sight()
        observed = self._run.session.lab.observe(given)
        if isinstance(observed, Cause):
            return Sight(scenario=given)
        return Sight(
            scenario=given,
            repeat=observed.repeat,
            evidence=f"evidence/{observed.evidence.name}",
            log=observed.logs.tail(),
        )

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        finding = finding_of(report)
        if finding is None:
            return None
        verdict = finding.verdict
        if verdict == Verdict.ADVICE:
            return "advice", "a", "ADVICE"
        if verdict == Verdict.ERROR:  # also where it shows in a test's body: the image did not fail
            return "error", "E", "ERROR"
        if verdict in _TOLD_BY_THEIR_NAME:
            return verdict, verdict[0], verdict.upper()
        return None


def _binding(item: pytest.Item) -> Binding | None:
    return binding_of(getattr(item, "function", None))


def _dress(report: pytest.TestReport, finding: Finding) -> None:
    """Gives pytest's own reporters what they need: outcome, card, reason."""
    where = (str(SUITE), 0)
    match Verdict(finding.verdict):
        case Verdict.FAIL:
            report.outcome = "failed"
            # pytest would print the whole card as one line where one character cannot be shown.
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            shown = card(finding).encode(encoding, "backslashreplace")
            report.longrepr = shown.decode(encoding)
        case Verdict.ADVICE:
            report.outcome = "skipped"
            report.longrepr = (*where, f"ADVICE {finding.key}: {finding.actual}")
        case Verdict.WAIVED | Verdict.BLOCKED | Verdict.NOT_RUN | Verdict.NOT_APPLICABLE:
            report.outcome = "skipped"
            report.longrepr = (*where, f"{finding.verdict}: {finding.reason}")
        case Verdict.ERROR:
            # One line: a traceback of the harness helps nobody who judges an image.
            report.longrepr = f"{finding.key}: error: {finding.reason}"
        case _:
            return
