"""The steps that a scenario can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.steps import (
    batch,
    ending,
    generated,
    life,
    malformed_http,
    ordinary,
    protocol,
    strange,
    streaming,
)
from sm_conformance.laboratory.steps.latency import latency
from sm_conformance.laboratory.steps.load import load
from sm_conformance.laboratory.steps.slow import slow_request


@dataclass(frozen=True, slots=True)
class _Step:
    """What is done, and when it may be.

    ``needs_an_answer``: of a server whose good request fails, or that has ended, it would tell
    nothing. ``chooses_quiet``: it says itself when the rest of the harness has to be quiet.
    """

    do: Callable[[Conversation], None]
    needs_an_answer: bool = True
    chooses_quiet: bool = False


_STEPS: Mapping[str, _Step] = {
    "first-invocation": _Step(ordinary.first_invocation, needs_an_answer=False),
    "invocation": _Step(ordinary.invocation, needs_an_answer=False),
    "pings": _Step(ordinary.pings, needs_an_answer=False),
    "connect": _Step(ordinary.connect, needs_an_answer=False),
    "declared-types": _Step(ordinary.declared_types),
    "streams": _Step(streaming.streams),
    "unknown-headers": _Step(ordinary.unknown_headers),
    "charset": _Step(protocol.charset),
    "api-headers": _Step(protocol.api_headers),
    "latency": _Step(latency, chooses_quiet=True),
    "slow-request": _Step(slow_request),
    "load": _Step(load, chooses_quiet=True),
    "post-ping": _Step(protocol.post_ping),
    "unknown-path": _Step(protocol.unknown_path),
    "keep-alive": _Step(protocol.keep_alive),
    "framing": _Step(protocol.framing),
    "keep-alive-refused": _Step(protocol.keep_alive_refused),
    "undeclared-type": _Step(strange.undeclared_type),
    "malformed-bodies": _Step(strange.malformed_bodies),
    "large-bodies": _Step(strange.large_bodies),
    "pipelined-requests": _Step(malformed_http.pipelined_requests),
    "lawful-requests": _Step(generated.lawful_requests),
    "mutilated-requests": _Step(generated.mutilated_requests),
    "malformed-http": _Step(malformed_http.broken_http),
    "in-flight": _Step(life.in_flight),
    "kill-server": _Step(life.kill_server),
    "transform": _Step(batch.transform),
    "listed-types": _Step(batch.listed_types),
    "watch": _Step(ordinary.watch, needs_an_answer=False),
    "stop": _Step(ending.stop, needs_an_answer=False),
    "written": _Step(ending.written, needs_an_answer=False),
}


def take(name: str, talk: Conversation) -> None:
    """Does one step; what comes of it is kept in the conversation."""
    step = _STEPS[name]
    if step.needs_an_answer and not _answers(talk):
        return
    if step.chooses_quiet:
        step.do(talk)
        return
    with talk.bench.quiet.busy():
        step.do(talk)


def names() -> tuple[str, ...]:
    """The names of all steps."""
    return tuple(sorted(_STEPS))


def _answers(talk: Conversation) -> bool:
    """Whether the server answered the good request in time, and is still there."""
    sample = talk.replies.get("sample")
    good = sample is not None and sample.ok and sample.elapsed_s <= talk.answer_limit_s
    return good and not talk.container.pause(0.0)
