"""Judges the clauses that a request can keep or break by itself, before anything is launched."""

from __future__ import annotations

from itertools import islice

from sm_conformance.aws import (
    hosting_rules,
    marketplace_rules,
    service,
    start_rules,
    training_rules,
)
from sm_conformance.aws.places import Raw
from sm_conformance.aws.rule import Breach, Rule, breach_of
from sm_conformance.aws.service import Fault
from sm_conformance.contract import clause
from sm_conformance.declaration.problems import Where

RULES: tuple[Rule, ...] = (
    *start_rules.RULES,
    *training_rules.RULES,
    *hosting_rules.RULES,
    *marketplace_rules.RULES,
)
_MOST_BREACHES = 10


def check(requests: Raw) -> dict[str, tuple[Breach, ...]]:
    """The breaches of each clause that the requests (see ``places.Raw``) are bound by, by its key.

    An empty tuple is a clause that was kept; one that is not there had nothing to look at. Whether
    the candidate claims what a clause belongs to is not asked here.
    """
    found: dict[str, list[Breach]] = {}
    for rule in RULES:
        places = tuple(rule.find(requests))
        if places:
            demands = islice(rule.more(places), _MOST_BREACHES)
            found[rule.clause] = [Breach(rule.clause, *demand) for demand in demands]
    owners = Owners(requests)
    for kind, content in requests.items():
        for fault in service.examine(kind, content).faults:
            owner = owners.of(kind, fault)
            if owner is not None:
                found.setdefault(owner.clause, []).append(breach_of(owner, kind, fault))
    return {key: tuple(breaches[:_MOST_BREACHES]) for key, breaches in found.items()}


class Owners:
    """Knows which clause a fault of the service's model breaks: the one that looks most closely."""

    def __init__(self, requests: Raw) -> None:
        self._rules: dict[tuple[str, Where], list[Rule]] = {}
        for rule in RULES:
            for place in rule.owns(requests):
                self._rules.setdefault((place.kind, place.where), []).append(rule)

    def of(self, kind: str, fault: Fault) -> Rule | None:
        """The rule that owns the fault, if any does."""
        for above in range(len(fault.where) + 1):
            near = self._rules.get((kind, fault.where[: len(fault.where) - above]), [])
            for rule in near:
                if above <= rule.depth and fault.rule in rule.kinds:
                    return rule
        return None

    def judged(self, kind: str, fault: Fault, *, claims: frozenset[str]) -> bool:
        """Whether a clause that these claims are bound by will tell the fault."""
        rule = self.of(kind, fault)
        return rule is not None and clause.load().clause(rule.clause).applies(claims)
