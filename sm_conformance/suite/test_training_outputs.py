"""What a training leaves and says: its files, its failure file, its metrics."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.metrics import Logged, look_for, objective
from sm_conformance.judgement.outcome import Blocked, NotApplicable, NotRun, demand
from sm_conformance.observed.arrival import said_after_failure_file
from sm_conformance.observed.artefacts import larger_than_read, not_plain
from sm_conformance.observed.failure import reason, says_something
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import Ending, TrainRun

_SHOWN = 300


@clause("TRAIN-064", "failure-reason", given="train-failing")
def test_failure_reason(run: TrainRun, limits: Limits) -> None:
    """The failure file is text in UTF-8, and its first 1024 characters say what went wrong."""
    found = reason(_failure(run), limit_chars=limits.failure_reason_chars)
    demand(
        found.wrong is None,
        expected=f"the reason in the first {limits.failure_reason_chars} characters, in UTF-8",
        actual=f"{found.wrong}; FailureReason would be '{_ends(found.shown)}'",
    )


@clause("TRAIN-066", "failure-file-last", given="train-failing")
def test_failure_file_last(run: TrainRun, limits: Limits) -> None:
    """The failure file is written after all other output of the program."""
    _failure(run)
    if run.logs.last_after_s is None:
        return
    after_s = said_after_failure_file(run)
    if after_s is None:
        raise NotRun("when the failure file was written is not known", excused=True)
    demand(
        after_s <= limits.failure_file_lead_s,
        expected="the failure file comes last",
        actual=f"the log went on for about {after_s:.0f} s after the failure file was written",
    )


def _failure(run: TrainRun) -> bytes:
    """The failure file of a training that failed; raises Blocked where there is none with text."""
    text = run.failure or b""
    if run.failed and says_something(text):
        return text
    if run.failed and not run.output.whole:
        raise NotRun(larger_than_read(run.output, "output"))
    ended_well = not run.failed and run.fault == "declared" and run.ending is Ending.EXITED
    raise Blocked("TRAIN-063 exit-nonzero" if ended_well else "TRAIN-064 failure-file")


def _ends(text: str) -> str:
    """A text that may be long, by its two ends, safe to print."""
    if len(text) > 2 * _SHOWN:
        text = f"{text[:_SHOWN]} … {text[-_SHOWN:]}"
    return printable(text)


@clause("TRAIN-074", "plain-files-only", given="train-plain")
def test_plain_files_only(run: TrainRun, candidate: Candidate) -> None:
    """What training leaves is regular files and folders: no symbolic link in `/opt/ml/model`, none that leads away in `/opt/ml/output`, no FIFO and no device."""
    training = candidate.declaration.training
    yields_model = training is None or training.yields_model
    if yields_model and run.model.whole and not run.model.files:
        raise Blocked("TRAIN-070 model")
    # Nobody deploys the folder of a job that yields no model.
    odd = [f"model/{said}" for said in not_plain(run.model, links_inside=yields_model)]
    odd += [f"output/{said}" for said in not_plain(run.output, links_inside=False)]
    more = f" and {len(odd) - 5} more" if len(odd) > 5 else ""
    demand(not odd, expected="regular files and folders", actual=f"{', '.join(odd[:5])}{more}")
    for tree, folder in ((run.model, "model"), (run.output, "output")):
        if not tree.whole:
            raise NotRun(larger_than_read(tree, folder))


@clause("TRAIN-089", "metric-matches", given="train-plain")
def test_metric_matches(run: TrainRun, candidate: Candidate) -> None:
    """Each metric pattern matches a line of the training's log, and its first group is a number."""
    training = candidate.declaration.training
    if training is None or not training.metrics:
        raise NotApplicable("no metric is declared")
    if not run.logs.total_bytes:
        raise Blocked("IMG-023 logs")
    without = [logged for logged in look_for(training.metrics, run.logs) if logged.number is None]
    wanted = objective(training, candidate.claims)
    others = [logged for logged in without if logged.metric != wanted]
    if without and not others and not run.guessed and without[0].unsure is None:
        raise Blocked("TRAIN-090 objective-logged")
    _judge(others or without, run)


@clause("TRAIN-090", "objective-logged", given="train-plain")
def test_objective_logged(run: TrainRun, candidate: Candidate) -> None:
    """Each training logs the objective metric of the tuning at least once."""
    wanted = objective(candidate.declaration.training, candidate.claims)
    if wanted is None:
        raise NotRun(
            "which metric is the objective is not said: declare "
            "`training: {metrics: …, objective: {metric: …, goal: …}}`"
        )
    _judge([logged for logged in look_for([wanted], run.logs) if logged.number is None], run)


def _judge(without: list[Logged], run: TrainRun) -> None:
    """Says that the clause is broken by metrics without a number, where that is certain."""
    lacking = "; ".join(logged.describe() for logged in without[:5])
    if without and run.guessed:
        raise NotRun(f"{lacking}; this was guessed: {'; '.join(run.guessed)}. Declare it")
    certain = [logged for logged in without if logged.unsure is None]
    if without and not certain:
        raise NotRun(lacking)
    demand(
        not certain,
        expected="a line on stdout or stderr whose first group is a finite number",
        actual="; ".join(logged.describe() for logged in certain[:5]),
    )
