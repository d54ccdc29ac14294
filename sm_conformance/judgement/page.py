"""The report as one HTML page that needs nothing beside itself.

What is said lies in ``page.html.j2``, how it looks in ``page.css``; here the report is only sorted
into the order of the page.
"""

from __future__ import annotations

import json
import math
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
_BINS = 60
_PLOT_PX = 110
_LEAST_BAR_PX = 2
# Where half of the times lie in this part of a linear axis, a logarithmic one shows them apart.
_SQUEEZED = 1 / 20
# Times in a report are rounded to a microsecond, so nothing smaller can be told from it.
_LEAST_MS = 0.001

_Finding = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Group:
    """What several clauses have in common, and those clauses."""

    kind: str
    text: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Bar:
    """One bar of a histogram: across in percent of the width, height in pixels."""

    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place on the axis in percent of the width, and what is written there."""

    x: float
    label: str
    kind: str = "tick"


@dataclass(frozen=True, slots=True)
class _Picture:
    """A histogram of times; ``most`` is the number of requests in the highest bar."""

    bars: tuple[_Bar, ...]
    ticks: tuple[_Mark, ...]
    marks: tuple[_Mark, ...]
    most: int
    logarithmic: bool


@dataclass(frozen=True, slots=True)
class _Axis:
    """Times in milliseconds laid out from left (0 percent) to right (100 percent)."""

    low: float
    high: float
    logarithmic: bool

    def x(self, time_ms: float) -> float:
        """Where a time lies, in percent; times beyond an end lie on it."""
        if self.logarithmic:
            whole = math.log(self.high / self.low)
            share = math.log(max(time_ms, self.low) / self.low) / whole
        else:
            share = (time_ms - self.low) / (self.high - self.low)
        return round(100 * min(1.0, max(0.0, share)), 2)

    def ticks(self) -> list[float]:
        """Round times on the axis."""
        if not self.logarithmic:
            size = 10.0 ** math.floor(math.log10(self.high / 6))
            step = next(size * n for n in (1, 2, 5, 10) if size * n >= self.high / 6)
            return [step * n for n in range(math.floor(self.high / step) + 1)]
        lowest, highest = math.log10(self.low), math.log10(self.high)
        steps = (1, 2, 5) if highest - lowest <= 3 else (1,)
        decades = range(math.floor(lowest), math.ceil(highest) + 1)
        times = [n * 10.0**decade for decade in decades for n in steps]
        return [time for time in times if self.low <= time <= self.high]


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
        pictures={route: _picture(figures) for route, figures in report["latency"].items()},
        plot_px=_PLOT_PX,
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
    made.filters |= {"code": _code, "anchor": _anchor, "key": _key, "ms": _ms, "json": json.dumps}
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


def _ms(time_ms: float) -> str:
    """A time with three or more digits that matter and its unit."""
    digits = 0 if time_ms >= 100 else 1 if time_ms >= 10 else 2 if time_ms >= 1 else 3
    return f"{time_ms:,.{digits}f} ms"


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


def _picture(figures: Mapping[str, Any]) -> _Picture | None:
    """The histogram of a route; None without samples."""
    samples: Sequence[float] = figures.get("samples_ms", ())
    if not samples:
        return None
    bound = figures.get("bound_ms")
    axis = _axis(samples, farthest=max(*samples, figures["max_ms"], bound or 0.0))
    counts = [0] * _BINS
    for sample in samples:
        counts[int(axis.x(sample) / 100 * _BINS)] += 1
    most = max(counts)
    width = round(100 / _BINS, 2)
    named = [("p50", "p50_ms"), ("p90", "p90_ms"), ("p99", "p99_ms"), ("maximum", "max_ms")]
    if figures.get("p99_is_max"):
        named[2:] = [("maximum, stands for p99", "max_ms")]
    marks = [_Mark(axis.x(figures[f]), f"{name} {_ms(figures[f])}", "share") for name, f in named]
    if bound is not None:
        marks.append(_Mark(axis.x(bound), f"bound of p99 {_ms(bound)}", "bound"))
    return _Picture(
        bars=tuple(
            _Bar(round(at * 100 / _BINS, 2), width, max(_LEAST_BAR_PX, _PLOT_PX * n // most))
            for at, n in enumerate(counts)
            if n
        ),
        ticks=tuple(_Mark(axis.x(time), f"{time:,g}") for time in axis.ticks()),
        marks=tuple(marks),
        most=most,
        logarithmic=axis.logarithmic,
    )


def _axis(samples: Sequence[float], *, farthest: float) -> _Axis:
    middle = max(sorted(samples)[(len(samples) - 1) // 2], _LEAST_MS)
    # A little air on the right keeps the farthest time off the end of the axis.
    high = max(farthest, _LEAST_MS) * 1.04
    if middle < high * _SQUEEZED:
        return _Axis(low=max(min(samples), _LEAST_MS) / 1.04, high=high, logarithmic=True)
    return _Axis(low=0.0, high=high, logarithmic=False)
