"""The miniatures by name, of all families: one is lawful, the others are small liars with one sin each.

A family is a topic of the suite: the miniatures that its clauses need, and the sins that are found out
by them, stand in the module of the same name.
"""

from __future__ import annotations

from miniatures import (
    concurrency,
    generated_requests,
    hyperparameters,
    image,
    isolation,
    latency_bounds,
    marketplace,
    model_archive,
    protocol,
    server_life,
    serving,
    strange_requests,
    streaming,
    training,
    training_ends,
    training_input,
    training_outputs,
    trouble,
)
from miniatures.container import Miniature
from miniatures.lawful import LAWFUL
from miniatures.sins import Sin

# Those whose sins are tried by tests of their own come last.
FAMILIES = (
    training, training_ends, training_outputs, hyperparameters, isolation, image,
    serving, latency_bounds, protocol, strange_requests, generated_requests, concurrency,
    model_archive, server_life, trouble, training_input, streaming, marketplace,
)  # fmt: skip


def _together() -> dict[str, Miniature]:
    found = {"lawful": LAWFUL}
    for family in FAMILIES:
        twice = found.keys() & family.MINIATURES.keys()
        assert not twice, f"{family.__name__} names again what another family has: {twice}"
        found.update(family.MINIATURES)
    return found


def _sins(when: str) -> list[Sin]:
    return [sin for family in FAMILIES for sin in getattr(family, when, ())]


MINIATURES = _together()
# What is found out while it trains, and while it serves; see ``test_miniatures``.
TRAINING_SINS, SERVING_SINS = _sins("TRAINING_SINS"), _sins("SERVING_SINS")
# What tests of their own find out.
OTHER_SINS = _sins("SINS")
