"""What no well-meaning client sends, and large bodies."""

from __future__ import annotations

from collections.abc import Mapping

from sm_conformance.inputs.requests import (
    UNDECLARED_TYPE,
    Request,
    cut_json,
    fewer_columns,
    grown,
    invocation,
    malformed,
    with_headers,
    without_type,
)
from sm_conformance.laboratory.conversation import Conversation, Suspect
from sm_conformance.observed.http import Reply

# What no well-meaning client sends, in the order in which it is sent; the last two only where the
# samples lend themselves to it.
MALFORMED = ("empty-body", "noise", "cut", "wrong-columns", "cut-json")
BAD = ("undeclared-type", "no-type", *MALFORMED)
# A server that has taken a large body whole and still works on it after this long has taken it.
_LARGE_BODY_S = 10.0
# Sizes just below which proxies and frameworks often have their limit; asked when 6 MiB is refused.
_SMALLER_BODIES = (("5-mib", 5 << 20), ("1-mib", 1 << 20))
_TOO_LARGE = 413
# What a proxy does whose limit is exceeded, when it does not say so.
_CUT_OFF = ("reset", "closed")
# After a request without an answer: a server that died of it is to be seen as ended, not asked.
_DYING_S = 0.5


def undeclared_type(talk: Conversation) -> None:
    """The good body labelled with a type that nobody declared, and with none."""
    request = invocation(talk.sample, name="undeclared-type")
    other = with_headers(request, {"Content-Type": UNDECLARED_TYPE}, name="undeclared-type")
    if survives(talk, other) and talk.sample.content_type is not None:
        survives(talk, without_type(request, name="no-type"))


def malformed_bodies(talk: Conversation) -> None:
    """Bodies that are not of the declared type; after each, a ping and a good request."""
    if not all(works_after(talk.replies, name) for name in BAD if name in talk.replies):
        return
    plain = invocation(talk.sample, name="malformed")
    further = fewer_columns(plain, name="wrong-columns"), cut_json(talk.samples, name="cut-json")
    for request in (*malformed(plain), *filter(None, further)):
        if not survives(talk, request):
            return


def works_after(replies: Mapping[str, Reply], name: str) -> bool:
    """Whether a good request and a ping succeeded after the bad request ``name``."""
    after, ping = replies.get(f"after-{name}"), replies.get(f"ping-after-{name}")
    return after is not None and after.ok and ping is not None and ping.status == 200


def survived(replies: Mapping[str, Reply]) -> bool:
    """Whether a good request and a ping succeeded after each bad request that was sent."""
    return all(works_after(replies, name) for name in BAD if name in replies)


def survives(talk: Conversation, request: Request) -> bool:
    """Whether a good request, given time to recover, and a ping succeed after a bad request."""
    answered, asked = talk.ask(request).status is not None, talk.asked
    if not talk.container.pause(0.0 if answered else _DYING_S):
        talk.recovered(f"after-{request.name}")
        if not talk.container.pause(0.0):
            talk.replies[f"ping-after-{request.name}"] = talk.ping()
    if works_after(talk.replies, request.name):
        return True
    talk.suspect = Suspect(request.name, asked, lambda other: other.ask(request))
    return False


def large_bodies(talk: Conversation) -> None:
    """Bodies just below the two limits that the platform's documents name; smaller ones if need be."""
    limits = talk.bench.limits
    request = invocation(talk.sample, name="large")

    def asked(name: str, size: int) -> Reply:
        large = grown(request, size=size, name=f"body-{name}")
        return talk.ask(large, limit_s=_LARGE_BODY_S)

    reply = asked("6-mib", limits.body_small_bytes)
    if not refused_for_size(reply):
        if reply.problem != "timeout":
            asked("25-mb", limits.body_large_bytes)
        return
    for name, size in _SMALLER_BODIES:
        if talk.container.pause(0.0) or not refused_for_size(asked(name, size)):
            return


def refused_for_size(reply: Reply) -> bool:
    """Whether a large body was refused, in words or by cutting the connection."""
    return reply.status == _TOO_LARGE or (reply.status is None and reply.problem in _CUT_OFF)
