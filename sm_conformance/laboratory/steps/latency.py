"""How long a warm server takes, measured with nothing else of ours going."""

from __future__ import annotations

from sm_conformance.inputs.requests import invocation
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.steps.ordinary import spaced_pings, spaced_requests
from sm_conformance.observed import timing
from sm_conformance.observed.latency import measure


def latency(talk: Conversation) -> None:
    """Both routes of the warm server, with nothing else of ours going."""
    limits = talk.bench.limits
    request = invocation(talk.sample, name="latency")
    with talk.bench.quiet.alone():
        talk.bench.check()
        talk.ping_latency = measure(
            talk.address,
            method="GET",
            path="/ping",
            headers=request.headers,
            body=None,
            limit_s=limits.ping_limit_s * 5,  # slow is another matter than failing
            samples=limits.sample_requests,
            budget_s=limits.latency_budget_s,
        )
        talk.invocation_latency = measure(
            talk.address,
            method="POST",
            path="/invocations",
            headers=request.headers,
            body=request.body,
            limit_s=talk.answer_limit_s,
            samples=limits.sample_requests,
            budget_s=limits.latency_budget_s,
        )
    with talk.bench.quiet.busy():
        if timing.failing(talk.ping_latency) and not talk.spaced_pings:
            spaced_pings(talk)
        if timing.failing(talk.invocation_latency):
            spaced_requests(talk)
