"""How long a warm server takes, measured with nothing else of ours going."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sm_conformance.inputs.requests import Request, invocation
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.steps.ordinary import spaced_pings, spaced_requests
from sm_conformance.observed import timing
from sm_conformance.observed.floor import echo_server
from sm_conformance.observed.http import Address
from sm_conformance.observed.latency import Summary, measure
from sm_conformance.observed.paced import Paced, paced

_PING, _INVOCATIONS = "/ping", "/invocations"
# The floor of a rate needs no more time than this to be seen, nor more than that for one answer.
_FLOOR_S = 1.0
_FLOOR_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True)
class _Route:
    """What is sent to one route, and how long an answer is waited for, seconds."""

    method: str
    path: str
    request: Request
    body: bytes | None
    limit_s: float


def latency(talk: Conversation) -> None:
    """Both routes of the warm server: one request after another, then at the declared rate."""
    ping, invocations = _routes(talk)
    rate_per_s = talk.bench.candidate.declaration.latency.rate_per_s
    with talk.bench.quiet.alone(), echo_server() as echo:
        talk.bench.check()
        talk.ping_latency = _alone(talk, ping, talk.address)
        talk.invocation_latency = _alone(talk, invocations, talk.address)
        for route in (ping, invocations):
            talk.floors[route.path] = _alone(talk, route, echo)
        if rate_per_s is not None:
            # Requests one after another have warmed it up.
            for route in _at_rate(talk, ping, invocations):
                _load(talk, route, echo, rate_per_s=rate_per_s)
    with talk.bench.quiet.busy():
        if talk.paced:
            # What still waits in the server would otherwise be in the way of what comes next.
            talk.recovered("after-load")
        if timing.failing(talk.ping_latency) and not talk.spaced_pings:
            spaced_pings(talk)
        if timing.failing(talk.invocation_latency):
            spaced_requests(talk)


def _routes(talk: Conversation) -> tuple[_Route, _Route]:
    limits = talk.bench.limits
    request = invocation(talk.sample, name="latency")
    return (
        # Slow is another matter than failing.
        _Route("GET", _PING, request, body=None, limit_s=limits.ping_limit_s * 5),
        _Route("POST", _INVOCATIONS, request, request.body, limit_s=talk.answer_limit_s),
    )


def _alone(talk: Conversation, route: _Route, address: Address) -> Summary:
    limits = talk.bench.limits
    return measure(
        address,
        method=route.method,
        path=route.path,
        headers=route.request.headers,
        body=route.body,
        limit_s=route.limit_s,
        samples=limits.sample_requests,
        budget_s=limits.latency_budget_s,
    )


def _at_rate(talk: Conversation, ping: _Route, invocations: _Route) -> tuple[_Route, ...]:
    """The routes that the rate is declared of; nobody pings at one, unless a bound says so."""
    bounded = talk.bench.candidate.declaration.latency.ping_p99_ms is not None
    return (ping, invocations) if bounded else (invocations,)


def _load(talk: Conversation, route: _Route, echo: Address, *, rate_per_s: float) -> None:
    limits = talk.bench.limits
    seconds = talk.bench.candidate.declaration.latency.seconds or limits.load_s
    cancelled: Callable[[], bool] = talk.bench.cancelled.is_set

    def ask(address: Address, seconds: float, limit_s: float) -> Paced:
        return paced(
            address,
            method=route.method,
            path=route.path,
            headers=route.request.headers,
            body=route.body,
            rate_per_s=rate_per_s,
            requests=max(1, round(rate_per_s * seconds)),
            limit_s=limit_s,
            most_under_way=limits.load_under_way,
            over=cancelled,
        )

    talk.paced_floors[route.path] = ask(echo, min(seconds, _FLOOR_S), _FLOOR_LIMIT_S).times
    talk.paced[route.path] = ask(talk.address, seconds, route.limit_s)
    talk.bench.check()
