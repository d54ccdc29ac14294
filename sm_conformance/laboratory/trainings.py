"""What each scenario of training shows: the ordinary job, and those that differ from it."""

from __future__ import annotations

from dataclasses import replace

from sm_conformance.inputs.scenario import FAILING_TRAINING, PLAIN_TRAINING, Scenario
from sm_conformance.laboratory import effect, ranges, training_cause
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.interface import with_interface
from sm_conformance.laboratory.observation import Observation, Observe, cause_of
from sm_conformance.laboratory.training import train
from sm_conformance.laboratory.wording import nobody
from sm_conformance.observed.run import Cause, Stage, TrainRun

# How much longer than the ordinary training a further one may take.
_LONGER = 10.0
_LEAST_WAIT_S = 30.0
_SLOWER = 2.0
_NO_FAST_FILE = "no channel takes FastFile mode: say `modes: [File, FastFile]` of those that do"


def observe(bench: Bench, scenario: Scenario, others: Observe) -> Observation | Cause:
    """What a training shows; ``others`` gives what other scenarios showed, and waits for it."""
    if scenario.name == PLAIN_TRAINING:
        candidate = bench.candidate
        run = train(
            bench,
            scenario,
            scenario.conditions,
            # Who claims both jobs is owed the whole wait: a training may listen for a while.
            may_serve=candidate.one_image and not candidate.claims_are_declared,
        )
        assert run is not None, "the ordinary conditions exist for every candidate"
        run = with_interface(bench, scenario, run)
        return replace(run, cause=training_cause.of_training(bench, scenario, run))
    ordinary = others(PLAIN_TRAINING)
    cause = cause_of(ordinary)
    if cause is not None:
        return cause
    assert isinstance(ordinary, TrainRun)
    if scenario.faults:
        return _until_it_fails(bench, scenario, ordinary)
    if scenario.examples:
        return _with_examples(bench, scenario, ordinary, others)
    run = train(
        bench,
        scenario,
        scenario.conditions,
        hurry_s=_hurry_s(ordinary),
        stop_after_s=_saving_s(bench, ordinary),
    )
    if run is None:
        return nobody(Stage.STARTED, _NO_FAST_FILE)
    if scenario.conditions.encoded_hyperparameters and run.good:
        run = replace(run, same_model=effect.same_model(bench, run, ordinary))
    run = replace(run, ordinary=ordinary)
    return replace(run, cause=training_cause.of_another_training(bench, scenario, run))


def _until_it_fails(bench: Bench, scenario: Scenario, ordinary: TrainRun) -> TrainRun:
    """The first fault that makes it fail; a declared one is the owner's word and alone counts.

    Where no fault exists (no channel, no number, none declared): the run that went well.
    """
    last: TrainRun | None = None
    for fault in scenario.faults:
        run = train(
            bench,
            scenario,
            replace(scenario.conditions, fault=fault),
            name=f"{scenario.name}-{fault}",
        )
        if run is None:
            continue
        last = run
        if run.failed or fault == "declared":
            break
    return last or ordinary


def _with_examples(
    bench: Bench, scenario: Scenario, ordinary: TrainRun, others: Observe
) -> TrainRun:
    run = ranges.observe(bench, scenario, ordinary)
    trials = run.trials
    if trials is None or trials.counterexample is None or scenario.examples == ranges.LAWFUL:
        return run
    failing = others(FAILING_TRAINING) if run.good else None
    never = isinstance(failing, TrainRun) and failing.good and failing.fault is not None
    return replace(run, trials=replace(trials, never_fails=never))


def _hurry_s(ordinary: TrainRun) -> float:
    """How long a training is waited for that none of the promises is judged on, seconds.

    One that still works then says nothing; whether one only waits is seen all the same.
    """
    return max(_LEAST_WAIT_S, _LONGER * ordinary.seconds)


def _saving_s(bench: Bench, ordinary: TrainRun) -> float:
    """How long a training that is declared to last may need until it has a model to save, seconds.

    The ordinary one had a whole model in its time; the same work may take longer now, when more
    goes on. Without that declaration the training to stop is no longer than the ordinary one, and
    would be over by then.
    """
    said = bench.candidate.declaration.training
    if said is None or not said.lasts:
        return 0.0
    return min(_SLOWER * ordinary.seconds, bench.limits.progress_patience_s / 2)
