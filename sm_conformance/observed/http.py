"""Talks HTTP to a candidate and says what came back; knows nothing of clauses.

Whatever the candidate does wrong is a field of a ``Reply``. Two things raise: a request that we
ourselves built wrongly (before anything is sent), and the machine of
the harness running out of sockets or memory (``HarnessTrouble``).
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from types import TracebackType
from typing import Self

from sm_conformance.observed import sending
from sm_conformance.observed.answer import Answer
from sm_conformance.observed.parts import Part
from sm_conformance.observed.wire import Wire, connect, is_quiet, speaks

MAX_REPLY_BYTES = 32 * 1024 * 1024
# How long a body is held back that the server is to ask for; other clients wait as long.
_CONTINUE_S = 1.0

_SAID = {
    "refused": "connection refused",
    "timeout": "no complete answer in time",
    "reset": "connection reset",
    "closed": "connection closed before the answer was complete",
    "unreachable": "address not reachable",
    "garbage": "the answer is not valid HTTP",
    "too-big": "the answer is larger than is read",
}


def printable(text: str) -> str:
    """The text with everything escaped that could move a cursor, end a line or hide characters."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens: an IPv4 or IPv6 address and a TCP port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a candidate, or what came instead of it.

    ``status`` is None until a status line was read; it may stand beside a ``problem``, when the
    rest of the answer was broken. ``headers`` and ``reason`` are decoded as Latin-1, as received.
    ``body`` is what was read of it, cut at the bound of the exchange (then ``truncated``).

    ``connect_s`` is None when no connection was made: it was reused, or it failed. The other times
    count from the first byte written, ``elapsed_s`` to the last byte read; without a connection
    ``elapsed_s`` is the time spent on trying to connect.

    ``problem`` is one of "refused", "timeout", "reset", "closed", "unreachable", "garbage",
    "too-big", or None; ``detail`` is one printable line about it.
    """

    method: str
    path: str
    status: int | None
    reason: str
    headers: tuple[tuple[str, str], ...]
    # Not shown where a reply is an argument of what pytest reports: it may be millions of bytes.
    body: bytes = field(repr=False)
    truncated: bool
    connect_s: float | None
    first_byte_s: float | None
    elapsed_s: float
    problem: str | None
    detail: str = ""
    # Whether more bytes came than the answer announced.
    surplus: bool = False
    # 10 or 11, of the status line.
    version: int | None = None
    # What ends the body, "chunked", "length" or "close", and when its parts came; see ``Part``.
    framing: str = ""
    parts: tuple[Part, ...] = field(default=(), repr=False)

    @property
    def accepted(self) -> bool:
        """Whether a status of 200 to 299 came, however the answer went on."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def ok(self) -> bool:
        """Whether a complete answer with a status of 200 to 299 came."""
        return self.problem is None and self.accepted

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def text(self, *, limit: int = 2000) -> str:
        """The first ``limit`` characters of the body, lines kept, safe to print on a terminal."""
        # A character of UTF-8 has at most four bytes, so no more is needed to fill the limit.
        decoded = self.body[: 4 * limit].decode("utf-8", "backslashreplace").replace("\r\n", "\n")
        shown = "\n".join(printable(line) for line in decoded[:limit].split("\n"))
        more = len(decoded) > limit or len(self.body) > 4 * limit
        return f"{shown}… ({len(self.body)} bytes in all)" if more else shown

    def describe(self) -> str:
        """One printable line, such as "500 Internal Server Error after 0.012 s, 34 bytes of …"."""
        size = f"{len(self.body)} byte{'' if len(self.body) == 1 else 's'}"
        kind = self.header("content-type")
        body = f"{size} of {printable(kind[:80])}" if kind else f"{size} without a content type"
        after = f"after {self.elapsed_s:.3f} s"
        answer = "" if self.status is None else f"{self.status} {printable(self.reason[:80])}"
        if self.problem is None:
            return f"{answer.strip()} {after}, {body if self.body else 'no body'}"
        said = f"{_SAID[self.problem]} {after}" + (f" ({self.detail})" if self.detail else "")
        return f"{answer.strip()}, then {said}; {body}" if answer else said


def exchange(
    address: Address,
    *,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    limit_s: float,
    connect_limit_s: float | None = None,
    max_reply_bytes: int = MAX_REPLY_BYTES,
) -> Reply:
    """One request on a connection of its own; connecting included, it ends within ``limit_s``.

    ``connect_limit_s`` bounds connecting alone, where less than ``limit_s`` is wanted.
    Headers go out exactly as given. Added are only ``Host``, and ``Content-Length`` where there is
    a body (or the method expects one), each unless given; a caller who gives ``Transfer-Encoding``
    hands over a body that is already encoded. With ``Expect: 100-continue`` the body goes out when
    the server has asked for it, or has been silent for a second. Raises ``http.client.InvalidURL`` or
    ValueError for a request that cannot be sent (white space in the path, line ends in a header)
    and HarnessTrouble as the module says.
    """
    with Session(address) as session:
        return session.exchange(
            method=method,
            path=path,
            headers=headers,
            body=body,
            limit_s=limit_s,
            connect_limit_s=connect_limit_s,
            max_reply_bytes=max_reply_bytes,
        )


