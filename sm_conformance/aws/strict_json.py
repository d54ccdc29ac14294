"""Reads one JSON file strictly and within bounds: no duplicate keys, nothing that is no JSON.

Source: RFC 8259. Python's own reader takes more, and answers deep nesting with an error of its own.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sm_conformance.aws.problems import Plain, RequestProblem, refuse
from sm_conformance.declaration.problems import Where, shown

_MOST_BYTES = 1 << 20
_DEEPEST = 32
_MOST_DIGITS = 18

# A string that nobody closed reaches to the end of the text, so that each character is seen once.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class JsonFile:
    """The one object that the file ``path`` holds, and its bytes."""

    path: Path
    raw: bytes
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands where a number cannot be taken, until its place is known."""

    text: str


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, in their order, with those that are there twice."""


def read(path: Path) -> JsonFile:
    """The object in the file ``path``, in UTF-8 and at most 1 MiB. Raises ``RequestProblem``."""
    raw = _bounded(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RequestProblem(f"{path}:{line}: not UTF-8") from error
    _hold_to_depth(text, path)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_Pairs,
            parse_constant=lambda word: _Refused(f"{word} is no JSON"),
            parse_float=_finite,
            parse_int=_short,
        )
    except json.JSONDecodeError as error:
        place = f"{path}:{error.lineno}:{error.colno}"
        raise RequestProblem(f"{place}: not usable JSON: {error.msg}") from error
    found: list[Plain] = []
    content = _plain(value, where=(), found=found)
    if not isinstance(content, dict):
        text = f"expected one object, a request or an answer, got {shown(content)}"
        found.append(Plain((), text))
    refuse(path, found)
    return JsonFile(path=path, raw=raw, content=content)


def _bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise RequestProblem(f"{path}: the request cannot be read: {reason}") from error
    if len(raw) > _MOST_BYTES:
        raise RequestProblem(f"{path}: the request is larger than 1 MiB")
    return raw


def _hold_to_depth(text: str, path: Path) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > _DEEPEST:
            raise RequestProblem(f"{path}: more than {_DEEPEST} levels")


def _plain(value: Any, *, where: Where, found: list[Plain]) -> Any:
    match value:
        case _Pairs():
            made: dict[str, Any] = {}
            for key, inner in value:
                place = (*where, _whole(key, where=where, found=found))
                if key in made:
                    found.append(Plain(place, "this key is there twice"))
                made[key] = _plain(inner, where=place, found=found)
            return made
        case list():
            return [
                _plain(inner, where=(*where, index), found=found)
                for index, inner in enumerate(value)
            ]
        case _Refused(text):
            found.append(Plain(where, text))
            return None
        case str():
            return _whole(value, where=where, found=found)
        case _:
            return value


def _whole(text: str, *, where: Where, found: list[Plain]) -> str:
    if not _SURROGATE.search(text):
        return text
    found.append(Plain(where, "half of a surrogate pair; write the character itself"))
    return _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def _finite(text: str) -> float | _Refused:
    number = float(text)
    return number if math.isfinite(number) else _Refused(f"the number {shown(text)} is too large")


def _short(text: str) -> int | _Refused:
    if len(text) > _MOST_DIGITS:
        return _Refused(f"the number {shown(text)} has more than {_MOST_DIGITS} digits")
    return int(text)
