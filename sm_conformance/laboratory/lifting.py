"""Which condition of a launch can be lifted to find a cause, and what such a launch is called."""

from __future__ import annotations

from sm_conformance.inputs.scenario import Lift
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.facts import ImageFacts


def liftable(bench: Bench, lift: Lift, facts: ImageFacts | None) -> bool:
    """Whether a launch without this condition is possible and allowed; ``facts`` are of its image."""
    if lift.conditions.image_command:
        return facts is not None and bool(facts.command)
    return bench.allow_network or not lift.conditions.open_network


def slug(lift: Lift) -> str:
    """What the launch is called in which a condition is lifted, behind the scenario."""
    return lift.blames.partition(" ")[2]
