"""Texts as they may stand in Markdown, whatever is in them."""

from __future__ import annotations

import re

from sm_conformance.observed.http import printable

_MOST_CHARS = 300
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~@&$%-])")
# A reader makes links and mentions of these after it has read the escapes; only a joiner parts them.
_LINKED = re.compile(r"@|://|www\.", re.IGNORECASE)
_JOINER = "\u2060"


def plain(text: str) -> str:
    """A text of ours as one line that Markdown, HTML and links of a forge leave as it is."""
    parted = _LINKED.sub(lambda found: found[0][0] + _JOINER + found[0][1:], _line(text))
    return _SPECIAL.sub(r"\\\1", parted)


def code(text: str) -> str:
    """A text of anybody's as code, in which nothing is a link, a mention or a command of a forge."""
    shown = _line(text).replace("`", "'").replace("|", "/").strip()
    return f"`{shown}`" if shown else ""


def _line(text: str) -> str:
    shown = printable(" ".join(text.split()))
    return shown if len(shown) <= _MOST_CHARS else f"{shown[:_MOST_CHARS]}…"


def prose(text: str) -> str:
    """A text of ours, of any length, whose `quoted` parts are code; lines stay lines."""
    parts = text.split("`")
    return "".join(
        f"`{printable(part)}`" if at % 2 and part.strip() and at < len(parts) - 1
        else _SPECIAL.sub(r"\\\1", part)
        for at, part in enumerate(parts)
    )  # fmt: skip
