"""The report in a few lines of Markdown, for a pull request or the summary of a pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sm_conformance.judgement.conclusion import Conclusion
from sm_conformance.judgement.finding import Verdict
from sm_conformance.judgement.markdown import code, plain

_MOST_ROWS = 50
_SAID = {
    Conclusion.CONFORMANT: "conformant",
    Conclusion.NONCONFORMANT: "**not conformant**",
    Conclusion.INCONCLUSIVE: "inconclusive",
}

_Finding = Mapping[str, Any]


def render(report: Mapping[str, Any]) -> str:
    """The Markdown of a report that ``report.schema.json`` accepts; ends with a line end.

    What a candidate or a declaration says stands as code: it can neither become a link nor mention
    anybody, nor be taken for a command by a forge.
    """
    return "\n".join(_lines(report)).rstrip("\n") + "\n"


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    findings: Sequence[_Finding] = report["findings"]
    waived = [one for one in findings if one["verdict"] == Verdict.WAIVED]
    said = _SAID[Conclusion(report["conclusion"])]
    with_waivers = f" with {len(waived)} waiver{'s' * (len(waived) != 1)}" if waived else ""
    yield f"### sm-conformance: {said}{with_waivers}"
    yield ""
    for image in report["candidate"]["images"]:
        yield f"- {code(image['reference'])} ({' and '.join(image['roles'])}) {code(image['config_digest'])}"
    counts = ", ".join(
        f"{count} {verdict.value}"
        for verdict in Verdict
        if (count := sum(one["verdict"] == verdict for one in findings))
    )
    yield f"- {counts}; profile {code(report['profile'])}, edition {plain(report['suite']['edition'])}"
    for route, figures in report["latency"].items():
        if not figures["count"]:
            continue
        yield (
            f"- {code(route)}: p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms "
            f"of {figures['count']} requests"
        )
    if "cached" in report:
        yield f"- not judged again: the result of {plain(report['cached']['judged_at'])}"
    if not report["complete"]:
        yield "- the run was interrupted"
    yield ""
    broken = [one for one in findings if one["verdict"] == Verdict.FAIL]
    advice = [one for one in findings if one["verdict"] == Verdict.ADVICE]
    if broken:
        yield from _table("Broken", broken, "actual")
    if report["conclusion"] == Conclusion.INCONCLUSIVE:
        yield "**Not known**"
        yield ""
        yield from (f"- {code(doubt)}" for doubt in report["doubts"][:_MOST_ROWS])
        yield ""
    if waived:
        yield from _table("Waived", waived, "reason")
    if advice:
        yield "<details><summary>Advice</summary>"
        yield ""
        yield from _table("", advice, "actual")
        yield "</details>"


def _table(title: str, findings: Sequence[_Finding], column: str) -> Iterator[str]:
    if title:
        yield f"**{title}**"
        yield ""
    yield "| clause | it demands | seen |"
    yield "|---|---|---|"
    for one in findings[:_MOST_ROWS]:
        key = code(f"{one['clause']} {one['name']}")
        yield f"| {key} | {plain(one['sentence'])} | {code(one[column] or one['reason'] or '')} |"
    if len(findings) > _MOST_ROWS:
        yield f"| … | {len(findings) - _MOST_ROWS} more, in the report | |"
    yield ""
