"""What no well-meaning client sends, and large bodies."""

from __future__ import annotations

from collections.abc import Mapping

from sm_conformance.inputs.requests import (
    UNDECLARED_TYPE,
    grown,
    invocation,
    malformed,
    with_headers,
)
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.observed.http import Reply

# A server that has taken a large body whole and still works on it after this long has taken it.
_LARGE_BODY_S = 10.0
# After a request without an answer: a server that died of it is to be seen as ended, not asked.
_DYING_S = 0.5
BAD = ("undeclared-type", "empty-body", "noise", "cut")


def undeclared_type(talk: Conversation) -> None:
    """The good body labelled with a type that nobody declared."""
    request = invocation(talk.sample, name="undeclared-type")
    talk.ask(with_headers(request, {"Content-Type": UNDECLARED_TYPE}, name="undeclared-type"))
    recover(talk, "undeclared-type")


def malformed_bodies(talk: Conversation) -> None:
    """Bodies that are not of the declared type; after each, a ping and a good request."""
    if not works_after(talk.replies, "undeclared-type"):
        return
    for request in malformed(invocation(talk.sample, name="malformed")):
        talk.ask(request)
        recover(talk, request.name)
        if not works_after(talk.replies, request.name):
            return


def works_after(replies: Mapping[str, Reply], name: str) -> bool:
    """Whether a good request and a ping succeeded after the bad request ``name``."""
    after, ping = replies.get(f"after-{name}"), replies.get(f"ping-after-{name}")
    return after is not None and after.ok and ping is not None and ping.status == 200


def survived(replies: Mapping[str, Reply]) -> bool:
    """Whether a good request and a ping succeeded after each bad request that was sent."""
    return all(works_after(replies, name) for name in BAD if name in replies)


def recover(talk: Conversation, name: str) -> None:
    """A good request, given time to recover, and a ping; no more once the server has ended."""
    answered = talk.replies[name].status is not None
    if talk.container.pause(0.0 if answered else _DYING_S):
        return
    talk.recovered(f"after-{name}")
    if not talk.container.pause(0.0):
        talk.replies[f"ping-after-{name}"] = talk.ping()


def large_bodies(talk: Conversation) -> None:
    """Bodies just below the two limits that the platform's documents name."""
    if talk.container.pause(0.0):
        return
    limits = talk.bench.limits
    request = invocation(talk.sample, name="large")
    for name, size in (("6-mib", limits.body_small_bytes), ("25-mb", limits.body_large_bytes)):
        reply = talk.ask(grown(request, size=size, name=f"body-{name}"), limit_s=_LARGE_BODY_S)
        if reply.status == 413 or reply.problem in ("reset", "closed", "timeout"):
            return
