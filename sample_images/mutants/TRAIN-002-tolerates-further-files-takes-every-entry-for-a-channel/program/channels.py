"""Reads the rows of the channel `training`; the sin is to take every entry beside it for a channel."""

import os
from pathlib import Path

FOLDER = Path("/opt/ml/input/data/training")


def rows() -> list[list[float]]:
    """All rows as numbers, the class first. Raises ValueError when there are none."""
    for channel in FOLDER.parent.iterdir():
        print(channel.name, "has", sorted(os.listdir(channel)), flush=True)
    found = [
        [float(cell) for cell in line.split(",")]
        for file in sorted(FOLDER.rglob("*"))
        if file.is_file()
        for line in file.read_text().splitlines()
        if line.strip()
    ]
    if not found:
        raise ValueError(f"no rows of data in {FOLDER}")
    return found
