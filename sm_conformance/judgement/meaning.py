"""What bodies of replies mean, and whether two of them mean the same.

JSON and JSON Lines are compared as data, CSV by its cells, anything else byte for byte. Numbers may
differ as much as another order of summing makes them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final

from sm_conformance.observed.http import printable
from sm_conformance.observed.shadow import Answer

RELATIVE = 1e-5
ABSOLUTE = 1e-8
# How many places of difference are told.
_MOST_TOLD = 5
_SHOWN = 80
_LINES = re.compile(r"jsonl|json-?lines|ndjson|x-json-stream")
_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


class _Unsettled:
    """Stands where an image's own answers to one request differ from each other."""


UNSETTLED: Final = _Unsettled()


def settled(answers: Sequence[Answer]) -> Any:
    """What the answers of one image to one request have in common.

    A tree of their meaning, with ``UNSETTLED`` wherever they differ among themselves; at its root
    that means that nothing of them can be compared.
    """
    first, *others = answers
    known = {first.digest}
    common = _meaning(first)
    try:
        for answer in others:
            if answer.digest not in known:
                known.add(answer.digest)
                common = _common(common, _meaning(answer))
    except RecursionError:  # nested as no honest answer is
        return UNSETTLED
    return common


def unsettled(tree: Any) -> list[str]:
    """The places of a tree that are not settled; the first few."""
    found: list[str] = []
    _look_for_unsettled(tree, "$", found)
    return found


def differences(candidate: Any, baseline: Any) -> list[str]:
    """Where two settled trees differ, in printable lines; what is not settled in both is left out.

    Only the first few places are told.
    """
    found: list[str] = []
    try:
        _compare(candidate, baseline, "$", found)
    except RecursionError:
        return ["they are nested too deeply to be compared"]
    return [*found[:_MOST_TOLD], *(["and further places"] if len(found) > _MOST_TOLD else [])]


def _meaning(answer: Answer) -> Any:
    """The body as data; as bytes where it is none, as its digest where it was too long to keep."""
    body = answer.body
    if body is None:
        return f"{answer.size} bytes with SHA-256 {answer.digest}"
    kind = (answer.content_type or "").partition(";")[0].strip().lower()
    try:
        text = body.decode("utf-8")
        if kind == "text/csv":
            return [[_cell(cell) for cell in line.split(",")] for line in text.splitlines()]
        if _LINES.search(kind):
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return json.loads(text)
    except (ValueError, RecursionError):
        return body.removesuffix(b"\n").removesuffix(b"\r")


def _cell(text: str) -> Any:
    stripped = text.strip()
    return float(stripped) if _NUMBER.fullmatch(stripped) else stripped


def _common(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {
            key: _common(one[key], other[key]) if key in one and key in other else UNSETTLED
            for key in one.keys() | other.keys()
        }
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_common(*pair) for pair in zip(one, other, strict=True)]
    return one if _same(one, other) else UNSETTLED


def _same(one: Any, other: Any) -> bool:
    numbers = (int, float)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, numbers) and isinstance(other, numbers):
        return _close(one, other)
    return type(one) is type(other) and bool(one == other)


def _close(one: float, other: float) -> bool:
    if isinstance(one, int) and isinstance(other, int):
        return one == other
    try:
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    except OverflowError:  # a whole number beyond every float
        return False


def _look_for_unsettled(tree: Any, path: str, found: list[str]) -> None:
    if len(found) >= _MOST_TOLD:
        return
    if tree is UNSETTLED:
        found.append(path)
    elif isinstance(tree, dict):
        for key, value in sorted(tree.items()):
            _look_for_unsettled(value, f"{path}.{_shown(key)}", found)
    elif isinstance(tree, list):
        for at, value in enumerate(tree):
            _look_for_unsettled(value, f"{path}[{at}]", found)


def _compare(candidate: Any, baseline: Any, path: str, found: list[str]) -> None:
    if candidate is UNSETTLED or baseline is UNSETTLED or len(found) > _MOST_TOLD:
        return
    if isinstance(candidate, dict) and isinstance(baseline, dict):
        for key in sorted(candidate.keys() | baseline.keys()):
            place = f"{path}.{_shown(key)}"
            if key in candidate and key in baseline:
                _compare(candidate[key], baseline[key], place, found)
            elif key in candidate and candidate[key] is not UNSETTLED:
                found.append(f"{place} is new: {_told(candidate[key])}")
            elif key in baseline and baseline[key] is not UNSETTLED:
                found.append(f"{place} is gone; it was {_told(baseline[key])}")
    elif isinstance(candidate, list) and isinstance(baseline, list):
        if len(candidate) != len(baseline):
            found.append(f"{path} has {len(candidate)} items; it had {len(baseline)}")
            return
        for at, (new, old) in enumerate(zip(candidate, baseline, strict=True)):
            _compare(new, old, f"{path}[{at}]", found)
    elif not _same(candidate, baseline):
        found.append(f"{path} is {_told(candidate)}; it was {_told(baseline)}")


def _told(value: Any) -> str:
    if isinstance(value, bytes):
        return f"'{_shown(value[: 4 * _SHOWN].decode('utf-8', 'backslashreplace'))}'"
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return _shown(json.dumps(value, ensure_ascii=False))


def _shown(text: str) -> str:
    return printable(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
