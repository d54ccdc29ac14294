"""One request on its way over one of many connections, and what is kept of it."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import NamedTuple

from sm_conformance.observed.incoming import Incoming


class Exchange(NamedTuple):
    """One request that is over; times are of ``perf_counter``.

    ``began_at``: it was handed over for sending; ``sent_at``: its first byte went out;
    ``first_byte_at``: its reply began. Those that did not happen are None. ``ok``: a complete reply
    with a status of 200 to 299 came. ``pieces``: in so many its reply was read.
    """

    number: int
    began_at: float
    sent_at: float | None
    first_byte_at: float | None
    ended_at: float
    ok: bool
    pieces: int = 0


@dataclass(slots=True)
class Lane:
    """One request under way."""

    number: int
    deadline: float
    began_at: float
    sock: socket.socket
    incoming: Incoming
    rest: memoryview
    # The connection was made for this request, so its end is no surprise of keeping it.
    fresh: bool
    connecting: bool
    # Whether the selector looks out for room to write.
    writing: bool
    reset: bool = False
    sent_at: float | None = None
    first_byte_at: float | None = None
    pieces: int = 0

    def again(self, number: int, deadline: float, sent_at: float, incoming: Incoming) -> None:
        """Is the lane of the next request on the same connection, which was just sent."""
        self.number, self.deadline, self.incoming = number, deadline, incoming
        self.began_at = self.sent_at = sent_at
        self.fresh, self.first_byte_at, self.pieces = False, None, 0
