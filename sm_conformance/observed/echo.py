"""A server that answers each request at once with the request's own body.

Run as a program, in a process of its own, by ``floor``; it knows only the requests that the harness
itself makes, and needs nothing but the standard library's quickest parts. Its first line says at
which port of the loopback it listens; it ends when its standard input does.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
_READ_BYTES = 256 * 1024


def answer(heard: bytearray) -> bytes:
    """The answer to the request that ``heard`` begins with, taken out of it; empty before its end."""
    end = heard.find(b"\r\n\r\n") + 4
    if end < 4:
        return b""
    said = _LENGTH.search(heard, 0, end)
    whole = end + (int(said[1]) if said else 0)
    if len(heard) < whole:
        return b""
    body = bytes(heard[end:whole])
    del heard[:whole]
    return _HEAD % len(body) + body


def serve(listener: socket.socket, until: int) -> None:
    """Answers whoever connects, until the file descriptor ``until`` can be read."""
    heard: dict[socket.socket, bytearray] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(until, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd == until:
                    return
                sock = key.fileobj
                assert isinstance(sock, socket.socket)
                if sock is listener:
                    sock, _ = listener.accept()
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(sock, selectors.EVENT_READ)
                    heard[sock] = bytearray()
                elif not _attend(sock, heard[sock]):
                    selector.unregister(sock)
                    sock.close()
                    del heard[sock]


def _attend(sock: socket.socket, heard: bytearray) -> bool:
    """Reads, and answers what is whole; whether the client is still there."""
    try:
        part = sock.recv(_READ_BYTES)
        heard += part
        while reply := answer(heard):
            sock.sendall(reply)
    except ConnectionError:
        return False
    return bool(part)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        print(listening.getsockname()[1], flush=True)
        serve(listening, sys.stdin.fileno())
