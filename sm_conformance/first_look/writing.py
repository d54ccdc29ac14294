"""Writes a document as YAML with a comment above each line that something is known of."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sm_conformance.aws.writing import as_yaml
from sm_conformance.declaration.document import parse
from sm_conformance.declaration.problems import Problems, Where
from sm_conformance.observed.http import printable

_WIDTH = 100
_LONGEST = 600


def annotated(document: Mapping[str, Any], notes: Mapping[Where, Sequence[str]]) -> str:
    """The YAML text of ``document``; each note stands above the line of its place, or around it."""
    if not document:
        return "{}\n"
    text = as_yaml(dict(document))
    problems = Problems(Path("sm-conformance.yaml"))
    parse(text.encode(), problems=problems)
    above: dict[int, list[str]] = {}
    for where, told in notes.items():
        known = where
        while known not in problems.lines:
            known = known[:-1]
        above.setdefault(problems.lines[known], []).extend(told)
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        indent = line[: len(line) - len(line.lstrip(" "))]
        lines += comment(above.get(number, ()), indent=indent)
        lines.append(line)
    return "\n".join(lines) + "\n"


def outcommented(document: Mapping[str, Any]) -> list[str]:
    """The document as lines of a comment, ready to be uncommented."""
    return [f"# {line}" for line in as_yaml(dict(document)).splitlines()] if document else []


def comment(told: Iterable[str], *, indent: str = "") -> list[str]:
    """Lines of comment; what others wrote can neither end one nor hide in it."""
    lines = []
    for text in told:
        safe = printable(" ".join(text.split()))[:_LONGEST]
        lines += textwrap.wrap(
            safe, _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ",
            break_on_hyphens=False,
        )  # fmt: skip
    return lines
