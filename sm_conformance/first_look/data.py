"""The made-up data that trainings and requests are tried with, in the words of a declaration."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from sm_conformance.inputs.generated import SEED

COLUMNS = 4
_ROWS = 150
_INLINE_ROWS = 30
_CLASSES = 3


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a label and four numbers in a row.

    ``target`` is the name of the label's column where a program wants a certain one.
    """

    content_type: str = "text/csv"
    header: bool = False
    label: str = "first"
    target: str | None = None

    def channel(self, file: str | None) -> dict[str, Any]:
        """What a declaration says of a channel that has this table in a file of that name."""
        named = {"file": file} if file else {}
        if self.target is not None:
            return {"content_type": self.content_type, **named, "data": self._named()}
        asked: dict[str, Any] = {"rows": _ROWS, "columns": COLUMNS}
        if self.label != "first":
            asked["label"] = self.label
        if self.header:
            asked["header"] = True
        return {"content_type": self.content_type, **named, "generate": asked}

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns beside the label; none without a header."""
        named = self.header or self.target is not None
        return tuple(f"feature_{column}" for column in range(COLUMNS)) if named else ()

    def story(self) -> str:
        """The table in a few words."""
        if self.target is not None:
            return f"a CSV table with a header and the label in the column {self.target}"
        place = "" if self.label == "first" else f", the label {self.label}"
        head = " with a header" if self.header else ""
        return f"a table of {self.content_type}{head}{place}"

    def _named(self) -> str:
        source = random.Random(SEED)
        lines = [",".join([self.target or "", *self.features])]
        for row in range(_INLINE_ROWS):
            label = row % _CLASSES
            numbers = (f"{label + source.gauss(0.0, 0.2):.3f}" for _ in range(COLUMNS))
            lines.append(",".join([str(label), *numbers]))
        return "\n".join(lines) + "\n"


PLAIN = Table()
# What trainings are tried with when the first way does not do, most usual first.
OTHERS = (
    Table(header=True),
    Table(header=True, label="last"),
    Table(content_type="text/libsvm"),
    Table(content_type="application/jsonlines"),
    Table(label="last"),
)


def numbers(columns: int) -> tuple[float, ...]:
    """The numbers of one row without its label, between those of two classes."""
    source = random.Random(SEED)
    return tuple(round(1.0 + source.gauss(0.0, 0.2), 3) for _ in range(columns))
