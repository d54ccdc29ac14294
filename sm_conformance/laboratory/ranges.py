"""Trains with examples of hyperparameter values: some within the declared ranges, some outside.

Each example is one launch, or two where it did not end as it should. What may have other reasons than the
values is not known: a training that would last too long, one that reached a bound, one that fails now and then.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from sm_conformance.inputs.ranges import Example, Lines, bad_lines, lawful_ends, lawful_lines
from sm_conformance.inputs.scenario import Scenario
from sm_conformance.inputs.training import ordinary_hyperparameters
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.searching import Search
from sm_conformance.laboratory.training import train
from sm_conformance.laboratory.wording import missed_network
from sm_conformance.observed.run import Ending, TrainRun, Trials

LAWFUL = "lawful"
# How long a lawful value may make a training is anybody's guess; longer than this is not waited for.
_WAIT_S = 10.0
_WAIT_TIMES = 3
# Launches that make a counterexample simpler.
_MOST_SIMPLER = 10
_HANDED = "opt/ml/input/config/hyperparameters.json"


def observe(bench: Bench, scenario: Scenario, plain: TrainRun) -> TrainRun:
    """The run of the first example that did not end as it should; ``plain`` where there is none.

    Its ``trials`` are None where nothing was tried: no ranges are declared, or no examples wanted.
    """
    said = bench.candidate.declaration.training
    if said is None or not bench.examples:
        return plain
    good, _ = ordinary_hyperparameters(said)
    if scenario.examples == LAWFUL:
        lines = lawful_lines(said, good)
        first, fails = list(lawful_ends(lines)), _did_not_train
    else:
        bad = bad_lines(said)
        lines, first, fails = (
            ((bad,) if bad else ()),
            [Example(((line, 1),)) for line in bad],
            _took,
        )
    if not lines:
        return plain
    trying = _Trying(bench=bench, scenario=scenario, plain=plain, fails=fails)
    return trying.result(lines, first)


@dataclass(slots=True)
class _Trying:
    """The launches with examples of one scenario."""

    bench: Bench
    scenario: Scenario
    plain: TrainRun
    # Whether a run is not what it should be; None where that is not known.
    fails: Callable[[Bench, TrainRun], bool | None]
    runs: list[tuple[Example, TrainRun]] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def result(self, lines: Sequence[Lines], first: Sequence[Example]) -> TrainRun:
        """The run to look at, with what was tried; the evidence of the others goes."""
        search = Search(
            quiet=self.bench.quiet, judge=self._judge, over=self._over, most_simpler=_MOST_SIMPLER
        )
        wanted = self.bench.examples
        found = search.run(chain(first, search.drawn(lines, wanted)), wanted=wanted)
        # It takes minutes to be sure of another one that hangs.
        if found is not None and self._run_of(found).ending is not Ending.IDLE:
            found = search.simplest(found)
        run = self._run_of(found) if found else self.plain
        for _, other in self.runs:
            if other is not run:  # each has a copy of the input data
                shutil.rmtree(other.evidence, ignore_errors=True)
        trials = Trials(
            tried=search.tried,
            unknown=tuple(search.unknown),
            counterexample=found.values if found else None,
            handed=(run.evidence / _HANDED).read_text("utf-8") if found else None,
        )
        return replace(run, trials=trials)

    def _judge(self, example: Example) -> bool | str:
        run = self._launch(example)
        fails = self.fails(self.bench, run)
        return run.story() if fails is None else fails

    def _launch(self, example: Example) -> TrainRun:
        conditions = self.scenario.conditions
        wait_s = max(_WAIT_S, _WAIT_TIMES * self.plain.seconds)
        run = train(
            self.bench,
            self.scenario,
            replace(
                conditions,
                add_hyperparameters={**conditions.add_hyperparameters, **example.values},
            ),
            name=f"{self.scenario.name}-{len(self.runs) + 1}",
            # A lawful value may make it sleep for as long as it likes; a bad one that does hangs it.
            patience_s=wait_s if self.scenario.examples == LAWFUL else math.inf,
            hurry_s=wait_s,
        )
        assert run is not None, "only a fault can be missing, and there is none here"
        self.runs.append((example, run))
        return run

    def _run_of(self, example: Example) -> TrainRun:
        """The last of its runs."""
        return next(run for tried, run in reversed(self.runs) if tried.key == example.key)

    def _over(self) -> bool:
        """Whether all examples together took as long as anybody waits for a training."""
        return time.monotonic() - self.began > self.bench.limits.training_patience_s


def _did_not_train(bench: Bench, run: TrainRun) -> bool | None:
    """Whether lawful values did not train."""
    if run.good:
        return False
    if _of_other_reasons(run):
        return None
    # A value may choose something that has to be fetched.
    without = bench.candidate.declaration.network is None and missed_network(run.logs)
    return None if without else True


def _took(bench: Bench, run: TrainRun) -> bool | None:
    """Whether a bad value was taken, hung the training, or made it fail without a word."""
    del bench
    if run.good:
        return True
    if _of_other_reasons(run):
        return None
    said = bool((run.failure or b"").strip()) or run.logs.total_bytes > 0
    return not (run.failed and said)


def _of_other_reasons(run: TrainRun) -> bool:
    bounded = bool(run.limits_reached) or (run.exit is not None and run.exit.memory_killed)
    return bounded or run.ending not in (Ending.EXITED, Ending.IDLE)
