"""Texts of a report as they may stand in its page: nothing hidden, and cut where nobody reads on."""

from __future__ import annotations

from markupsafe import Markup, escape

from sm_conformance.observed.http import printable

MOST_LINES = 60
_MOST_CHARS = 8000
# In a table, where the whole stands in a card or in the report.
_SHORT_CHARS = 400


def visible(value: object) -> object:
    """A text of the report as it may stand in the page."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _plain(_cut(value, _MOST_CHARS))


def _plain(text: str) -> str:
    """Makes hidden and direction-changing characters of a text visible; lines stay lines."""
    return "\n".join(printable(line) for line in text.split("\n"))


def short(text: str) -> str:
    """The text as one line for a table, where the whole stands elsewhere."""
    return _cut(" ".join(text.split()), _SHORT_CHARS)


def _cut(text: str, most: int) -> str:
    shown = "\n".join(text[:most].split("\n", MOST_LINES)[:MOST_LINES])
    left = len(text) - len(shown)
    return shown if left <= 0 else f"{shown} … ({left:,} more characters)"


def code(text: str) -> Markup:
    """The text with its `quoted` parts as code."""
    parts = [escape(_plain(part)) for part in _cut(text, _MOST_CHARS).split("`")]
    if len(parts) % 2 == 0:
        parts[-2:] = [Markup("`").join(parts[-2:])]
    return Markup().join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )
