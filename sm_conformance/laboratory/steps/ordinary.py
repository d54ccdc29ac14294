"""What the platform asks of every server: pings, connections, good requests."""

from __future__ import annotations

import time

from sm_conformance.inputs import requests
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.observed.http import connect_time

_PINGS = 20
_CONNECT_PATIENCE_S = 3.0
# Without it a lawful server with a short queue is not idle: the queue overflows, and SYNs are lost.
_CONNECT_PAUSE_S = 0.005
# Good requests apart from each other, to tell a server that fails now and then from one under load.
_SPACED = 10
_SPACING_S = 0.5
_HEADER_TRIES = 3


def first_invocation(talk: Conversation) -> None:
    """A good request right after the first 200."""
    talk.good("first")


def invocation(talk: Conversation) -> None:
    """A good request, repeated while the server may still be loading."""
    first = talk.replies.get("first")
    if first is not None and (first.ok or first.problem == "timeout"):
        talk.replies["sample"] = first
        talk.curls["sample"] = talk.curls["first"]
        return
    reply = talk.until_good("sample", patience_s=talk.answer_patience_s)
    if reply.status in requests.HOST_REFUSALS:
        plain = requests.invocation(talk.sample, name="local-host")
        talk.ask(requests.with_headers(plain, requests.LOCAL_HEADERS, name="local-host"))


def pings(talk: Conversation) -> None:
    """Several pings one after another; where one is slow or bad, further ones apart."""
    limits = talk.bench.limits
    for _ in range(_PINGS):
        reply = talk.ping()
        talk.pings.append(reply)
        if reply.elapsed_s > limits.ping_limit_s:
            break
    if any(ping.elapsed_s > limits.ping_limit_s or ping.status != 200 for ping in talk.pings):
        spaced_pings(talk)


def spaced_pings(talk: Conversation) -> None:
    """Pings as far apart as to be no load: what blocks a release is judged by these."""
    limits = talk.bench.limits
    for _ in range(limits.unhealthy_after):
        if talk.spaced_pings and talk.container.pause(limits.ping_spacing_s):
            return
        talk.spaced_pings.append(talk.ping())


def watch(talk: Conversation) -> None:
    """The idle server for as long as the user wants, pinged now and then as the platform does.

    One that load made ill is not: load is to blame, and judged elsewhere.
    """
    if talk.load is not None and not talk.load.well:
        return
    spacing_s = talk.bench.limits.ping_spacing_s
    until = time.monotonic() + talk.bench.watch_s
    while (left_s := until - time.monotonic()) > 0:
        if talk.container.pause(min(left_s, spacing_s)):
            return
        talk.bench.check()
        talk.pings.append(talk.ping())
        if talk.pings[-1].status != 200:
            spaced_pings(talk)
            return


def spaced_requests(talk: Conversation) -> None:
    """Good requests with pauses between them."""
    for _ in range(_SPACED):
        if talk.container.pause(_SPACING_S):
            return
        talk.spaced_replies.append(talk.good("spaced"))


def connect(talk: Conversation) -> None:
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


def declared_types(talk: Conversation) -> None:
    """Every further sample request of the declaration."""
    for sample in talk.samples[1:]:
        talk.ask(requests.invocation(sample, name=f"request-{sample.name}"))


def unknown_headers(talk: Conversation) -> None:
    """The good request with the headers that infrastructure adds; if it fails, without and with."""
    plain = requests.invocation(talk.sample, name="unknown-headers")
    request = requests.with_headers(plain, requests.ADDED_HEADERS, name="unknown-headers")
    # A worker may still be recovering from an earlier request; the headers are not to blame then.
    # Nor of a server that fails now and then: each refusal is held against a good plain request.
    for _ in range(_HEADER_TRIES):
        if talk.ask(request).ok:
            return
        if not talk.recovered("known-headers").ok:
            return
