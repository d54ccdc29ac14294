"""Data made up for a candidate whose owner gave none: seeded, small, the same every time."""

from __future__ import annotations

import random

from sm_conformance.declaration import tables
from sm_conformance.declaration.values import Generated

SEED = tables.SEED
_CLASSES = ((5.0, 3.4, 1.5, 0.2), (5.9, 2.8, 4.3, 1.3), (6.6, 3.0, 5.6, 2.0))


def flowers(rows: int = 150) -> bytes:
    """A CSV table without a header: the class 0, 1 or 2 first, then four lengths in centimetres."""
    source = random.Random(SEED)
    lines = []
    for row in range(rows):
        label = row % len(_CLASSES)
        lengths = (max(0.1, source.gauss(mean, 0.2)) for mean in _CLASSES[label])
        lines.append(",".join([str(label), *(f"{length:.1f}" for length in lengths)]))
    source.shuffle(lines)
    return ("\n".join(lines) + "\n").encode("ascii")


def stand_in(content_type: str | None) -> tuple[str, bytes]:
    """A file name and content for a channel of which only the content type is known, if that."""
    table = Generated(rows=150, columns=4, label="first", classes=3, header=False)
    made = tables.make(table, content_type)
    return (tables.file_name(content_type), made) if made else ("data.csv", flowers())


def one_flower() -> bytes:
    """A request body for a model trained on :func:`flowers`: one row without its class."""
    return b"5.1,3.5,1.4,0.2\n"


def garbage(length: int = 512) -> bytes:
    """Bytes that are no text and no format: what a corrupt file looks like."""
    return random.Random(SEED).randbytes(length)
