"""Waits for a container: until it ends, falls idle, or patience is used up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from sm_conformance.engine.protocol import Container
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.facts import Exit
from sm_conformance.observed.run import Ending

# A program that only waits still wakes now and then (timers, collectors).
_IDLE_SHARE = 0.002
_SLICES = 8
# A server-only image ignores the word `train`; whoever judges it shall not wait for idleness.
_ASK_EVERY_S = 2.0
# How often it is looked whether one that nobody waits for does anything; less than this share is waiting.
_LOOK_EVERY_S = 1.0
_BUSY_SHARE = 0.02
# A shell that sleeps in a loop uses too much to be idle ever, and never much at once: so long it is watched.
_STEADY_SLICES = 4


@dataclass(frozen=True, slots=True)
class _Look:
    """What was seen of a container at one moment; times are ``time.monotonic()`` seconds."""

    cpu: float | None
    wrote_at: float | None
    at: float

    def share_since(self, before: _Look) -> float | None:
        """Processor time for each second that passed; None where nobody knows."""
        if self.cpu is None or before.cpu is None:
            return None
        return (self.cpu - before.cpu) / (self.at - before.at) if self.at > before.at else 0.0


class IdleWatch:
    """Notices that a container has neither used the processor nor written for ``idle_s`` seconds."""

    def __init__(self, container: Container, *, idle_s: float) -> None:
        self._container = container
        self._idle_s = idle_s
        self._since = time.monotonic()
        self._cpu = 0.0
        self._next = self._since + idle_s / _SLICES
        # Processor time, the last line and the hour, when it was last looked whether it works, and first.
        self._looked: _Look | None = None
        self._first: _Look | None = None

    def idle(self) -> bool:
        """Whether it is idle by now; cheap when asked often."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._idle_s / _SLICES
        wrote_at = self._container.log.last_at or 0.0
        cpu = self._container.cpu_seconds()
        if cpu is None:
            return False
        if cpu - self._cpu > _IDLE_SHARE * self._idle_s or wrote_at > self._since:
            self._since = max(now, wrote_at)
            self._cpu = cpu
            return False
        return now - self._since >= self._idle_s

    def worked(self) -> bool:
        """Whether it worked since this was last asked, or has all the time done too much to be idle.

        False at first, and True where nobody knows.
        """
        log = self._container.log
        look = _Look(self._container.cpu_seconds(), log.last_at, time.monotonic())
        before, self._looked = self._looked, look
        first = self._first = self._first or look
        if before is None:
            return False
        if look.wrote_at != before.wrote_at or (share := look.share_since(before)) is None:
            return True
        steadily = look.at - first.at >= self._idle_s / _SLICES * _STEADY_SLICES
        return share > _BUSY_SHARE or (steadily and (look.share_since(first) or 0) > _IDLE_SHARE)

    @property
    def slice_s(self) -> float:
        """How long may be waited between two looks."""
        return min(5.0, self._idle_s / _SLICES)


def watch(
    bench: Bench,
    container: Container,
    *,
    idle_s: float,
    patience_s: float,
    hurry_s: float = math.inf,
    answer: Callable[[], str | None] | None = None,
) -> tuple[Ending, Exit | None, str | None]:
    """Waits for a training to end by itself, to fall idle, or to outlast ``patience_s`` seconds.

    After ``hurry_s`` seconds it is given up as soon as it is seen working: then it is only slow.
    ``answer`` is asked now and then whether a server runs instead; what it says is the last value.
    """
    idle = IdleWatch(container, idle_s=idle_s)
    deadline = container.started_at + patience_s
    slice_s = min(idle.slice_s, _ASK_EVERY_S) if answer else idle.slice_s
    hurry_at = container.started_at + hurry_s
    while (left := deadline - (now := time.monotonic())) > 0:
        bench.check()
        if now >= hurry_at and idle.worked():
            break
        look_s = _LOOK_EVERY_S if now >= hurry_at else hurry_at - now
        found = container.wait(min(left, slice_s, look_s))
        if found is not None:
            return Ending.EXITED, found, None
        said = answer() if answer else None
        if said is not None:
            return Ending.SERVING, None, said
        if idle.idle():
            return Ending.IDLE, None, None
    return Ending.PATIENCE, None, None
