"""Scenarios: what one launch is handed and what is done to it, read from ``specs/scenarios/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sm_conformance import specs


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a launch differs from the most ordinary one."""

    add_hyperparameters: Mapping[str, str] = field(default_factory=dict)
    no_hyperparameters: bool = False
    typed_hyperparameters: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    odd_files: bool = False
    writable_model: bool = False
    reachable: bool = False
    open_network: bool = False
    image_command: bool = False
    lasting: bool = False
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Lift:
    """One condition lifted from a launch that failed: when that cures it, ``blames`` is the cause."""

    blames: str
    condition: str
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class Scenario:
    """One container launch. ``kind`` is "train" or "serve"."""

    name: str
    kind: str
    story: str
    conditions: Conditions
    faults: tuple[str, ...]
    steps: tuple[str, ...]
    lifts: tuple[Lift, ...]
    # Trained with again and again: "lawful" values of hyperparameters, or "bad" ones.
    examples: str | None = None


def names() -> tuple[str, ...]:
    """The names of all scenarios."""
    return tuple(sorted(path.stem for path in specs.path("scenarios").glob("*.yaml")))


@cache
def load(name: str) -> Scenario:
    """The scenario ``name``. Our own data: the tests hold each against its schema."""
    data = specs.read_yaml(f"scenarios/{name}.yaml")
    return Scenario(
        name=name,
        kind=data["kind"],
        story=data["story"],
        conditions=_conditions(data.get("conditions", {})),
        faults=tuple(data.get("faults", ())),
        steps=tuple(data.get("steps", ())),
        lifts=tuple(
            Lift(
                blames=lift["blames"],
                condition=lift["condition"],
                conditions=_conditions(lift["conditions"]),
            )
            for lift in data.get("lifts", ())
        ),
        examples=data.get("examples"),
    )


def _conditions(data: Mapping[str, Any]) -> Conditions:
    return Conditions(**data)
