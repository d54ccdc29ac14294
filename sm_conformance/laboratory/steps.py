"""What can be done to a live server: the steps that a scenario names, one function each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from sm_conformance.inputs.requests import (
    ADDED_HEADERS,
    UNDECLARED_TYPE,
    grown,
    invocation,
    malformed,
    with_headers,
)
from sm_conformance.laboratory import evidence
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.stopping import not_stopped, stop
from sm_conformance.laboratory.written import what_was_written
from sm_conformance.observed import timing
from sm_conformance.observed.http import Reply, connect_time
from sm_conformance.observed.latency import measure

_PINGS = 20
_CONNECT_PATIENCE_S = 3.0
# Without it a lawful server with a short queue is not idle: the queue overflows, and SYNs are lost.
_CONNECT_PAUSE_S = 0.005
# A server that has taken a large body whole and still works on it after this long has taken it.
_LARGE_BODY_S = 10.0
# A refusal (4xx) of a good request soon after the start is asked again for this long.
_REFUSAL_PATIENCE_S = 5.0
_RECOVERY_S = 10.0
# Good requests apart from each other, to tell a server that fails now and then from one under load.
_SPACED = 10
_SPACING_S = 0.5
_HEADER_TRIES = 3
# After a request without an answer: a server that died of it is to be seen as ended, not asked.
_DYING_S = 0.5
# Of a server whose good request fails, these would tell nothing.
_NEED_AN_ANSWER = frozenset(
    {"declared-types", "unknown-headers", "latency", "undeclared-type", "malformed-bodies",
     "large-bodies"}
)  # fmt: skip


def take(step: str, talk: Conversation) -> None:
    """Does one step; what comes of it is kept in the conversation."""
    sample = talk.replies.get("sample")
    limit_s = talk.bench.limits.invocation_limit_s
    if step in _NEED_AN_ANSWER and (sample is None or not sample.ok or sample.elapsed_s > limit_s):
        return
    if step == "latency":
        _latency(talk)
        return
    with talk.bench.quiet.busy():
        _STEPS[step](talk)


def _first_invocation(talk: Conversation) -> None:
    """A good request right after the first 200."""
    talk.good("first")


def _invocation(talk: Conversation) -> None:
    """A good request, repeated while the server may still be loading."""
    first = talk.replies.get("first")
    if first is not None and (first.ok or first.problem == "timeout"):
        talk.replies["sample"] = first
        talk.curls["sample"] = talk.curls["first"]
        return
    _until_good(talk, "sample", patience_s=talk.answer_patience_s)


def _until_good(talk: Conversation, name: str, *, patience_s: float) -> Reply:
    began = time.monotonic()
    pause_s = 0.05
    while True:
        reply = talk.good(name)
        waited = time.monotonic() - began
        refused = reply.status is not None and reply.status < 500
        if reply.ok or waited > (min(_REFUSAL_PATIENCE_S, patience_s) if refused else patience_s):
            return reply
        if reply.problem == "timeout" or talk.container.pause(pause_s):
            return reply
        pause_s = min(1.0, pause_s * 1.5)


def _pings(talk: Conversation) -> None:
    """Several pings one after another; where one is slow or bad, further ones apart."""
    limits = talk.bench.limits
    for _ in range(_PINGS):
        reply = talk.ping()
        talk.pings.append(reply)
        if reply.elapsed_s > limits.ping_limit_s:
            break
    if any(ping.elapsed_s > limits.ping_limit_s or ping.status != 200 for ping in talk.pings):
        _spaced_pings(talk)


def _spaced_pings(talk: Conversation) -> None:
    """Pings as far apart as to be no load: what blocks a release is judged by these."""
    limits = talk.bench.limits
    for _ in range(limits.unhealthy_after):
        if talk.spaced_pings and talk.container.pause(limits.ping_spacing_s):
            return
        talk.spaced_pings.append(talk.ping())


def _spaced_requests(talk: Conversation) -> None:
    """Good requests with pauses between them."""
    for _ in range(_SPACED):
        if talk.container.pause(_SPACING_S):
            return
        talk.spaced_replies.append(talk.good("spaced"))


def _connect(talk: Conversation) -> None:
    """Connections without a request, one after another; only the direct way shows the server's own."""
    if not talk.bench.direct:
        return
    for _ in range(talk.bench.limits.connect_tries):
        talk.bench.check()
        seconds, problem = connect_time(talk.address, limit_s=_CONNECT_PATIENCE_S)
        talk.connects_ms.append(None if problem or seconds is None else seconds * 1000)
        if len(talk.connects_ms) >= 10 and all(
            took is None or took > talk.bench.limits.connect_limit_ms
            for took in talk.connects_ms[-talk.bench.limits.unhealthy_after :]
        ):
            return
        if talk.container.pause(_CONNECT_PAUSE_S):
            return


