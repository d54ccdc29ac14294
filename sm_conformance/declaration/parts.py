"""Looks values up in the plain document of a declaration, whatever is in it.

All of this also meets values that the schema has refused. It does not fail on them; what it makes
of them is never handed out.
"""

from __future__ import annotations

import json
import re
from typing import Any

_UNITS = {"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def mapping(document: Any, *keys: str) -> dict[str, Any]:
    """The mapping at ``keys``; an empty one where there is none."""
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def entries(document: Any, *keys: str) -> list[Any]:
    """The list at ``keys``; an empty one where there is none."""
    *outer, last = keys
    found = mapping(document, *outer).get(last)
    return found if isinstance(found, list) else []


def mappings(document: Any, *keys: str) -> list[dict[str, Any]]:
    """The mappings in the list at ``keys``."""
    return [one for one in entries(document, *keys) if isinstance(one, dict)]


def claims(document: Any) -> frozenset[str] | None:
    """The claims; ``None`` where none are made."""
    said = mapping(document).get("claims")
    if not isinstance(said, list):
        return None
    return frozenset(claim for claim in said if isinstance(claim, str))


def named_requests(document: Any) -> list[tuple[str, dict[str, Any]]]:
    """The sample requests with their names; one without a name is called by its number."""
    said = [
        request if isinstance(request, dict) else {}
        for request in entries(document, "hosting", "requests")
    ]
    return [
        (str(request.get("name", f"request-{nth}")), request)
        for nth, request in enumerate(said, start=1)
    ]


def text(value: Any) -> str | None:
    """The text that stands for a number, boolean or text; ``None`` for anything else.

    YAML has them as text already; a document that came another way may have JSON's numbers.
    """
    match value:
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return None


def texts(values: dict[str, Any]) -> dict[str, str]:
    """The mapping with its values as texts; without those that have none."""
    made = {key: text(value) for key, value in values.items()}
    return {key: value for key, value in made.items() if value is not None}


def text_list(values: list[Any]) -> tuple[str, ...]:
    """The entries as texts; without those that have none."""
    made = (text(value) for value in values)
    return tuple(value for value in made if value is not None)


def good_hyperparameters(document: Any) -> dict[str, str]:
    """The values of a training that succeeds: each hyperparameter's value, else its default."""
    said = mapping(document, "training", "hyperparameters")
    return texts(
        {
            name: one.get("value", one.get("default")) if isinstance(one, dict) else one
            for name, one in said.items()
        }
    )


def media_type(value: Any) -> str:
    """The media type in small letters and without parameters; empty for anything but text."""
    return value.partition(";")[0].strip().lower() if isinstance(value, str) else ""


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
