"""Several callers at once, with pings beside them: who waits, who is refused, who gets whose answer.

Each request has a connection of its own, as one that is kept would starve the other callers of a
server that lawfully serves one connection after another.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import count
from time import perf_counter

from sm_conformance.inputs.requests import PLATFORM_HEADERS, Request
from sm_conformance.laboratory import evidence, repeating
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.expected import CannotTell, unmet
from sm_conformance.laboratory.steps.alone import Asked, Repeated, ask_alone, ask_on
from sm_conformance.observed.http import Reply, exchange
from sm_conformance.observed.load import (
    UNDECLARED,
    Call,
    Load,
    Round,
    alike_but_for_digits,
    call_of,
    judged_ping_s,
)

# Most servers start a worker for each processor; twice as many callers keep all of them busy.
_LEAST_CALLERS, _MOST_CALLERS = 4, 16
# A round begins no request after so long, or after so many.
_ROUND_S, _ROUND_REQUESTS = 0.6, 300
_PING_PAUSE_S = 0.02
# Of the platform's time for one request, all callers together may take this share one after another.
_SERIAL_SHARE = 1 / 4
# A reply is waited for at least so long, and many times longer than a queue of all callers takes.
_PATIENCE_S, _QUEUES = 10.0, 4
_CONNECT_S = 5.0
_RECOVERY_S = 10.0
# After a connection that was refused at once.
_REFUSED_PAUSE_S = 0.02
_REPEATED_BOUTS = 25
_BY_CHANCE = 0.01


def load(talk: Conversation) -> None:
    """One round of load on a server that did well without; a second where the first went badly."""
    if _did_badly(talk):
        return
    with talk.bench.quiet.busy():
        alone = ask_alone(talk)
    if not alone.asked:
        if alone.not_compared:
            talk.load = Load(why_not=alone.not_compared, ended=True)
        return
    limit_s = talk.bench.limits.invocation_limit_s
    slowest_s = max(one.seconds for one in alone.asked)
    wanted = min(_MOST_CALLERS, max(_LEAST_CALLERS, 2 * talk.bench.engine.facts().cpus))
    callers = min(wanted, int(_SERIAL_SHARE * limit_s / slowest_s))
    if callers < 2:
        why = (
            f"a request takes {slowest_s:.1f} s, so several at once would take too long to wait for"
        )
        talk.load = Load(why_not=why)
        return
    patience_s = min(limit_s, max(_PATIENCE_S, _QUEUES * callers * slowest_s))
    lines = [talk.curls[one.request.name] for one in alone.asked]
    talk.curls["load"] = repeating.repeat_load(lines, callers=callers, bouts=_REPEATED_BOUTS)
    with talk.bench.quiet.alone():
        talk.load = _rounds(talk, alone, callers=callers, patience_s=patience_s)


def _did_badly(talk: Conversation) -> bool:
    """Whether something failed or was slow without load: then load tells nothing new."""
    limits = talk.bench.limits
    slow = [took for took in talk.connects_ms if took is None or took > limits.connect_limit_ms]
    measured = (talk.ping_latency, talk.invocation_latency)
    return (
        any(ping.status != 200 for ping in (*talk.pings, *talk.spaced_pings))
        or any(ping.elapsed_s > limits.ping_limit_s for ping in talk.spaced_pings)
        or any(not reply.ok for reply in talk.spaced_replies)
        or any(one is None or one.failures for one in measured)
        or len(slow) >= limits.unhealthy_after
    )


def _rounds(talk: Conversation, alone: Repeated, *, callers: int, patience_s: float) -> Load:
    def once() -> Load:
        one = _round(talk, alone.asked, callers=callers, patience_s=patience_s)
        return _afterwards(talk, Load(rounds=(one,)), patience_s=patience_s)

    found = once()
    if found.survived and _went_badly(talk, found.rounds[0]):
        again = once()
        found = replace(again, rounds=(*found.rounds, *again.rounds))
    steady = None
    if found.survived and found.each(Round.swapped):
        times = sum(len(one.calls) for one in found.rounds)
        steady = ask_on(talk, alone, times=times, enough=_telling(found))
    return replace(found, not_compared=alone.not_compared, steady=steady)


def _telling(found: Load) -> int:
    """How many good answers one after another tell that it is the callers who are mixed up.

    A server that answers as often wrongly for whoever asks gets so far in one case of a hundred.
    """
    share = min(len(one.swapped()) / len(one.calls) for one in found.rounds)
    return math.ceil(math.log(_BY_CHANCE) / math.log1p(-share)) if share < 1 else 1


def _went_badly(talk: Conversation, one: Round) -> bool:
    limits = talk.bench.limits
    connects_slowly = talk.bench.direct and one.connects_slowly(
        limit_ms=limits.connect_limit_ms, at_least=limits.unhealthy_after
    )
    pings = one.slow_pings(limit_s=limits.ping_limit_s) or one.sick_pings()
    return bool(one.failed() or one.swapped() or pings or connects_slowly)


def _afterwards(talk: Conversation, found: Load, *, patience_s: float) -> Load:
    """The same with what the server answered when all was quiet again."""
    if talk.container.pause(0.0):
        return replace(found, ended=True)
    after = talk.recovered("after-load", limit_s=patience_s)
    ping = talk.ping()
    until = time.monotonic() + _RECOVERY_S
    while ping.status not in (None, 200) and time.monotonic() < until:
        if talk.container.pause(_PING_PAUSE_S):
            break
        ping = talk.ping()
    ended = talk.container.pause(0.0)
    return replace(found, after=after, ping_after=ping, ended=ended)


@dataclass(slots=True)
class _Gate:
    """Says to all callers of one round whether they shall send a further request."""

    ends_at: float
    longest_ping_s: float
    cancelled: Callable[[], bool]
    numbers: count[int] = field(default_factory=count)
    sent: int = 0
    ping_since: float | None = None
    over: threading.Event = field(default_factory=threading.Event)
    # The first reply of each kind that is worth keeping as evidence.
    kept: dict[str, Reply] = field(default_factory=dict)

    def open(self) -> bool:
        """Whether the round still goes on by itself."""
        going = perf_counter() < self.ends_at and self.sent < _ROUND_REQUESTS
        return going and not self.over.is_set() and not self.cancelled()

    def next(self) -> int | None:
        """The number of the next request; None at the end.

        While a ping waits, load goes on, or a ping that waits for idle workers would be answered.
        """
        since = self.ping_since
        waits = since is not None and perf_counter() - since < self.longest_ping_s
        if not self.open() and not (waits and not self.over.is_set() and not self.cancelled()):
            return None
        self.sent = number = next(self.numbers)
        return number


def _round(talk: Conversation, asked: Sequence[Asked], *, callers: int, patience_s: float) -> Round:
    began = perf_counter()
    gate = _Gate(
        ends_at=began + _ROUND_S,
        longest_ping_s=judged_ping_s(talk.bench.limits.ping_limit_s) + 2 * _PING_PAUSE_S,
        cancelled=talk.bench.cancelled.is_set,
    )
    answers = {one.answer: one.request.name for one in asked if one.answer is not None}
    with ThreadPoolExecutor(max_workers=callers + 1) as pool:
        pinging = pool.submit(_ping, talk, gate)
        calling = [
            pool.submit(_call, talk, gate, asked, answers, patience_s) for _ in range(callers)
        ]
        try:
            told = [one.result() for one in calling]
            pings = pinging.result()
        finally:
            gate.over.set()
    talk.bench.check()
    for name, reply in gate.kept.items():
        evidence.write_reply(talk.folder, name, reply)
    return Round(
        callers=callers,
        seconds=max(ended for _, ended in told) - began,
        calls=tuple(call for calls, _ in told for call in calls),
        pings=pings,
    )


def _call(
    talk: Conversation,
    gate: _Gate,
    asked: Sequence[Asked],
    answers: dict[bytes, str],
    patience_s: float,
) -> tuple[list[Call], float]:
    """One caller: sends its next request when it has its answer. What it got, and when it was done."""
    told: list[Call] = []
    while (number := gate.next()) is not None:
        one = asked[number % len(asked)]
        reply = _send(talk, one.request, limit_s=patience_s)
        call = call_of(one.request.name, reply, got=_whose(one, reply, answers))
        told.append(call)
        if call.got not in ("", call.request):
            gate.kept.setdefault("load-swapped", reply)
        if not reply.ok:
            gate.kept.setdefault("load-failed", reply)
        if not call.connected:
            gate.over.wait(_REFUSED_PAUSE_S)
    return told, perf_counter()


def _whose(one: Asked, reply: Reply, answers: dict[bytes, str]) -> str:
    """The request whose answer this is, "" where that cannot be told."""
    if not reply.ok or one.answer is None:
        return ""
    if reply.body == one.answer:
        return one.request.name
    if reply.body in answers:
        return answers[reply.body]
    return UNDECLARED if _is_undeclared(one, one.answer, reply) else ""


def _is_undeclared(one: Asked, alone: bytes, reply: Reply) -> bool:
    """Whether an answer is not the declared one any more, and by more than digits."""
    if one.expect is None or alike_but_for_digits(reply.body, alone):
        return False
    try:
        return unmet(one.expect, reply) is not None
    except CannotTell:
        return False


def _ping(talk: Conversation, gate: _Gate) -> tuple[Call, ...]:
    told: list[Call] = []
    while gate.open():
        gate.ping_since = perf_counter()
        reply = talk.ping(PLATFORM_HEADERS, connect_limit_s=_CONNECT_S)
        gate.ping_since = None
        told.append(call_of("ping", reply))
        if reply.status != 200:
            gate.kept.setdefault("load-ping", reply)
        gate.over.wait(_PING_PAUSE_S)
    return tuple(told)


def _send(talk: Conversation, request: Request, *, limit_s: float) -> Reply:
    return exchange(
        talk.address,
        method="POST",
        path="/invocations",
        headers=request.headers,
        body=request.body,
        limit_s=limit_s,
        connect_limit_s=_CONNECT_S,
    )
