"""Counts the requests that are being answered, so that the server ends when there are none."""

import threading


class Work:
    """A context for each request that is received and answered."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._going = 0

    def __enter__(self) -> None:
        self._add(1)

    def __exit__(self, *_: object) -> None:
        self._add(-1)

    def finish(self, limit_s: float) -> None:
        """Waits until every request is answered, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._going, limit_s)

    def _add(self, number: int) -> None:
        with self._changed:
            self._going += number
            self._changed.notify_all()
