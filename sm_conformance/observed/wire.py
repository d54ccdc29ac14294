"""One request and its answer on one socket, within one deadline; what ``http`` is built on.

Framing and parsing are those of the standard library's ``http.client``. It bounds each read, so a
server that drips bytes could hold it for ever; and it writes the whole request before it looks for
an answer, so an early refusal is lost. Hence the socket is wrapped here.
"""

from __future__ import annotations

import errno
import io
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass
from email.errors import MissingHeaderBodySeparatorDefect
from http.client import (
    BadStatusLine,
    HTTPException,
    HTTPResponse,
    IncompleteRead,
    RemoteDisconnected,
    UnknownProtocol,
)
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol, cast

from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.parts import PartLog

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK_BYTES = 256 * 1024
_MAX_INTERIM_ANSWERS = 100
_SHOWN_CHARACTERS = 80
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


class Source(Protocol):
    """Bytes that an answer is read from, a raw stream; the fields are those of a ``Wire``."""

    first_byte_at: float | None
    at_end: bool
    unsent: int
    broken: bool
    over: bool


class _Kept(io.BufferedReader):
    """A reader that an HTTPResponse cannot close: what it read too much is still to be seen."""

    def close(self) -> None:
        """Nothing: the socket below belongs to somebody else."""


class Answer:
    """What the server makes of one request; each property is safe to read whatever happened."""

    def __init__(self, wire: Source, *, method: str, bound: int) -> None:
        self._wire = wire
        self._method = method
        self._bound = bound
        # HTTPResponse asks its socket for nothing but a buffered reader.
        reader = _Kept(cast(io.RawIOBase, wire))
        self._reader = reader
        self._sock = cast(socket.socket, SimpleNamespace(makefile=lambda _mode: reader))
        self._response = HTTPResponse(self._sock, method=method)
        # Kept, because an HTTPResponse closes its reader when it is collected.
        self._interim: list[HTTPResponse] = []
        self.body = bytearray()
        self.parts = PartLog()

    @property
    def status(self) -> int | None:
        """The status, or None when no status line could be read."""
        status: object = self._response.status
        return status if isinstance(status, int) else None

    @property
    def reason(self) -> str:
        """The reason phrase, "" when there is none."""
        return "" if self.status is None else self._response.reason

    @property
    def version(self) -> int | None:
        """10 or 11, the version of HTTP that the status line names; None when there is none."""
        return None if self.status is None else self._response.version

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers as received, none when the head could not be read to its end."""
        headers: object = self._response.headers
        return () if headers is None else tuple(self._response.headers.items())

    @property
    def framing(self) -> str:
        """What ends the body: "chunked", "length" or "close"; "" when the head was not read."""
        headers: object = self._response.headers
        if headers is None:
            return ""
        if self._response.chunked:
            return "chunked"
        return "close" if self._response.length is None else "length"

    @property
    def keeps_alive(self) -> bool:
        """Whether another request may follow, if this exchange ended without a problem."""
        return not self._response.will_close and not self._wire.unsent and self.status != 101

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks, once the head was read."""
        return self._head_is_read and bool(self._response.chunked)

    @property
    def missing(self) -> int | None:
        """How many bytes are still to come, or at least that; None of a body without a length."""
        return self._response.length if self._head_is_read and not self.is_chunked else 1

    @property
    def _head_is_read(self) -> bool:
        headers: object = self._response.headers
        return headers is not None

    def fetch(self, send: Callable[[], None] = lambda: None) -> tuple[str | None, str]:
        """Sends the request, reads the answer; returns the problem, if any, and its detail."""
        try:
            send()
            self._read_head()
            if self._wire.at_end:
                # http.client takes the end of the stream for the end of the head.
                return "closed", "the head is incomplete"
            self._read_body()
        except HTTPException as error:
            return self._flaw_of(error)
        except OSError as error:
            problem, detail = problem_of(error)
            return problem, self._progress() if problem == "timeout" else detail
        if len(self.body) > self._bound:
            return "too-big", f"more than {self._bound} bytes of body"
        return (None, "") if not self._response.length else ("closed", self._progress())

    def has_surplus(self) -> bool:
        """Whether more has come than the whole answer announced; does not wait for it."""
        self._wire.over = True
        return bool(self._reader.peek(1))

    def _read_head(self) -> None:
        self._response.begin()
        # http.client passes over 100 by itself; 102 and 103 are no answers either.
        while 101 < self._response.status < 200:
            self._interim.append(self._response)
            if len(self._interim) > _MAX_INTERIM_ANSWERS:
                raise HTTPException(f"got more than {_MAX_INTERIM_ANSWERS} interim answers")
            self._response = HTTPResponse(self._sock, method=self._method)
            self._response.begin()

    def _read_body(self) -> None:
        for defect in self._response.headers.defects:
            if isinstance(defect, MissingHeaderBodySeparatorDefect):
                # The parser drops all headers from that line on, Content-Length among them.
                raise BadStatusLine("a line of the head is not a header")
        try:
            while len(self.body) <= self._bound:
                part = self._response.read1(_CHUNK_BYTES)
                if not part:
                    return
                self.body += part
                self.parts.note(perf_counter(), len(self.body))
        except ConnectionError:
            ends_by_close = self._response.length is None and not self._response.chunked
            if not (self._wire.unsent and ends_by_close):
                raise

    def _flaw_of(self, error: HTTPException) -> tuple[str, str]:
        """The problem in an answer that ``http.client`` could not read, and its detail."""
        ended = isinstance(error, RemoteDisconnected | IncompleteRead) and self._wire.at_end
        if ended:
            return "reset" if self._wire.broken else "closed", self._progress()
        if isinstance(error, IncompleteRead):
            return "garbage", "the size of a chunk is not a number"
        if self.status is None or isinstance(error, BadStatusLine | UnknownProtocol):
            return "garbage", str(error)[:_SHOWN_CHARACTERS]
        return "too-big", str(error)

    def _progress(self) -> str:
        """How far the exchange came, for a problem that is a missing rest."""
        if self.status is None:
            if self._wire.unsent:
                return f"{self._wire.unsent} bytes of the request were not taken"
            began = self._wire.first_byte_at is not None
            return "the status line is incomplete" if began else "nothing was received"
        headers: object = self._response.headers
        if headers is None:
            return "the head is incomplete"
        left = self._response.length
        total = "" if left is None else f" of {len(self.body) + left}"
        return f"{len(self.body)}{total} bytes of the body"


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
