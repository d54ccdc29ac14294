"""What is declared of miniatures: the job of each half, and both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TRAINING = {
    "hyperparameters": {
        "rounds": "2",
        "layers": {"value": "3", "type": "integer", "min": "1", "max": "8"},
        "loss": {"value": "squared", "type": "categorical", "values": ["squared", "absolute"]},
    },
    "channels": {
        "training": {"content_type": "text/csv", "data": "0,5.1,3.5,1.4,0.2\n1,5.9,3.0,4.2,1.5\n"}
    },
    "fault": {"hyperparameters": {"rounds": "many"}},
    "lasts": {"hyperparameters": {"rounds": "1000000000"}},
}
REQUESTS = [
    {"name": "row", "content_type": "text/csv", "body": "5.1,3.5,1.4,0.2\n"},
    {"name": "json", "content_type": "application/json", "body": "[[5.1, 3.5, 1.4, 0.2]]"},
]
BOTH: Mapping[str, Any] = {
    "claims": ["training", "hosting"],
    "network": "isolated",
    "training": TRAINING,
    "hosting": {"requests": REQUESTS},
}
TRAINS: Mapping[str, Any] = {
    "claims": ["training"], "network": "isolated", "training": TRAINING,
}  # fmt: skip
SERVES: Mapping[str, Any] = {
    "claims": ["hosting"],
    "network": "isolated",
    "hosting": {"model": "none", "requests": REQUESTS},
}
NETWORK_UNSAID = {key: value for key, value in TRAINS.items() if key != "network"}
