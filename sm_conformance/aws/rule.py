"""The form of a static rule: which clause, where it looks, what it demands there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from sm_conformance.aws.places import Finder, Place, nowhere
from sm_conformance.aws.problems import dotted
from sm_conformance.aws.service import Fault
from sm_conformance.declaration.problems import Where

LIMITS = frozenset({"enum", "max", "min", "pattern", "required"})


@dataclass(frozen=True, slots=True)
class Breach:
    """A clause is broken: what it demands of which place, what stands there.

    ``only_advice``: the service may well take it, for instance a value newer than the model.
    """

    clause: str
    expected: str
    actual: str
    only_advice: bool = False


class Said(NamedTuple):
    """A breach without the name of its clause."""

    expected: str
    actual: str
    only_advice: bool = False


# What a rule demands beyond the service's model, of all its places together.
Demand: TypeAlias = Callable[[Sequence[Place]], Iterator[Said]]


def nothing_more(_: Sequence[Place]) -> Iterator[Said]:
    """The service's model says all that there is to demand."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Rule:
    """One clause on requests.

    ``find`` finds the places that it looks at; without any the clause does not apply. ``more`` holds
    these against what the service's model does not say. What the model does say of the places that
    ``owns`` finds, and as many levels below them as ``depth``, belongs to this clause as far as it
    is one of ``kinds``; one of ``doubtful`` is advice.
    """

    clause: str
    find: Finder
    more: Demand = nothing_more
    owns: Finder = nowhere
    depth: int = 0
    kinds: frozenset[str] = LIMITS
    doubtful: frozenset[str] = frozenset()


ANY_DEPTH = 100


def breach_of(rule: Rule, kind: str, fault: Fault) -> Breach:
    """The breach that a fault of the service's model is."""
    expected, actual = fault.expected, fault.actual
    if fault.rule == "required":
        expected, actual = f"{fault.where[-1]} is given", "it is missing"
    elif fault.rule == "unknown":
        expected, actual = f"no {fault.where[-1]} is given", "there is one"
    return Breach(
        clause=rule.clause,
        expected=f"{expected} at {named(kind, fault.where)}",
        actual=actual,
        only_advice=fault.rule in rule.doubtful,
    )


def named(kind: str, where: Where) -> str:
    """A place in the words of a card."""
    return f"{dotted(where)} of the {kind} request"


def at(place: Place) -> str:
    """The same for a place that was found."""
    return named(place.kind, place.where)
