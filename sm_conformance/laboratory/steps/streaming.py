"""Requests whose answers stream: asked again where an answer leaves it open whether it does."""

from __future__ import annotations

from time import monotonic

from sm_conformance.inputs.requests import invocation
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.observed.http import Reply
from sm_conformance.observed.stream import in_parts

_TRIES = 3
# A busy machine may hold an answer back for some seconds, and so make one piece of its parts.
_LONGEST_S = 30.0


def streams(talk: Conversation) -> None:
    """Keeps the replies that stream; one that ended badly or came in one piece is asked again."""
    for nth, sample in enumerate(talk.samples):
        if sample.stream is None:
            continue
        name = "sample" if nth == 0 else f"request-{sample.name}"
        replies = [talk.replies[name]]
        until = monotonic() + _LONGEST_S - replies[0].elapsed_s
        while _open(replies[-1]) and len(replies) < _TRIES and monotonic() < until:
            if talk.container.pause(0.0):
                break
            again = talk.ask(invocation(sample, name=f"stream-{sample.name}"))
            replies.append(again)
        talk.streams[sample.name] = tuple(replies)


def _open(reply: Reply) -> bool:
    """Whether a further reply could show something else of a server that took the request."""
    known = reply.problem in ("timeout", "too-big") or (reply.ok and in_parts(reply))
    return reply.accepted and not known
