"""A declaration in the making: what it says, and which place of which request said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sm_conformance.aws.places import Place
from sm_conformance.aws.problems import dotted
from sm_conformance.aws.service import Fault
from sm_conformance.declaration.problems import Where

# The kind of a request, and a place in it.
Origin: TypeAlias = tuple[str, Where]


@dataclass
class Draft:
    """``document`` has the form of ``sm-conformance.yaml``; ``origins`` has a row for each thing said.

    ``notes`` tell what the requests say and the document does not.
    """

    document: dict[str, Any] = field(default_factory=dict)
    origins: dict[Where, Origin] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def say(self, where: Where, value: Any, *, by: Place) -> None:
        """Put a value at ``where``, and mappings on the way to it; None says nothing."""
        if value is None:
            return
        *outer, last = where
        inner: Any = self.document
        for step in outer:
            inner = inner.setdefault(step, {})
        inner[last] = value
        self.origins[where] = (by.kind, by.where)

    def claim(self, *claims: str, by: Place) -> None:
        """Add claims; the first request that makes one is its origin."""
        said = self.document.setdefault("claims", [])
        for claim in claims:
            if claim not in said:
                said.append(claim)
                self.origins["claims", claim] = (by.kind, by.where)

    def note(self, by: Place, text: str) -> None:
        """Tell that something of a request is not in the document."""
        self.notes.append(f"{by.kind} request: {dotted(by.where)}: {text}")


def origin(origins: Mapping[Where, Origin], where: Where) -> Origin:
    """Where a value of the document came from: its own row, or that of the nearest place around it."""
    around = (where[:length] for length in range(len(where), -1, -1))
    return next(origins[place] for place in around if place in origins)


def without(content: Mapping[str, Any], faults: Sequence[Fault]) -> dict[str, Any]:
    """A copy of the request without what the service would not take; a clause tells of that."""
    removed: set[Where] = set()
    most: dict[Where, int] = {}
    for fault in faults:
        inner = _at(content, fault.where)
        if isinstance(inner, list | dict):
            if fault.most is not None:
                most[fault.where] = fault.most
        else:
            removed.add(fault.where)

    def copy(value: Any, where: Where) -> Any:
        end = most.get(where)
        if isinstance(value, dict):
            kept = [key for key in value if (*where, key) not in removed][:end]
            return {key: copy(value[key], (*where, key)) for key in kept}
        if isinstance(value, list):
            places = [index for index in range(len(value)) if (*where, index) not in removed][:end]
            return [copy(value[index], (*where, index)) for index in places]
        return value

    made: dict[str, Any] = copy(content, ())
    return made


def _at(value: Any, where: Where) -> Any:
    for step in where:
        match value:
            case dict():
                value = value.get(step)
            case list() if isinstance(step, int):
                value = value[step]
            case _:
                return None
    return value
