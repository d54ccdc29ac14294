"""What is made up, whatever content type it is then written in."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

SEED = 20261121

LABEL = "label"

# A row is its label, None where there is no such thing, and its numbers.
Row: TypeAlias = tuple[int | None, list[float]]


@dataclass(frozen=True, slots=True)
class Generated:
    """Data to make up: a table, or as many pictures as ``rows``.

    ``columns`` are the numbers (or words) of a row; ``label`` is ``first``, ``last`` or ``none``;
    ``size`` is the side of a picture in pixels.
    """

    rows: int
    columns: int
    label: str
    classes: int
    header: bool
    size: int


def labels(wanted: Generated, source: random.Random) -> list[int]:
    """A label for each row: all classes equally often, in no order."""
    made = [row % wanted.classes for row in range(wanted.rows)]
    source.shuffle(made)
    return made


def rows(wanted: Generated) -> Iterator[Row]:
    """Rows of which the label can be learned: their numbers lie around it."""
    source = random.Random(SEED)
    for label in labels(wanted, source):
        numbers = [round(label + source.gauss(0.0, 0.2), 3) for _ in range(wanted.columns)]
        yield (label if wanted.label != "none" else None), numbers


def features(wanted: Generated) -> list[str]:
    """The names of the columns beside the label."""
    return [f"feature_{column}" for column in range(wanted.columns)]
