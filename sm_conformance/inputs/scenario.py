"""Scenarios: what one launch is handed and what is done to it, read from ``specs/scenarios/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sm_conformance import specs

HOST = "algo-1"
# The launches that promises are judged on, and that others depend on.
PLAIN_TRAINING = "train-plain"
PLAIN_SERVER = "serve-plain"
FAILING_TRAINING = "train-failing"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a launch differs from the most ordinary one."""

    add_hyperparameters: Mapping[str, str] = field(default_factory=dict)
    no_hyperparameters: bool = False
    typed_hyperparameters: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    encoded_hyperparameters: bool = False
    odd_files: bool = False
    further_files: bool = False
    short_channel_config: bool = False
    no_channels: bool = False
    fast_file: bool = False
    writable_fast_file: bool = False
    fast_file_word: str = "File"
    read_only_config: bool = False
    host: str = HOST
    writable_model: bool = False
    spoiled_model: bool = False
    batch: bool = False
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
    """One container launch. ``kind`` is "train" or "serve".

    ``together`` names the scenarios whose conditions all hold at once in this one. As long as it
    goes well none of them is launched by itself.
    """

    name: str
    kind: str
    story: str
    conditions: Conditions
    faults: tuple[str, ...]
    steps: tuple[str, ...]
    lifts: tuple[Lift, ...]
    together: tuple[str, ...] = ()
    # Trained with again and again: "lawful" values of hyperparameters, or "bad" ones.
    examples: str | None = None


def names() -> tuple[str, ...]:
    """The names of all scenarios."""
    return tuple(sorted(path.stem for path in specs.path("scenarios").glob("*.yaml")))


@cache
def load(name: str) -> Scenario:
    """The scenario ``name``. Our own data: the tests hold each against its schema."""
    data = specs.read_yaml(f"scenarios/{name}.yaml")
    together = tuple(data.get("together", ()))
    return Scenario(
        name=name,
        kind=data["kind"],
        story=data["story"],
        conditions=_all_of(together) if together else _conditions(data.get("conditions", {})),
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
        together=together,
        examples=data.get("examples"),
    )


@cache
def shared(name: str) -> str | None:
    """The scenario in which the conditions of ``name`` hold together with others; None for none."""
    return next((other for other in names() if name in load(other).together), None)


def _all_of(together: tuple[str, ...]) -> Conditions:
    """The conditions of several scenarios at once; two of them never say different things."""
    merged: dict[str, Any] = {}
    for name in together:
        for key, value in specs.read_yaml(f"scenarios/{name}.yaml")["conditions"].items():
            merged[key] = {**merged.get(key, {}), **value} if isinstance(value, dict) else value
    return _conditions(merged)


def _conditions(data: Mapping[str, Any]) -> Conditions:
    return Conditions(**data)
