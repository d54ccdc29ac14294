"""What a server makes of one request, whatever its answer is; what ``http`` is built on.

Framing and parsing are those of the standard library's ``http.client``.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
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
from typing import Protocol, cast

from sm_conformance.observed.parts import PartLog
from sm_conformance.observed.wire import problem_of

_PART_BYTES = 256 * 1024
_MAX_INTERIM_ANSWERS = 100
_SHOWN_CHARACTERS = 80


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
                part = self._response.read1(_PART_BYTES)
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
