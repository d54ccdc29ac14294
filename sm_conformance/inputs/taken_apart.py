"""Takes the body of a sample request apart, JSON and CSV, to put something else in the place of a part."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sm_conformance.declaration import parts

_MANY_DIGITS = "9" * 400
_JSON_VALUES: Mapping[str, str] = {
    "NaN": "NaN",
    "-Infinity": "-Infinity",
    "1e999": "1e999",
    "400 digits": _MANY_DIGITS,
    "null": "null",
    "true": "true",
    "a text": '"sm-conformance"',
    "an empty list": "[]",
    "an empty object": "{}",
    "a NUL character": '"\\u0000"',
    "half a surrogate pair": '"\\ud800"',
}
_CSV_CELLS: Mapping[str, str] = {
    "NaN": "NaN",
    "-inf": "-inf",
    "1e999": "1e999",
    "400 digits": _MANY_DIGITS,
    "a text": "sm-conformance",
    "a quote": '"',
    "nothing": "",
}
_VALUE, _CELL = " in the place of value", " in the place of cell"
_VALUE_LEFT_OUT, _CELL_LEFT_OUT = "left out: value", "left out: cell"
_ONE_MORE = "one more cell in line"
# No sample has this text in it: it stands for something that JSON cannot hold, until it is written.
_MARK = "sm-conformance\N{OBJECT REPLACEMENT CHARACTER}mark"
_MOST_PARTS = 10_000


class TakenApart(Protocol):
    """A body of which the parts are known."""

    @property
    def has_brackets(self) -> bool:
        """Whether brackets around it make it another body of the same format."""

    @property
    def changes(self) -> Mapping[str, int]:
        """What can be done to it, and at how many places, counted from 1."""

    def changed(self, name: str, place: int) -> bytes:
        """The body with one of its ``changes``."""


def take_apart(body: bytes, content_type: str | None) -> TakenApart | None:
    """The parts of a body of JSON, JSON Lines or CSV; None for any other, and for too many parts."""
    apart = _json(body) or _table(body, content_type)
    return apart if apart and max(apart.changes.values(), default=0) <= _MOST_PARTS else None


@dataclass(frozen=True, slots=True)
class _Json:
    """A value of JSON, the first of the lines where each is one; ``rest`` are the other lines."""

    value: Any
    rest: bytes

    @property
    def has_brackets(self) -> bool:
        return True

    @property
    def changes(self) -> Mapping[str, int]:
        count = sum(1 for _ in _places(self.value))
        # The first value is the whole, which has to be something.
        return {**{f"{name}{_VALUE}": count for name in _JSON_VALUES}, _VALUE_LEFT_OUT: count - 1}

    def changed(self, name: str, place: int) -> bytes:
        value = json.loads(json.dumps(self.value))
        if name == _VALUE_LEFT_OUT:
            holder, key = list(_places(value))[place]
            del holder[key]
            return json.dumps(value).encode() + self.rest
        holder, key = list(_places(value))[place - 1]
        if holder is None:
            value = _MARK
        else:
            holder[key] = _MARK
        wanted = _JSON_VALUES[name.removesuffix(_VALUE)]
        return json.dumps(value).replace(json.dumps(_MARK), wanted).encode() + self.rest


@dataclass(frozen=True, slots=True)
class _Table:
    """Lines of cells; blank lines are left where they are."""

    lines: tuple[bytes, ...]

    @property
    def has_brackets(self) -> bool:
        return False

    @property
    def changes(self) -> Mapping[str, int]:
        count = sum(1 for _ in self._cells())
        rows = sum(1 for line in self.lines if line.strip())
        return {
            **{f"{name}{_CELL}": count for name in _CSV_CELLS},
            _CELL_LEFT_OUT: count,
            _ONE_MORE: rows,
        }

    def changed(self, name: str, place: int) -> bytes:
        lines = list(self.lines)
        if name == _ONE_MORE:
            row = [row for row, line in enumerate(lines) if line.strip()][place - 1]
            lines[row] = b"0," + lines[row]
            return b"".join(lines)
        row, column = list(self._cells())[place - 1]
        text = lines[row].rstrip(b"\r\n")
        cells = text.split(b",")
        if name == _CELL_LEFT_OUT:
            del cells[column]
        else:
            cells[column] = _CSV_CELLS[name.removesuffix(_CELL)].encode()
        lines[row] = b",".join(cells) + lines[row][len(text) :]
        return b"".join(lines)

    def _cells(self) -> Iterator[tuple[int, int]]:
        for row, line in enumerate(self.lines):
            if line.strip():
                yield from ((row, column) for column in range(line.count(b",") + 1))


def _json(body: bytes) -> _Json | None:
    first = body.partition(b"\n")[0]
    for text in (body, first):
        value = _read(text)
        if value is not None:
            return _Json(value, body[len(text) :])
    return None


def _read(text: bytes) -> Any:
    """The object or list; None for anything else: a line of CSV may be a number or a text of JSON."""
    try:
        value = json.loads(text)
        json.dumps(value)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def _table(body: bytes, content_type: str | None) -> _Table | None:
    csv = parts.media_type(content_type) == "text/csv"
    return _Table(tuple(body.splitlines(keepends=True))) if csv and body.strip() else None


def _places(value: Any, holder: Any = None, key: Any = None) -> Iterator[tuple[Any, Any]]:
    """Where each value stands, the whole first: what holds it and by which key."""
    yield holder, key
    match value:
        case dict():
            for name, one in value.items():
                yield from _places(one, value, name)
        case list():
            for at, one in enumerate(value):
                yield from _places(one, value, at)
