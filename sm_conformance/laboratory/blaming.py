"""Finds out who is to blame when a server ended or failed after a request that it was sent.

The request is sent to a server that has seen none but good ones. Where that goes on, another one is
sent about as many good requests as the first server had been sent, then that request several times.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sm_conformance.inputs.requests import invocation
from sm_conformance.inputs.scenario import Scenario
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.conversation import Conversation, Suspect
from sm_conformance.laboratory.serving import serve
from sm_conformance.laboratory.steadiness import Steadiness
from sm_conformance.observed.harm import Blame, Harm
from sm_conformance.observed.http import Reply
from sm_conformance.observed.run import Server

_Probe = Callable[[Conversation], Harm | None]
# For a server to die of a request that it has answered.
_DYING_S = 0.2
# More requests of a kind than a server has workers that it could lose to them.
_OFTEN = 20
# For a start, an answer, and all requests of one kind, where the first server took so many times less.
_LEAST_S, _LONGER = 10.0, 2.0


def with_blame(
    bench: Bench,
    scenario: Scenario,
    server: Server,
    suspect: Suspect,
    *,
    model: Path | None,
    guessed: tuple[str, ...],
) -> Server:
    """The server with who is to blame for its end, where no bound of ours was reached."""
    if server.limits_reached:
        return server

    def found(name: str, probe: _Probe) -> Harm | None:
        seen: list[Harm | None] = []

        def further(other: Conversation) -> None:
            with bench.quiet.busy():
                seen.append(probe(other))

        serve(
            bench,
            replace(scenario, steps=("invocation",)),
            scenario.conditions,
            model=model,
            guessed=guessed,
            name=f"{scenario.name}-{name}",
            patience_s=max(_LEAST_S, _LONGER * (server.ready_after_s or 0.0)),
            reply_limit_s=max(_LEAST_S, _LONGER * server.replies["sample"].elapsed_s),
            further=further,
        )
        return seen[0] if seen else None

    def alone(other: Conversation) -> Harm | None:
        # Here it is one of the first few requests; the first server had answered more than these.
        harm = _sent(other, suspect, times=1)
        return harm and replace(harm, blame=Blame.REQUEST)

    def among_many(other: Conversation) -> Harm | None:
        longest_s = max(_LEAST_S, _LONGER * server.seconds)
        harm = _asked(other, suspect, longest_s=longest_s)
        if harm is not None or other.asked < suspect.asked:
            return harm
        return _sent(other, suspect, times=_OFTEN)

    harm = found("alone", alone) or found("many", among_many)
    return replace(server, harm=harm or Harm(suspect.name, suspect.asked))


def _sent(talk: Conversation, suspect: Suspect, *, times: int) -> Harm | None:
    """What becomes of a server that is sent the suspect so many ``times``; None where it goes on."""
    steadiness = _begin(talk, suspect.name)
    if steadiness is None:
        return None
    until = time.monotonic() + _LEAST_S
    for nth in range(1, times + 1):
        got = suspect.send(talk)
        talk.container.pause(_DYING_S)
        seen = steadiness.harm(got if isinstance(got, Reply) else None, suspect.send)
        if seen is not None:
            return Harm(suspect.name, suspect.asked, Blame.OFTEN, seen, nth)
        if time.monotonic() > until:
            break
    return None


def _asked(talk: Conversation, suspect: Suspect, *, longest_s: float) -> Harm | None:
    """What becomes of a server that is sent good requests instead, at most ``longest_s`` seconds."""
    good = invocation(talk.sample, name="good")
    steadiness = _begin(talk, good.name)
    if steadiness is None:
        return None
    until = time.monotonic() + longest_s
    for nth in range(1, suspect.asked + 1):
        reply = talk.send(good)
        late = time.monotonic() > until
        if not reply.ok or late or nth == suspect.asked:
            seen = steadiness.harm(reply, lambda one: one.send(good))
            if seen is not None:
                return Harm(suspect.name, suspect.asked, Blame.NUMBER, seen, nth)
        if late:
            break
    return None


def _begin(talk: Conversation, name: str) -> Steadiness | None:
    """Who watches a server that answers well; None where it does not even at first."""
    sample = talk.replies.get("sample")
    if sample is None or not sample.ok:
        return None
    # Another answer than before is no end.
    return Steadiness(talk, name, answer=None)
