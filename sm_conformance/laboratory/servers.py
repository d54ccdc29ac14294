"""What each scenario of serving shows: the ordinary server, and those that differ from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sm_conformance.inputs.scenario import PLAIN_SERVER, PLAIN_TRAINING, Scenario
from sm_conformance.laboratory import attribution, suspicion
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.observation import Observation, Observe, cause_of
from sm_conformance.laboratory.serving import serve
from sm_conformance.observed.artefacts import larger_than_read
from sm_conformance.observed.run import Cause, Stage, TrainRun

_NO_MODEL = "no model data (`hosting: {model: …}` or `{without_model: true}`)"


def observe(bench: Bench, scenario: Scenario, others: Observe) -> Observation | Cause:
    """What a server shows; ``others`` gives what other scenarios showed, and waits for it."""
    model = model_to_serve(bench, others)
    if isinstance(model, Cause):
        return model
    archive, guessed = model
    server = serve(bench, scenario, scenario.conditions, model=archive, guessed=guessed)
    if scenario.name != PLAIN_SERVER:
        cause = cause_of(others(PLAIN_SERVER))
        return replace(server, cause=cause or attribution.of_another_server(bench, server))
    cause = attribution.of_server(bench, scenario, server, model=archive)
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
        server = suspicion.settled(bench, replace(server, again=again))
    return server


def model_to_serve(bench: Bench, others: Observe) -> tuple[Path | None, tuple[str, ...]] | Cause:
    """The model archive to serve and what was guessed about it, or why there is none.

    ``others`` is asked for the ordinary training where its model is the one to serve.
    """
    candidate = bench.candidate
    hosting = candidate.declaration.hosting
    if bench.model is not None:
        return bench.model, ()
    if hosting is not None and hosting.model is not None:
        return hosting.model, ()
    if hosting is not None and hosting.without_model:
        return None, ()
    if "training" not in candidate.claims or candidate.training is None:
        return None, (_NO_MODEL,)
    if candidate.declaration.training and not candidate.declaration.training.yields_model:
        return None, ()
    plain = others(PLAIN_TRAINING)
    if isinstance(plain, TrainRun) and plain.model_archive is not None:
        return plain.model_archive, ()
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
