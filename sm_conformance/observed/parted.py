"""One request that is sent in two parts, so that something can happen while it is in flight."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter
from types import TracebackType
from typing import Self

from sm_conformance.observed import sending
from sm_conformance.observed.http import (
    MAX_REPLY_BYTES,
    Address,
    Reply,
    converse,
    unanswered,
)
from sm_conformance.observed.wire import connect


class PartedRequest:
    """A POST whose head and first half are sent at once, and the rest by :meth:`finish`.

    Raises HarnessTrouble when this machine is out of sockets.
    """

    def __init__(
        self,
        address: Address,
        *,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        limit_s: float,
    ) -> None:
        half = len(body) // 2
        self._empty = unanswered("POST", path)
        self._rest = body[half:]
        self._sock: socket.socket | None = None
        link = connect(address.host, address.port, limit_s=limit_s)
        if link.sock is None:
            self._empty = replace(
                self._empty, elapsed_s=link.seconds, problem=link.problem, detail=link.detail
            )
            return
        self._sock = link.sock
        self._empty = replace(self._empty, connect_s=link.seconds)
        try:
            link.sock.sendall(
                sending.head(address.host, address.port, "POST", path, headers, body) + body[:half]
            )
        except OSError as error:
            self._empty = replace(self._empty, problem="reset", detail=str(error))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._sock is not None:
            self._sock.close()

    @property
    def begun(self) -> bool:
        """Whether the first part could be sent."""
        return self._empty.problem is None

    def finish(self, *, limit_s: float) -> Reply:
        """Sends the rest; the answer, or what came instead of it within ``limit_s`` seconds.

        Times count from the rest on.
        """
        if self._sock is None or not self.begun:
            return self._empty
        reply, _ = converse(
            self._sock,
            self._empty,
            self._rest,
            b"",
            deadline=perf_counter() + limit_s,
            bound=MAX_REPLY_BYTES,
        )
        return reply
