"""Makes up the data that a declaration asks for in a few words: seeded, the same every time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from sm_conformance.declaration import parts
from sm_conformance.declaration.problems import Problems, Where
from sm_conformance.declaration.values import Generated

SEED = 20261121

_MOST_CELLS = 1_000_000
_ENDINGS = {
    "application/json": ".json",
    "application/jsonlines": ".jsonl",
    "text/csv": ".csv",
    "text/libsvm": ".libsvm",
    "text/plain": ".txt",
}
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty")

# A row is its label, None where there is no such thing, and its numbers.
_Row = tuple[int | None, list[float]]


def read(said: Any, content_type: Any) -> Generated:
    """What a declaration says after ``generate``, with the defaults for what it leaves out."""
    asked = parts.mapping(said)
    plain = parts.media_type(content_type) == "text/plain"
    return Generated(
        rows=parts.whole_number(asked.get("rows", 20)) or 1,
        columns=parts.whole_number(asked.get("columns", 4)) or 1,
        label=asked.get("label", "none" if plain else "first"),
        classes=parts.whole_number(asked.get("classes", 3)) or 1,
        header=asked.get("header", False),
    )


def file_name(content_type: Any) -> str:
    """The name of a file of that content type."""
    return f"data{_ENDINGS.get(parts.media_type(content_type), '')}"


def look_at(said: dict[str, Any], *, where: Where, problems: Problems) -> None:
    """Note what cannot be made of ``generate`` in the channel ``said`` at ``where``."""
    asked = parts.mapping(said, "generate")
    kind = parts.media_type(said.get("content_type"))
    at = (*where, "generate")
    if "content_type" in said and kind not in _WRITERS:
        known = ", ".join(_WRITERS)
        problems.add(at, f"the content_type must be one of {known} for this")
    if "header" in asked and kind != "text/csv":
        problems.add((*at, "header"), "only text/csv has a header")
    label = asked.get("label")
    if kind == "text/libsvm" and label in ("last", "none"):
        problems.add((*at, "label"), "a line of text/libsvm begins with its label")
    if kind == "text/plain" and label in ("first", "last"):
        problems.add((*at, "label"), "lines of words have no label")
    if "classes" in asked and (label == "none" or kind == "text/plain"):
        problems.add((*at, "classes"), "there are no classes without a label")
    table = read(asked, kind)
    if table.rows * table.columns > _MOST_CELLS:
        problems.add(at, f"expected at most {_MOST_CELLS} numbers, that is, rows times columns")


def make(table: Generated, content_type: Any) -> bytes:
    """The content of a file of that type; nothing for a type that nothing can be made for."""
    writer = _WRITERS.get(parts.media_type(content_type))
    if writer is None or table.rows * table.columns > _MOST_CELLS:
        return b""
    return "".join(f"{line}\n" for line in writer(table)).encode("ascii")


def _rows(table: Generated) -> Iterator[_Row]:
    """Rows of which the label can be learned: their numbers lie around it."""
    source = random.Random(SEED)
    labels = [row % table.classes for row in range(table.rows)]
    source.shuffle(labels)
    for label in labels:
        numbers = [round(label + source.gauss(0.0, 0.2), 3) for _ in range(table.columns)]
        yield (label if table.label != "none" else None), numbers


def _csv(table: Generated) -> Iterator[str]:
    names = [f"feature_{column}" for column in range(table.columns)]
    if table.header:
        yield ",".join(_labelled("label", names, table))
    for label, numbers in _rows(table):
        yield ",".join(_labelled(str(label), [str(number) for number in numbers], table))


def _labelled(label: str, cells: list[str], table: Generated) -> list[str]:
    match table.label:
        case "first":
            return [label, *cells]
        case "last":
            return [*cells, label]
        case _:
            return cells


def _libsvm(table: Generated) -> Iterator[str]:
    for label, numbers in _rows(table):
        features = (f"{index}:{number}" for index, number in enumerate(numbers, start=1))
        yield " ".join([str(label), *features])


def _json_lines(table: Generated) -> Iterator[str]:
    for label, numbers in _rows(table):
        features = {"features": numbers}
        labelled = {} if label is None else {"label": label}
        row = {**features, **labelled} if table.label == "last" else {**labelled, **features}
        yield json.dumps(row)


def _words(table: Generated) -> Iterator[str]:
    source = random.Random(SEED)
    for _ in range(table.rows):
        yield " ".join(source.choices(_WORDS, k=table.columns))


_WRITERS: dict[str, Callable[[Generated], Iterator[str]]] = {
    "text/csv": _csv,
    "text/libsvm": _libsvm,
    "application/jsonlines": _json_lines,
    "text/plain": _words,
}
