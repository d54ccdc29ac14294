"""Says whether a server showed a timing that would block, so that it is measured again."""

from __future__ import annotations

from dataclasses import replace

from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed import timing
from sm_conformance.observed.run import Cause, Server, Stage


def settled(server: Server) -> Server:
    """The server with its second launch in view: a good request that was late twice is a cause.

    Nothing more was asked of a launch that was late; where only the first was, the second counts.
    """
    again = server.again
    if again is None or not _answered_late(server):
        return server
    if not _answered_late(again):
        return replace(again, again=server)
    cause = Cause(
        missed=Stage.ANSWERED,
        blames="HOST-010 invocation",
        expected=f"an answer within {server.answer_limit_s:g} s",
        actual=f"{server.replies['sample'].describe()}, in two launches",
    )
    return replace(server, cause=cause)


def of_a_cut(server: Server) -> bool:
    """Whether a request that was in flight at SIGTERM was cut: on a busy machine it may come late."""
    return timing.cut_in_flight(server)


def _answered_late(server: Server) -> bool:
    sample = server.replies.get("sample")
    return sample is not None and sample.ok and sample.elapsed_s > server.answer_limit_s


def of_timing(bench: Bench, server: Server) -> bool:
    """Whether any timing or health verdict on this server would block a release."""
    if not server.ready:
        return False
    limits, bounds = bench.limits, bench.candidate.declaration.latency
    in_a_row = limits.unhealthy_after
    return (
        timing.late(server)
        or timing.slow_pings(server, limit_s=limits.ping_limit_s, in_a_row=in_a_row)
        or timing.unhealthy(server, in_a_row=in_a_row)
        or timing.slow_connects(server, limit_ms=limits.connect_limit_ms, in_a_row=in_a_row)
        or _answered_late(server)
        or bool(timing.late_streams(server, limit_s=limits.stream_limit_s))
        or timing.died(server)
        or timing.unreliable(server)
        or timing.breaks(server, "/ping", bounds.ping_p99_ms)
        or timing.breaks(server, "/invocations", bounds.invocation_p99_ms)
    )
