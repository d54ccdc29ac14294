"""What will be written of an image, while it is put together."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sm_conformance.declaration.problems import Where
from sm_conformance.secrecy.mask import Mask

# Two looks at one image shall say one thing, as far as its own words allow.
_TIMES = re.compile(r" (?:after|for) [0-9]+(?:\.[0-9]+)? s\b")


@dataclass(slots=True)
class Draft:
    """The document, what is known of its parts, and what was not found out.

    ``header`` is a comment above all; ``aside`` are remarks with a part that was not seen to work,
    which is written as a comment. ``works`` and ``missing`` are the lines of the summary.
    """

    document: dict[str, Any] = field(default_factory=dict)
    notes: dict[Where, list[str]] = field(default_factory=dict)
    header: list[str] = field(default_factory=list)
    aside: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    works: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def claims(self) -> tuple[str, ...]:
        """What the document claims."""
        return tuple(self.document.get("claims", ()))

    def hidden(self, mask: Mask) -> Draft:
        """The draft without the secrets that ``mask`` knows."""
        return Draft(
            document=mask.data(self.document),
            notes={where: mask.data(told) for where, told in self.notes.items()},
            header=mask.data(self.header),
            aside=[(mask.text(told), mask.data(part)) for told, part in self.aside],
            works=mask.data(self.works),
            missing=mask.data(self.missing),
        )

    def note(self, where: Where, *told: str) -> None:
        """Adds to what is known of a place."""
        self.notes.setdefault(where, []).extend(_timeless(text) for text in told)

    def not_claimed(self, half: str, what: str, why: str) -> None:
        """Says why a half is not claimed; ``what`` is what would have shown that it works."""
        self.header.append(f"{half.capitalize()} is not claimed: {_timeless(why).rstrip('.')}.")
        self.missing.append(f"{what}: {why}")

    def not_found(self, what: str, why: str, line: str) -> None:
        """Says what was not found out, and the ``line`` of a declaration that would say it."""
        self.aside.append(
            (f"Not found out: {what} ({_timeless(why)}). Where you know it: {line}", {})
        )
        self.missing.append(f"{what}: {why}; {line}")


def _timeless(text: str) -> str:
    return _TIMES.sub("", text)
