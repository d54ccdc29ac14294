"""What a little liar must be found guilty of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from miniatures.declared import TRAINS

# Limits that a liar would otherwise exhaust: it idles, stalls, or keeps refusing.
HASTE = {
    "idle_s": 0.4,
    "startup_limit_s": 0.5,
    "startup_grace_s": 0.2,
    "invocation_limit_s": 0.3,
    "ping_spacing_s": 0.02,
    "hosting_stop_limit_s": 0.5,
    "training_stop_limit_s": 0.5,
}
# A program that does not end when it is told to; both halves.
UNSTOPPABLE = {"hosting_stop_limit_s": 0.3, "training_stop_limit_s": 0.3}


@dataclass(frozen=True)
class Sin:
    """What one miniature must be found guilty of: the clause that it breaks, and the verdict.

    ``says`` is part of what the finding saw, ``repeat`` how the commands end that show it. Changed
    ``limits`` make a run doubtful by themselves.
    """

    image: str
    breaks: str
    verdict: str = "fail"
    says: str = ""
    repeat: str = ""
    declaration: Mapping[str, Any] = field(default_factory=lambda: TRAINS)
    limits: Mapping[str, float] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.image}-{self.breaks.replace(' ', '-')}"


def weighed(sins: Sequence[Sin]) -> list[Any]:
    """All of them; of each clause the first is found every time, the others with the long tests."""
    seen: set[str] = set()
    chosen = []
    for sin in sins:
        marks = [pytest.mark.long] if sin.breaks in seen else []
        seen.add(sin.breaks)
        chosen.append(pytest.param(sin, marks=marks, id=str(sin)))
    return chosen
