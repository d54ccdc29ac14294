"""Profiles: which broken clauses fail an image; data in ``specs/profiles.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sm_conformance import specs
from sm_conformance.contract.clause import Clause
from sm_conformance.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Profile:
    """A named choice of what blocks a release."""

    name: str
    story: str
    rows: tuple[Mapping[str, Any], ...]

    def can_fail(self, clause: Clause) -> bool:
        """Whether breaking this clause fails the image rather than being advice."""
        facts = {
            "promise": clause.promise is not None,
            "level": clause.level.value,
            "consequence": clause.consequence.value,
        }
        return any(all(facts[name] == wanted for name, wanted in row.items()) for row in self.rows)


def load(name: str) -> Profile:
    """The profile ``name``. Raises :class:`UsageProblem` when there is none of that name."""
    table = specs.read_yaml("profiles.yaml")
    if name not in table:
        raise UsageProblem(f"unknown profile {name!r}; there are: {', '.join(sorted(table))}")
    return Profile(name=name, story=table[name]["story"], rows=tuple(table[name]["fails"]))
