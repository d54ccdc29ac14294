"""What is no proper HTTP, and two requests at once: the server is to live, and to answer in order."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from sm_conformance.inputs.malformed_http import RawRequest, malformed_http, pipelined
from sm_conformance.inputs.requests import invocation
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.steadiness import Steadiness, shown
from sm_conformance.laboratory.steps.generated import FATAL, LARGE, MOST_BODY_BYTES, SEARCH_S
from sm_conformance.observed.raw import MOST_BYTES, Said, converse
from sm_conformance.observed.tried import Tried

MALFORMED, PIPELINED = "malformed-http", "pipelined-requests"
_CONNECT_S = 5.0
# What is said to bytes that are no request is not judged, so it is not waited for long.
_HEARD_S = 0.03
# An answer may take some times as long as the same one took before, and one to a ping besides.
_SLOWER = 3
_LEAST_S, _MOST_S = 1.0, 10.0
_TIMES = 3


def broken_http(talk: Conversation) -> None:
    """Requests in bad shapes, one after another; the first that harms the server ends it."""
    if len(talk.sample.body) > MOST_BODY_BYTES:
        talk.tried[MALFORMED] = Tried(why_not=LARGE)
        return
    steadiness = Steadiness.begin(talk, name=MALFORMED)
    if isinstance(steadiness, str):
        talk.tried[MALFORMED] = Tried(why_not=steadiness)
        return
    tried, until = 0, time.monotonic() + SEARCH_S
    for request in malformed_http(invocation(talk.sample, name=MALFORMED)):
        if time.monotonic() > until:
            break
        _say(talk, request)
        tried += 1
        harm = steadiness.harm(None, partial(_say, request=request))
        if harm is not None:
            talk.keep_raw(replace(request, name=MALFORMED + FATAL))
            talk.tried[MALFORMED] = Tried(tried=tried, harmful=request.name, harm=harm)
            return
    talk.tried[MALFORMED] = Tried(tried=tried)


def pipelined_requests(talk: Conversation) -> None:
    """A good request and a ping at once, where their answers can be told apart."""
    steadiness = Steadiness.begin(talk, name=PIPELINED)
    if isinstance(steadiness, str):
        talk.tried[PIPELINED] = Tried(why_not=steadiness)
        return
    answer, ping = steadiness.answer, talk.ping().body
    if answer is None or answer == ping:
        talk.tried[PIPELINED] = Tried(why_not="the answers cannot be told apart")
        return
    if len(answer) + len(ping) > MOST_BYTES // 2:
        talk.tried[PIPELINED] = Tried(why_not="its answer is larger than what is read here")
        return
    request = replace(pipelined(invocation(talk.sample, name=PIPELINED)), name=PIPELINED)
    limit_s = min(_MOST_S, max(_LEAST_S, _SLOWER * talk.replies["sample"].elapsed_s))
    tried, found = 0, None
    for _ in range(_TIMES):
        said = _say(talk, request, methods=("POST", "GET"), limit_s=limit_s)
        # One that ends the connection after the first answer may do so.
        tried += len(said) == 2 or [one.body for one in said] == [answer]
        found = _mixed(said, answer, ping)
        if found is None:
            break
    if found is not None:
        talk.keep_raw(request)
    why_not = None if tried or found else "the server answers neither"
    talk.tried[PIPELINED] = Tried(tried=tried, found=found, why_not=why_not)


def _mixed(said: tuple[Said, ...], answer: bytes, ping: bytes) -> str | None:
    """What was said that belongs to the other request; None where nothing was."""
    if said and said[0].body in (answer + ping, ping + answer) and ping:
        return f"the first answer holds both: {shown(said[0].body)}"
    if len(said) < 2 or not all(200 <= one.status < 300 for one in said):
        return None
    first, second = (one.body for one in said)
    if first == ping or second == answer:
        return (
            f"the good request got {shown(first)} and the ping {shown(second)}; alone they get "
            f"{shown(answer)} and {shown(ping)}"
        )
    return None


def _say(
    talk: Conversation,
    request: RawRequest,
    *,
    methods: tuple[str, ...] = (),
    limit_s: float = _HEARD_S,
) -> tuple[Said, ...]:
    talk.begin()
    size = request.part_bytes
    return converse(
        talk.address,
        [request.data[at : at + size] for at in range(0, len(request.data), size)],
        methods=methods,
        pause_s=request.pause_s,
        limit_s=limit_s,
        connect_limit_s=_CONNECT_S,
        reset=request.abandoned,
    )
