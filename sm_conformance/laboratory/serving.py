"""Launches one server, waits until it is ready, asks what the scenario asks, and ends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sm_conformance.declaration.values import Hosting, SampleRequest
from sm_conformance.engine.protocol import Launch, Network, Place
from sm_conformance.inputs import requests, script_mode, transform
from sm_conformance.inputs.archive import with_code
from sm_conformance.inputs.scenario import HOST, Conditions, Scenario
from sm_conformance.laboratory import evidence, repeating
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.bounds import reached
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.readiness import (
    NEVER_STARTED,
    Readiness,
    foreign_host,
    wait_until_ready,
)
from sm_conformance.laboratory.steps.table import take
from sm_conformance.observed.facts import Listener, StartProblem
from sm_conformance.observed.http import Reply
from sm_conformance.observed.refusal import told_late
from sm_conformance.observed.run import Ending, Server

_MODEL_ARCHIVE = "model.tar.gz"
# A server that nobody gave a model, and that refuses pings or good requests for so long.
_HOPELESS_S = 30.0
_GUESSED_PATIENCE_S = 10.0


def serve(
    bench: Bench,
    scenario: Scenario,
    conditions: Conditions,
    *,
    model: Path | None,
    guessed: tuple[str, ...] = (),
    name: str | None = None,
    patience_s: float | None = None,
    answer_patience_s: float | None = None,
    reply_limit_s: float | None = None,
    watched: bool = False,
    further: Callable[[Conversation], None] | None = None,
    first: SampleRequest | None = None,
) -> Server:
    """One server with the model archive ``model`` (None: no model data), asked and ended.

    ``patience_s`` bounds the wait for the first 200 where less than the start-up window is wanted,
    ``answer_patience_s`` the wait for the first good answer after it, ``reply_limit_s`` that for
    one reply. With ``watched`` it is looked at which addresses it dials. ``further`` is what a
    caller does to a server that is ready, after the steps of the scenario. ``first`` is a good
    request that is asked before the owner's.
    """
    launch = _launch(bench, conditions, model=model, name=name or scenario.name, watched=watched)
    folder = bench.folder(launch.name)
    hosting = bench.candidate.declaration.hosting
    samples, guesses = requests.samples(hosting)
    if first is not None:
        samples = (first, *samples)
    window_s = startup_window_s(bench)
    patience_s = patience_s or window_s + bench.limits.startup_grace_s
    with bench.container(launch) as container:
        talk = Conversation(
            bench=bench,
            container=container,
            folder=folder,
            samples=samples,
            # Longer than the platform waits, to tell late from never.
            reply_limit_s=reply_limit_s or bench.limits.invocation_limit_s * 1.25,
            stream_limit_s=reply_limit_s or bench.limits.stream_limit_s,
            answer_patience_s=answer_patience_s or _answer_patience_s(bench, guessed + guesses),
        )
        with bench.quiet.busy():
            problem = container.start()
            hopeless_s = min(_HOPELESS_S, bench.limits.idle_s) if guessed else None
            ready = NEVER_STARTED
            if problem is None:
                ready = wait_until_ready(talk, patience_s=patience_s, hopeless_s=hopeless_s)
        foreign = foreign_host(talk, ready)
        if ready.after_s is not None:
            talk.asked = 0  # pings that nobody heard count for nothing
            for step in scenario.steps:
                take(step, talk)
            if further is not None:
                further(talk)
        return _observed(
            talk, scenario, launch, problem=problem, ready=ready, foreign=foreign,
            guessed=guessed,
            guessed_request=guesses,
        )  # fmt: skip


def _answer_patience_s(bench: Bench, guessed: tuple[str, ...]) -> float:
    """How long a refused request is repeated: a made-up one is not worth the platform's whole time."""
    limit_s = bench.limits.invocation_limit_s
    return min(_GUESSED_PATIENCE_S, limit_s) if guessed else limit_s


def startup_window_s(bench: Bench) -> float:
    """How long the platform lets this server take to say 200, in seconds."""
    hosting = bench.candidate.declaration.hosting
    return (hosting.startup_s if hosting else None) or bench.limits.startup_limit_s


