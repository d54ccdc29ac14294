"""The owner's own bounds of latency, at the declared rate where there is one."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.outcome import Broken, NotApplicable, NotRun
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed import signatures, timing
from sm_conformance.observed.latency import CONFIDENCE, Summary
from sm_conformance.observed.paced import Paced
from sm_conformance.observed.run import Server, Stage


@clause("HOST-004", "ping-bound", given="serve-plain")
def test_ping_bound(server: Server, bench: Bench, limits: Limits) -> None:
    """The 99th percentile of ping times stays within the declared bound."""
    bound_ms = bench.candidate.declaration.latency.ping_p99_ms
    _hold(server, "/ping", bench, limits, bound_ms=bound_ms)


@clause("HOST-010", "invocation-bound", given="serve-plain", needs=Stage.ANSWERED)
def test_invocation_bound(server: Server, bench: Bench, limits: Limits) -> None:
    """The 99th percentile of invocation times stays within the declared bound."""
    bound_ms = bench.candidate.declaration.latency.invocation_p99_ms
    _hold(server, "/invocations", bench, limits, bound_ms=bound_ms)


def _hold(
    server: Server, route: str, bench: Bench, limits: Limits, *, bound_ms: float | None
) -> None:
    """Holds what was measured against the bound; above it in one launch alone is no breach."""
    if bound_ms is None:
        raise NotApplicable("no bound is declared")
    rate_per_s = bench.candidate.declaration.latency.rate_per_s
    seen = timing.as_bounded(server, route)
    if seen is None or seen.count == 0 or (rate_per_s is not None and route not in server.paced):
        raise NotRun("nothing could be measured")
    over = timing.breaks(server, route, bound_ms)
    if not over or (server.again is not None and not timing.breaks(server.again, route, bound_ms)):
        if seen.failures and rate_per_s is None:
            raise NotRun(
                f"{seen.failures} of {seen.count} requests failed, one after another without a pause, "
                "and say nothing of times; declare a rate that is served: `latency: {rate_per_s: …}`"
            )
        return
    for one in (server, server.again):
        load = one.paced.get(route) if one is not None else None
        if load is not None and _is_ours(load, bound_ms, limits):
            raise NotRun(
                f"the harness itself was late: 1 in 100 requests went out {load.late.p99_ms:.1f} ms "
                f"or more after it was due, which may be why p99 is {load.times.p99_ms:.1f} ms; "
                "judge on a machine with less to do, or at a lower rate (`latency: {rate_per_s: …}`)"
            )
    raise Broken(
        expected=f"p99 at most {bound_ms:g} ms{_at(rate_per_s)}",
        actual=_told(server, route, seen, rate_per_s),
    )


def _is_ours(load: Paced, bound_ms: float, limits: Limits) -> bool:
    return timing.was_late(
        load, bound_ms=bound_ms, most_ms=limits.load_late_ms, percent=limits.load_late_percent
    )


def _told(server: Server, route: str, seen: Summary, rate_per_s: float | None) -> str:
    failed = f", {seen.failures} failed" if seen.failures else ""
    parts = [
        f"p99 {seen.p99_ms:.2f} ms of {seen.count} requests{_at(rate_per_s)}{failed}, in two launches"
    ]
    low_ms, high_ms = seen.p99_between_ms
    if seen.p99_is_max:
        parts.append("fewer than 100 samples, so the maximum stands for p99")
    elif low_ms is not None:
        upper = (
            f"and {high_ms:.2f} ms" if high_ms is not None else "and what more samples would show"
        )
        parts.append(f"{CONFIDENCE:.0%} sure: it lies between {low_ms:.2f} {upper}")
    return " ".join([f"{'; '.join(parts)}.", *signatures.of_route(server, route)])


def _at(rate_per_s: float | None) -> str:
    return "" if rate_per_s is None else f" at {rate_per_s:g} a second, waiting included"
