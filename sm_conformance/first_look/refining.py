"""Looks further at a training that succeeds: which channels it needs, how it fails, what makes it last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from sm_conformance.first_look import clues
from sm_conformance.first_look.plan import PROGRAM_NAME, Plan
from sm_conformance.first_look.reading import Reading
from sm_conformance.first_look.settings import Setting
from sm_conformance.first_look.training import Attempt, Tried, attempt
from sm_conformance.first_look.trials import Trials, awaited
from sm_conformance.observed.run import Ending, TrainRun

# A longer training is not repeated to learn more of it.
_SLOW_S = 60.0
# A training that goes on for so long, and so many times as long as the good one, lasts.
_LASTS_S = 4.0
_LASTS_TIMES = 2.5
# One that takes so long can be stopped while it goes, whatever it is told.
_LONG_ENOUGH_S = 20.0
_MOST_SINGLES = 4
_MOST_FAULTS = 3
_MOST_LASTING = 2
NONSENSE = "no-number"
_MANY = "100000000"
_REPEATS = re.compile(
    r"epoch|round|iter|step|restart|repeat|estimator|trees|trials|sleep|duration|seconds|batches",
    re.IGNORECASE,
)
_METRIC = re.compile(
    r"(?<![\w.-])([A-Za-z][\w.-]{0,60}?)(\s{0,2}[=:]\s{0,2})(-?[0-9]{1,12}(?:\.[0-9]{1,18})?(?:e[-+]?[0-9]{1,3})?)"
)
_MEASURES = re.compile(
    r"(?:^|[_.-])(?:loss|acc|accuracy|rmse|mse|mae|auc|f1|r2|error|err|gcv|logloss|precision|recall|"
    r"score|perplexity)(?:$|[_.-])",
    re.IGNORECASE,
)
_MOST_METRICS = 5


@dataclass(frozen=True, slots=True)
class Refined:
    """What was learned. ``attempt`` is the training that the declaration describes.

    ``channels``: whether it was seen which of them are needed. ``fault`` and ``lasts`` are the
    sections of these names, with the run that showed it; ``metrics`` lead from a name to its regex.
    ``slow``: the training took too long to be repeated.
    """

    attempt: Attempt
    channels: bool
    fault: tuple[dict[str, Any], TrainRun] | None
    lasts: tuple[dict[str, Any], TrainRun] | None
    metrics: dict[str, str]
    slow: bool

    @property
    def long_enough(self) -> bool:
        """Whether the training lasts long enough to be stopped as it is."""
        return self.attempt.run.seconds > _LONG_ENOUGH_S


def refine(trials: Trials, reading: Reading, tried: Tried) -> Refined:
    """Learns more of a training that left a model. Raises HarnessTrouble when the engine fails."""
    best = tried.best
    slow = best.run.seconds > _SLOW_S
    settings = () if slow else _told_of(reading, tried)
    faults = _faults(best.plan, settings)
    for section in tuple(faults.values())[:1]:
        trials.train(section)  # beside what is waited for; the others only where it does not do
    bare = _bare(trials, tried, slow=slow)
    chosen, seen = _with_fewer_channels(trials, reading, best, bare)
    # Of the two, one may have had to share the processors.
    seconds = min(best.run.seconds, chosen.run.seconds)
    time_s = max(_LASTS_S, round(_LASTS_TIMES * seconds, 1))
    lasting = {
        name: trials.train(section, time_s=time_s)
        for name, section in _lasting(chosen.plan, settings).items()
    }
    return Refined(
        attempt=chosen,
        channels=seen,
        fault=_fault(trials, chosen, bare, faults),
        lasts=_lasts(lasting),
        metrics=_metrics(chosen.run),
        slow=slow,
    )


def _told_of(reading: Reading, tried: Tried) -> tuple[Setting, ...]:
    """The hyperparameters of the program's text, and those that a failed training asked for."""
    known = {one.name for one in reading.settings}
    asked = (Setting(name=name, path="") for name, _ in tried.best.plan.values if name not in known)
    return (*reading.settings, *asked)


