"""Makes inputs with which a training cannot succeed out of those with which it does."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from sm_conformance.declaration.ranges import number_of
from sm_conformance.declaration.values import Channel, Hyperparameter, Training
from sm_conformance.inputs import generated

_NONSENSE = "sm-conformance-no-such-value"


def with_fault(
    fault: str,
    training: Training | None,
    hyperparameters: dict[str, str],
    channels: dict[str, Channel],
) -> tuple[dict[str, str], dict[str, Channel]] | None:
    """The hyperparameters and channels with ``fault``; None where they have no part for it."""
    match fault:
        case "declared":
            if training is None or training.fault is None:
                return None
            for name, sin in training.fault.channels.items():
                channels = _spoiled(channels, name, sin)
            return {**hyperparameters, **training.fault.hyperparameters}, channels
        case "out-of-range":
            bad = _out_of_range(training)
            return ({**hyperparameters, **bad}, channels) if bad else None
        case "bad-hyperparameter":
            bad = {name: _NONSENSE for name, value in hyperparameters.items() if _number(value)}
            return ({**hyperparameters, **bad}, channels) if bad else None
        case "missing-channel" | "empty-channel" | "corrupt-data":
            sin = fault.partition("-")[0]
            # Without one that is required, training goes on lawfully.
            needed = [name for name, channel in channels.items() if channel.required]
            spoiled = needed if sin in ("missing", "empty") else [*needed, *channels]
            if not spoiled:
                return None
            # Nobody knows which of made-up channels the program reads.
            for name in spoiled if training is None else spoiled[:1]:
                channels = _spoiled(channels, name, sin)
            return hyperparameters, channels
    raise ValueError(fault)


def _spoiled(channels: Mapping[str, Channel], name: str, sin: str) -> dict[str, Channel]:
    left = dict(channels)
    if sin == "missing":
        left.pop(name, None)
        return left
    # One that need not be there is left out where nobody said what is in it.
    absent = Channel(name=name, content_type=None, files=generated.stand_in(None))
    old = left.get(name, absent)
    files = tuple((file, generated.garbage()) for file, _ in old.files) if sin == "corrupt" else ()
    left[name] = replace(old, files=files)
    return left


def _out_of_range(training: Training | None) -> dict[str, str]:
    """A value beyond what is declared, for each hyperparameter of which a range is."""
    specs = training.hyperparameter_specs if training else ()
    made = {spec.name: _beyond(spec) for spec in specs}
    return {name: value for name, value in made.items() if value is not None}


def _beyond(spec: Hyperparameter) -> str | None:
    """Below the range where it has a least value: above it, a job that takes no offence may last."""
    if spec.values:
        return _NONSENSE
    low, high = (
        None if text is None else number_of(text, spec.kind) for text in (spec.low, spec.high)
    )
    if low is not None:
        return _shifted(low, -1)
    return None if high is None else _shifted(high, 1)


def _shifted(bound: float, direction: int) -> str | None:
    if isinstance(bound, int):
        return str(bound + direction)
    value = bound + direction * max(1.0, abs(bound))
    return repr(value) if math.isfinite(value) else None


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
