"""Reads the rows of the channel `training`; the sin is to take every name in it for a file."""

from pathlib import Path

FOLDER = Path("/opt/ml/input/data/training")


def rows() -> list[list[float]]:
    """All rows as numbers, the class first. Raises ValueError when there are none."""
    found = [
        [float(cell) for cell in line.split(",")]
        for file in sorted(FOLDER.iterdir())
        for line in file.read_text().splitlines()
    ]
    if not found:
        raise ValueError(f"no rows of data in {FOLDER}")
    return found
