"""Little liars in what a training leaves and says: files, failure file, metrics."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from miniatures.container import Miniature
from miniatures.declared import TRAINS
from miniatures.inside import Inside
from miniatures.lawful import fit, trains, write_failure
from miniatures.sins import Sin


def _leaves(*names: str) -> Callable[[Inside], None]:
    """Links and pipes beside the model: ``name -> target``, or the name of a FIFO."""

    def step(inside: Inside) -> None:
        for name in names:
            path, _, target = name.partition(" -> ")
            (inside.root / path).parent.mkdir(parents=True, exist_ok=True)
            if target:
                (inside.root / path).symlink_to(target)
            else:
                os.mkfifo(inside.root / path)

    return step


def logs(*lines: str) -> Callable[[Inside], None]:
    def step(inside: Inside) -> None:
        for line in lines:
            inside.say(line)

    return step


def _complains(line: str) -> Callable[[Inside], None]:
    return lambda inside: inside.complain(line)


def _floods_its_log(inside: Inside) -> None:
    """More than is kept; the metric stands where nothing is."""
    inside.say("x" * 300_000)
    inside.say("accuracy=0.5")
    for _ in range(20):
        inside.say("x" * 100_000)


def _buries_its_reason(inside: Inside, reason: str) -> None:
    frames = [f'  File "/program/layer{n}.py", line {n}, in step{n}\n    go()' for n in range(40)]
    lines = ["Traceback (most recent call last):", *frames, reason]
    write_failure(inside, "\n".join(lines))


def _reason_in_another_encoding(inside: Inside, reason: str) -> None:
    (inside.root / "output/failure").write_bytes(f"ungültig: {reason}".encode("latin-1"))


def _reason_after_blanks(inside: Inside, reason: str) -> None:
    write_failure(inside, "\n" * 1024 + reason)


def _talks_after_its_failure(inside: Inside, reason: str) -> None:
    write_failure(inside, reason)
    inside.sleep(0.4)
    inside.say("cleaning up")


MINIATURES: dict[str, Miniature] = {
    "buried-reason": trains(
        on_failure=_buries_its_reason, story="Its failure file begins with a long trace."
    ),
    "latin-reason": trains(
        on_failure=_reason_in_another_encoding, story="Its failure file is not UTF-8."
    ),
    "blank-reason": trains(
        on_failure=_reason_after_blanks, story="Its failure file begins with blanks."
    ),
    "talks-after-failure": trains(
        on_failure=_talks_after_its_failure, story="It writes on after its failure file."
    ),
    "links-away": trains(
        fit, _leaves("model/all -> /program/weights"), story="It links to its program."
    ),
    "links-beside": trains(
        fit, _leaves("model/latest -> means.json"), story="It links to its own model."
    ),
    "leaves-a-pipe": trains(fit, _leaves("model/pipe"), story="It leaves a pipe."),
    "links-output-away": trains(
        fit, _leaves("output/data/log -> ../../../../log"), story="Its other artefacts lead away."
    ),
    "links-output-beside": trains(
        fit, _leaves("output/data/runs/latest -> ../other"), story="It links within its output."
    ),
    "measures": trains(
        fit, logs("epoch 1", "accuracy=0.5; loss=nan", "done"), story="It logs two metrics."
    ),
    "measures-on-stderr": trains(
        fit, _complains("\r 50%\raccuracy=5e-1"), story="It logs its metric as a progress bar."
    ),
    "measures-in-a-flood": trains(fit, _floods_its_log, story="It logs more than is kept."),
}


def measured(*metrics: str, objective: str = "") -> dict[str, Any]:
    """A declaration of trainings with metrics, and of tuning where one of them is the objective."""
    said = [
        {"name": name, "regex": f"{name}=({'[0-9.]+' if name == 'recall' else '[^; ]+'})"}
        for name in metrics
    ]
    training = {**TRAINS["training"], "metrics": said}
    if not objective:
        return {**TRAINS, "training": training}
    training["objective"] = {"metric": objective, "goal": "Minimize"}
    return {**TRAINS, "claims": ["training", "tuning"], "training": training}


TRAINING_SINS = [
    Sin("buried-reason", "TRAIN-064 failure-reason", "advice", says="the error itself, 'ValueErr"),
    Sin("latin-reason", "TRAIN-064 failure-reason", "advice", says="it is not UTF-8"),
    Sin("blank-reason", "TRAIN-064 failure-reason", "advice", says="characters are blank"),
    Sin(
        "talks-after-failure", "TRAIN-066 failure-file-last", "advice", says="the log went on",
        limits={"failure_file_lead_s": 0.2},
    ),
    Sin(
        "links-away", "TRAIN-074 plain-files-only", "advice",
        says="model/all (symlink to /program/weights, an absolute path)",
    ),
    Sin(
        "links-beside", "TRAIN-074 plain-files-only", "advice",
        says="model/latest (symlink to means.json)",
    ),
    Sin("leaves-a-pipe", "TRAIN-074 plain-files-only", "advice", says="model/pipe (fifo)"),
    Sin("links-output-away", "TRAIN-074 plain-files-only", "advice", says="out of the folder)"),
    Sin(
        "measures", "TRAIN-089 metric-matches", "advice",
        says="recall: no line matches 'recall=([0-9.]+)'", declaration=measured("recall"),
    ),
    Sin(
        "measures", "TRAIN-089 metric-matches", "advice",
        says="holds 'nan', which is no number", declaration=measured("accuracy", "loss"),
    ),
    Sin(
        "measures", "TRAIN-090 objective-logged", says="holds 'nan', which is no number",
        declaration=measured("accuracy", "loss", objective="loss"),
    ),
    Sin(
        "lawful", "TRAIN-090 objective-logged", says="no line matches",
        declaration=measured("accuracy", objective="accuracy"),
    ),
]  # fmt: skip
