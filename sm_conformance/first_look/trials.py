"""Launches an image with what is tried, in the same laboratory that judges; a few at a time."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from sm_conformance.candidate import Candidate
from sm_conformance.contract import limits
from sm_conformance.declaration.loading import load_document
from sm_conformance.declaration.values import nothing_declared
from sm_conformance.engine.protocol import Engine
from sm_conformance.inputs.scenario import PLAIN_SERVER, PLAIN_TRAINING
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.laboratory.serving import serve
from sm_conformance.laboratory.trained import model_archive
from sm_conformance.laboratory.training import train
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.run import Server, TrainRun

Result = TypeVar("Result")

_AT_A_TIME = 3
_HEARD_S = 0.2
# A server without a model that has refused pings for so long wants one.
_HOPELESS_S = 15.0


class Trials:
    """The launches of one look at an image. Equal trainings share one launch.

    ``folder`` takes what they leave; ``patience_s`` is how long one training may take.
    """

    def __init__(
        self, engine: Engine, image: ImageFacts, *, folder: Path, patience_s: float
    ) -> None:
        evidence = folder / "evidence"
        evidence.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._engine = engine
        self._bench = Bench(
            engine=engine,
            candidate=Candidate(training=image, hosting=image, declaration=nothing_declared()),
            limits=replace(limits.load(), training_patience_s=patience_s),
            direct=engine.facts().way == "direct",
            evidence=evidence,
            quiet=Quiet(folder / "quiet"),
        )
        self._pool = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="trial")
        self._trainings: dict[str, Future[TrainRun]] = {}
        self._servers: list[Future[Server]] = []

    @property
    def launches(self) -> int:
        """How many containers were launched so far."""
        return self._bench.launches.value

    def train(
        self, section: dict[str, Any], *, reachable: bool = False, time_s: float | None = None
    ) -> Future[TrainRun]:
        """A training with what ``section`` declares; ``time_s`` is all the time that it is given.

        ``reachable``: with an interface, on a network without a way out.
        """
        key = json.dumps((section, reachable, time_s), sort_keys=True)
        if key not in self._trainings:
            document: dict[str, Any] = {"training": section}
            if time_s is not None:
                document["resources"] = {"time_s": time_s}
            bench = self._bench_of(document)
            name = f"train-{len(self._trainings) + 1}"
            self._trainings[key] = self._pool.submit(_train, bench, name, reachable)
        return self._trainings[key]

    def serve(
        self,
        *,
        model: Path | None,
        ask: Callable[[Conversation], None],
        patience_s: float,
    ) -> Future[Server]:
        """A server with that model; once it is ready, ``ask`` talks to it."""
        name = f"serve-{len(self._servers) + 1}"
        bench = self._bench
        if model is None:
            bench = replace(bench, limits=replace(bench.limits, idle_s=_HOPELESS_S))
        found = self._pool.submit(_serve, bench, name, model, ask, patience_s)
        self._servers.append(found)
        return found

    def close(self) -> None:
        """Abandons what still goes and removes all that was made on the engine.

        A further Ctrl-C is not heard meanwhile: nothing shall be left behind.
        """
        with _undisturbed():
            self._close()

    def _close(self) -> None:
        self._bench.cancelled.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        going = not all(
            [
                *(one.done() for one in self._trainings.values()),
                *(one.done() for one in self._servers),
            ]
        )
        try:
            # Whatever still goes loses its container, and so notices soon.
            self._engine.close()
        finally:
            self._pool.shutdown(wait=True)
        if going:
            # What was being made at that moment.
            self._engine.close()

    def _bench_of(self, document: dict[str, Any]) -> Bench:
        declaration = load_document(
            document, folder=self._folder, path=Path("sm-conformance.yaml"), origin="file"
        )
        return replace(
            self._bench, candidate=replace(self._bench.candidate, declaration=declaration)
        )


def awaited(future: Future[Result]) -> Result:
    """What a trial came to. Ctrl-C is heard meanwhile, whichever thread the signal comes to."""
    while True:
        try:
            return future.result(_HEARD_S)
        except TimeoutError:
            if future.done():
                return future.result()


@contextmanager
def _undisturbed() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals, and may change that
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        # A handler that was not made by Python cannot be put back; the default is next to it.
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def _train(bench: Bench, name: str, reachable: bool) -> TrainRun:
    scenario = load_scenario(PLAIN_TRAINING)
    conditions = replace(scenario.conditions, reachable=reachable)
    run = train(bench, scenario, conditions, name=name, may_serve=True)
    assert run is not None, "only a fault can be missing, and there is none here"
    # What a server may be tried with; the rest is in nobody's way any more.
    model_archive(run)
    for part in ("model.tar", "output.tar"):
        (run.evidence / part).unlink(missing_ok=True)
    return run


def _serve(
    bench: Bench,
    name: str,
    model: Path | None,
    ask: Callable[[Conversation], None],
    patience_s: float,
) -> Server:
    scenario = replace(load_scenario(PLAIN_SERVER), steps=())
    return serve(
        bench, scenario, scenario.conditions,
        model=model,
        guessed=("no model data",) if model is None else (),
        name=name,
        patience_s=patience_s,
        further=ask,
    )  # fmt: skip
