"""Finds a training that succeeds: the usual inputs first, then what the failed ones asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sm_conformance.first_look import clues
from sm_conformance.first_look.clues import Clues
from sm_conformance.first_look.data import OTHERS, Table
from sm_conformance.first_look.plan import Plan
from sm_conformance.first_look.reading import Reading
from sm_conformance.first_look.trials import Trials, awaited
from sm_conformance.laboratory.refused import found_no_program
from sm_conformance.laboratory.wording import missed_network
from sm_conformance.observed.run import Ending, TrainRun

_USUAL_CHANNELS = ("train", "training", "validation")
_MOST_CHANNELS = 10
_MOST_STEPS = 6
_DIGITS = re.compile("[0-9]+")
# A value for a hyperparameter that is asked for and of which nothing is known.
_GUESSES = {"integer": "1", "continuous": "0.1", None: "1"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One training that was tried, and what came of it."""

    plan: Plan
    run: TrainRun

    @property
    def worth(self) -> int:
        """2 with a model, 1 with an exit of 0 alone, else 0."""
        if not self.run.good:
            return 0
        return 2 if self.run.model.files else 1


@dataclass(frozen=True, slots=True)
class Tried:
    """The best training, the one without any channel, and why no better one was found.

    ``why_not`` is one line for the owner; empty where training left a model.
    """

    best: Attempt
    bare: Attempt
    why_not: str

    @property
    def ran(self) -> bool:
        """Whether a training ran at all: a program was there, and it started no server."""
        run = self.best.run
        started = run.ending not in (Ending.NEVER_STARTED, Ending.SERVING)
        return started and not found_no_program(run.exit, run.seconds)


@dataclass(frozen=True, slots=True)
class Usual:
    """The better training with the usual input, and the one without any channel."""

    best: Attempt
    bare: Attempt


def try_usual(trials: Trials, reading: Reading) -> Usual:
    """What comes of what is usual and of what the program's text names."""
    channels = (tuple(reading.channels) or _USUAL_CHANNELS)[:_MOST_CHANNELS]
    known = tuple((one.name, one.default) for one in reading.settings if one.default is not None)
    file = next(iter(reading.files), None)
    start = Plan(channels=channels, values=known, file=file)
    best, bare = _attempts(trials, [start, replace(start, channels=())])
    if not best.worth and known and not _hopeless(best.run):
        best = _better(best, attempt(trials, replace(start, values=())))
    every = tuple(dict.fromkeys([*channels, *_USUAL_CHANNELS]))[:_MOST_CHANNELS]
    if not best.worth and every != channels and not _hopeless(best.run):
        best = _better(best, attempt(trials, replace(start, channels=every)))
    return Usual(best=best, bare=bare)


def find_training(trials: Trials, reading: Reading, usual: Usual) -> Tried:
    """The best training that some more tries lead to."""
    best, bare = usual.best, usual.bare
    if not best.worth and not _hopeless(best.run):
        best = _mended(trials, reading, best, bare)
    if not best.worth:
        best = _with_interface(trials, best)
    return Tried(best=best, bare=bare, why_not=_why_not(best))


def _better(one: Attempt, other: Attempt) -> Attempt:
    """The other one only where it came further."""
    return other if other.worth > one.worth else one


def attempt(trials: Trials, plan: Plan) -> Attempt:
    """One training, waited for."""
    return _attempts(trials, [plan])[0]


def _attempts(trials: Trials, plans: Iterable[Plan]) -> list[Attempt]:
    """Some trainings side by side."""
    started = [(plan, trials.train(plan.section())) for plan in plans]
    return [Attempt(plan=plan, run=awaited(future)) for plan, future in started]


