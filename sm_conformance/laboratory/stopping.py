"""Stops a container as the platform does: SIGTERM, a grace, then no more."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sm_conformance.engine.protocol import Container
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.facts import Process
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import Stop

# A signal that the kernel throws away needs no waiting for; this only lets a lucky end be seen.
_DROPPED_WAIT_S = 1.0
# Between the first sign of work and the signal, so that a program can have set its handler up.
_SETTLE_S = 1.0
_WORKING_CPU_S = 0.5
_POLL_S = 0.05
_LOOKS = 4
SILENT = "it neither wrote a line nor used the processor"


def wait_until_going(
    container: Container, *, patience_s: float, not_before_s: float = 0.0
) -> str | None:
    """Waits until a training shows that it works; why it did not, or None when it does.

    A log line, or processor time used for longer than loading takes, is a sign of work. However
    early that comes, ``not_before_s`` seconds after the start are waited for.
    """
    deadline = container.started_at + patience_s
    seen_at: float | None = None
    next_look = 0.0
    while (now := time.monotonic()) < deadline:
        if container.pause(_POLL_S):
            return "it ended before it could be stopped"
        if seen_at is None and container.log.first_at is not None:
            seen_at = container.log.first_at
        if seen_at is None and now > next_look:
            next_look = now + 0.5
            cpu = container.cpu_seconds()
            seen_at = now if cpu is not None and cpu > _WORKING_CPU_S else None
        early = now < container.started_at + not_before_s
        if seen_at is not None and now - seen_at > _SETTLE_S and not early:
            return None
    return SILENT


@dataclass(frozen=True, slots=True)
class Told:
    """A container that was sent SIGTERM at ``sent_at``, and its processes as they were before."""

    container: Container
    listed: tuple[Process, ...]
    dropped: bool
    sent_at: float


def tell(container: Container) -> Told:
    """Sends SIGTERM."""
    listed = container.processes()
    first = _first(listed)
    dropped = first is not None and _drops_sigterm(container, first)
    sent_at = time.monotonic()
    container.signal("SIGTERM")
    return Told(container, listed, dropped, sent_at)


def stop(bench: Bench, container: Container, *, limit_s: float) -> Stop:
    """Sends SIGTERM and waits until the container has ended, at most ``limit_s`` seconds."""
    return stopped(bench, tell(container), limit_s=limit_s)


def stopped(bench: Bench, told: Told, *, limit_s: float) -> Stop:
    """Waits until a container that was told to has ended, at most ``limit_s`` seconds from then on."""
    container, dropped, sent_at = told.container, told.dropped, told.sent_at
    first = _first(told.listed)
    deadline = sent_at + (min(_DROPPED_WAIT_S, limit_s) if dropped else limit_s)
    found = container.wait(_POLL_S)
    while found is None and (left := deadline - time.monotonic()) > 0:
        bench.check()
        found = container.wait(min(left, 5.0))
    seconds = time.monotonic() - sent_at
    if dropped and found is not None:
        return replace(
            not_stopped("it ended by itself: the signal could do nothing", limit_s=limit_s),
            exit=found,
        )
    return Stop(
        sent=True,
        seconds=seconds if found is not None else None,
        exit=found,
        limit_s=limit_s,
        dropped=dropped,
        first_process=_command(first) if first else "",
        others=tuple(_command(process) for process in told.listed if process is not first),
        after_s=sent_at - container.started_at,
    )


def not_stopped(why: str, *, limit_s: float) -> Stop:
    """A stop that could not be tried."""
    return Stop(
        sent=False,
        seconds=None,
        exit=None,
        limit_s=limit_s,
        dropped=False,
        first_process="",
        others=(),
        after_s=0.0,
        why_not_sent=why,
        silent=why == SILENT,
    )


def commands(container: Container) -> tuple[str, ...]:
    """The commands of a container's processes, safe to print."""
    return tuple(_command(process) for process in container.processes())


def _drops_sigterm(container: Container, first: Process | None) -> bool:
    """Whether the first process drops SIGTERM, by several looks.

    One that polls for the signal looks as if it dropped it in the moment in which it wakes up.
    """
    for _ in range(_LOOKS):
        if first is None or not first.drops_sigterm:
            return False
        first = _first(container.processes())
    return first is not None and first.drops_sigterm


def _first(listed: tuple[Process, ...]) -> Process | None:
    """The process whose parent is outside the container."""
    inside = {process.pid for process in listed}
    return next((process for process in listed if process.parent not in inside), None)


def _command(process: Process) -> str:
    return printable(process.command)[:120]
