"""Training that is handed good input: what it must do and leave behind."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.judgement.outcome import NotApplicable, NotRun, demand
from sm_conformance.observed.artefacts import larger_than_read, size_text
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import Ending, TrainRun


@clause("TRAIN-063", "exit-zero", given="train-plain")
def test_exit_zero(run: TrainRun) -> None:
    """Training on good input exits with status 0."""
    demand(run.good, expected="exit code 0", actual=run.story())


@clause("TRAIN-068", "ends", given="train-plain")
def test_ends(run: TrainRun) -> None:
    """The container ends by itself once the training is done."""
    demand(run.ending is Ending.EXITED, expected="it ends by itself", actual=run.story())


@clause("TRAIN-070", "model", given="train-plain")
def test_model(run: TrainRun, candidate: Candidate) -> None:
    """A training that succeeds leaves at least one regular file in `/opt/ml/model`."""
    training = candidate.declaration.training
    if training is not None and not training.yields_model:
        raise NotApplicable("the declaration says `yields_model: false`")
    bound = candidate.declaration.resources.output_bytes
    demand(
        run.model.whole or bound is None,
        expected=f"at most {size_text(bound or 0)}, as `resources: {{output: …}}` declares",
        actual=larger_than_read(run.model, "model"),
    )
    if not run.model.whole and not run.model.files:
        raise NotRun(larger_than_read(run.model, "model"))
    if not run.model.files and run.guessed:
        raise NotRun(
            "it left no model on data that was made up: declare its channels, or say `training: "
            f"{{yields_model: false}}`; this was guessed: {'; '.join(run.guessed)}"
        )
    others = ", ".join(f"{printable(entry.name)} ({entry.kind})" for entry in run.model.entries[:5])
    demand(
        bool(run.model.files),
        expected="a regular file, at any depth",
        actual=f"no regular file{f'; only {others}' if others else ''}; {run.story()}",
    )


@clause("TRAIN-065", "no-failure-on-success", given="train-plain")
def test_no_failure_on_success(run: TrainRun) -> None:
    """A training that succeeds leaves no text in `/opt/ml/output/failure`."""
    text = (run.failure or b"").decode("utf-8", "replace").strip()
    demand(
        not text,
        expected="no failure file",
        actual=f"exit code 0 and a failure file: {text[:200]!r}",
    )


@clause("TRAIN-010", "strings", given="train-plain")
def test_strings(run: TrainRun) -> None:
    """Training works with hyperparameters whose values are all JSON strings, numbers and booleans included."""
    demand(run.good, expected="it works with strings", actual=run.story())


@clause("TRAIN-087", "no-sm-variables", given="train-plain")
def test_no_sm_variables(run: TrainRun) -> None:
    """Training works when no variable that begins with `SM_` is set."""
    demand(run.good, expected="it works without SM_* variables", actual=run.story())
