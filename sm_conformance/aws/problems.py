"""Collects what is wrong with one request, and words it for its owner."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sm_conformance.declaration.problems import Where, shown
from sm_conformance.errors import UsageProblem

_MOST_PROBLEMS = 10
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")


class RequestProblem(UsageProblem):
    """A request cannot be used; the text has one line per problem, with its file and place."""


class Problem(Protocol):
    """Something wrong at a place. The text is asked for only where it is told."""

    @property
    def where(self) -> Where: ...

    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Plain:
    """A problem whose text is at hand."""

    where: Where
    text: str


def refuse(path: Path, found: Sequence[Problem]) -> None:
    """Raise one ``RequestProblem`` that tells the first of the problems found in ``path``, if any."""
    if not found:
        return
    told = [f"{path}: {dotted(one.where)}: {one.text}" for one in found[:_MOST_PROBLEMS]]
    if len(found) > _MOST_PROBLEMS:
        told.append(f"{path}: and {len(found) - _MOST_PROBLEMS} more problems")
    raise RequestProblem("\n".join(told))


def dotted(where: Where) -> str:
    """The place as a path, such as ``$.InputDataConfig[0].ChannelName``."""
    return "$" + "".join(
        f".{part}" if isinstance(part, str) and _PLAIN_KEY.fullmatch(part) else f"[{shown(part)}]"
        for part in where
    )
