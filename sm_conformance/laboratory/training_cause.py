"""Names the cause when a training that should have succeeded did not.

The launch is repeated with one condition lifted at a time; the condition that cures it is the broken
clause. Where nobody can be blamed (guessed input, a bound of ours, perhaps the network), the cause
says why instead, with the line of the declaration that would let it be judged.
"""

from __future__ import annotations

from dataclasses import replace

from sm_conformance.inputs.scenario import Lift, Scenario
from sm_conformance.laboratory import refused
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.instead import answer_to_ping
from sm_conformance.laboratory.lifting import liftable, slug
from sm_conformance.laboratory.training import train
from sm_conformance.laboratory.wording import (
    bound_reached,
    lifted,
    nobody,
    unexplained,
)
from sm_conformance.observed.run import Cause, Ending, Stage, TrainRun


def of_training(bench: Bench, scenario: Scenario, run: TrainRun) -> Cause | None:
    """Why the ordinary training did not end well; None when it did."""
    if run.good:
        return None
    candidate = bench.candidate
    if run.problem is not None:
        return refused.cause(bench, "training", run.problem, run.story())
    if run.limits_reached:
        return bound_reached(Stage.GOOD, run.story(), run.limits_reached)
    instead = _server_instead(bench, scenario, run)
    if instead is not None:
        return instead
    longest_s = candidate.declaration.resources.time_s
    if run.ending is Ending.PATIENCE and longest_s is not None and not run.guessed:
        return Cause(
            missed=Stage.GOOD,
            blames="TRAIN-068 ends",
            expected=f"it ends within {longest_s:g} s, as `resources: {{time_s: …}}` declares",
            actual=run.story(),
        )
    if run.ending is Ending.PATIENCE:
        return nobody(
            Stage.GOOD,
            f"{run.story()}; allow more with --sm-patience or declare resources: {{time_s: …}}",
        )
    if run.ending is Ending.IDLE:
        return _idle_cause(bench, run)
    said = candidate.declaration.training
    for lift in scenario.lifts:
        if lift.conditions.image_command and said and said.started_otherwise:
            continue
        if liftable(bench, lift, candidate.training):
            cured = train(bench, scenario, lift.conditions, name=f"{scenario.name}-{slug(lift)}")
            if cured is not None and _cured(lift, cured):
                again = train(bench, scenario, scenario.conditions, name=f"{scenario.name}-again")
                unstable = again is not None and again.good
                return lifted(Stage.GOOD, lift, run.story(), run.sought, unstable=unstable)
    missed, blames = Stage.GOOD, "TRAIN-063 exit-zero"
    expected = "training on good input exits with 0"
    story, wrong = run.story(), None
    if refused.found_no_program(run.exit, run.seconds) and not (said and said.started_otherwise):
        missed, blames, expected = (
            Stage.STARTED,
            "IMG-001 train-starts",
            refused.starts_with("train"),
        )
        wrong = refused.found_wrong(bench, "training")
        story = f"{story}; {wrong.seen}" if wrong else story
    cause = unexplained(
        candidate, missed, blames, expected, story, run.logs, run.guessed, run.sought
    )
    return replace(cause, fix=wrong.fix) if wrong and cause.blames == blames else cause


def of_another_training(bench: Bench, scenario: Scenario, run: TrainRun) -> Cause | None:
    """Why a further training did not end well although the ordinary one did.

    None when it did, and where the scenario has nothing to lift: then its clause looks for itself.
    """
    if run.good or not scenario.lifts:
        return None
    if run.limits_reached:
        return bound_reached(Stage.GOOD, run.story(), run.limits_reached)
    for lift in scenario.lifts:
        cured = train(bench, scenario, lift.conditions, name=f"{scenario.name}-{slug(lift)}")
        if cured is not None and cured.good:
            again = train(bench, scenario, scenario.conditions, name=f"{scenario.name}-again")
            unstable = again is not None and again.good
            cause = lifted(Stage.GOOD, lift, run.story(), run.sought, unstable=unstable)
            return replace(cause, ordinary=False)
    said = run.logs.telling()
    return nobody(Stage.GOOD, f"{run.story()}{f' (its log says: {said})' if said else ''}")


def _server_instead(bench: Bench, scenario: Scenario, run: TrainRun) -> Cause | None:
    """The cause where the image starts a server when it is told to train.

    One that still works when patience ends may do both, and its owner may have said so; one that
    has fallen idle, or of which nothing is claimed, is asked.
    """
    candidate = bench.candidate
    answer = run.answer
    asked = run.ending is Ending.IDLE or (
        run.ending is Ending.PATIENCE and not candidate.claims_are_declared
    )
    if asked and candidate.one_image and "hosting" in candidate.claims:
        answer = answer_to_ping(bench, scenario)
    if answer is None:
        return None
    return Cause(
        missed=Stage.GOOD,
        blames="IMG-004 tells-jobs-apart",
        expected="the argument `train` starts a training, not a server",
        actual=f"started with `train`, it answers GET /ping with {answer}",
    )


def _idle_cause(bench: Bench, run: TrainRun) -> Cause:
    """A training that falls asleep and does not end."""
    declared = bench.candidate.declaration.training
    if not run.model.files and (declared is None or declared.idle_s is None):
        # How long a training may lawfully sleep is nobody's rule; only its owner knows.
        return nobody(
            Stage.GOOD,
            f"{run.story()}; if that is lawful, say `training: {{idle_s: …}}` in the declaration",
        )
    left = f"; still there: {', '.join(run.processes[:5])}" if run.processes else ""
    # It may as well wait for input that was not guessed, or for the network.
    return unexplained(
        bench.candidate,
        Stage.GOOD,
        "TRAIN-068 ends",
        "the container ends when training is done",
        f"{run.story()}{left}",
        run.logs,
        run.guessed,
        run.sought,
    )


def _cured(lift: Lift, run: TrainRun) -> bool:
    """Whether a training with a lifted condition went well.

    The image's own command may be a shell that ends at once with 0: that is no training.
    """
    if lift.conditions.image_command and (run.guessed or not run.model.files):
        return False
    return run.good
