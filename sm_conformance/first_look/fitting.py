"""Makes JSON that fits, from what a server that validates its requests says is wrong with them.

The form is that of pydantic, and so of FastAPI: status 422 and a list of places with a type of
error each, in the words of its first or second version.
"""

from __future__ import annotations

import json
from typing import Any

from sm_conformance.observed.http import Reply

_MOST_PLACES = 50
_DEEPEST = 8
_LONGEST_LIST = 4
_MOST_READ = 256 * 1024

# Parts of the names of errors, and what then belongs there; the first that is found counts.
_FITS: tuple[tuple[str, Any], ...] = (
    ("missing", 1),
    # With an item that fits nothing, so that the next refusal says what belongs in the list.
    ("list", [{}]),
    ("tuple", [{}]),
    ("model", {}),
    ("dict", {}),
    ("str", "a"),
    ("bool", True),
    ("float", 1.5),
    ("int", 1),
    ("decimal", 1),
    ("date", "2026-01-31"),
)


def fitted(body: Any, reply: Reply) -> Any | None:
    """The value ``body`` changed as a refusal asks for; None where it asks for nothing known."""
    if reply.status != 422 or len(reply.body) > _MOST_READ:
        return None
    try:
        said = json.loads(reply.body)
        problems = said["detail"]
        found = [(one["loc"], str(one["type"]), one.get("ctx")) for one in problems[:_MOST_PLACES]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    changed = json.loads(json.dumps(body))
    for where, kind, context in found:
        if isinstance(where, list) and where[:1] == ["body"] and len(where) <= _DEEPEST:
            changed = _with(changed, where[1:], _fit(kind, context))
    return None if changed == body else changed


def _fit(kind: str, context: object) -> Any:
    if "literal" in kind or "enum" in kind:
        expected = context.get("expected") if isinstance(context, dict) else None
        return str(expected).split("'")[1][:100] if str(expected).count("'") > 1 else "a"
    if kind == "too_short":
        return [1, 1]
    return next((value for word, value in _FITS if word in kind), 1)


def _with(body: Any, where: list[Any], value: Any) -> Any:
    """The body with the value at a place, which is made where it is missing."""
    if not where:
        return value
    key, *rest = where
    if isinstance(key, int) and 0 <= key < _LONGEST_LIST:
        items = list(body) if isinstance(body, list) else []
        items += [None] * (key + 1 - len(items))
        items[key] = _with(items[key], rest, value)
        return items
    if not isinstance(key, str):
        return body
    inner = dict(body) if isinstance(body, dict) else {}
    inner[key] = _with(inner.get(key), rest, value)
    return inner
