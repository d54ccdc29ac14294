"""Profiles: which broken clauses fail an image; data in ``specs/profiles.yaml``, or in a user's file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from sm_conformance import specs
from sm_conformance.contract.clause import Clause
from sm_conformance.errors import UsageProblem

# What is judged by where nobody names a profile.
DEFAULT = "platform"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Profile:
    """A named choice of what blocks a release, and what it takes for granted of the candidate.

    ``claims`` are added to what the owner claims; ``network`` is as good as declared.
    """

    name: str
    story: str
    rows: tuple[Mapping[str, Any], ...]
    claims: frozenset[str] = frozenset()
    network: str | None = None

    def can_fail(self, clause: Clause) -> bool:
        """Whether breaking this clause fails the image rather than being advice."""
        return any(_matches(row, clause) for row in self.rows)


def is_file(name: str) -> bool:
    """Whether a profile's name is that of a file: it has a dot or a slash."""
    return "/" in name or "." in name


def load(name: str) -> Profile:
    """The profile ``name``: one of ours, or a file of the user's that holds one profile.

    Raises :class:`UsageProblem` when it cannot be used.
    """
    if is_file(name):
        return _own(Path(name))
    table = specs.read_yaml("profiles.yaml")
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sorted(table))}"
        raise UsageProblem(f"unknown profile {name!r}; {hint} (a file needs a '/' or a '.')")
    return _profile(name, table[name])


def _own(path: Path) -> Profile:
    """A profile of the user's. It may demand more than ours, and never less than the promises."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("utf-8")
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UsageProblem(f"profile {path}: cannot be read: {reason}") from error
    schema = specs.read_schema("profiles")
    validator = Draft202012Validator({**schema["additionalProperties"], "$defs": schema["$defs"]})
    for problem in sorted(validator.iter_errors(data), key=lambda one: list(map(str, one.path))):
        where = "".join(f"[{part!r}]" for part in problem.absolute_path)
        if problem.validator == "contains":
            said = "a profile always fails what breaks a promise: add the row {promise: true}"
        else:
            said = problem.message[:300]
        raise UsageProblem(f"profile {path}: profile{where}: {said}")
    # In a report it must not pass for one of ours, whatever the file is called.
    return _profile(path.name if "." in path.name else f"./{path.name}", data)


def _profile(name: str, data: Mapping[str, Any]) -> Profile:
    return Profile(
        name=name,
        story=data["story"],
        rows=tuple(data["fails"]),
        claims=frozenset(data.get("claims", ())),
        network=data.get("network"),
    )


def _matches(row: Mapping[str, Any], clause: Clause) -> bool:
    facts = {
        "promise": clause.promise is not None,
        "level": clause.level.value,
        "consequence": clause.consequence.value,
        "chapter": clause.chapter,
        "clause": clause.key,
    }
    return all(
        wanted in clause.claims if name == "claim" else facts[name] == wanted
        for name, wanted in row.items()
    )
