"""What a run shows on the terminal: what is going, and at the end what follows."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.contract.limits import Limits
from sm_conformance.inputs.scenario import load
from sm_conformance.judgement.conclusion import Conclusion, Judgement
from sm_conformance.judgement.finding import Finding, Verdict
from sm_conformance.judgement.shadow import lines
from sm_conformance.pytest_run.latency_lines import latency_lines
from sm_conformance.run_folder import EVIDENCE, NEWEST

_MOST_LINES = 40


class Progress:
    """Says behind the current line which scenarios are going and how long each may take.

    Only on a terminal, and gone without a trace when the wait is over.
    """

    def __init__(self, config: pytest.Config, limits: Limits) -> None:
        self._reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
        self._capture: Any = config.pluginmanager.get_plugin("capturemanager")
        self._limits = limits

    def show(self, going: Mapping[str, float]) -> None:
        """Writes what is going over what stood there before."""
        parts = [
            f"{name} {seconds:.0f} s of at most {self._most(name):.0f}"
            for name, seconds in going.items()
        ]
        self._behind("; ".join(parts))

    def say(self, text: str) -> None:
        """Writes ``text`` over what stood there before."""
        self._behind(text)

    def clear(self) -> None:
        """Takes the note away."""
        self._behind("")

    def _behind(self, text: str) -> None:
        """Writes behind the cursor, clears the rest of the line and puts the cursor back."""
        if self._reporter is None or not self._reporter.isatty:
            return
        writer = self._reporter._tw
        with self._capture.global_and_fixture_disabled():
            # While output is captured, the width is that of no terminal.
            room = shutil.get_terminal_size().columns - int(writer.width_of_current_line) - 2
            writer._file.write(f"\x1b7 {text[: max(0, room)]}\x1b[K\x1b8")
            writer._file.flush()

    def _most(self, name: str) -> float:
        limits = self._limits
        if load(name).kind == "serve":
            return limits.startup_limit_s + limits.startup_grace_s
        if "stop" in load(name).steps:
            return limits.progress_patience_s + limits.training_stop_limit_s
        return limits.training_patience_s


def summary(
    reporter: Any,
    judgement: Judgement,
    report: Mapping[str, Any] | None,
    *,
    notes: Iterable[str],
    kept: Path | None,
) -> None:
    """The end of a run: advice, what was not judged, latency, who was judged, what is left.

    ``notes`` say what of the requests to AWS was not taken over; ``kept`` is the folder of the
    report or of the evidence, None when nothing is kept.
    """
    reporter.write_sep("=", "sm-conformance")
    if report is not None and "cached" in report:
        when = report["cached"]["judged_at"]
        reporter.write_line(
            f"cached: nothing was launched; the same was judged at {when}, and its evidence is not here"
        )
    for note in notes:
        reporter.write_line(f"note: {note}")
    _list(reporter, "advice", _with(judgement, Verdict.ADVICE), lambda f: f.actual)
    _list(reporter, "waived", _with(judgement, Verdict.WAIVED), lambda f: f.reason)
    _list(reporter, "blocked", _with(judgement, Verdict.BLOCKED), lambda f: f.reason)
    _list(reporter, "not run", _with(judgement, Verdict.NOT_RUN), lambda f: f.reason)
    _list(reporter, "error", _with(judgement, Verdict.ERROR), lambda f: f.reason)
    if report is not None:
        for route, figures in report["latency"].items():
            for line in latency_lines(route, figures):
                reporter.write_line(line)
        if report["load"]:
            reporter.write_line(f"load: {_load(report['load'])}")
        for line in lines(report["baseline"]) if "baseline" in report else ():
            reporter.write_line(line)
        for image in report["candidate"]["images"]:
            roles = " and ".join(image["roles"])
            reporter.write_line(f"judged {image['reference']} ({roles})  {image['config_digest']}")
    if kept is not None and (kept / "report.html").exists():
        reporter.write_line(f"report: {kept / 'report.html'}")
    elif kept is not None:
        reporter.write_line(f"evidence: {kept / EVIDENCE}")
        reporter.write_line(f"the newest {NEWEST} such folders are kept, older ones are removed")


def count_clauses(
    reporter: Any, judgement: Judgement, finding_of: Callable[[Any], Finding | None]
) -> None:
    """Makes pytest's own last line count each clause once, whatever number of tests judged it.

    Of several tests the one that gave the clause its verdict counts, so both last lines agree.
    Where tests and clauses differ in number, a line says so.
    """
    verdicts = {finding.key: finding.verdict for finding in judgement.findings}
    tests: set[str] = set()
    counted: set[str] = set()
    for category, reports in reporter.stats.items():
        counting = []
        for report in reports:
            finding = finding_of(report)
            if finding is not None:
                tests.add(report.nodeid)
                decides = finding.verdict == verdicts.get(finding.key, finding.verdict)
                if finding.key in counted or not decides:
                    continue
                counted.add(finding.key)
            counting.append(report)
        reporter.stats[category] = counting
    if len(tests) > len(counted):
        clauses = "1 clause" if len(counted) == 1 else f"{len(counted)} clauses"
        reporter.write_line(
            f"counted: {len(tests)} tests judged {clauses}; each clause counts once"
        )


def kept_containers(reporter: Any, kept: Mapping[str, str], *, run_id: str) -> None:
    """The containers that ``--sm-keep`` left, by launch, and how to be rid of them."""
    from sm_conformance.engine.ownership import RUN_LABEL  # with the engine's library, so not above

    for launch, name in sorted(kept.items()):
        reporter.write_line(f"kept: the stopped container of {launch}: {name}")
    label = f"label={RUN_LABEL}={run_id}"
    reporter.write_line(
        f"remove them: docker rm -f $(docker ps -aq --filter {label}); "
        f"docker volume rm $(docker volume ls -q --filter {label})"
    )


def _with(judgement: Judgement, verdict: Verdict) -> list[Finding]:
    return [finding for finding in judgement.findings if finding.verdict == verdict]


def _list(reporter: Any, title: str, findings: list[Finding], text: Any) -> None:
    """One line each; equal reasons once, with the clauses that share it."""
    by_text: dict[str, list[str]] = {}
    for finding in findings:
        by_text.setdefault(text(finding) or "", []).append(finding.key)
    for said, keys in list(by_text.items())[:_MOST_LINES]:
        named = ", ".join(keys[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")
        reporter.write_line(f"{title}: {named}: {said}")


def _load(figures: Mapping[str, Any]) -> str:
    connect = figures["slowest_connect_ms"]
    swapped = f", {figures['swapped']} with another's answer" if figures["swapped"] else ""
    sick = f" ({figures['pings_failed']} of {figures['pings']} failed)" * (
        figures["pings_failed"] > 0
    )
    return (
        f"{figures['callers']} callers, {figures['requests']} requests in {figures['seconds']:.2f} s "
        f"({figures['per_second']:.0f} a second), {figures['failed']} failed{swapped}; slowest "
        f"{figures['slowest_ms']:.0f} ms, ping {figures['slowest_ping_ms']:.0f} ms{sick}"
        + (f", connection {connect:.0f} ms" if connect is not None else "")
    )


def last_line(
    judgement: Judgement, *, judged: Collection[str], complete: bool, others_failed: bool
) -> str:
    """The conclusion in one line, counted in clauses: the last thing that a user reads.

    ``judged`` are the keys of the clauses whose tests ran, ``complete`` says that no selected test
    was left out.
    """
    numbers = Counter(
        finding.verdict
        for finding in judgement.findings
        # What binds other images has no test, and is no news.
        if finding.verdict != Verdict.NOT_APPLICABLE or finding.key in judged
    )
    counted = ", ".join(f"{numbers[one]} {one.value}" for one in Verdict if numbers[one])
    waived = judgement.count(Verdict.WAIVED)
    excused = f" with {waived} waiver{'' if waived == 1 else 's'}" if waived else ""
    said = f"{judgement.conclusion.value}{excused} ({counted})"
    if judgement.conclusion is Conclusion.INCONCLUSIVE:
        if complete and _all_passed(judgement, judged):
            left = judgement.count(Verdict.NOT_RUN)
            rest = f"; {left} not run" if left else ""
            said = f"inconclusive: all selected clauses passed{rest} ({counted})"
        if judgement.doubts:
            said += f"; first doubt: {judgement.doubts[0]}"
    return f"{said}; other tests of this session failed" if others_failed else said


def _all_passed(judgement: Judgement, judged: Collection[str]) -> bool:
    """Whether the clauses whose tests ran passed, as far as they apply; not when there are none."""
    verdicts = {finding.verdict for finding in judgement.findings if finding.key in judged}
    return Verdict.PASS in verdicts <= {Verdict.PASS, Verdict.NOT_APPLICABLE}
