"""Many connections in one thread: each sends the same request and stamps when its reply came."""

from __future__ import annotations

import errno
import os
import select
import selectors
import socket
from collections.abc import Callable
from time import perf_counter
from types import TracebackType
from typing import Self

from sm_conformance.observed.http import MAX_REPLY_BYTES, Address
from sm_conformance.observed.incoming import Heads, Incoming, Whole
from sm_conformance.observed.lane import Exchange, Lane
from sm_conformance.observed.wire import is_quiet, problem_of

_READ_BYTES = 256 * 1024
# Of all replies together that are kept in memory at one time.
_MOST_HELD_BYTES = 256 * 1024 * 1024
_CONNECTING = (0, errno.EINPROGRESS)
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_BROKEN = Whole(ok=False, keeps_alive=False)


# When a request ended, to the number and the deadline of the one that follows it; None: there is none.
Following = Callable[[float], tuple[int, float] | None]


class Lanes:
    """Connections to one server, over each of which one request at a time is sent.

    With ``keep`` a connection that is free is kept for the next request. Without it that is so only
    while no other request is under way: many lawful servers attend to a connection as long as it is
    kept, and would let another one wait for nothing.
    """

    def __init__(self, address: Address, request: bytes, *, method: str, keep: bool) -> None:
        self._address = (address.host, address.port)
        self._family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        self._request = memoryview(request)
        self._method = method
        self._keep = keep
        self._heads = Heads()
        self._selector = selectors.DefaultSelector()
        self._busy: dict[socket.socket, Lane] = {}
        self._free: list[socket.socket] = []
        self._over: list[Exchange] = []
        self._following: Following | None = None
        self.opened = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for sock in (*self._busy, *self._free):
            sock.close()
        self._selector.close()

    @property
    def under_way(self) -> int:
        """How many requests have no whole reply yet."""
        return len(self._busy)

    def begin(self, number: int, *, deadline: float) -> None:
        """Sends the request; each begins no earlier, and ends no earlier, than those before it.

        Raises HarnessTrouble when this machine is out of sockets or memory.
        """
        sock = self._kept()
        lane = self._lane(number, deadline, perf_counter(), sock)
        if sock is not None:
            self._write(lane)

    def wait(self, until: float) -> list[Exchange]:
        """Those that ended; returns when there is one, or at the time ``until``.

        However late it is, what came by now is looked at.
        """
        now = perf_counter()
        while not self._over:
            first = next(iter(self._busy.values()), None)
            ends = until if first is None else min(until, first.deadline)
            # A selector counts in milliseconds; select, which looks at the selector, does not.
            select.select([self._selector], [], [], max(0.0, ends - now))
            self._attend(0.0)
            now = perf_counter()
            self._end_late(now)
            if now >= until:
                break
        return self._handed_over()

    def pursue(self, following: Following) -> list[Exchange]:
        """Those that ended; goes on until fewer are under way than at first.

        A connection that is kept and free gets the request that ``following`` names at once, before
        anything else is done: a server that is asked without pause queues, and one that is given
        time between two requests does not.
        """
        self._following, at_first = following, len(self._busy)
        while self._busy and len(self._busy) == at_first:
            first = next(iter(self._busy.values()))
            self._attend(max(0.0, first.deadline - perf_counter()))
            self._end_late(perf_counter())
        self._following = None
        return self._handed_over()

    def _handed_over(self) -> list[Exchange]:
        over, self._over = self._over, []
        return over

    def _attend(self, left_s: float) -> None:
        heard: list[tuple[Lane, bytes, float]] = []
        # All are read before any is looked at: looking takes its time, which is not the server's.
        for key, events in self._selector.select(left_s):
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            lane = self._busy.get(sock)
            if lane is None:
                self._free.remove(sock)
                self._drop(sock)
                continue
            if events & _WRITE:
                self._write(lane)
            if events & _READ and sock in self._busy:
                part = self._read(lane)
                if part is None:
                    continue
                if self._following is not None:
                    self._settle(lane, part, perf_counter())
                else:
                    heard.append((lane, part, perf_counter()))
        for lane, part, at in heard:
            self._settle(lane, part, at)

    def _kept(self) -> socket.socket | None:
        while self._free:
            sock = self._free.pop()
            if is_quiet(sock):
                return sock
            self._drop(sock)
        return None

    def _lane(
        self, number: int, deadline: float, began_at: float, sock: socket.socket | None
    ) -> Lane:
        """A lane on a kept connection, or on one that is made for it."""
        fresh = sock is None
        failure = 0
        if sock is None:
            try:
                sock = socket.socket(self._family, socket.SOCK_STREAM)
            except OSError as error:
                problem_of(error)
                raise
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            failure = sock.connect_ex(self._address)
            self.opened += 1
            self._selector.register(sock, _WRITE)
        lane = Lane(
            number=number,
            deadline=deadline,
            began_at=began_at,
            sock=sock,
            incoming=self._incoming(),
            rest=self._request,
            fresh=fresh,
            connecting=fresh,
            writing=fresh,
        )
        self._busy[sock] = lane
        if failure not in _CONNECTING:
            self._fail(lane, failure)
        return lane

    def _incoming(self) -> Incoming:
        return Incoming(method=self._method, heads=self._heads, bound=MAX_REPLY_BYTES)

    def _write(self, lane: Lane) -> None:
        if lane.connecting:
            error = lane.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self._fail(lane, error)
                return
            lane.connecting = False
        if lane.sent_at is None:
            lane.sent_at = perf_counter()
        self._sent(lane, lane.rest, self._send(lane.sock, lane.rest))

    @staticmethod
    def _send(sock: socket.socket, rest: memoryview) -> int:
        """How many bytes of ``rest`` need no more sending."""
        try:
            return sock.send(rest[:_READ_BYTES])
        except BlockingIOError:
            return 0
        except ConnectionError:
            return len(rest)  # what the server said before can still be read

    def _sent(self, lane: Lane, what: memoryview, count: int) -> None:
        lane.rest = what[count:]
        if lane.writing != bool(lane.rest) or lane.fresh:
            lane.writing = bool(lane.rest)
            self._selector.modify(lane.sock, _READ | _WRITE if lane.rest else _READ)

    def _read(self, lane: Lane) -> bytes | None:
        """The next piece, empty when there will be no more; None when there is nothing yet."""
        try:
            part = lane.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            lane.reset = True
            return b""
        if part and lane.first_byte_at is None:
            lane.first_byte_at = perf_counter()
        lane.pieces += bool(part)
        return part

    def _settle(self, lane: Lane, part: bytes, at: float) -> None:
        if part:
            whole = lane.incoming.feed(part)
            if whole is None and self._held() > _MOST_HELD_BYTES:
                whole = _BROKEN
            if whole is not None:
                self._end(lane, whole, at)
        elif not lane.incoming.began and not lane.fresh:
            # RFC 9112, section 9.3.1: a kept connection may end at any time; ask once more.
            self._leave(lane)
            self._lane(lane.number, lane.deadline, lane.began_at, None)
        else:
            self._end(lane, _BROKEN if lane.reset else lane.incoming.end(), at)

    def _held(self) -> int:
        return sum(lane.incoming.held for lane in self._busy.values())

    def _end_late(self, now: float) -> None:
        for lane in list(self._busy.values()):
            if lane.deadline > now:
                break
            self._end(lane, _BROKEN, now)

    def _fail(self, lane: Lane, number: int) -> None:
        problem_of(OSError(number, os.strerror(number)))
        self._end(lane, _BROKEN, perf_counter())

    def _end(self, lane: Lane, whole: Whole, ended_at: float) -> None:
        kept = whole.keeps_alive and not lane.rest and (self._keep or len(self._busy) == 1)
        after = self._following(ended_at) if kept and self._following is not None else None
        sent_at = perf_counter()
        # First of all: what else is done meanwhile is not the server's time.
        sent = self._send(lane.sock, self._request) if after is not None else 0
        self._over.append(
            Exchange(
                lane.number,
                lane.began_at,
                lane.sent_at,
                lane.first_byte_at,
                ended_at,
                whole.ok,
                lane.pieces,
            )
        )
        if not kept:
            self._leave(lane)
            return
        del self._busy[lane.sock]
        if after is None:
            self._free.append(lane.sock)
            return
        untouched = lane.incoming if not lane.incoming.began else self._incoming()
        lane.again(*after, sent_at, untouched)
        self._busy[lane.sock] = lane
        self._sent(lane, self._request, sent)

    def _leave(self, lane: Lane) -> None:
        del self._busy[lane.sock]
        self._drop(lane.sock)

    def _drop(self, sock: socket.socket) -> None:
        self._selector.unregister(sock)
        sock.close()
