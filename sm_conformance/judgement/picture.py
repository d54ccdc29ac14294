"""Times of requests as a picture: a histogram, how many were over by then, and marks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PLOT_PX = 110
_BINS = 60
_LEAST_BAR_PX = 2
# The curve has no more points than this.
_POINTS = 200
# Where half of the times lie in this part of a linear axis, a logarithmic one shows them apart.
_SQUEEZED = 1 / 20
# Times in a report are rounded to a microsecond, so nothing smaller can be told from it.
_LEAST_MS = 0.001


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a histogram: across in percent of the width, height in pixels."""

    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the axis in percent of the width, and what is written there."""

    x: float
    label: str
    kind: str = "tick"


@dataclass(frozen=True, slots=True)
class Picture:
    """A histogram of times; ``most`` is the number of requests in the highest bar.

    ``curve`` has the share of requests that were over by then: across in percent, down from the top
    in pixels. ``sure`` is from where to where the true p99 lies, in percent; None where that is not
    known on both sides.
    """

    bars: tuple[Bar, ...]
    curve: tuple[tuple[float, float], ...]
    ticks: tuple[Mark, ...]
    marks: tuple[Mark, ...]
    sure: tuple[float, float] | None
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


def in_ms(time_ms: float) -> str:
    """A time with three or more digits that matter and its unit."""
    digits = 0 if time_ms >= 100 else 1 if time_ms >= 10 else 2 if time_ms >= 1 else 3
    return f"{time_ms:,.{digits}f} ms"


def pictures(figures: Mapping[str, Any]) -> dict[str, Picture | None]:
    """The pictures of a route: ``alone`` and ``load``; None where there are no single times.

    The bound stands where it is judged: at the declared rate, where there is one.
    """
    load = figures.get("at_rate")
    bound_ms = figures.get("bound_ms")
    return {
        "alone": _picture(figures, bound_ms=bound_ms if load is None else None),
        "at_rate": None if load is None else _picture(load, bound_ms=bound_ms),
    }


def _picture(figures: Mapping[str, Any], *, bound_ms: float | None) -> Picture | None:
    samples: Sequence[float] = figures.get("samples_ms", ())
    if not samples:
        return None
    floor = figures.get("floor") or {}
    axis = _axis(samples, farthest=max(*samples, figures["max_ms"], bound_ms or 0.0))
    counts = [0] * _BINS
    for sample in samples:
        counts[int(axis.x(sample) / 100 * _BINS)] += 1
    most = max(counts)
    width = round(100 / _BINS, 2)
    named = [("p50", "p50_ms"), ("p90", "p90_ms"), ("p99", "p99_ms"), ("maximum", "max_ms")]
    if figures.get("p99_is_max"):
        named[2:] = [("maximum, stands for p99", "max_ms")]
    marks = [Mark(axis.x(figures[f]), f"{name} {in_ms(figures[f])}", "share") for name, f in named]
    if floor:
        at = floor["p50_ms"]
        marks.insert(0, Mark(axis.x(at), f"floor (p50 of an echo server) {in_ms(at)}", "floor"))
    if bound_ms is not None:
        marks.append(Mark(axis.x(bound_ms), f"bound of p99 {in_ms(bound_ms)}", "bound"))
    low_ms, high_ms = figures.get("p99_low_ms"), figures.get("p99_high_ms")
    return Picture(
        bars=tuple(
            Bar(round(at * 100 / _BINS, 2), width, max(_LEAST_BAR_PX, PLOT_PX * n // most))
            for at, n in enumerate(counts)
            if n
        ),
        curve=_curve(samples, axis),
        ticks=tuple(Mark(axis.x(time), f"{time:,g}") for time in axis.ticks()),
        marks=tuple(marks),
        sure=None if low_ms is None or high_ms is None else (axis.x(low_ms), axis.x(high_ms)),
        most=most,
        logarithmic=axis.logarithmic,
    )


def _curve(samples: Sequence[float], axis: _Axis) -> tuple[tuple[float, float], ...]:
    """The steps of the share that was over by then, of very many some."""
    ordered = sorted(samples)
    every = max(1, len(ordered) // _POINTS)
    ranks = sorted({*range(0, len(ordered), every), len(ordered) - 1})
    points = [(axis.x(ordered[0]), float(PLOT_PX))]
    for rank in ranks:
        x = axis.x(ordered[rank])
        points.append((x, points[-1][1]))
        points.append((x, round(PLOT_PX * (1 - (rank + 1) / len(ordered)), 2)))
    return tuple(points)


def _axis(samples: Sequence[float], *, farthest: float) -> _Axis:
    middle = max(sorted(samples)[(len(samples) - 1) // 2], _LEAST_MS)
    # A little air on the right keeps the farthest time off the end of the axis.
    high = max(farthest, _LEAST_MS) * 1.04
    if middle < high * _SQUEEZED:
        return _Axis(low=max(min(samples), _LEAST_MS) / 1.04, high=high, logarithmic=True)
    return _Axis(low=0.0, high=high, logarithmic=False)
