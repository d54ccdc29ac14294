"""The bytes of one request and its answer on one socket, within one deadline.

The standard library's ``http.client`` bounds each read, so a server that drips bytes could hold it
for ever; and it writes the whole request before it looks for an answer, so an early refusal is
lost. Hence the socket is wrapped here.
"""

from __future__ import annotations

import errno
import io
import selectors
import socket
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

from sm_conformance.errors import HarnessTrouble

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK_BYTES = 256 * 1024
_OURS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL}


@dataclass(frozen=True, slots=True)
class Link:
    """A connection or, with ``sock`` None, why there is none; ``seconds`` is the time it took."""

    sock: socket.socket | None
    seconds: float
    problem: str | None = None
    detail: str = ""


def connect(host: str, port: int, *, limit_s: float) -> Link:
    """Opens a TCP connection; raises HarnessTrouble only when this machine is out of means."""
    started = perf_counter()
    try:
        # A timeout of 0 would mean "do not wait" and be reported as an error of another kind.
        sock = socket.create_connection((host, port), timeout=max(limit_s, 0.001))
        seconds = perf_counter() - started
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        problem, detail = problem_of(error)
        return Link(None, perf_counter() - started, problem, detail)
    return Link(sock, seconds)


def is_quiet(sock: socket.socket) -> bool:
    """Whether a kept connection is still open and has nothing to say before it is asked."""
    sock.setblocking(False)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def speaks(sock: socket.socket, *, wait_s: float) -> bool:
    """Whether bytes come within ``wait_s`` on a connection on which nothing was asked."""
    sock.settimeout(wait_s)
    try:
        return bool(sock.recv(1, socket.MSG_PEEK))
    except OSError:
        return False


class Wire(io.RawIOBase):
    """The bytes of one exchange: written and read under one deadline (of ``perf_counter``)."""

    def __init__(self, sock: socket.socket, *, deadline: float, bound: int) -> None:
        self._sock = sock
        self._deadline = deadline
        self._bound = bound
        self._early = bytearray()
        self._peer_ended = False
        self.first_byte_at: float | None = None
        self.at_end = False
        self.unsent = 0
        self.broken = False
        # Nothing more is waited for; what has come by now can still be read.
        self.over = False

    def send(self, data: bytes) -> None:
        """Writes the request while listening, and stops when the server has refused or closed.

        Then ``unsent`` is not 0, and ``broken`` is set if the connection was reset. Neither
        raises, since the answer may still be readable. Raises TimeoutError at the deadline.
        """
        rest = memoryview(data)
        self.unsent = len(rest)
        with selectors.DefaultSelector() as selector:
            selector.register(self._sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
            self._sock.setblocking(False)
            while rest and not self._is_refused():
                for _key, events in selector.select(self._left_s()):
                    try:
                        if events & selectors.EVENT_READ:
                            self._hear()
                        if events & selectors.EVENT_WRITE:
                            rest = rest[self._sock.send(rest[:_CHUNK_BYTES]) :]
                            self.unsent = len(rest)
                    except ConnectionError:
                        self.broken = True
                        return

    def may_go_on(self, wait_s: float) -> bool:
        """Whether the body may follow: nothing came within ``wait_s``, or an interim answer did."""
        until = min(perf_counter() + wait_s, self._deadline)
        try:
            while not self._peer_ended and b"\r\n\r\n" not in self._early:
                left_s = until - perf_counter()
                if left_s <= 0:
                    break
                self._sock.settimeout(left_s)
                self._hear()
        except TimeoutError:
            pass
        except ConnectionError:
            self.broken = True
            return False
        early = bytes(self._early[:10])
        interim = early[:7] == b"HTTP/1." and early[9:] == b"1"
        return not self._peer_ended and (interim or not early)

    def send_in_turn(self, data: bytes, held: bytes, *, wait_s: float) -> None:
        """The same with ``held`` behind it, once the server asks for it or says nothing for ``wait_s``.

        It is not sent where the server answers without it.
        """
        self.send(data)
        if held and self.may_go_on(wait_s):
            self.send(held)
        elif held:
            self.unsent = len(held)

    def readable(self) -> bool:
        """Always; ``io.BufferedReader`` asks."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Reads what there is; raises TimeoutError at the deadline, however the bytes drip."""
        if self._early:
            count = min(memoryview(buffer).nbytes, len(self._early))
            memoryview(buffer)[:count] = self._early[:count]
            del self._early[:count]
        elif self._peer_ended:
            count = 0
        elif self.over:
            count = self._at_once(buffer)
        else:
            self._sock.settimeout(self._left_s())
            count = self._sock.recv_into(buffer)
            self._note(count)
        self.at_end = count == 0
        return count

    def _at_once(self, buffer: WriteableBuffer) -> int:
        self._sock.setblocking(False)
        try:
            return self._sock.recv_into(buffer)
        except OSError:  # nothing is there, or nobody is
            return 0

    def _hear(self) -> None:
        # Kept for later: a server may lawfully answer while it still reads, and would stop
        # reading if nobody took its answer.
        part = self._sock.recv(_CHUNK_BYTES)
        self._note(len(part))
        self._early += part

    def _note(self, count: int) -> None:
        if count == 0:
            self._peer_ended = True
        elif self.first_byte_at is None:
            self.first_byte_at = perf_counter()

    def _is_refused(self) -> bool:
        # RFC 9112, section 9.5: stop sending when an error answer comes before the end.
        start = bytes(self._early[:10])
        refused = start[:7] == b"HTTP/1." and start[9:] in (b"4", b"5")
        return refused or self._peer_ended or len(self._early) > self._bound

    def _left_s(self) -> float:
        left = self._deadline - perf_counter()
        if left <= 0:
            raise TimeoutError
        return left


def problem_of(error: OSError) -> tuple[str, str]:
    """The word for a failure of the network and the system's own text.

    Raises HarnessTrouble where this machine is out of means.
    """
    if error.errno in _OURS:
        raise HarnessTrouble(f"no connection can be made on this machine: {error.strerror}")
    if isinstance(error, TimeoutError):
        return "timeout", "no connection"
    if isinstance(error, ConnectionRefusedError):
        return "refused", ""
    if isinstance(error, ConnectionError):
        return "reset", ""
    return "unreachable", error.strerror or type(error).__name__
