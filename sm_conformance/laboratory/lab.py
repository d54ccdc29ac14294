"""Gives each scenario its one observation, launched ahead of need and a few at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from sm_conformance.errors import HarnessTrouble
from sm_conformance.inputs.scenario import Scenario
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.inputs.scenario import shared as shared_scenario
from sm_conformance.laboratory import attribution, effect, image, ranges, suspicion
from sm_conformance.laboratory.bench import Bench, Cancelled
from sm_conformance.laboratory.interface import with_interface
from sm_conformance.laboratory.serving import serve
from sm_conformance.laboratory.training import train
from sm_conformance.laboratory.wording import nobody
from sm_conformance.observed.artefacts import larger_than_read
from sm_conformance.observed.run import Cause, Server, Stage, TrainRun

Observation = TrainRun | Server
_Future = Future[TrainRun | Server | Cause]

PLAIN_TRAINING = "train-plain"
PLAIN_SERVER = "serve-plain"
FAILING_TRAINING = "train-failing"
# Four launches at a time give most of what two processors can give; more only wait for the engine.
_AT_A_TIME = 4
# How much longer than the ordinary training a further one may take.
_LONGER = 10.0
_LEAST_WAIT_S = 30.0
_NO_FAST_FILE = "no channel takes FastFile mode: say `modes: [File, FastFile]` of those that do"
_NO_MODEL = "no model data (`hosting: {model: …}` or `{without_model: true}`)"


class Lab:
    """All observations of one run. Equal scenarios share one launch."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._pool = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="launch")
        self._lock = threading.RLock()
        self._futures: dict[str, _Future] = {}
        self._since: dict[str, float] = {}

    def prefetch(self, names: Iterable[str]) -> None:
        """Starts what these scenarios need, in this order, what others depend on first."""
        # What waits for others holds a place in the pool; what shares a launch does not.
        ordered = sorted(
            set(names),
            key=lambda name: (
                name != PLAIN_TRAINING,
                name != PLAIN_SERVER,
                load_scenario(name).examples is not None,  # many launches, one after another
            ),
        )
        for name in ordered:
            self._future(name)

    def observe(self, name: str) -> Observation | Cause:
        """What the scenario ``name`` showed, or why it could not be launched to any purpose.

        Raises :class:`HarnessTrouble` when the engine fails.
        """
        try:
            return self._future(name).result()
        except (Cancelled, CancelledError) as error:
            raise HarnessTrouble("the run was cancelled") from error
        except HarnessTrouble as error:
            # A new one for each clause that asks: one for all would gather the traces of all.
            raise HarnessTrouble(str(error)) from None

    def ready(self, name: str, timeout_s: float) -> bool:
        """Whether the observation is there, waiting at most ``timeout_s`` seconds for it."""
        try:
            self._future(name).exception(timeout_s)
        except TimeoutError:
            return False
        except CancelledError:
            return True
        return True

    def found(self, name: str) -> Observation | Cause | None:
        """What the scenario showed, if it is over and the harness was not in trouble; never raises."""
        with self._lock:
            future = self._futures.get(name)
        if future is None or not future.done() or future.cancelled() or future.exception():
            return None
        return future.result()

    def going(self) -> dict[str, float]:
        """The scenarios that are going now, with the seconds that each has been."""
        now = time.monotonic()
        with self._lock:
            return {
                name: now - began
                for name, began in self._since.items()
                if not self._futures[name].done()
            }

    def close(self) -> None:
        """Abandons what is still going."""
        self.bench.cancelled.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Waits until the abandoned work has noticed."""
        self._pool.shutdown(wait=True)

    def _future(self, name: str) -> _Future:
        with self._lock:
            if name not in self._futures:
                together = shared_scenario(name)
                self._futures[name] = (
                    self._pool.submit(self._observe, name)
                    if together is None
                    else self._sharing(self._future(together), name)
                )
            return self._futures[name]

    def _sharing(self, together: _Future, name: str) -> _Future:
        """What ``name`` shows: the launch that it shares where that went well, else its own."""
        held: _Future = Future()

        def settle(done: _Future) -> None:
            seen = None if done.cancelled() or done.exception() else done.result()
            if isinstance(seen, TrainRun) and not seen.good:
                try:
                    alone = self._pool.submit(self._observe, name)
                except RuntimeError:  # the run is over
                    held.cancel()
                else:
                    alone.add_done_callback(lambda one: _hand_on(one, held))
            else:
                _hand_on(done, held)

        together.add_done_callback(settle)
        return held

    def _observe(self, name: str) -> Observation | Cause:
        with self._lock:
            self._since[name] = time.monotonic()
        scenario = load_scenario(name)
        half = "training" if scenario.kind == "train" else "hosting"
        facts = getattr(self.bench.candidate, half)
        assert facts is not None, "a scenario is observed only where there is an image for it"
        wrong = image.mismatch(self.bench.engine, facts, self.bench.candidate.claims)
        if wrong is not None:
            return Cause(
                missed=Stage.STARTED,
                blames="IMG-016 architecture",
                expected="an architecture that the claims have instances for",
                actual=wrong,
            )
        if scenario.kind == "train":
            return self._train(scenario)
        return self._serve(scenario)

    def _train(self, scenario: Scenario) -> Observation | Cause:
        if scenario.name == PLAIN_TRAINING:
            candidate = self.bench.candidate
            run = train(
                self.bench,
                scenario,
                scenario.conditions,
                # Who claims both jobs is owed the whole wait: a training may listen for a while.
                may_serve=candidate.one_image and not candidate.claims_are_declared,
            )
            assert run is not None, "the ordinary conditions exist for every candidate"
            run = with_interface(self.bench, scenario, run)
            return replace(run, cause=attribution.of_training(self.bench, scenario, run))
        ordinary = self.observe(PLAIN_TRAINING)
        cause = _cause(ordinary)
        if cause is not None:
            return cause
        assert isinstance(ordinary, TrainRun)
        if scenario.faults:
            return self._train_until_it_fails(scenario, ordinary)
        if scenario.examples:
            return self._train_with_examples(scenario, ordinary)
        run = train(self.bench, scenario, scenario.conditions, hurry_s=_hurry_s(ordinary))
        if run is None:
            return nobody(Stage.STARTED, _NO_FAST_FILE)
        if scenario.conditions.encoded_hyperparameters and run.good:
            run = replace(run, same_model=effect.same_model(self.bench, run, ordinary))
        run = replace(run, ordinary=ordinary)
        return replace(run, cause=attribution.of_another_training(self.bench, scenario, run))

    def _train_until_it_fails(self, scenario: Scenario, ordinary: TrainRun) -> TrainRun:
        """The first fault that makes it fail; a declared one is the owner's word and alone counts.

        Where no fault exists (no channel, no number, none declared): the run that went well.
        """
        last: TrainRun | None = None
        for fault in scenario.faults:
            run = train(
                self.bench,
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

    def _train_with_examples(self, scenario: Scenario, ordinary: TrainRun) -> TrainRun:
        run = ranges.observe(self.bench, scenario, ordinary)
        trials = run.trials
        if trials is None or trials.counterexample is None or scenario.examples == ranges.LAWFUL:
            return run
        failing = self.observe(FAILING_TRAINING) if run.good else None
        never = isinstance(failing, TrainRun) and failing.good and failing.fault is not None
        return replace(run, trials=replace(trials, never_fails=never))

    def _serve(self, scenario: Scenario) -> Observation | Cause:
        model = self._model()
        if isinstance(model, Cause):
            return model
        archive, guessed = model
        server = serve(self.bench, scenario, scenario.conditions, model=archive, guessed=guessed)
        if scenario.name != PLAIN_SERVER:
            cause = _cause(self.observe(PLAIN_SERVER))
            return replace(server, cause=cause or attribution.of_another_server(self.bench, server))
        cause = attribution.of_server(self.bench, scenario, server, model=archive)
        server = replace(server, cause=cause)
        if suspicion.of_timing(self.bench, server):
            again = serve(
                self.bench,
                scenario,
                scenario.conditions,
                model=archive,
                guessed=guessed,
                name=f"{scenario.name}-again",
            )
            server = suspicion.settled(self.bench, replace(server, again=again))
        return server

    def _model(self) -> tuple[Path | None, tuple[str, ...]] | Cause:
        """The model archive to serve and what was guessed about it, or why there is none."""
        candidate = self.bench.candidate
        hosting = candidate.declaration.hosting
        if self.bench.model is not None:
            return self.bench.model, ()
        if hosting is not None and hosting.model is not None:
            return hosting.model, ()
        if hosting is not None and hosting.without_model:
            return None, ()
        if "training" not in candidate.claims or candidate.training is None:
            return None, (_NO_MODEL,)
        if candidate.declaration.training and not candidate.declaration.training.yields_model:
            return None, ()
        plain = self.observe(PLAIN_TRAINING)
        if isinstance(plain, TrainRun) and plain.model_archive is not None:
            return plain.model_archive, ()
        if not candidate.claims_are_declared:
            return None, (_NO_MODEL,)
        cause = _cause(plain)
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


def _hurry_s(ordinary: TrainRun) -> float:
    """How long a training is waited for that none of the promises is judged on, seconds.

    One that still works then says nothing; whether one only waits is seen all the same.
    """
    return max(_LEAST_WAIT_S, _LONGER * ordinary.seconds)


def _hand_on(done: _Future, to: _Future) -> None:
    """Gives what came of one to another that somebody may have cancelled meanwhile."""
    if done.cancelled():
        to.cancel()
    elif to.set_running_or_notify_cancel():
        error = done.exception()
        if error is None:
            to.set_result(done.result())
        else:
            to.set_exception(error)


def _cause(observed: Observation | Cause) -> Cause | None:
    return observed if isinstance(observed, Cause) else observed.cause
