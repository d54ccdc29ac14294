"""What the terminal shows of a route's times, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sm_conformance.observed.latency import CONFIDENCE


def latency_lines(route: str, figures: Mapping[str, Any]) -> Iterator[str]:
    """The lines for one entry of ``latency`` of the report."""
    first_ms = figures.get("first_ms")
    first = "" if first_ms is None else f"; the first of all {first_ms:.2f} ms"
    yield f"latency {route}: {_times(figures)}{first}{_floor(figures)}"
    load = figures.get("at_rate")
    if load is not None:
        late = (
            f"; 1 in 100 went out {load['harness_late_p99_ms']:.2f} ms late or more, for the "
            "harness's own fault"
        )
        yield f"latency {route} at {load['rate_per_s']:g} a second: {_times(load)}{late}{_floor(load)}"
    for sign in figures.get("signs", ()):
        yield f"latency {route}: {sign}"


def _times(figures: Mapping[str, Any]) -> str:
    failed = f", {figures['failures']} failed" if figures.get("failures") else ""
    return (
        f"{figures['count']} requests, p50 {figures['p50_ms']:.2f} ms, p90 {figures['p90_ms']:.2f} ms, "
        f"p99 {figures['p99_ms']:.2f} ms{_sure(figures)}, max {figures['max_ms']:.2f} ms{failed}"
    )


def _sure(figures: Mapping[str, Any]) -> str:
    """How sure the 99th percentile is, as far as so many samples can say."""
    if figures.get("p99_is_max"):
        return " (the maximum stands for p99)"
    low_ms, high_ms = figures.get("p99_low_ms"), figures.get("p99_high_ms")
    if low_ms is None:
        return ""
    if high_ms is None:
        return f" ({CONFIDENCE:.0%} sure: no less than {low_ms:.2f})"
    return f" ({CONFIDENCE:.0%} sure: {low_ms:.2f} to {high_ms:.2f})"


def _floor(figures: Mapping[str, Any]) -> str:
    floor = figures.get("floor")
    if floor is None:
        return ""
    return (
        f"; floor (an echo server here) p50 {floor['p50_ms']:.2f} ms, p99 {floor['p99_ms']:.2f} ms"
    )
