"""Training with values of hyperparameters that are declared, and with values that are not."""

from __future__ import annotations

from collections.abc import Mapping

from sm_conformance.binding import clause
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.run import TrainRun, Trials

_MOST_SHOWN = 2000


@clause("TRAIN-010", "lawful-values", given="train-in-range")
def test_lawful_values(run: TrainRun, bench: Bench) -> None:
    """Training succeeds with hyperparameter values anywhere in the declared ranges."""
    trials = _trials(run, bench)
    if trials.counterexample is None:
        return
    shown = _shown(run, trials, trials.counterexample)
    if run.guessed:
        raise NotRun(f"{shown}; this was guessed: {'; '.join(run.guessed)}. Declare it")
    raise Broken(expected="training succeeds with lawful values", actual=shown)


@clause("TRAIN-015", "bad-hyperparameter", given="train-out-of-range")
def test_bad_hyperparameter(run: TrainRun, bench: Bench) -> None:
    """A hyperparameter value that the declaration does not allow ends the training with a status other than 0 and a message."""
    trials = _trials(run, bench)
    if trials.counterexample is None:
        return
    if trials.never_fails:
        raise Blocked("TRAIN-063 exit-nonzero")
    raise Broken(
        expected="training refuses the value: it ends with another code than 0, and says why",
        actual=_shown(run, trials, trials.counterexample),
    )


def _trials(run: TrainRun, bench: Bench) -> Trials:
    """What was tried. Raises NotRun where that tells nothing, NotApplicable without ranges."""
    if run.trials is None:
        if not bench.examples:
            raise NotRun("no examples are wanted: --sm-examples=0", excused=True)
        raise NotApplicable("the declaration says of no hyperparameter what values it may have")
    trials = run.trials
    if trials.tried and len(trials.unknown) == trials.tried:
        raise NotRun(f"nothing is known: {_unknown(trials)}", excused=True)
    return trials


def _shown(run: TrainRun, trials: Trials, counterexample: Mapping[str, str]) -> str:
    """The counterexample, what came of it, and what else was tried."""
    values = ", ".join(f"{name}={value!r}" for name, value in counterexample.items())
    last = run.logs.telling()
    said = [
        f"with {values}: {run.story()}{f' (its log says: {last})' if last else ', without a line in its log'}",
        f"hyperparameters.json was {(trials.handed or '')[:_MOST_SHOWN]}",
        f"examples tried: {trials.tried}",
    ]
    return "; ".join([*said, *([_unknown(trials)] if trials.unknown else [])])


def _unknown(trials: Trials) -> str:
    reasons = "; ".join(dict.fromkeys(trials.unknown))
    return f"examples that tell nothing: {len(trials.unknown)} ({reasons})"