def _bare(trials: Trials, tried: Tried, *, slow: bool) -> Attempt | None:
    """The same training without any channel; None where that would take too long to see."""
    plan = replace(tried.best.plan, channels=())
    if slow and plan.section() != tried.bare.plan.section():
        return None
    return attempt(trials, plan)


def _with_fewer_channels(
    trials: Trials, reading: Reading, best: Attempt, bare: Attempt | None
) -> tuple[Attempt, bool]:
    """The training with the channels that it needs, and whether these are known."""
    slow = best.run.seconds > _SLOW_S
    optional = tuple(name for name in reading.channels if name in best.plan.channels)
    needed: tuple[str, ...] | None = None
    if bare is not None and bare.worth >= best.worth:
        needed = ()
    elif bare is None or slow:
        return best, False
    else:
        said = clues.of_training(bare.run).channels
        names = [name for name in dict.fromkeys([*said, *optional, *best.plan.channels])
                 if name in best.plan.channels]  # fmt: skip
        for name in names[:_MOST_SINGLES]:
            if attempt(trials, replace(best.plan, channels=(name,))).worth >= best.worth:
                needed = (name,)
                break
    if needed is None:
        return best, False
    rest = tuple(name for name in optional if name not in needed)
    whole = replace(best.plan, channels=(*needed, *rest), optional=len(rest))
    if slow and whole.channels:
        return best, False
    found = attempt(trials, whole)
    if rest and found.worth < best.worth:
        found = attempt(trials, replace(whole, channels=needed, optional=0))
    return (found, True) if found.worth >= best.worth else (best, False)


def _faults(plan: Plan, settings: Iterable[Setting]) -> dict[str, dict[str, Any]]:
    """The trainings in which one hyperparameter is nonsense, known numbers first."""
    likely = sorted(settings, key=lambda one: (not one.numeric, one.default is not None))
    names = [*(one.name for one in likely), *((PROGRAM_NAME,) if plan.program else ())]
    return {name: plan.with_value(name, NONSENSE).section() for name in names[:_MOST_FAULTS]}


def _lasting(plan: Plan, settings: Iterable[Setting]) -> dict[str, dict[str, Any]]:
    """The trainings in which something is repeated very often."""
    names = [one.name for one in settings if _REPEATS.search(one.name) and one.whole]
    return {name: plan.with_value(name, _MANY).section() for name in names[:_MOST_LASTING]}


def _fault(
    trials: Trials, chosen: Attempt, bare: Attempt | None, sections: Mapping[str, dict[str, Any]]
) -> tuple[dict[str, Any], TrainRun] | None:
    for name, section in sections.items():
        run = awaited(trials.train(section))
        if run.failed:
            return {"hyperparameters": {name: NONSENSE}}, run
    plan = chosen.plan
    needed = plan.channels[: len(plan.channels) - plan.optional]
    if bare is not None and bare.run.failed and len(needed) == 1:
        return {"channels": {needed[0]: "missing"}}, bare.run
    return None


def _lasts(started: Mapping[str, Future[TrainRun]]) -> tuple[dict[str, Any], TrainRun] | None:
    for name, future in started.items():
        run = awaited(future)
        if run.ending is Ending.PATIENCE:
            return {"hyperparameters": {name: _MANY}}, run
    return None


def _metrics(run: TrainRun) -> dict[str, str]:
    """Measures that the log of a good training shows, each with a regex that finds its number."""
    text = clues.told(run)
    found: dict[str, str] = {}
    for name, between, _ in _METRIC.findall(text):
        if _MEASURES.search(name) and len(found) < _MOST_METRICS and "\n" not in between:
            found.setdefault(name, name.replace(".", r"\.") + between + "([-+.0-9e]+)")
    return found
