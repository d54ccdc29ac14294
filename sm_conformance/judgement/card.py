"""The card of a broken clause: what a user reads instead of a traceback."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from sm_conformance.judgement.finding import Finding, Verdict

_WIDTH = 100
_INDENT = " " * 14
_CONSEQUENCES = {
    "refused": "the platform refuses it",
    "fails": "the job, the endpoint or ordinary requests fail",
    "loses": "it works, but something is lost",
    "none": "nothing today",
}


def card(finding: Finding) -> str:
    """The whole card of a finding, ready for a terminal."""
    return "\n".join(_lines(finding))


def _lines(finding: Finding) -> Iterator[str]:
    promise = ", a promise" if finding.promise else ""
    yield f"{finding.key}  {finding.level}{promise}  ({_CONSEQUENCES[finding.consequence]})"
    yield from _field("required", finding.sentence)
    if finding.reason:
        yield from _field("reason", finding.reason)
    if finding.actual:
        yield from _field("seen", finding.actual)
    if finding.expected:
        yield from _field("expected", finding.expected)
    if finding.verdict in (Verdict.FAIL, Verdict.ADVICE):
        yield from _field("if shipped", finding.matters)
    if finding.fix:
        yield from _field("how to fix", finding.fix)
    if finding.scenario:
        yield from _field("scenario", finding.scenario)
    if finding.evidence:
        yield from _field("evidence", finding.evidence)
    if finding.repeat:
        yield "  repeat      in the folder that holds evidence/:"
        for line in finding.repeat.splitlines():
            yield f"{_INDENT}{line}"
    if finding.log:
        yield "  last log lines:"
        for line in finding.log:
            yield f"{_INDENT}{line}"


def _field(name: str, text: str) -> Iterator[str]:
    first, *rest = textwrap.wrap(
        text, _WIDTH - len(_INDENT), break_long_words=False, break_on_hyphens=False
    ) or [""]
    yield f"  {name:<12}{first}"
    for line in rest:
        yield f"{_INDENT}{line}"