def _declared_types(talk: Conversation) -> None:
    """Every further sample request of the declaration."""
    for sample in talk.samples[1:]:
        talk.ask(invocation(sample, name=f"request-{sample.name}"))


def _unknown_headers(talk: Conversation) -> None:
    """The good request with the headers that infrastructure adds; if it fails, without and with."""
    plain = invocation(talk.sample, name="unknown-headers")
    request = with_headers(plain, ADDED_HEADERS, name="unknown-headers")
    # A worker may still be recovering from an earlier request; the headers are not to blame then.
    # Nor of a server that fails now and then: each refusal is held against a good plain request.
    for _ in range(_HEADER_TRIES):
        if talk.ask(request).ok:
            return
        if not _until_good(talk, "known-headers", patience_s=_RECOVERY_S).ok:
            return


def _latency(talk: Conversation) -> None:
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
            limit_s=limits.invocation_limit_s,
            samples=limits.sample_requests,
            budget_s=limits.latency_budget_s,
        )
    with talk.bench.quiet.busy():
        if timing.failing(talk.ping_latency) and not talk.spaced_pings:
            _spaced_pings(talk)
        if timing.failing(talk.invocation_latency):
            _spaced_requests(talk)


def _undeclared_type(talk: Conversation) -> None:
    """The good body labelled with a type that nobody declared."""
    request = invocation(talk.sample, name="undeclared-type")
    talk.ask(with_headers(request, {"Content-Type": UNDECLARED_TYPE}, name="undeclared-type"))
    _recover(talk, "undeclared-type")


def _malformed_bodies(talk: Conversation) -> None:
    """Bodies that are not of the declared type; after each, a ping and a good request."""
    if not works_after(talk.replies, "undeclared-type"):
        return
    for request in malformed(invocation(talk.sample, name="malformed")):
        talk.ask(request)
        _recover(talk, request.name)
        if not works_after(talk.replies, request.name):
            return


def works_after(replies: Mapping[str, Reply], name: str) -> bool:
    """Whether a good request and a ping succeeded after the bad request ``name``."""
    after, ping = replies.get(f"after-{name}"), replies.get(f"ping-after-{name}")
    return after is not None and after.ok and ping is not None and ping.status == 200


def _recover(talk: Conversation, name: str) -> None:
    """A good request, given time to recover, and a ping; no more once the server has ended."""
    answered = talk.replies[name].status is not None
    if talk.container.pause(0.0 if answered else _DYING_S):
        return
    _until_good(talk, f"after-{name}", patience_s=_RECOVERY_S)
    if not talk.container.pause(0.0):
        talk.replies[f"ping-after-{name}"] = talk.ping()


def _large_bodies(talk: Conversation) -> None:
    """Bodies just below the two limits that the platform's documents name."""
    if talk.container.pause(0.0):
        return
    limits = talk.bench.limits
    request = invocation(talk.sample, name="large")
    for name, size in (("6-mib", limits.body_small_bytes), ("25-mb", limits.body_large_bytes)):
        reply = talk.ask(grown(request, size=size, name=f"body-{name}"), limit_s=_LARGE_BODY_S)
        if reply.status == 413 or reply.problem in ("reset", "closed", "timeout"):
            return


def _stop(talk: Conversation) -> None:
    """SIGTERM, as at an update or a scale-in; before it one more ping, long after the first."""
    if talk.container.pause(0.0):
        limit_s = talk.bench.limits.hosting_stop_limit_s
        talk.stop = not_stopped("the server had ended by itself", limit_s=limit_s)
        return
    talk.pings.append(talk.ping())
    limit_s = talk.bench.limits.hosting_stop_limit_s
    talk.curls["stop"] = evidence.repeat_stop(limit_s=limit_s)
    talk.stop = stop(talk.bench, talk.container, limit_s=limit_s)


def _written(talk: Conversation) -> None:
    """Asks the engine what the server added to its image's file system."""
    talk.written = what_was_written(talk.bench, talk.container, talk.folder)


_STEPS: Mapping[str, Callable[[Conversation], None]] = {
    "first-invocation": _first_invocation,
    "invocation": _invocation,
    "pings": _pings,
    "connect": _connect,
    "declared-types": _declared_types,
    "unknown-headers": _unknown_headers,
    "undeclared-type": _undeclared_type,
    "malformed-bodies": _malformed_bodies,
    "large-bodies": _large_bodies,
    "stop": _stop,
    "written": _written,
}
