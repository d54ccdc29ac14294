"""Little liars that fail or are stopped, and end badly."""

from __future__ import annotations

from miniatures.container import Miniature
from miniatures.inside import Inside
from miniatures.lawful import (
    MODEL,
    fit,
    hyperparameters,
    lawful_but,
    training,
    trains,
    write_failure,
)
from miniatures.sins import Sin


def _deaf(inside: Inside) -> None:
    if is_long(inside):
        inside.wait_for_ever()


def is_long(inside: Inside) -> bool:
    return (
        hyperparameters(inside).get("rounds", "").isdigit()
        and int(hyperparameters(inside)["rounds"]) > 1000
    )


def _buries_its_failure(inside: Inside, reason: str) -> None:
    """The failure file comes after data that nobody reads to the end."""
    (inside.root / "output/data/core").write_bytes(bytes(200_000))
    write_failure(inside, reason)


def _drops_its_model(inside: Inside) -> None:
    """Ends when it is asked to, without the model."""
    fit(inside)
    if inside.asked_to_stop.is_set():
        (inside.root / MODEL).rename(inside.root / "model/means.json.tmp")


def _says_nothing(inside: Inside, reason: str) -> None:
    """Fails without a word."""


def _empty_failure(inside: Inside, reason: str) -> None:
    write_failure(inside, "")


def _failure_as_folder(inside: Inside, reason: str) -> None:
    (inside.root / "output/failure").mkdir()


MINIATURES: dict[str, Miniature] = {
    "no-failure-file": trains(on_failure=_says_nothing, story="It fails without a failure file."),
    "empty-failure-file": trains(on_failure=_empty_failure, story="Its failure file is empty."),
    "failure-folder": trains(on_failure=_failure_as_folder, story="Its failure file is a folder."),
    "buried-failure": trains(
        on_failure=_buries_its_failure, story="It leaves a lot beside its failure file."
    ),
    "drops-its-model": trains(_drops_its_model, story="It keeps no model when it is stopped."),
    "exit-0-on-fault": trains(failing_code=0, story="It exits with 0 when it has failed."),
    "deaf": lawful_but(
        "It ignores SIGTERM.",
        train=training(_deaf, fit),
        catches_sigterm=False,
    ),
    "deaf-behind-a-shell": lawful_but(
        "A shell keeps SIGTERM from its training.",
        train=training(_deaf, fit),
        catches_sigterm=False,
        helpers=("python train.py",),
    ),
}
TRAINING_SINS = [
    Sin("no-failure-file", "TRAIN-064 failure-file", says="there is no such file"),
    Sin("empty-failure-file", "TRAIN-064 failure-file", says="the file is empty"),
    Sin("failure-folder", "TRAIN-064 failure-file", says="it is a folder"),
    Sin("exit-0-on-fault", "TRAIN-063 exit-nonzero", says="with the fault declared: training"),
    Sin("deaf", "TRAIN-060 stops-in-time", "advice", says="the kernel discards it"),
    Sin("deaf", "TRAIN-060 stops-in-time", "fail", options=("--sm-profile=strict",)),
    Sin(
        "deaf-behind-a-shell", "TRAIN-062 signal-reaches-training", "advice",
        says="still running: python train.py",
    ),
    Sin(
        "drops-its-model", "TRAIN-061 saves-on-stop", "advice",
        says="left no model; only means.json.tmp",
    ),
]  # fmt: skip
