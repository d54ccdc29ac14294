"""Training that fails or is stopped: how it must end."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun, demand
from sm_conformance.observed.artefacts import larger_than_read
from sm_conformance.observed.failure import says_something
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import Ending, Stop, TrainRun

# What programs write that rename a file once it is complete.
_HALF_WRITTEN = (".tmp", ".temp", ".part", ".partial")
_NO_FAULT = "nothing could be spoiled (no channel, no number among the hyperparameters)"


@clause("TRAIN-063", "exit-nonzero", given="train-failing")
def test_exit_nonzero(run: TrainRun) -> None:
    """Training that fails exits with a status other than 0."""
    if run.failed:
        return
    waited = run.ending is not Ending.EXITED
    fault = f"with the fault {run.fault}" if run.fault else _NO_FAULT
    raise Broken(
        expected="a training that cannot succeed exits with another code than 0",
        actual=f"{fault}: {run.story()}"
        + ("" if run.fault == "declared" else "; declare `training: {fault: …}` to have it judged"),
        only_advice=waited or run.fault != "declared",
    )


@clause("TRAIN-064", "failure-file", given="train-failing")
def test_failure_file(run: TrainRun) -> None:
    """A failing training writes the reason to `/opt/ml/output/failure`."""
    if not run.failed:
        if run.fault == "declared" and run.ending is Ending.EXITED:
            raise Blocked("TRAIN-063 exit-nonzero")
        raise Broken(
            expected="a training that fails, and says why",
            actual=f"nothing made it fail: {run.story()}; declare `training: {{fault: …}}`",
            only_advice=True,
        )
    entry = run.output.entry("failure")
    text = says_something(run.failure or b"")
    if not text and not run.output.whole:
        raise NotRun(larger_than_read(run.output, "output"))
    demand(
        text,
        expected="text in /opt/ml/output/failure",
        actual=f"{_file(entry.kind if entry else None, run.failure)}; {run.story()} "
        f"(fault: {run.fault})",
    )


def _file(kind: str | None, content: bytes | None) -> str:
    if kind is None:
        return "there is no such file"
    if content is None:
        return f"it is a {kind}"
    return "the file holds only blanks" if content else "the file is empty"


@clause("TRAIN-060", "stops-in-time", given="train-stopped")
def test_stops_in_time(run: TrainRun, candidate: Candidate) -> None:
    """Training that receives SIGTERM ends within 120 seconds, before the platform sends SIGKILL."""
    stop = _sent(run, candidate)
    if not stop.obeyed and _stuck_at_first_process(stop):
        raise Blocked("TRAIN-062 signal-reaches-training")
    why = (
        " (it neither catches nor awaits SIGTERM, so the kernel discards it)"
        if stop.dropped
        else ""
    )
    demand(
        stop.obeyed,
        expected=f"it ends within {stop.limit_s:.0f} s",
        actual=f"it did not end after SIGTERM to `{stop.first_process}`{why}",
    )


@clause("TRAIN-062", "signal-reaches-training", given="train-stopped")
def test_signal_reaches_training(run: TrainRun, candidate: Candidate) -> None:
    """SIGTERM reaches the process that trains, and every process of the container is gone without SIGKILL."""
    stop = _sent(run, candidate)
    if not stop.obeyed and not _stuck_at_first_process(stop):
        raise Blocked("TRAIN-060 stops-in-time")
    demand(
        stop.obeyed,
        expected="every process is gone without SIGKILL",
        actual=f"SIGTERM ended at the first process, `{stop.first_process}`, which ignores it; "
        f"still running: {', '.join(stop.others[:5])}",
    )


@clause("TRAIN-061", "saves-on-stop", given="train-stopped")
def test_saves_on_stop(run: TrainRun, candidate: Candidate) -> None:
    """On SIGTERM training leaves an intermediate model in `/opt/ml/model` before it ends."""
    training = candidate.declaration.training
    if training is not None and not training.yields_model:
        raise NotApplicable("the declaration says `yields_model: false`")
    stop = _sent(run, candidate)
    if not stop.obeyed:
        stuck = _stuck_at_first_process(stop)
        raise Blocked("TRAIN-062 signal-reaches-training" if stuck else "TRAIN-060 stops-in-time")
    if not run.model.whole and not run.model.files:
        raise NotRun(larger_than_read(run.model, "model"))
    assert run.ordinary is not None, "a stopped training is another than the ordinary one"
    if run.ordinary.model.whole and not run.ordinary.model.files:
        raise Blocked("TRAIN-070 model")
    finished = {file.name for file in run.ordinary.model.files}
    begun = [
        file
        for file in run.model.files
        if file.name.endswith(_HALF_WRITTEN) and file.name not in finished
    ]
    only = f"; only {printable(begun[0].name)[:200]}, which is half of one" if begun else ""
    demand(
        len(begun) < len(run.model.files),
        expected="a regular file in /opt/ml/model, at any depth",
        actual=f"stopped {stop.after_s:.1f} s after its start, it ended within "
        f"{stop.seconds or 0.0:.1f} s and left no model{only}; had it none to save yet, say in "
        "`training: {lasts: …}` what makes its first epoch short",
    )


def _sent(run: TrainRun, candidate: Candidate) -> Stop:
    """The stop, where there was one. Raises NotRun when training was over before it could be sent."""
    assert run.stop is not None, "the scenario stops it"
    if not run.stop.sent:
        said = candidate.declaration.training
        longer = (
            "what `training: {lasts: …}` declares is not long enough"
            if said is not None and said.lasts
            else "say in `training: {lasts: …}` what makes it longer"
        )
        if run.stop.silent:
            longer = "let it log a line, or write on with what it has, while it works"
        raise NotRun(f"{run.stop.why_not_sent}: {longer}")
    return run.stop


def _stuck_at_first_process(stop: Stop) -> bool:
    """Whether the signal went to a first process that ignores it, with others behind it."""
    return stop.dropped and bool(stop.others)
