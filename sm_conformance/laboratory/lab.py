"""Gives each scenario its one observation, launched ahead of need and a few at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sm_conformance.errors import HarnessTrouble
from sm_conformance.inputs.scenario import PLAIN_SERVER, PLAIN_TRAINING
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.inputs.scenario import shared as shared_scenario
from sm_conformance.laboratory import image, servers, trainings
from sm_conformance.laboratory.bench import Bench, Cancelled
from sm_conformance.laboratory.observation import Observation
from sm_conformance.observed.run import Cause, Stage, TrainRun

Result = TypeVar("Result")
_Future = Future[Observation | Cause]

# Four launches at a time give most of what two processors can give; more only wait for the engine.
_AT_A_TIME = 4


class Lab:
    """All observations of one run. Equal scenarios share one launch."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self._pool = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="launch")
        self._lock = threading.RLock()
        self._futures: dict[str, _Future] = {}
        self._since: dict[str, float] = {}
        # What waits for scenarios to tell more about them takes no place from these.
        self._apart = ThreadPoolExecutor(1, thread_name_prefix="apart")
        self._further: list[Future[Any]] = []

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

    def submit(self, work: Callable[[Bench], Result]) -> Future[Result]:
        """Does launches of another purpose, beside the scenarios and abandoned with them."""
        submitted = self._apart.submit(work, self.bench)
        self._further.append(submitted)
        return submitted

    def is_idle(self) -> bool:
        """Whether nothing is going."""
        return not self.going() and all(one.done() for one in self._further)

    def close(self) -> None:
        """Abandons what is still going."""
        self.bench.cancelled.set()
        for pool in (self._pool, self._apart):
            pool.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Waits until the abandoned work has noticed."""
        for pool in (self._pool, self._apart):
            pool.shutdown(wait=True)

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
        if self.bench.at_rest is not None:
            return Cause(Stage.STARTED, None, expected="a launch", actual=self.bench.at_rest)
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
        observe = trainings.observe if scenario.kind == "train" else servers.observe
        return observe(self.bench, scenario, self.observe)


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
