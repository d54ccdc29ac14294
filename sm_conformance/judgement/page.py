"""The report as one HTML page that needs nothing beside itself.

What is said lies in ``page.html.j2``, how it looks in ``page.css``; here the report is only sorted
into the order of the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from sm_conformance import specs
from sm_conformance.contract import clause
from sm_conformance.contract.clause import Disposition
from sm_conformance.judgement.finding import Verdict
from sm_conformance.judgement.picture import PLOT_PX, in_ms, pictures
from sm_conformance.observed.http import printable

CHAPTERS = {
    "IMG": "Image",
    "TRAIN": "Training",
    "NET": "Isolation",
    "HOST": "Hosting",
    "BATCH": "Batch transform",
    "MME": "Multi-model endpoints",
    "PIPE": "Inference pipelines",
    "PROC": "Processing",
    "MKT": "Marketplace",
}
_UNSETTLED = (Verdict.ERROR, Verdict.NOT_RUN, Verdict.BLOCKED, Verdict.WAIVED)
_Finding = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Group:
    """What several clauses have in common, and those clauses."""

    kind: str
    text: str
    keys: tuple[str, ...]


def render(report: Mapping[str, Any]) -> str:
    """The page for a report that ``specs/schemas/report.schema.json`` accepts.

    Every text of the report is escaped; the same report gives the same page. Where a clause comes
    from is looked up in this edition of the contract; a clause that is not in it has no sources.
    """
    findings = report["findings"]
    by_verdict = {
        verdict.value: [f for f in findings if f["verdict"] == verdict] for verdict in Verdict
    }
    doubts = _doubts(report["doubts"], findings)
    page = _environment().get_template("page.html.j2")
    return page.render(
        report=report,
        by_verdict=by_verdict,
        sources=_sources(findings),
        doubts=doubts,
        unsettled=_unsettled(by_verdict, doubts, on_top=report["conclusion"] == "inconclusive"),
        chapters=_chapters(findings),
        launches=_gathered(
            (f["evidence"], f["scenario"] or "", _key(f)) for f in findings if f["evidence"]
        ),
        unjudged=_unjudged(report["not_judged"]),
        pictures={route: pictures(figures) for route, figures in report["latency"].items()},
        plot_px=PLOT_PX,
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("sm_conformance.judgement", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"code": _code, "anchor": _anchor, "key": _key, "ms": in_ms, "json": json.dumps}
    return made


def _visible(value: object) -> object:
    """Makes hidden and direction-changing characters of a text visible; lines stay lines."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return "\n".join(printable(line) for line in value.split("\n"))


def _code(text: str) -> Markup:
    """The text with its `quoted` parts as code."""
    parts = [escape(_visible(part)) for part in text.split("`")]
    if len(parts) % 2 == 0:
        parts[-2:] = [Markup("`").join(parts[-2:])]
    return Markup().join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )


def _key(finding: _Finding) -> str:
    return f"{finding['clause']} {finding['name']}"


def _anchor(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", key)


def _sources(findings: Sequence[_Finding]) -> dict[str, list[tuple[str, str]]]:
    """For each clause what it cites and the title of that; nothing for an unknown clause."""
    titles = {key: it["title"] for key, it in specs.read_yaml("sources.yaml")["sources"].items()}
    cited = {rule.key: rule.sources for rule in clause.load().clauses}
    return {
        _key(finding): [
            (source, titles.get(source.partition(" ")[0], "a public issue on GitHub"))
            for source in cited.get(_key(finding), ())
        ]
        for finding in findings
    }


def _gathered(rows: Iterable[tuple[str, str, str]]) -> list[_Group]:
    """One group for each kind and text, in the order in which they come."""
    groups: dict[tuple[str, str], list[str]] = {}
    for kind, text, key in rows:
        groups.setdefault((kind, text), []).append(key)
    return [_Group(kind, text, tuple(keys)) for (kind, text), keys in groups.items()]


def _doubts(doubts: Sequence[str], findings: Sequence[_Finding]) -> list[_Group]:
    """The doubts, those that differ only in their clause together; kind "" has no clause."""
    of_clause = {}
    for finding in findings:
        key, verdict, reason = _key(finding), finding["verdict"], finding["reason"] or "waived"
        of_clause[f"{key} is {verdict}: {reason}"] = (verdict, reason, key)
    return _gathered(of_clause.get(doubt, ("", doubt, "")) for doubt in doubts)


def _unsettled(
    by_verdict: Mapping[str, Sequence[_Finding]], doubts: Sequence[_Group], *, on_top: bool
) -> list[_Group]:
    """What was not judged; doubts that the top of the page shows are not said again."""
    said = {key for doubt in doubts for key in doubt.keys} if on_top else set()
    rows = [
        (verdict.value, f["reason"] or "No reason was given.", _key(f))
        for verdict in _UNSETTLED
        for f in by_verdict[verdict]
        if _key(f) not in said
    ]
    loose = [] if on_top else [doubt for doubt in doubts if not doubt.kind]
    return _gathered(rows) + loose


def _chapters(findings: Sequence[_Finding]) -> list[tuple[str, list[_Finding]]]:
    chapters: dict[str, list[_Finding]] = {prefix: [] for prefix in CHAPTERS}
    for finding in findings:
        chapters.setdefault(finding["clause"].partition("-")[0], []).append(finding)
    return [(CHAPTERS.get(prefix, prefix), held) for prefix, held in chapters.items() if held]


def _unjudged(rules: Sequence[Mapping[str, str]]) -> list[tuple[str, list[_Group]]]:
    """For each disposition the reasons, with the rules that share one."""
    return [
        (
            disposition.value,
            _gathered(
                ("", rule["because"], _key(rule))
                for rule in rules
                if rule["disposition"] == disposition
            ),
        )
        for disposition in Disposition
        if any(rule["disposition"] == disposition for rule in rules)
    ]