def _launch(
    bench: Bench, conditions: Conditions, *, model: Path | None, name: str, watched: bool
) -> Launch:
    image = bench.candidate.hosting
    assert image is not None, "a server is launched only where there is an image for it"
    hosting = bench.candidate.declaration.hosting
    code = hosting.code if hosting else None
    if code is not None:
        model = with_code(model, dict(code.files), to=bench.folder(name) / _MODEL_ARCHIVE)
    place = Place(path="/opt/ml/model", read_only=not conditions.writable_model, archive=model)
    return Launch(
        name=name,
        image=image.reference,
        arguments=() if conditions.image_command else ("serve",),
        bounds=bench.bounds(),
        environment={
            **script_mode.environment(code),
            **(hosting.environment if hosting else {}),
            **(_of_job(hosting) if conditions.batch else {}),
            **conditions.environment,
        },
        # The name of the one host of a training says nothing of servers: engines name these.
        hostname=None if conditions.host == HOST else conditions.host,
        # Without model data the platform mounts nothing, and what the image bakes there shows.
        places=(place,) if model is not None else (),
        network=bench.network(Network.ISOLATED, lifted=conditions.open_network),
        watched=watched,
    )


def _of_job(hosting: Hosting | None) -> Mapping[str, str]:
    """The environment that a batch transform job adds to that of the model."""
    job, _ = transform.job(hosting, requests.samples(hosting)[0][0])
    return transform.environment(job)


def _observed(
    talk: Conversation,
    scenario: Scenario,
    launch: Launch,
    *,
    problem: StartProblem | None,
    ready: Readiness,
    foreign: Reply | None,
    guessed: tuple[str, ...],
    guessed_request: tuple[str, ...],
) -> Server:
    container = talk.container
    listeners: tuple[Listener, ...] = ()
    if problem is None and ready.after_s is None and ready.exit is None:
        listeners = container.listeners()
    found = ready.exit or (talk.stop.exit if talk.stop else None)
    if problem is None and found is None:
        died = container.wait(0.01)
        found = died
    logs = evidence.write_logs(talk.folder, container)
    sought = container.sought()
    evidence.write_sought(talk.folder, sought)
    if problem is None and ready.after_s is None:
        problem = told_late(found, logs)
    return Server(
        scenario=scenario.name,
        ending=Ending.NEVER_STARTED if problem else ready.ending,
        exit=found,
        problem=problem,
        address=container.address,
        direct=talk.bench.direct,
        seconds=time.monotonic() - container.started_at,
        ready_after_s=ready.after_s,
        window_s=startup_window_s(talk.bench),
        with_model=bool(launch.places),
        last_ping=ready.answered or ready.last,
        answered=ready.answered is not None,
        pings=tuple(talk.pings),
        replies=dict(talk.replies),
        streams=dict(talk.streams),
        answer_limit_s=talk.answer_limit_s,
        curls=dict(talk.curls),
        connects_ms=tuple(talk.connects_ms),
        ping_latency=talk.ping_latency,
        invocation_latency=talk.invocation_latency,
        paced=dict(talk.paced),
        floors=dict(talk.floors),
        paced_floors=dict(talk.paced_floors),
        spaced_pings=tuple(talk.spaced_pings),
        spaced_replies=tuple(talk.spaced_replies),
        foreign_host=foreign,
        logs=logs,
        stop=talk.stop,
        guessed=guessed,
        guessed_request=guessed_request,
        limits_reached=reached(talk.bench.candidate.declaration.resources, found, logs),
        listeners=listeners,
        bereft=talk.bereft,
        written=talk.written,
        load=talk.load,
        transformed=talk.transformed,
        tried=dict(talk.tried),
        repeat=repeating.repeat_server(
            launch,
            folder=talk.folder,
            direct=talk.bench.direct,
            seconds=ready.after_s or time.monotonic() - container.started_at,
        ),
        evidence=talk.folder,
        sought=sought,
    )
