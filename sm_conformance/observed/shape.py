"""The shape of a reply's body: what may be held against a sample when values may differ."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

_MOST_BYTES = 1 << 20


def shape(body: bytes, kind: str) -> str | None:
    """The shape of a body of the media type ``kind`` in words, None where it has none to compare.

    Of CSV that is how many columns there are, of JSON the kinds of its values; how many rows or
    entries there are belongs to the values. Bodies larger than 1 MiB are not read.
    """
    if len(body) > _MOST_BYTES:
        return None
    try:
        text = body.decode("utf-8")
        if kind == "text/csv":
            return _table(text)
        if kind == "application/json" or kind.endswith("+json"):
            return _value(json.loads(text))
    except (ValueError, RecursionError, csv.Error):
        return f"nothing that is {kind}"
    return None


def _table(text: str) -> str:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    widths = sorted({len(row) for row in rows if row})
    return f"rows of {' or '.join(map(str, widths[:5])) or 'no'} columns"


def _value(value: Any) -> str:
    match value:
        case dict():
            inner = ", ".join(f"{key}: {_value(value[key])}" for key in sorted(value))
            return f"{{{inner}}}"
        case list():
            kinds = sorted({_value(one) for one in value})
            return f"[{' or '.join(kinds)}]"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case _:
            return "null"
