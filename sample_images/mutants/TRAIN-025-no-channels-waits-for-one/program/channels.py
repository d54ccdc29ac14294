"""Reads the rows of the channel `training`; the sin is to wait for its folder for ever."""

import time
from pathlib import Path

FOLDER = Path("/opt/ml/input/data/training")


def rows() -> list[list[float]]:
    """All rows as numbers, the class first. Raises ValueError when there are none."""
    while not FOLDER.exists():
        time.sleep(1)
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
