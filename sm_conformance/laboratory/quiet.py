"""Keeps our own work away while a latency is measured, across threads and processes."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Quiet:
    """A lock file that busy work shares and a measurement has alone.

    Measurements wait until nothing is busy; work that came meanwhile waits for the measurement.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While held, nothing is being measured."""
        with self._locked(fcntl.LOCK_SH):
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While held, nothing of ours is busy."""
        with self._locked(fcntl.LOCK_EX):
            yield

    @contextmanager
    def _locked(self, operation: int) -> Iterator[None]:
        # A file description of its own for each holder: flock then also works between threads.
        with self._path.open("rb") as file:
            fcntl.flock(file, operation)
            yield
