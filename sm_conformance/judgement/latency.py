"""The latency of a server as the report has it."""

from __future__ import annotations

from typing import Any

from sm_conformance.declaration.values import LatencyBounds
from sm_conformance.observed import signatures, timing
from sm_conformance.observed.floor import DIFFERS
from sm_conformance.observed.latency import Summary
from sm_conformance.observed.paced import Paced
from sm_conformance.observed.run import Server


def figures(server: Server, bounds: LatencyBounds) -> dict[str, dict[str, Any]]:
    """The measured routes, valid against the report's schema; empty when nothing was measured."""
    connects = [took for took in server.connects_ms if took is not None]
    slowest = round(max(connects), 3) if connects else None
    of_bounds = {"/ping": bounds.ping_p99_ms, "/invocations": bounds.invocation_p99_ms}
    return {
        route: {
            **summary.as_report(),
            "first_ms": _rounded(timing.first_ms(server, route)),
            "bound_ms": bound_ms,
            "connect_ms": slowest,
            "floor": _floor(server.floors.get(route)),
            "at_rate": _at_rate(server.paced.get(route), server.paced_floors.get(route)),
            "signs": signatures.of_route(server, route),
            "samples_ms": _samples(summary),
        }
        for route, bound_ms in of_bounds.items()
        if (summary := timing.one_after_another(server, route)) is not None and summary.count
    }


def _at_rate(load: Paced | None, floor: Summary | None) -> dict[str, Any] | None:
    if load is None:
        return None
    return {
        "rate_per_s": load.rate_per_s,
        **load.times.as_report(),
        "most_under_way": load.most_under_way,
        "harness_late_p99_ms": _rounded(load.late.p99_ms),
        "harness_late_max_ms": _rounded(load.late.max_ms),
        "floor": _floor(floor),
        "samples_ms": _samples(load.times),
    }


def _floor(summary: Summary | None) -> dict[str, Any] | None:
    return None if summary is None else {**summary.as_report(), "measured": DIFFERS}


def _samples(summary: Summary) -> list[float]:
    return [round(sample, 3) for sample in summary.samples_ms]


def _rounded(time_ms: float | None) -> float | None:
    return None if time_ms is None else round(time_ms, 3)
