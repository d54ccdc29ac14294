"""Lets SIGTERM end a run in the same orderly way as Ctrl-C: reports written, containers removed."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Termination:
    """From :meth:`watch` to :meth:`release` SIGTERM interrupts; the handler of before comes back.

    Only the main thread may handle signals; elsewhere nothing is changed.
    """

    def __init__(self) -> None:
        self._before: signal._HANDLER = None
        self._watching = False

    def watch(self) -> None:
        """From now on the first SIGTERM raises KeyboardInterrupt in the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, _interrupt)
            self._watching = True

    def hold_off(self) -> None:
        """From now on SIGTERM does nothing: the run is ending anyway, and shall end cleanly."""
        if self._watching:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def release(self) -> None:
        """Puts the handler of before back."""
        if self._watching:
            # A handler that was not made by Python cannot be put back; the default is next to it.
            signal.signal(signal.SIGTERM, self._before or signal.SIG_DFL)
            self._watching = False


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    # Who sends SIGTERM sends it again; the end that has begun shall not be broken off.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt("SIGTERM")