def _mended(trials: Trials, reading: Reading, failed: Attempt, bare: Attempt) -> Attempt:
    """What comes of giving a training what it asked for, else other forms of data.

    ``bare`` had no channel: whatever fails as that one did has not come to its data.
    """
    seen = {failed.plan}
    current = failed
    if reading.toolkit is not None:
        with_program = attempt(trials, replace(failed.plan, program=True))
        if with_program.worth:
            return with_program
        current = with_program
    for _ in range(_MOST_STEPS):
        plan = _answered(current.plan, clues.of_training(current.run), reading)
        if plan in seen:
            break
        seen.add(plan)
        current = attempt(trials, plan)
        if current.worth or _hopeless(current.run):
            return current
    if _alike(current.run, bare.run):
        return current
    tables: list[Table] = [*(Table(target=name) for name in reading.targets), *OTHERS]
    for first in range(0, len(tables), 2):
        plans = [replace(current.plan, table=table) for table in tables[first : first + 2]]
        best = max(_attempts(trials, plans), key=lambda one: one.worth)
        if best.worth:
            return best
    return current


def _alike(run: TrainRun, other: TrainRun) -> bool:
    """Whether two trainings failed for one reason, times and process numbers apart."""
    return _DIGITS.sub("", clues.reason(run)) == _DIGITS.sub("", clues.reason(other))


def _answered(plan: Plan, said: Clues, reading: Reading) -> Plan:
    """The plan with what a failed training asked for; the same one where it asked for nothing."""
    channels = tuple(name for name in said.channels if name not in plan.channels)
    if channels:
        plan = replace(plan, channels=(*channels, *plan.channels)[:_MOST_CHANNELS])
    if said.files and plan.file is None:
        plan = replace(plan, file=said.files[0])
    if said.columns and plan.table.target is None:
        plan = replace(plan, table=Table(target=said.columns[0]))
    held = dict(plan.values)
    kinds = {one.name: one.kind for one in reading.settings}
    for key in said.keys:
        if key not in held:
            plan = plan.with_value(key, _GUESSES[kinds.get(key)])
    return plan


def _with_interface(trials: Trials, failed: Attempt) -> Attempt:
    """The same with an interface: resourceconfig.json names one, and a program may look it up."""
    if not failed.run.failed or _hopeless(failed.run):
        return failed
    run = awaited(trials.train(failed.plan.section(), reachable=True))
    return Attempt(plan=failed.plan, run=run) if run.good else failed


def _hopeless(run: TrainRun) -> bool:
    """Whether no other input would make this run go well."""
    return (
        run.ending is not Ending.EXITED
        or bool(run.limits_reached)
        or found_no_program(run.exit, run.seconds)
        or missed_network(run.logs) is not None
        or bool(clues.of_training(run).variables)
    )


def _why_not(best: Attempt) -> str:
    """Why the best training is none that could be claimed; empty where it is."""
    run = best.run
    if best.worth == 2:
        return ""
    if best.worth == 1:
        return (
            "training exited with 0 and left no file in /opt/ml/model; if that is lawful, claim "
            "training and say `training: {yields_model: false}`"
        )
    told = clues.reason(run)
    said = f"; it said: {told}" if told and run.ending is Ending.EXITED else ""
    variables = clues.of_training(run).variables
    if run.ending is Ending.SERVING:
        return f"told `train`, it starts a server ({run.answer})"
    if run.problem is not None:
        return clues.cannot_start("train", run.problem)
    if found_no_program(run.exit, run.seconds):
        return f"{run.story()}{said}: nothing that `train` leads to can be run"
    if run.limits_reached:
        return f"{run.story()}; a bound of the harness was reached: say `{run.limits_reached[0]}`"
    if missed_network(run.logs) is not None:
        line = missed_network(run.logs)
        return f"{run.story()} without a network (its log: {line}); it may need `network: needed`"
    if variables:
        name = variables[0]
        return (
            f"{run.story()}: it reads the environment variable {name}, which the platform does not "
            f"set by itself; where a job sets it, say `training: {{environment: {{{name}: …}}}}`"
        )
    if run.ending is Ending.PATIENCE:
        return f"{run.story()}; allow more with --patience"
    return f"{run.story()} with everything that was tried{said}"
