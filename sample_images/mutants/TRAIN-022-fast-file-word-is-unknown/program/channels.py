"""Reads the rows of the channel `training`; the sin is to know one word for the mode of a channel."""

import json
from pathlib import Path

FOLDER = Path("/opt/ml/input/data/training")


def rows() -> list[list[float]]:
    """All rows as numbers, the class first. Raises ValueError when there are none."""
    said = json.loads(Path("/opt/ml/input/config/inputdataconfig.json").read_text())
    for name, channel in said.items():
        if channel["TrainingInputMode"] != "File":
            raise ValueError(f"channel {name} comes as {channel['TrainingInputMode']}")
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
