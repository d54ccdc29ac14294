"""Reads hyperparameters.json; the sin is that only a JSON number is taken for a number."""

import json
from pathlib import Path

FILE = Path("/opt/ml/input/config/hyperparameters.json")


def rounds() -> int:
    """How often to fit."""
    value = json.loads(FILE.read_text()).get("rounds", 1)
    if not isinstance(value, int):
        raise TypeError(f"rounds is {value!r}, not a number")
    return value
