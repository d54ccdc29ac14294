"""A request as the bytes that are sent; framing and checks are those of ``http.client``."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from http.client import HTTPConnection
from types import SimpleNamespace
from typing import cast


def waits(headers: Mapping[str, str]) -> bool:
    """Whether the body is to be held back until the server asks for it."""
    said = {name.lower(): value.lower() for name, value in headers.items()}
    return said.get("expect") == "100-continue"


def in_chunks(body: bytes) -> bytes:
    """The body as ``Transfer-Encoding: chunked`` has it, in three chunks or fewer."""
    size = max(1, -(-len(body) // 3))
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def head(
    host: str, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    """The request line and headers as ``http.client`` checks and writes them."""
    given = {name.lower() for name in headers}
    written = bytearray()
    connection = HTTPConnection(host, port)
    connection.sock = cast(socket.socket, SimpleNamespace(sendall=written.extend))
    connection.putrequest(method, path, skip_host="host" in given, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    has_length = body is not None or method in ("POST", "PUT", "PATCH")
    if has_length and given.isdisjoint({"content-length", "transfer-encoding"}):
        connection.putheader("Content-Length", str(len(body or b"")))
    connection.endheaders()
    return bytes(written)


def whole(
    host: str, port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    """A request as it goes out at once, head and body."""
    return head(host, port, method, path, headers, body) + (body or b"")
