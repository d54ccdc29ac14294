"""Kills, from outside, the process of a container that serves; never its first one.

A container may hold no program that could send a signal, so this is done from the host, by way of
/proc. It is done only where the engine's process numbers are proved to be those of this host.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from sm_conformance.engine.sockets import listening_sockets
from sm_conformance.observed.facts import Killing, NotKilled, Process

# A candidate may hold any number of files open.
_MOST_FILES = 10_000
_READ_BYTES = 1 << 20
_GONE_MS = 2000


def kill_server(
    first: int, listed: tuple[Process, ...], *, container: str, port: int
) -> Killing | NotKilled:
    """Kills the child that most likely is the server, of the container with the id ``container``.

    ``first`` is the container's first process, ``listed`` are all, ``port`` is the one that it
    serves on. That child is one behind the front that listens elsewhere, else the one that listens
    on the port; where the first process does that itself, its first child.
    """
    others = {process.pid: process for process in listed if process.pid != first}
    if not others:
        return NotKilled.ALONE
    if not _belongs(first, container):
        return NotKilled.UNSEEN
    try:
        held = {pid: _sockets(pid) for pid in (first, *others)}
    except PermissionError:
        return NotKilled.UNSEEN
    chosen = _server(first, others, held, port=port)
    if chosen is None:
        return NotKilled.UNSEEN
    return Killing(chosen.command) if _kill(chosen.pid, container) else NotKilled.UNSEEN


def _server(
    first: int, others: Mapping[int, Process], held: Mapping[int, frozenset[int]], *, port: int
) -> Process | None:
    """Which of the ``others`` serves, by the sockets that each process holds."""
    listeners = listening_sockets(first)
    front = {inode for inode, at in listeners.items() if at == port}
    behind = listeners.keys() - front
    hidden = [pid for pid in others if held[pid] & behind and not held[pid] & front]
    if hidden:
        return _topmost(others, hidden)
    if held[first] & front:
        return _topmost(others, list(others))
    return _topmost(others, [pid for pid in others if held[pid] & front])


def _topmost(others: Mapping[int, Process], pids: list[int]) -> Process | None:
    """The first of some processes whose parent is none of them."""
    return next((others[pid] for pid in sorted(pids) if others[pid].parent not in pids), None)


def _sockets(pid: int) -> frozenset[int]:
    """The inodes of the sockets that a process holds; none of one that has ended.

    Raises PermissionError where nobody may look.
    """
    found = set()
    try:
        with os.scandir(f"/proc/{pid}/fd") as files:
            for file in islice(files, _MOST_FILES):
                target = _target(file.path)
                if target.startswith("socket:["):
                    found.add(int(target[len("socket:[") : -1]))
    except (FileNotFoundError, ProcessLookupError):
        return frozenset()
    return frozenset(found)


def _target(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except (FileNotFoundError, ProcessLookupError):  # closed meanwhile
        return ""


def _belongs(pid: int, container: str) -> bool:
    """Whether process ``pid`` of this host is one of the container; not where it cannot be seen.

    The host's own processes see where engines mount a container's files, so its id may stand among
    their mounts too: what was mounted from a folder of that name counts, and not in our namespace.
    """
    try:
        apart = _mounts_of(str(pid)) != _mounts_of("self")
    except OSError:
        return False
    return apart and any(container.encode() in text for text in _told(pid))


def _mounts_of(pid: str) -> str:
    return str(Path(f"/proc/{pid}/ns/mnt").readlink())


def _told(pid: int) -> Iterator[bytes]:
    """What the kernel says of where a process lives: container ids stand in it."""
    with contextlib.suppress(OSError), Path(f"/proc/{pid}/cgroup").open("rb") as file:
        yield file.read(_READ_BYTES)
    with contextlib.suppress(OSError), Path(f"/proc/{pid}/mountinfo").open("rb") as file:
        for line in file.read(_READ_BYTES).splitlines():
            # The fourth field is the folder that was mounted, the fifth where.
            yield from line.split(b" ")[3:4]


def _kill(pid: int, container: str) -> bool:
    """Whether the process was killed and is gone."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # Held by its handle, the number cannot pass on to another process.
        if not _belongs(pid, container):
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        gone = select.poll()
        gone.register(handle, select.POLLIN)
        return bool(gone.poll(_GONE_MS))
    except OSError:
        return False
    finally:
        os.close(handle)
