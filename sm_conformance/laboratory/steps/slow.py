"""A request that its owner says is slow: what cuts it before the platform would, is seen by it."""

from __future__ import annotations

from sm_conformance.inputs.requests import invocation, slow_sample
from sm_conformance.laboratory.conversation import Conversation


def slow_request(talk: Conversation) -> None:
    """The slow request; where it fails, once more, for a time limit cuts each time alike."""
    sample = slow_sample(talk.bench.candidate.declaration.hosting)
    if sample is None:
        return
    if talk.ask(invocation(sample, name="slow")).ok:
        return
    # A worker that did not survive it is given time to come back.
    if talk.container.pause(0.0) or not talk.recovered("after-slow").ok:
        return
    talk.ask(invocation(sample, name="slow-again"))
    if not talk.container.pause(0.0):
        talk.recovered("after-slow-again")
