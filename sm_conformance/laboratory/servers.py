"""What each scenario of serving shows: the ordinary server, and those that differ from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sm_conformance.candidate import Candidate
from sm_conformance.inputs.archive import spoiled
from sm_conformance.inputs.scenario import PLAIN_SERVER, PLAIN_TRAINING, Scenario
from sm_conformance.inputs.transform import first_record
from sm_conformance.laboratory import server_cause, suspicion, transforming
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.blaming import with_blame
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.observation import Observation, Observe, cause_of
from sm_conformance.laboratory.serving import serve
from sm_conformance.laboratory.trained import model_archive
from sm_conformance.observed.artefacts import larger_than_read
from sm_conformance.observed.run import Cause, Server, Stage, TrainRun

# How long one with a spoiled model may take to say that it is ready, beside one with a good model.
_LEAST_PATIENCE_S = 2.0
_LONGER = 2.0
_SPOILED_REPLY_S = 10.0
_NO_MODEL = "no model data (`hosting: {model: …}` or `{model: none}`)"


def observe(bench: Bench, scenario: Scenario, others: Observe) -> Observation | Cause:
    """What a server shows; ``others`` gives what other scenarios showed, and waits for it."""
    if scenario.conditions.batch:
        return _transforming(bench, scenario, others)
    model = model_to_serve(bench, others)
    if isinstance(model, Cause):
        return model
    archive, guessed = model
    if scenario.conditions.spoiled_model:
        return _with_spoiled_model(bench, scenario, others, archive=archive)
    said: list[Conversation] = []
    server = serve(
        bench, scenario, scenario.conditions, model=archive, guessed=guessed, further=said.append
    )
    if scenario.name != PLAIN_SERVER:
        cause = cause_of(others(PLAIN_SERVER)) or server_cause.of_another_server(
            bench, scenario, server, model=archive
        )
        server = _shown(replace(server, cause=cause))
        suspect = said[0].suspect if said and cause is None else None
        if suspect is not None:
            server = with_blame(bench, scenario, server, suspect, model=archive, guessed=guessed)
        if suspicion.of_a_cut(server):
            again = serve(
                bench,
                scenario,
                scenario.conditions,
                model=archive,
                guessed=guessed,
                name=f"{scenario.name}-again",
            )
            server = replace(server, again=again)
        return server
    cause = server_cause.of_server(bench, scenario, server, model=archive)
    server = replace(server, cause=cause)
    if suspicion.of_timing(bench, server):
        again = serve(
            bench,
            scenario,
            scenario.conditions,
            model=archive,
            guessed=guessed,
            name=f"{scenario.name}-again",
        )
        server = suspicion.settled(replace(server, again=again))
    return _shown(server)


def _shown(server: Server) -> Server:
    """The server with the request that its cause is about in the commands that show it."""
    cause = server.cause
    if cause is None or cause.missed is not Stage.ANSWERED or "sample" not in server.curls:
        return server
    commands = [server.curl("sample")]
    local = server.replies.get("local-host")
    if local is not None and local.ok:  # under that name it is answered
        commands.append(server.curls["local-host"])
    return replace(server, cause=replace(cause, repeat="\n".join(commands)))


def _transforming(bench: Bench, scenario: Scenario, others: Observe) -> Observation | Cause:
    """A server of a batch transform job, in the platform's order: behind the training, with its model."""
    ordinary = others(PLAIN_SERVER)
    if cause_of(ordinary) is not None:
        return ordinary
    assert isinstance(ordinary, Server)
    model = model_to_serve(bench, others, own=bench.candidate.claims_are_declared)
    if isinstance(model, Cause):
        return model
    archive, guessed = model
    first = first_record(
        bench.candidate.declaration.hosting, payload_mb=bench.limits.transform_payload_mb
    )
    server = serve(
        bench, scenario, scenario.conditions, model=archive, guessed=guessed, first=first
    )
    other = bench.given_model is not None and bench.given_model != archive
    server = replace(server, ordinary=ordinary, other_model=other)
    cause = transforming.cause(bench, scenario, server, model=archive, first=first)
    return _shown(replace(server, cause=cause))


def _with_spoiled_model(
    bench: Bench, scenario: Scenario, others: Observe, *, archive: Path | None
) -> Observation | Cause:
    """A server whose model is noise; where it is handed none, the ordinary one."""
    ordinary = others(PLAIN_SERVER)
    cause = cause_of(ordinary)
    if cause is not None:
        return cause
    assert isinstance(ordinary, Server)
    first = ordinary.replies.get("first")
    if first is not None and not first.ok:  # what its pings say with a good model is no better
        return Cause(
            missed=Stage.STARTED,
            blames="HOST-007 ready-means-ready",
            expected="2xx to the first good request",
            actual=first.describe(),
            ordinary=False,
        )
    folder = bench.folder(scenario.name)
    noise = None if archive is None else spoiled(archive, to=folder / "model.tar.gz")
    if noise is None or ordinary.ready_after_s is None:
        return ordinary
    return serve(
        bench,
        scenario,
        scenario.conditions,
        model=noise,
        # One that sees what is wrong needs no longer than one that loads.
        patience_s=_LEAST_PATIENCE_S + _LONGER * ordinary.ready_after_s,
        reply_limit_s=_SPOILED_REPLY_S,
    )


def model_to_serve(
    bench: Bench, others: Observe, *, own: bool = False
) -> tuple[Path | None, tuple[str, ...]] | Cause:
    """The model archive to serve and what was guessed about it, or why there is none.

    ``others`` is asked for the ordinary training where its model is the one to serve; with ``own``
    that is so also where another one is given.
    """
    candidate = bench.candidate
    hosting = candidate.declaration.hosting
    if bench.given_model is not None and not (own and _leaves_a_model(candidate)):
        return bench.given_model, ()
    if hosting is not None and hosting.without_model:
        return None, ()
    if "training" not in candidate.claims or candidate.training is None:
        return None, (_NO_MODEL,)
    if candidate.declaration.training and not candidate.declaration.training.yields_model:
        return None, ()
    plain = others(PLAIN_TRAINING)
    archive = model_archive(plain) if isinstance(plain, TrainRun) else None
    if archive is not None:
        return archive, ()
    if not candidate.claims_are_declared:
        return None, (_NO_MODEL,)
    cause = cause_of(plain)
    if cause is not None:
        # However far the training came, no server was started.
        return replace(cause, missed=Stage.STARTED)
    assert isinstance(plain, TrainRun)
    if not plain.model.whole:
        why = f"of training: {larger_than_read(plain.model, 'model')}"
        return Cause(missed=Stage.STARTED, blames=None, expected="", actual=why)
    return Cause(
        missed=Stage.STARTED,
        blames="TRAIN-070 model",
        expected="a model to serve",
        actual="training left no regular file in /opt/ml/model",
    )


def _leaves_a_model(candidate: Candidate) -> bool:
    training = candidate.declaration.training
    trains = "training" in candidate.claims and candidate.training is not None
    return trains and (training is None or training.yields_model)
