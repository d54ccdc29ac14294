"""What a scenario comes to: a run, a server, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from sm_conformance.observed.run import Cause, Server, TrainRun

Observation: TypeAlias = TrainRun | Server
# Gives what the scenario of a name showed, or why it could not be launched to any purpose.
Observe: TypeAlias = Callable[[str], Observation | Cause]


def cause_of(observed: Observation | Cause) -> Cause | None:
    """Why it went wrong; None where it did not."""
    return observed if isinstance(observed, Cause) else observed.cause
