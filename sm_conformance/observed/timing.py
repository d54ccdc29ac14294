"""Reads timings off a server: each question once, for the clause and for measuring again."""

from __future__ import annotations

from collections.abc import Iterable

from sm_conformance.observed.latency import Summary
from sm_conformance.observed.paced import Paced
from sm_conformance.observed.run import Server

# Fewer failures than this share of good requests are told and not judged.
_FAILING_SHARE = 0.05
# A machine that delays the harness delays a server too, and no more than a few times as long.
_MANY_TIMES = 5


def late(server: Server) -> bool:
    """Whether the first 200 came after the start-up window."""
    return server.ready_after_s is not None and server.ready_after_s > server.window_s


def slow_pings(server: Server, *, limit_s: float, in_a_row: int) -> bool:
    """Whether ``in_a_row`` consecutive pings, spaced apart, took longer than ``limit_s`` seconds."""
    return _run_of((ping.elapsed_s > limit_s for ping in server.spaced_pings), in_a_row)


def slow_now_and_then(server: Server, *, limit_s: float) -> int:
    """How many pings of an idle server took longer than ``limit_s``, one after another or apart.

    0 where the harness's own echo server was slow as well: then it may be this machine.
    """
    measured, floor = server.ping_latency, server.floors.get("/ping")
    if floor is not None and floor.max_ms > limit_s * 1000 / _MANY_TIMES:
        return 0
    times_s = [ping.elapsed_s for ping in (*server.pings, *server.spaced_pings)]
    if measured is not None:
        times_s += [took_ms / 1000 for took_ms in measured.samples_ms]
    return sum(took > limit_s for took in times_s)


def unhealthy(server: Server, *, in_a_row: int) -> bool:
    """Whether ``in_a_row`` consecutive pings, spaced apart, did not say 200."""
    return _run_of((ping.status != 200 for ping in server.spaced_pings), in_a_row)


def died(server: Server) -> bool:
    """Whether a ready, idle server ended although nobody had told it to."""
    under_load = server.load is not None and server.load.ended
    return server.ready and server.stop is not None and not server.stop.sent and not under_load


def failing(summary: Summary | None) -> bool:
    """Whether more than one in twenty requests failed, sent one after another without a pause.

    That is load, under which a server may lawfully refuse: nothing is judged by it alone.
    """
    return summary is not None and summary.failures > _FAILING_SHARE * summary.count


def unreliable(server: Server) -> bool:
    """Whether more than one in twenty good requests to an idle server failed."""
    asked = server.spaced_replies
    return sum(not reply.ok for reply in asked) > _FAILING_SHARE * len(asked)


def cut_in_flight(server: Server) -> bool:
    """Whether a request that was being sent when SIGTERM came got no whole answer."""
    reply = server.replies.get("in-flight")
    return reply is not None and reply.connect_s is not None and reply.problem is not None


def late_streams(server: Server, *, limit_s: float) -> tuple[str, ...]:
    """The requests whose answers had begun to stream and did not end within ``limit_s`` seconds."""
    return tuple(
        name
        for name, replies in server.streams.items()
        if any(
            reply.accepted and (reply.problem == "timeout" or reply.elapsed_s > limit_s)
            for reply in replies
        )
    )


def slow_connects(server: Server, *, limit_ms: float, in_a_row: int) -> bool:
    """Whether ``in_a_row`` consecutive connections took longer than ``limit_ms`` or failed."""
    return _run_of((took is None or took > limit_ms for took in server.connects_ms), in_a_row)


def as_bounded(server: Server, route: str) -> Summary | None:
    """The times that the owner's bound of a route is of: at the declared rate, where there is one."""
    load = server.paced.get(route)
    return one_after_another(server, route) if load is None else load.times


def one_after_another(server: Server, route: str) -> Summary | None:
    """The times of a route whose requests followed each other at once."""
    return server.ping_latency if route == "/ping" else server.invocation_latency


def first_ms(server: Server, route: str) -> float | None:
    """The time of the first request to a route that was answered well, milliseconds."""
    first = server.last_ping if route == "/ping" else server.replies.get("first")
    return first.elapsed_s * 1000 if first is not None and server.ready and first.ok else None


def breaks(server: Server, route: str, bound_ms: float | None) -> bool:
    """Whether a route was above its bound, or refused requests at the declared rate, in this launch.

    Without a rate requests come as fast as they are answered, and a server may lawfully refuse some.
    """
    summary = as_bounded(server, route)
    if summary is None or bound_ms is None:
        return False
    return summary.p99_ms > bound_ms or (route in server.paced and summary.failures > 0)


def was_late(load: Paced, *, bound_ms: float, most_ms: float, percent: float) -> bool:
    """Whether a load above its bound may be so because the harness was late.

    That is: 1 in 100 of its requests went out more than ``most_ms`` late, and later than
    ``percent`` of the measured 99th percentile; or without that the bound would be kept. What is
    over the bound by many times the lateness is not so for it.
    """
    late_ms, p99_ms = load.late.p99_ms, load.times.p99_ms
    if p99_ms - _MANY_TIMES * late_ms > bound_ms:
        return False
    alone = not load.times.failures and p99_ms - late_ms <= bound_ms
    return alone or late_ms > max(most_ms, percent / 100 * p99_ms)


def _run_of(facts: Iterable[bool], length: int) -> bool:
    running = 0
    for fact in facts:
        running = running + 1 if fact else 0
        if running >= length:
            return True
    return False
