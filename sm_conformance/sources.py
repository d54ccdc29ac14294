"""Resolves the short source keys of clauses to the documents that they stand for."""

from __future__ import annotations

from functools import cache
from typing import Any

from sm_conformance import specs


@cache
def _table() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = specs.read_yaml("sources.yaml")["sources"]
    return table


def titled(source: str) -> str:
    """A source as a reader understands it: ``DG26 page`` becomes the guide's title and the page.

    A public issue (``owner/repository#number``) and an unknown key stand for themselves.
    """
    key, _, detail = source.partition(" ")
    entry = _table().get(key)
    if entry is None:
        return source
    where = f" ({entry['where']})" if entry.get("where") else ""
    return f"{entry['title']}{where}{f': {detail}' if detail else ''}"
