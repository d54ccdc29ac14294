"""Made-up data in the content types that are lines of text."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping

from sm_conformance.data.table import LABEL, SEED, Generated, features, rows

_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heath", "inlet", "jetty")


def content(wanted: Generated, content_type: str) -> bytes:
    """The text, in ASCII, each line ended."""
    return "".join(f"{line}\n" for line in WRITERS[content_type](wanted)).encode("ascii")


def _csv(wanted: Generated) -> Iterator[str]:
    if wanted.header:
        yield ",".join(_labelled(LABEL, features(wanted), wanted))
    for label, numbers in rows(wanted):
        yield ",".join(_labelled(str(label), [str(number) for number in numbers], wanted))


def _labelled(label: str, cells: list[str], wanted: Generated) -> list[str]:
    match wanted.label:
        case "first":
            return [label, *cells]
        case "last":
            return [*cells, label]
        case _:
            return cells


def _libsvm(wanted: Generated) -> Iterator[str]:
    for label, numbers in rows(wanted):
        numbered = (f"{index}:{number}" for index, number in enumerate(numbers, start=1))
        yield " ".join([str(label), *numbered])


def _json_lines(wanted: Generated) -> Iterator[str]:
    for label, numbers in rows(wanted):
        vector = {"features": numbers}
        labelled = {} if label is None else {LABEL: label}
        row = {**vector, **labelled} if wanted.label == "last" else {**labelled, **vector}
        yield json.dumps(row)


def _words(wanted: Generated) -> Iterator[str]:
    source = random.Random(SEED)
    for _ in range(wanted.rows):
        yield " ".join(source.choices(_WORDS, k=wanted.columns))


WRITERS: Mapping[str, Callable[[Generated], Iterable[str]]] = {
    "text/csv": _csv,
    "text/libsvm": _libsvm,
    "application/jsonlines": _json_lines,
    "text/plain": _words,
}
