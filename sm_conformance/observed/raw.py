"""Sends bytes as they are, whatever a server may think of them, and reads what it says to that."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from types import SimpleNamespace
from typing import cast

from sm_conformance.observed.http import Address
from sm_conformance.observed.wire import connect

MOST_BYTES = 1 << 20
_PART_BYTES = 64 * 1024
# Closing then resets the connection, instead of ending it in good order.
_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Said:
    """One complete answer among the bytes that came: its status and its body."""

    status: int
    body: bytes


def converse(
    address: Address,
    parts: Sequence[bytes],
    *,
    methods: Sequence[str] = (),
    pause_s: float = 0.0,
    limit_s: float,
    connect_limit_s: float,
    reset: bool = False,
) -> tuple[Said, ...]:
    """Sends the ``parts`` with a pause between them, and says what was answered.

    Connecting, and sending a part, may take ``connect_limit_s``. It ends ``limit_s`` seconds after
    the last part, sooner when the server closed, when answers to
    all ``methods`` have come, or without ``methods`` when anything came. With ``reset`` it ends at
    once, by a reset. Whatever goes wrong is no answer; only ``HarnessTrouble`` raises.
    """
    link = connect(address.host, address.port, limit_s=connect_limit_s)
    if link.sock is None:
        return ()
    with link.sock as sock:
        try:
            _send(sock, parts, pause_s=pause_s, limit_s=connect_limit_s)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                return ()
            return _listen(sock, methods, limit_s=limit_s)
        except OSError:
            return ()


def answers(data: bytes, methods: Sequence[str]) -> tuple[Said, ...]:
    """The complete answers at the beginning of ``data``, to requests of these methods."""
    reader = _Kept(data)
    # HTTPResponse asks its socket for nothing but a reader.
    sock = cast(socket.socket, SimpleNamespace(makefile=lambda _mode: reader))
    found: list[Said] = []
    for method in methods:
        if b"\r\n\r\n" not in data[reader.tell() :]:
            break  # an HTTPResponse takes the end of the bytes for the end of the head
        response = HTTPResponse(sock, method=method)
        try:
            response.begin()
            body = response.read()
        except (HTTPException, ValueError):
            break
        if response.length:
            break  # it ended before all that was announced had come
        found.append(Said(response.status, body))
    return tuple(found)


def _send(sock: socket.socket, parts: Sequence[bytes], *, pause_s: float, limit_s: float) -> None:
    for at, part in enumerate(parts):
        if at:
            time.sleep(pause_s)
        sock.settimeout(limit_s)
        sock.sendall(part)


def _listen(sock: socket.socket, methods: Sequence[str], *, limit_s: float) -> tuple[Said, ...]:
    deadline = time.monotonic() + limit_s
    data = bytearray()
    while len(data) <= MOST_BYTES and (left_s := deadline - time.monotonic()) > 0:
        sock.settimeout(left_s)
        try:
            part = sock.recv(_PART_BYTES)
        except OSError:
            break
        data += part
        found = answers(bytes(data), methods)
        if not part or not methods or len(found) == len(methods):
            break
    return answers(bytes(data), methods)


class _Kept(BytesIO):
    """A reader that an HTTPResponse cannot close: the next answer begins where this one ended."""

    def close(self) -> None:
        """Nothing."""
