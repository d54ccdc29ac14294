"""Trains a decision tree on the CSV files of channel `training`: label first, then numbers."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HYPERPARAMETERS = Path("/opt/ml/input/config/hyperparameters.json")
CHANNEL = Path("/opt/ml/input/data/training")
MODEL = Path("/opt/ml/model/decision_tree.joblib")
FAILURE = Path("/opt/ml/output/failure")
FAILURE_LENGTH = 1024  # what the platform shows of it


class BadInput(Exception):
    """The hyperparameters or the data cannot be used; the message is for the user."""


def main() -> int:
    """Trains; on failure the reason goes to the log and to the failure file. The exit status."""
    # First of all: the imports take a second, and PID 1 has no default for SIGTERM.
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        train(stop)
    except BadInput as problem:
        return failed(str(problem))
    except Exception as problem:
        traceback.print_exc(file=sys.stdout)
        return failed(f"unexpected {type(problem).__name__}: {problem}")
    return 0


def failed(reason: str) -> int:
    """Says why training failed, where the platform looks for it."""
    print(f"training failed: {reason}")
    FAILURE.parent.mkdir(parents=True, exist_ok=True)
    FAILURE.write_text(reason[:FAILURE_LENGTH], encoding="utf-8")
    return 1


def train(stop: threading.Event) -> None:
    """Reads, fits and saves. A stop ends the search for a better tree; the best so far is kept."""
    given = hyperparameters()
    max_leaf_nodes = whole_number(given, "max_leaf_nodes", default=None, lowest=2, highest=1000)
    restarts = whole_number(given, "restarts", default=1, lowest=1)
    labels, features = examples(CHANNEL)
    print(f"{len(labels)} rows, {len(features[0])} features, {len(set(labels))} labels")
    model = best_tree(features, labels, max_leaf_nodes, restarts, stop)
    save(model)
    print(f"saved {MODEL}")


def hyperparameters() -> dict[str, str]:
    """The hyperparameters as the platform gives them: each value is a string."""
    try:
        given = json.loads(HYPERPARAMETERS.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as problem:
        raise BadInput(f"{HYPERPARAMETERS} is not JSON: {problem}") from problem
    if not isinstance(given, dict):
        raise BadInput(f"{HYPERPARAMETERS} does not hold a JSON object")
    return {name: str(value) for name, value in given.items()}


def whole_number(
    given: dict[str, str], name: str, *, default: Any, lowest: int, highest: int | None = None
) -> Any:
    """A hyperparameter as a whole number; some clients send it with JSON's quotes around it."""
    if name not in given:
        return default
    try:
        number = int(given[name].strip('"'))
    except ValueError:
        raise BadInput(f"hyperparameter {name} is {given[name]!r}, not a whole number") from None
    if number < lowest:
        raise BadInput(f"hyperparameter {name} is {number}, the lowest is {lowest}")
    if highest is not None and number > highest:
        raise BadInput(f"hyperparameter {name} is {number}, the highest is {highest}")
    return number


def examples(channel: Path) -> tuple[list[str], list[list[float]]]:
    """Labels and features of all files of the channel, whatever their names and folders."""
    if not channel.is_dir():
        raise BadInput(f"channel 'training' is missing: there is no folder {channel}")
    labels: list[str] = []
    features: list[list[float]] = []
    for path in sorted(path for path in channel.rglob("*") if path.is_file()):
        for place, row in rows(path):
            if features and len(row) != 1 + len(features[0]):
                raise BadInput(f"{place}: {len(row)} columns, not {1 + len(features[0])}")
            labels.append(row[0])
            features.append([number(text, place) for text in row[1:]])
    if len(labels) < 2:
        raise BadInput(f"channel 'training' has {len(labels)} rows, at least 2 are needed")
    if not features[0]:
        raise BadInput("the rows of channel 'training' have a label and no features")
    return labels, features


def rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The rows of a CSV file that are not blank, each with its place for messages."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                if row:
                    yield f"{path.relative_to(CHANNEL)}, line {reader.line_num}", row
    except (csv.Error, UnicodeDecodeError) as problem:
        raise BadInput(f"{path.relative_to(CHANNEL)} is not CSV in UTF-8: {problem}") from problem


def number(text: str, place: str) -> float:
    """One feature."""
    try:
        value = float(text)
    except ValueError:
        raise BadInput(f"{place}: {text[:40]!r} is not a number") from None
    if not math.isfinite(value):
        raise BadInput(f"{place}: {text} is not a finite number")
    return value


def best_tree(
    features: list[list[float]],
    labels: list[str],
    max_leaf_nodes: int | None,
    restarts: int,
    stop: threading.Event,
) -> Any:
    """One tree, or the best of many that are grown from different seeds.

    Each is scored on every fifth row, grown on the others; the winner is grown again on all.
    """
    import numpy
    from sklearn.tree import DecisionTreeClassifier

    x, y = numpy.asarray(features), numpy.asarray(labels)
    held_out = numpy.arange(len(y)) % 5 == 0
    splitter = "best" if restarts == 1 else "random"

    def tree(seed: int) -> Any:
        return DecisionTreeClassifier(
            max_leaf_nodes=max_leaf_nodes, splitter=splitter, random_state=seed
        )

    best_seed, best_accuracy = 0, -1.0
    for seed in range(restarts):
        grown = tree(seed).fit(x[~held_out], y[~held_out])
        accuracy = float((grown.predict(x[held_out]) == y[held_out]).mean())
        if accuracy > best_accuracy:
            best_seed, best_accuracy = seed, accuracy
            print(f"restart={seed} validation_accuracy={accuracy:.4f}")
        if stop.is_set():
            print(f"stopped after {seed + 1} of {restarts} restarts")
            break
    return tree(best_seed).fit(x, y)


def save(model: Any) -> None:
    """Writes the model; a name in the model folder is never half a model."""
    import joblib

    MODEL.parent.mkdir(parents=True, exist_ok=True)
    partial = MODEL.with_suffix(".partial")
    joblib.dump(model, partial)
    os.replace(partial, MODEL)
