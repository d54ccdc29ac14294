"""Holds what is said of a hyperparameter against itself: types, ranges, lists of values."""

from __future__ import annotations

import math
import re
from typing import Any

from sm_conformance.declaration import parts
from sm_conformance.declaration.problems import Problems, Where, shown

_WHOLE = re.compile(r"[-+]?[0-9]{1,400}")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")
_NUMERIC = ("integer", "continuous")


def number_of(text: str, kind: str | None) -> int | float | None:
    """The number that a text stands for by its type; None for no number, and for an endless one."""
    if _WHOLE.fullmatch(text):
        return int(text)
    if kind == "integer" or not _DECIMAL.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def look_at(said: dict[str, Any], *, where: Where, problems: Problems) -> None:
    """Note what contradicts itself in the hyperparameter ``said`` at ``where``."""
    kind = said.get("type")
    bounded = "min" in said or "max" in said
    if bounded and kind in ("categorical", "free-text"):
        problems.add(where, f"min and max belong to the types {' and '.join(_NUMERIC)}")
    elif bounded and "values" in said:
        problems.add(where, "values and a range exclude each other")
    elif "values" in said and kind in (*_NUMERIC, "free-text"):
        problems.add((*where, "values"), "values belong to the type categorical")
    elif "values" in said:
        _look_at_values(said, where=where, problems=problems)
    elif bounded or kind in _NUMERIC:
        _look_at_range(said, kind, where=where, problems=problems)


def _look_at_values(said: dict[str, Any], *, where: Where, problems: Problems) -> None:
    known = parts.text_list(parts.entries(said, "values"))
    for key in ("value", "default"):
        text = parts.text(said.get(key))
        if known and text is not None and text not in known:
            problems.add((*where, key), f"{shown(text)} is none of the values")


def _look_at_range(said: dict[str, Any], kind: Any, *, where: Where, problems: Problems) -> None:
    numbers: dict[str, int | float] = {}
    for key in ("min", "max", "value", "default"):
        text = parts.text(said.get(key))
        if text is None:
            continue
        number = number_of(text, kind)
        if number is None:
            wanted = "a whole number" if kind == "integer" else "a number"
            problems.add((*where, key), f"expected {wanted}, got {shown(text)}")
        else:
            numbers[key] = number
    low, high = numbers.get("min"), numbers.get("max")
    if low is not None and high is not None and low > high:
        problems.add((*where, "min"), "the least value is above the greatest")
        return
    for key in ("value", "default"):
        number = numbers.get(key)
        if number is None:
            continue
        if low is not None and number < low:
            problems.add((*where, key), f"it is below the least value, {said['min']}")
        if high is not None and number > high:
            problems.add((*where, key), f"it is above the greatest value, {said['max']}")
