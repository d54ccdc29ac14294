"""Writes the training half of a draft: what was seen to work, and where each line comes from."""

from __future__ import annotations

from sm_conformance.declaration.problems import Where
from sm_conformance.first_look import clues
from sm_conformance.first_look.draft import Draft
from sm_conformance.first_look.plan import Plan
from sm_conformance.first_look.reading import Reading
from sm_conformance.first_look.refining import Refined
from sm_conformance.first_look.training import Tried
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import TrainRun

_TRAINING: Where = ("training",)
_SECTIONS = {
    "fault": "`training: {fault: {hyperparameters: {NAME: VALUE}}}`",
    "lasts": "`training: {lasts: {hyperparameters: {NAME: VALUE}}}`",
}


def write_training(made: Draft, reading: Reading, refined: Refined) -> None:
    """Claims training and says how."""
    run, plan = refined.attempt.run, refined.attempt.plan
    story = f"exited with 0 and left {_left(run)}"
    made.note(("claims",), f"training: it {story} in /opt/ml/model")
    made.works.append(f"training {story}, after {run.seconds:.1f} s")
    section = plan.section()
    made.document["training"] = section
    if not section:
        made.note(_TRAINING, "no channel and no hyperparameter is needed: it succeeds without any")
    if plan.program:
        made.note(
            _TRAINING,
            f"guessed: this image runs a user's program ({reading.toolkit}), and a small one stands "
            "in for yours; put yours there, or say `code: {path: FOLDER, entry_point: train.py}`",
        )
        made.missing.append("your own program: say `training: {code: {path: …, entry_point: …}}`")
    where = (*_TRAINING, "hyperparameters") if plan.values else _TRAINING
    made.note(where, *_of_values(reading, plan))
    if plan.channels:
        made.note((*_TRAINING, "channels"), *_of_channels(reading, refined))
    _fault_and_lasts(made, refined)
    if refined.metrics:
        section["metrics"] = [
            {"name": name, "regex": regex} for name, regex in refined.metrics.items()
        ]
        made.note((*_TRAINING, "metrics"), "seen in the log of the training that succeeded")


def write_no_training(made: Draft, tried: Tried | str) -> None:
    """Says why training is not claimed, and what was tried last."""
    why = tried if isinstance(tried, str) else tried.why_not
    made.not_claimed("training", "a training that succeeds", why)
    if isinstance(tried, str) or not tried.ran:
        return
    section = tried.best.plan.section()
    if tried.best.worth:
        section["yields_model"] = False
    if section:
        remark = "Training, as it was tried last; correct it, and claim training."
        made.aside.append((remark, {"training": section}))


def _left(run: TrainRun) -> str:
    first, *others = run.model.files
    name = printable(first.name)[:80]
    return f"{name} and {len(others)} more files" if others else name


def _of_values(reading: Reading, plan: Plan) -> list[str]:
    known = {one.name: one for one in reading.settings}
    sent = dict(plan.values)
    read: dict[str, list[str]] = {}
    unsent: dict[str, list[str]] = {}
    for one in reading.settings:
        if one.default is not None and sent.get(one.name) == one.default:
            read.setdefault(one.path, []).append(one.name)
        elif one.name not in sent:
            unsent.setdefault(one.path, []).append(one.name)
    told = [
        f"read in {path}, with what the program falls back to: {', '.join(names)}"
        for path, names in read.items()
    ]
    guesses = [name for name, value in sent.items()
               if name not in known or known[name].default != value]  # fmt: skip
    if guesses:
        told.append(f"guessed: the value of {', '.join(guesses)}, which training asked for")
    told += [
        f"also read in {path}, as hyperparameters of which no value is known: {', '.join(names)}"
        for path, names in unsent.items()
    ]
    return told


def _of_channels(reading: Reading, refined: Refined) -> list[str]:
    plan = refined.attempt.plan
    told = [
        f"{name}: read in {reading.channels[name]}"
        if name in reading.channels
        else f"{name}: guessed, as a usual name or as one that training asked for"
        for name in plan.channels
    ]
    needed = plan.channels[: len(plan.channels) - plan.optional]
    if refined.channels and len(needed) == 1:
        told.append(f"training succeeds with {needed[0]} alone")
    elif not refined.channels:
        told.append("guessed: that all of these are needed")
    told.append(f"guessed: the data, {plan.table.story()}; training succeeds with it")
    return told


def _fault_and_lasts(made: Draft, refined: Refined) -> None:
    slow = f"a training takes {refined.attempt.run.seconds:.0f} s, so it was not repeated for that"
    training = made.document["training"]
    if refined.fault is not None:
        training["fault"], run = refined.fault
        code = run.exit.code if run.exit else ""
        said = clues.reason(run)
        told = f"training then exited with {code}" + (f" and said: {said}" if said else "")
        made.note((*_TRAINING, "fault"), told)
        made.works.append(f"training fails with {_flat(training['fault'])}")
    else:
        why = "no nonsense in a hyperparameter and no missing channel did"
        _not_found(made, "fault", "what makes training fail", slow if refined.slow else why)
    if refined.lasts is not None:
        training["lasts"], _ = refined.lasts
        made.note((*_TRAINING, "lasts"), "training then went on until it was ended")
        made.works.append(f"training lasts with {_flat(training['lasts'])}")
    elif not refined.long_enough:
        why = "no hyperparameter was found that repeats something very often"
        _not_found(made, "lasts", "what makes training last", why)


def _not_found(made: Draft, key: str, what: str, why: str) -> None:
    made.not_found(what, why, f"say {_SECTIONS[key]}")


def _flat(section: dict[str, dict[str, str]]) -> str:
    (values,) = section.values()
    return ", ".join(f"{name}: {value}" for name, value in values.items())
