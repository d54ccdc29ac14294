"""Collects what is wrong with a declaration, and words it for its owner."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, TypeAlias

from sm_conformance.errors import UsageProblem
from sm_conformance.secrecy.mask import Mask
from sm_conformance.secrecy.shapes import secrets

# A place in the document, such as ("hosting", "requests", 0, "body").
Where: TypeAlias = tuple[str | int, ...]

_MOST_PROBLEMS = 10
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")


class DeclarationError(UsageProblem):
    """A declaration cannot be used; the text has one line per problem, with its file and line."""


class Problems:
    """Collects what is wrong with one file, and knows the line of every place in it.

    ``lines`` holds these lines, from 1; whoever reads the file fills it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: list[tuple[int, Where, str]] = []
        self.lines: dict[Where, int] = {(): 1}

    def add(self, where: Where, text: str, *, line: int | None = None) -> None:
        """Note a problem; its line is that of ``where``, or of the nearest place around it."""
        known = where
        while known not in self.lines:
            known = known[:-1]
        self._found.append((line or self.lines[known], where, text))

    def touch(self, where: Where) -> bool:
        """Whether there is a problem at ``where`` or below it."""
        return any(found[: len(where)] == where for _, found, _ in self._found)

    def raise_if_any(self) -> None:
        """Raise one ``DeclarationError`` that tells the first problems, by their lines."""
        if not self._found:
            return
        found = sorted(self._found, key=lambda problem: problem[0])
        told = [
            f"{self._path}:{line}: {_dotted(where)}: {text}"
            for line, where, text in found[:_MOST_PROBLEMS]
        ]
        if len(found) > _MOST_PROBLEMS:
            told.append(f"{self._path}: and {len(found) - _MOST_PROBLEMS} more problems")
        raise DeclarationError("\n".join(told))

    def syntax(self, *, line: int, column: int, text: str) -> DeclarationError:
        """The one problem that ends reading at once."""
        return DeclarationError(f"{self._path}:{line}:{column}: {' '.join(text.split())}")


def _dotted(where: Where) -> str:
    return "$" + "".join(
        f".{part}" if isinstance(part, str) and _PLAIN_KEY.fullmatch(part) else f"[{shown(part)}]"
        for part in where
    )


def shown(value: Any) -> str:
    """The value in one short, harmless line."""
    if isinstance(value, str):
        value = Mask(secrets(value)).text(value)
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict() | list():
            kind = "mapping" if isinstance(value, dict) else "list"
            return f"a {kind}" if value else f"an empty {kind}"
        case str() if len(value) > 60:
            return f"{value[:57]!r}..."
        case _:
            return repr(value)


def nearest(key: str, known: list[str]) -> str:
    """The known key that was probably meant, or else those that there are."""
    near = difflib.get_close_matches(key, known, n=1)
    if near:
        return f"did you mean {shown(near[0])}?"
    return f"known here: {', '.join(shown(name) for name in known[:20]) or 'none'}"
