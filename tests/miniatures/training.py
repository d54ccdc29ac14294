"""Little liars that are handed good input and do not train well."""

from __future__ import annotations

from miniatures.container import Miniature
from miniatures.declared import TRAINS
from miniatures.inside import Inside
from miniatures.lawful import MODEL, fit, hyperparameters, lawful_but, trains, write_failure
from miniatures.sins import HASTE, Sin


def _broken(inside: Inside) -> None:
    raise RuntimeError("this never works")


def _lingers(inside: Inside) -> None:
    inside.wait_for_ever()


def works_on(inside: Inside) -> None:
    while True:
        inside.say("still at it")
        inside.sleep(0.02)


def _leaves_nothing(inside: Inside) -> None:
    fit(inside)
    (inside.root / MODEL).unlink()


def _only_a_link(inside: Inside) -> None:
    _leaves_nothing(inside)
    (inside.root / "model/deep").mkdir()
    (inside.root / "model/deep/link").symlink_to("/program/weights")


def _wants_numbers(inside: Inside) -> None:
    for name in ("rounds", "layers"):
        if isinstance(hyperparameters(inside).get(name), str):
            raise TypeError("a number is needed")


def _wants_sm_variables(inside: Inside) -> None:
    inside.say(inside.environment["SM_MODEL_DIR"])


def _as_if_killed(inside: Inside) -> int:
    inside.say("training starts")
    return 137


MINIATURES: dict[str, Miniature] = {
    "always-fails": trains(_broken, story="Its training fails on good input."),
    "lingers": trains(fit, _lingers, story="Its training does not end."),
    "works-on": trains(works_on, story="Its training takes longer than anybody waits."),
    "no-model": trains(_leaves_nothing, story="Its training leaves no model."),
    "model-is-a-link": trains(_only_a_link, story="Its model is a link that leads away."),
    "failure-on-success": trains(
        fit, lambda inside: write_failure(inside, "fine"), story="It reports a failure in vain."
    ),
    "wants-numbers": trains(before=_wants_numbers, story="It takes no strings for numbers."),
    "wants-sm-variables": trains(before=_wants_sm_variables, story="It needs SM_MODEL_DIR."),
    "ends-as-if-killed": lawful_but("It exits with 137 by itself.", train=_as_if_killed),
    "out-of-memory": lawful_but("It needs more memory than it gets.", memory_killed=True),
}
TRAINING_SINS = [
    Sin("always-fails", "TRAIN-063 exit-zero", says="exited with 1"),
    Sin("lingers", "TRAIN-068 ends", says="neither used the processor nor wrote", limits=HASTE),
    Sin("no-model", "TRAIN-070 model", says="no regular file"),
    Sin("model-is-a-link", "TRAIN-070 model", says="deep/link (symlink)"),
    Sin("failure-on-success", "TRAIN-065 no-failure-on-success", "advice", says="'fine'"),
    Sin("wants-numbers", "TRAIN-010 strings", says="it works as soon as this is lifted"),
    Sin("wants-sm-variables", "TRAIN-087 no-sm-variables", says="as soon as this is lifted"),
    Sin(
        "out-of-memory", "TRAIN-063 exit-zero", says="killed for lack of memory",
        declaration={**TRAINS, "resources": {"memory": "64m"}},
    ),
]  # fmt: skip
