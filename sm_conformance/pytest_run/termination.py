"""Lets SIGTERM end a run in the same orderly way as Ctrl-C: reports written, containers removed."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Termination:
    """From :meth:`watch` to :meth:`release` SIGTERM interrupts; the handlers of before come back.

    Only the main thread may handle signals; elsewhere nothing is changed.
    """

    def __init__(self) -> None:
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def watch(self) -> None:
        """From now on the first SIGTERM raises KeyboardInterrupt in the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._before[signal.SIGTERM] = signal.signal(signal.SIGTERM, _interrupt)

    def hold_off(self) -> None:
        """From now on SIGTERM and Ctrl-C do nothing: the run is ending anyway, and shall end cleanly."""
        if signal.SIGTERM in self._before:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            held = signal.signal(signal.SIGINT, signal.SIG_IGN)
            self._before.setdefault(signal.SIGINT, held)

    def release(self) -> None:
        """Puts the handlers of before back."""
        while self._before:
            number, handler = self._before.popitem()
            # One that was not made by Python cannot be put back; the default is next to it.
            signal.signal(number, handler or signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del frame
    # Who sends SIGTERM sends it again; the end that has begun shall not be broken off.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt("SIGTERM")
