"""Looks values up in the plain document of a declaration, whatever is in it.

All of this also meets values that the schema has refused. It does not fail on them; what it makes
of them is never handed out.
"""

from __future__ import annotations

import re
from typing import Any

_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def mapping(document: Any, *keys: str) -> dict[str, Any]:
    """The mapping at ``keys``; an empty one where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def claims(document: Any) -> frozenset[str] | None:
    """The claims; ``None`` where none are made."""
    said = mapping(document).get("claims")
    if not isinstance(said, list):
        return None
    return frozenset(claim for claim in said if isinstance(claim, str))


def named_requests(document: Any) -> list[tuple[str, dict[str, Any]]]:
    """The sample requests with their names; one without a name is called by its number."""
    requests = mapping(document, "hosting").get("requests")
    if not isinstance(requests, list):
        return []
    said = [request if isinstance(request, dict) else {} for request in requests]
    return [
        (str(request.get("name", f"request-{nth}")), request)
        for nth, request in enumerate(said, start=1)
    ]


def number(value: Any) -> float | None:
    """The number; ``None`` for anything else."""
    return float(value) if isinstance(value, int | float) else None


def whole_number(value: Any) -> int | None:
    """The whole number, also of one written as 5.0; ``None`` for anything else."""
    return int(value) if isinstance(value, int | float) else None


def size_in_bytes(value: Any) -> int | None:
    """The bytes of a size with a suffix of Docker's, such as 2g; ``None`` for anything else."""
    found = re.fullmatch(r"([0-9]{1,15})([bkmg])", str(value).lower())
    return int(found[1]) * _UNITS[found[2]] if found else None
