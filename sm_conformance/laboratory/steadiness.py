"""Tells whether a server is still what it was: it lives, and answers a good request as it did before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sm_conformance.inputs.requests import invocation
from sm_conformance.laboratory.conversation import Conversation, Suspect
from sm_conformance.observed.facts import Exit
from sm_conformance.observed.http import Reply, printable

_OK = 200
_SERVER_ERROR = 500
_ASKED_BEFORE = 2
# One that falls ill of pings alone does so by now.
_PINGED_BEFORE = 20
# Several workers may each have an answer of their own.
_ASKED_AGAIN = 8
# A server that takes longer for one good request is not asked it again and again, seconds.
_MOST_S = 5.0
UNWELL = "pings failed before these requests were due"
_GONE = "the server was gone, or did not answer a good request, when these were due"
# An answer may hold the time, in whole seconds as a rule: then it differs after so long by itself.
_TICK_S = 1.1
# After a request without an answer: what died of it is given time to be seen as ended.
_DYING_S = 0.02
_APART_S = 0.2
_PING_PATIENCE_S = 10.0
_PING_PAUSE_S = 0.05
_SHOWN_BYTES = 200


def how_it_ended(found: Exit | None) -> str:
    """That a server ended, with what is known of it."""
    if found is None:
        return "ended"
    starved = ", killed for lack of memory" if found.memory_killed and found.code else ""
    return f"ended with {found.code}{starved}"


def shown(body: bytes) -> str:
    """A body in quotes, its beginning only where it is long, in one printable line."""
    text = printable(body[:_SHOWN_BYTES].decode("utf-8", "backslashreplace"))
    return f"'{text}'" if len(body) <= _SHOWN_BYTES else f"'{text}…' ({len(body)} bytes)"


@dataclass(slots=True)
class Steadiness:
    """A server that is asked the first sample request again and again.

    ``answer`` is the body that it always gave; None where its answers differ by themselves.
    """

    talk: Conversation
    name: str
    answer: bytes | None

    @classmethod
    def begin(cls, talk: Conversation, *, name: str) -> Steadiness | str:
        """The reason instead, where the server is gone, fails by now, or is too slow for this."""
        lost = any(
            not reply.ok for name, reply in talk.replies.items() if name.startswith("after-")
        ) or any(one.harm or one.why_not == _GONE for one in talk.tried.values())
        # Who did not recover before is not waited for again.
        if lost or talk.container.pause(0.0):
            return _GONE
        took_s = talk.replies["sample"].elapsed_s
        if took_s > _MOST_S:
            return f"a good request takes {took_s:.1f} s, and would be sent many times"
        request = invocation(talk.sample, name=f"before-{name}")
        replies = [
            talk.recovered(request.name),
            *(talk.send(request) for _ in range(_ASKED_BEFORE)),
        ]
        if not all(reply.ok for reply in replies):
            return _GONE
        pings = 1 if talk.tried else _PINGED_BEFORE
        if not all(talk.ping().status == _OK for _ in range(pings)):
            return UNWELL
        # The earliest answer was given a while ago.
        bodies = {reply.body for reply in (*replies, talk.replies["sample"])}
        return cls(talk, name, replies[0].body if len(bodies) == 1 else None)

    def harm(self, got: Reply | None, again: Callable[[Conversation], object]) -> str | None:
        """What is wrong with the server after a request; None where nothing is.

        ``got`` is what the request got, where that is known, and ``again`` sends it once more. It
        is a suspect from now on where the server has ended or fails; another answer is shown here.
        """
        asked = self.talk.asked
        failed = self._failed(got)
        if isinstance(failed, str):
            self.talk.suspect = self.talk.suspect or Suspect(self.name, asked, again)
            return failed
        if self.answer is None or failed.body == self.answer:
            return None
        return self._other_answer(again)

    def _failed(self, got: Reply | None) -> str | Reply:
        """How the server fails after a request that got ``got``; else its answer to a good one."""
        talk = self.talk
        unanswered = got is not None and got.status is None
        if ended := self._ended(_DYING_S if unanswered else 0.0):
            return ended
        reply = self._good()
        if not reply.ok:
            reply = talk.recovered(f"after-{self.name}")
        if not reply.ok:
            return self._ended() or f"a good request: {reply.describe()}"
        if got is None or unanswered or (got.status or 0) >= _SERVER_ERROR:
            ping = self._ping()
            if ping.status != _OK:
                return self._ended() or f"a ping: {ping.describe()}"
        return reply

    def _other_answer(self, again: Callable[[Conversation], object]) -> str | None:
        """Whether another answer than before is the request's doing, or may come of itself."""
        self.talk.container.pause(_TICK_S)
        later = [self._good() for _ in range(_ASKED_AGAIN)]
        right = [one.ok and one.body == self.answer for one in later]
        alike = all(one.ok for one in later) and len({one.body for one in later}) == 1
        if alike and not any(right):
            return self._differs(later[-1])
        if not all(right):
            self.answer = None
            return None
        again(self.talk)
        # What is still at work on the request would otherwise go on beside the next one, and batches of
        # several may lawfully have other digits.
        self.talk.container.pause(_APART_S)
        next_one, control = self._good(), self._good()
        if next_one.ok and next_one.body != self.answer and control.body == self.answer:
            return self._differs(next_one)
        return None

    def _differs(self, reply: Reply) -> str:
        self.talk.keep(invocation(self.talk.sample, name=f"after-{self.name}"), reply)
        assert self.answer is not None, "only with a known answer there is another one"
        return f"a good request gets {shown(reply.body)}, and got {shown(self.answer)} before"

    def _good(self) -> Reply:
        return self.talk.send(invocation(self.talk.sample, name=f"after-{self.name}"))

    def _ping(self) -> Reply:
        waited_s = 0.0
        while True:
            reply = self.talk.ping()
            waited_s += reply.elapsed_s + _PING_PAUSE_S
            if reply.status == _OK or waited_s > _PING_PATIENCE_S:
                return reply
            if self.talk.container.pause(_PING_PAUSE_S):
                return reply

    def _ended(self, wait_s: float = 0.0) -> str | None:
        if not self.talk.container.pause(wait_s):
            return None
        found = self.talk.container.wait(_DYING_S)
        return f"the server {how_it_ended(found)}"
