"""The model: the sin is the folder that it is saved to."""

import json
from pathlib import Path

FILE = Path("/tmp/model/centres.json")


def fit(rows: list[list[float]]) -> dict[str, list[float]]:
    """The mean of each column for each class."""
    by_class: dict[str, list[list[float]]] = {}
    for label, *values in rows:
        by_class.setdefault(f"{label:g}", []).append(values)
    return {label: [sum(c) / len(c) for c in zip(*group)] for label, group in by_class.items()}


def save(centres: dict[str, list[float]]) -> None:
    """Leaves the model where it is lost."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(centres))