def connect_time(address: Address, *, limit_s: float) -> tuple[float | None, str | None]:
    """Seconds that one TCP connection took and None, or None and the problem as in ``Reply``."""
    link = connect(address.host, address.port, limit_s=limit_s)
    if link.sock is None:
        return None, link.problem
    link.sock.close()
    return link.seconds, None


class Session:
    """Exchanges that reuse one connection for as long as the server keeps it open.

    A kept connection that turns out to be closed before any byte of the answer came is no fault:
    servers may end idle connections whenever they like (RFC 9112, section 9.3.1). The request is
    then sent once more on a new connection, whose answer counts.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._sock: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, if there is one; the session can be used again afterwards."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def hears(self, wait_s: float) -> bool:
        """Whether within ``wait_s`` bytes come that no request asked for; an end is none."""
        return self._sock is not None and speaks(self._sock, wait_s=wait_s)

    def exchange(
        self,
        *,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        limit_s: float,
        connect_limit_s: float | None = None,
        max_reply_bytes: int = MAX_REPLY_BYTES,
    ) -> Reply:
        """One request as in the function ``exchange``; ``connect_s`` is None when reused."""
        # Head and body in one buffer, hence one write: a server that answers only after both
        # would otherwise be charged with the delayed acknowledgement of the head (about 40 ms).
        head = sending.head(self._address.host, self._address.port, method, path, headers, body)
        sent = body or b""
        data, held = (head, sent) if sending.waits(headers) else (head + sent, b"")
        deadline = perf_counter() + limit_s
        empty = unanswered(method, path)
        if self._sock is not None and is_quiet(self._sock):
            reply = self._converse(empty, data, held, deadline, max_reply_bytes)
            if reply.first_byte_s is not None or reply.problem not in ("closed", "reset"):
                return reply
        self.close()
        left_s = deadline - perf_counter()
        link_limit_s = left_s if connect_limit_s is None else min(left_s, connect_limit_s)
        link = connect(self._address.host, self._address.port, limit_s=link_limit_s)
        if link.sock is None:
            return replace(empty, elapsed_s=link.seconds, problem=link.problem, detail=link.detail)
        self._sock = link.sock
        return replace(
            self._converse(empty, data, held, deadline, max_reply_bytes), connect_s=link.seconds
        )

    def _converse(
        self, empty: Reply, data: bytes, held: bytes, deadline: float, bound: int
    ) -> Reply:
        assert self._sock is not None
        reply, reusable = converse(self._sock, empty, data, held, deadline=deadline, bound=bound)
        if not reusable:
            self.close()
        return reply


def converse(
    sock: socket.socket, empty: Reply, data: bytes, held: bytes, *, deadline: float, bound: int
) -> tuple[Reply, bool]:
    """Sends ``data`` and reads the answer to the request that ends with it, until ``deadline``.

    ``held`` is what follows once the server asks for it. The reply is ``empty`` with what came; and
    whether another request may follow.
    """
    wire = Wire(sock, deadline=deadline, bound=bound)
    answer = Answer(wire, method=empty.method, bound=bound)
    started = perf_counter()
    problem, detail = answer.fetch(lambda: wire.send_in_turn(data, held, wait_s=_CONTINUE_S))
    elapsed_s = perf_counter() - started
    surplus = problem is None and answer.has_surplus()
    first = wire.first_byte_at
    reply = replace(
        empty,
        status=answer.status,
        reason=answer.reason,
        headers=answer.headers,
        body=bytes(answer.body[:bound]),
        truncated=len(answer.body) > bound,
        first_byte_s=None if first is None else first - started,
        elapsed_s=elapsed_s,
        problem=problem,
        detail=printable(detail),
        surplus=surplus,
        version=answer.version,
        framing=answer.framing,
        parts=answer.parts.since(started),
    )
    return reply, problem is None and answer.keeps_alive and not surplus


def unanswered(method: str, path: str) -> Reply:
    """The reply before anything has happened, which what happens then replaces."""
    return Reply(
        method=method,
        path=path,
        status=None,
        reason="",
        headers=(),
        body=b"",
        truncated=False,
        connect_s=None,
        first_byte_s=None,
        elapsed_s=0.0,
        problem=None,
    )
