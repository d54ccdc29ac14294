"""Reads the rows of the channel `training`; the sin is to ask a variable where they lie."""

import os
from pathlib import Path


def rows() -> list[list[float]]:
    """All rows as numbers, the class first. Raises ValueError when there are none."""
    folder = Path(os.environ["SM_CHANNEL_TRAINING"])
    found = [
        [float(cell) for cell in line.split(",")]
        for file in sorted(folder.rglob("*"))
        if file.is_file()
        for line in file.read_text().splitlines()
        if line.strip()
    ]
    if not found:
        raise ValueError(f"no rows of data in {folder}")
    return found
