"""What every launch of one run has in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sm_conformance.candidate import Candidate
from sm_conformance.contract.limits import Limits
from sm_conformance.engine.protocol import Bounds, Container, Engine, Launch, Network
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.observed.facts import ImageFacts


class Cancelled(Exception):
    """The run is over; what is still going is abandoned."""


@dataclass(slots=True)
class Counter:
    """Counts launches across threads."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    value: int = 0

    def add(self) -> None:
        with self._lock:
            self.value += 1


@dataclass(frozen=True, slots=True)
class Bench:
    """The engine, the candidate and the rules of one run; shared by all its launches."""

    engine: Engine
    candidate: Candidate
    limits: Limits
    direct: bool
    evidence: Path
    quiet: Quiet
    model: Path | None = None
    allow_network: bool = False
    keep_failed: bool = False
    watch_s: float = 0.0
    # Values of hyperparameters to train with, lawful ones and as many that are not.
    examples: int = 0
    # Set when training turned out to want the interface that resourceconfig.json names.
    wants_interface: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    launches: Counter = field(default_factory=Counter)
    # Containers that are over, by launch; only where failed ones are kept.
    held: list[tuple[str, Container]] = field(default_factory=list)
    # Who is told of every container as soon as it is made, before its start; to follow its log.
    made: Callable[[Launch, Container], None] | None = None
    # Why nothing can be launched, and what to do; None where it can.
    at_rest: str | None = None
    # The image that is asked the same as the candidate, to compare their answers.
    baseline: ImageFacts | None = None

    @property
    def given_model(self) -> Path | None:
        """The model archive that the owner names, by an option or in the declaration; None for none."""
        said = self.candidate.declaration.hosting
        return self.model or (said.model if said else None)

    def bounds(self) -> Bounds:
        """What a launch may use up: what the owner declared, else the harness's own bounds."""
        said = self.candidate.declaration.resources
        limits = self.limits
        cpus = said.cpus
        if cpus is not None:  # engines refuse to promise more than there are
            cpus = min(cpus, self.engine.facts().cpus)
        return Bounds(
            memory_bytes=said.memory_bytes or limits.default_memory_bytes,
            pids=said.pids or limits.default_pids,
            log_bytes=said.log_bytes or limits.default_log_bytes,
            output_bytes=said.output_bytes or limits.default_output_bytes,
            cpus=cpus,
            shm_bytes=said.shm_bytes,
            gpus=said.gpus,
        )

    def network(self, ordinary: Network, *, lifted: bool) -> Network:
        """The network of a launch: open only where the owner needs it or the user allowed it."""
        needed = self.candidate.declaration.network == "needed"
        return Network.OPEN if needed or (lifted and self.allow_network) else ordinary

    def folder(self, name: str) -> Path:
        """The evidence folder of a launch, made when missing."""
        folder = self.evidence / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def container(self, launch: Launch) -> Iterator[Container]:
        """A container of ``launch``, removed at the end whatever happens.

        Where failed ones are kept it is only stopped, until :meth:`settle` says what becomes of it.
        """
        self.check()
        self.launches.add()
        with self.quiet.busy():
            container = self.engine.create(launch)
        try:
            if self.made is not None:
                self.made(launch, container)
            yield container
        finally:
            if self.keep_failed and not self.cancelled.is_set():
                container.signal("SIGKILL")
                self.held.append((launch.name, container))
            else:
                container.remove()

    def settle(self, failed: Collection[str]) -> dict[str, str]:
        """Removes the held containers, but for those of ``failed`` launches; the names of these."""
        kept = {}
        while self.held:
            launch, container = self.held.pop()
            name = container.keep() if launch in failed else None
            if name is None:
                container.remove()
            else:
                kept[launch] = name
        return kept

    def check(self) -> None:
        """Raises :class:`Cancelled` when the run is over."""
        if self.cancelled.is_set():
            raise Cancelled
