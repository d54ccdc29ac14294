"""Clauses: the rules of the container contract, read from ``specs/clauses.yaml``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from typing import Any

from sm_conformance import specs


class Level(StrEnum):
    """How strongly the source of a rule words it."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    OBS = "OBS"


class Consequence(StrEnum):
    """What breaking a rule does on the platform."""

    REFUSED = "refused"
    FAILS = "fails"
    LOSES = "loses"
    NONE = "none"


class Disposition(StrEnum):
    """What this project does about a rule."""

    ASSERTED = "asserted"
    EMULATED = "emulated"
    DECLARATION = "declaration"
    UNOBSERVABLE = "unobservable"
    NOT_YET = "not-yet"


_JUDGED = (Disposition.ASSERTED, Disposition.DECLARATION)


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule. ``key`` (number and name) identifies it in reports, waivers and mutants."""

    number: str
    name: str
    level: Level
    consequence: Consequence
    promise: str | None
    claims: frozenset[str]
    scope: str
    disposition: Disposition
    because: str | None
    sentence: str
    matters: str
    fix: str
    sources: tuple[str, ...]
    hint: bool
    # The launches that hand an emulated condition over.
    scenarios: tuple[str, ...]
    # Judged by looking at the image alone, without a launch.
    static: bool

    @property
    def key(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def chapter(self) -> str:
        return self.number.partition("-")[0]

    @property
    def is_judged(self) -> bool:
        """Whether a finding exists for it: judged by launches, or on requests to AWS."""
        return self.disposition in _JUDGED

    @property
    def on_requests(self) -> bool:
        """Whether it is judged on requests to AWS, and not by launching the image."""
        return self.disposition is Disposition.DECLARATION

    def applies(self, claims: frozenset[str]) -> bool:
        """Whether an image that makes these claims is bound by this clause."""
        return not self.claims or bool(self.claims & claims)


@dataclass(frozen=True)
class Contract:
    """All clauses of one edition, in the order of the document."""

    # Without slots: what is asked for again and again is kept beside the fields.

    edition: str
    sha256: str
    clauses: tuple[Clause, ...]

    @cached_property
    def asserted(self) -> tuple[Clause, ...]:
        """The clauses that a finding exists for."""
        return tuple(c for c in self.clauses if c.is_judged)

    @property
    def launched(self) -> tuple[Clause, ...]:
        """Those of them that are judged by launching the image, or by looking at it."""
        return tuple(c for c in self.clauses if c.disposition is Disposition.ASSERTED)

    @property
    def claims_judged(self) -> frozenset[str]:
        """The claims of which a launch shows something; a fact of the image alone judges none."""
        shown = [clause.claims for clause in self.launched if not clause.static]
        return frozenset[str]().union(*shown)

    def clause(self, key: str) -> Clause:
        """The clause ``key`` ("TRAIN-064 failure-file"). Raises KeyError."""
        return self._by_key[key]

    @cached_property
    def _by_key(self) -> dict[str, Clause]:
        return {clause.key: clause for clause in self.clauses}

    def find(self, number: str) -> tuple[Clause, ...]:
        """The clauses of one number, whatever its case; empty when there is none."""
        return tuple(c for c in self.clauses if c.number == number.upper())


@cache
def load() -> Contract:
    """The contract of this edition of the suite."""
    raw = specs.path("clauses.yaml").read_bytes()
    data = specs.read_yaml("clauses.yaml")
    return Contract(
        edition=str(data["edition"]),
        sha256=hashlib.sha256(raw).hexdigest(),
        clauses=tuple(_clause(item) for item in data["clauses"]),
    )


def _clause(item: Mapping[str, Any]) -> Clause:
    return Clause(
        number=item["number"],
        name=item["name"],
        level=Level(item["level"]),
        consequence=Consequence(item["consequence"]),
        promise=item.get("promise"),
        claims=frozenset(item["claims"]),
        scope=item["scope"],
        disposition=Disposition(item["disposition"]),
        because=item.get("because"),
        sentence=item["sentence"],
        matters=item["matters"],
        fix=item["fix"],
        sources=tuple(item["sources"]),
        hint=bool(item.get("hint", False)),
        scenarios=tuple(item.get("scenarios", ())),
        static=bool(item.get("static", False)),
    )
