"""Reads hyperparameters.json; the sin is to fail at names of which the platform may add some."""

import json
from pathlib import Path

FILE = Path("/opt/ml/input/config/hyperparameters.json")


def rounds() -> int:
    """How often to fit."""
    given = json.loads(FILE.read_text())
    unknown = sorted(given.keys() - {"rounds", "middle", "decimals"})
    if unknown:
        raise ValueError(f"unknown hyperparameters: {', '.join(unknown)}")
    return int(given.get("rounds", "1"))
