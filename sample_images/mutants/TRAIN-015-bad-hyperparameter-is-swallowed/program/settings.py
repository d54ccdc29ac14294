"""What the model is to be like, as hyperparameters say; the sin is to make do with any number.

A value that is text may come with the quotes of JSON around it, as some clients send it.
"""

import json
import statistics

import hyperparameters

MIDDLES = {"mean": statistics.fmean, "median": statistics.median}


def middle():
    """The function that makes one number of a column. Raises ValueError for an unknown name."""
    name = _given("middle", "mean")
    if name not in MIDDLES:
        raise ValueError(f"middle is {name!r}, not one of {', '.join(MIDDLES)}")
    return MIDDLES[name]


def decimals() -> int:
    """To how many decimals the model is rounded: 0 to 8."""
    return max(0, min(8, int(_given("decimals", "3"))))


def _given(name: str, default: str) -> str:
    text = str(json.loads(hyperparameters.FILE.read_text()).get(name, default))
    return json.loads(text) if text.startswith('"') else text
