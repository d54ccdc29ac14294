"""Writes pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

NOTICE = "<!-- Made by `python docs/generate.py`. Edit what it is made from, not this file. -->"


def table(columns: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table; bars in cells are escaped."""
    names = [str(name) for name in columns]
    lines = [" | ".join(str(cell).replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(
        f"| {line} |" for line in [" | ".join(names), " | ".join(["---"] * len(names)), *lines]
    )


def link(heading: str) -> str:
    """A link to a heading of the same page, whose words hold letters, digits and hyphens only."""
    return f"[{heading}](#{heading.lower().replace(' ', '-')})"


def plain(text: str) -> str:
    """Plain text in which only `code` is marked; what Markdown would read as more is escaped."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([*<\[\]])", r"\\\1", part) for part in parts
    )
