"""Says whether a server showed a timing that would block, so that it is measured again."""

from __future__ import annotations

from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed import timing
from sm_conformance.observed.run import Server


def of_timing(bench: Bench, server: Server) -> bool:
    """Whether any timing or health verdict on this server would block a release."""
    if not server.ready:
        return False
    limits, bounds = bench.limits, bench.candidate.declaration.latency
    in_a_row = limits.unhealthy_after
    sample = server.replies.get("sample")
    return (
        timing.late(server)
        or timing.slow_pings(server, limit_s=limits.ping_limit_s, in_a_row=in_a_row)
        or timing.unhealthy(server, in_a_row=in_a_row)
        or timing.slow_connects(server, limit_ms=limits.connect_limit_ms, in_a_row=in_a_row)
        or (sample is not None and sample.ok and sample.elapsed_s > limits.invocation_limit_s)
        or timing.died(server)
        or timing.unreliable(server.ping_latency)
        or timing.unreliable(server.invocation_latency)
        or timing.over(server.ping_latency, bounds.ping_p99_ms)
        or timing.over(server.invocation_latency, bounds.invocation_p99_ms)
    )
