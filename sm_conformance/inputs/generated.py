"""Data made up for a candidate whose owner gave none: seeded, small, the same every time."""

from __future__ import annotations

import random

from sm_conformance.data import kinds, table
from sm_conformance.data.pictures import FORMS
from sm_conformance.declaration import generate, parts

SEED = table.SEED
_MANY_ROWS = 150
_FEW_PICTURES = 30
_CLASSES = ((5.0, 3.4, 1.5, 0.2), (5.9, 2.8, 4.3, 1.3), (6.6, 3.0, 5.6, 2.0))


def flowers(rows: int = _MANY_ROWS) -> bytes:
    """A CSV table without a header: the class 0, 1 or 2 first, then four lengths in centimetres."""
    source = random.Random(SEED)
    lines = []
    for row in range(rows):
        label = row % len(_CLASSES)
        lengths = (max(0.1, source.gauss(mean, 0.2)) for mean in _CLASSES[label])
        lines.append(",".join([str(label), *(f"{length:.1f}" for length in lengths)]))
    source.shuffle(lines)
    return ("\n".join(lines) + "\n").encode("ascii")


def stand_in(content_type: str | None) -> tuple[tuple[str, bytes], ...]:
    """File names and contents for a channel of which only the content type is known, if that.

    They are a CSV table where nothing can be made of that type, or not without a library that is
    not installed.
    """
    kind = parts.media_type(content_type)
    asked = {"rows": _FEW_PICTURES if kind in FORMS else _MANY_ROWS}
    try:
        made = kinds.make(generate.read(asked, content_type), kind)
    except kinds.MissingLibrary:
        made = ()
    return made or (("data.csv", flowers()),)


def one_flower() -> bytes:
    """A request body for a model trained on :func:`flowers`: one row without its class."""
    return b"5.1,3.5,1.4,0.2\n"


def garbage(length: int = 512) -> bytes:
    """Bytes that are no text and no format: what a corrupt file looks like."""
    return random.Random(SEED).randbytes(length)
