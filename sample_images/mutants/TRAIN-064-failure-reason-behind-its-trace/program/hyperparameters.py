"""Reads hyperparameters.json through more layers than anybody needs, as frameworks do."""

import json
from pathlib import Path

FILE = Path("/opt/ml/input/config/hyperparameters.json")
LAYERS = 8


def rounds() -> int:
    """How often to fit; unknown names beside it are nobody's business here."""
    return _checked(json.loads(FILE.read_text()).get("rounds", "1"), LAYERS)


def _checked(text: str, layers: int) -> int:
    return _converted(text, layers - 1)


def _converted(text: str, layers: int) -> int:
    return _checked(text, layers - 1) if layers > 0 else int(text)
