"""How the clauses on requests to AWS are judged: what the static rules told, made an outcome."""

from __future__ import annotations

from typing import TypeAlias

from sm_conformance.aws.rule import Breach
from sm_conformance.judgement.outcome import Broken, NotApplicable

# The breaches of one clause; None where no request says anything that it looks at.
Told: TypeAlias = tuple[Breach, ...] | None


def kept(told: Told) -> None:
    """Says that the clause is broken where a rule told so; what weighs most is told."""
    if told is None:
        raise NotApplicable("no request to AWS that was given says anything of it")
    for breach in sorted(told, key=lambda one: one.only_advice):
        raise Broken(expected=breach.expected, actual=breach.actual, only_advice=breach.only_advice)
