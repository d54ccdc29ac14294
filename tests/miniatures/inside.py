"""What a program sees from within its container: folders, streams, signals, a port."""

from __future__ import annotations

import socket
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sm_conformance.observed.facts import Listener
from sm_conformance.observed.sought import as_address, as_name


class Killed(BaseException):
    """The container was killed; nothing of the program runs on."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One of the two output streams."""

    put: Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """A body that is sent part by part; parts that raise end the connection in the middle.

    ``framing`` is "chunked", or "close": then the end of the connection ends the body.
    """

    made: Iterator[bytes]
    framing: str = "chunked"


# Status, content type ("" for none) and body.
Answer = tuple[int, str, bytes | Parts]
Ping = Callable[[Message], int]
Invocation = Callable[[Message, bytes], Answer]


@dataclass(slots=True, kw_only=True)
class Inside:
    """The inside of one container; ``root`` is its ``/opt/ml``, ``networked`` means a way out."""

    root: Path
    environment: Mapping[str, str]
    stdout: Stream
    stderr: Stream
    port: socket.socket
    networked: bool
    read_only: frozenset[str]
    killed: threading.Event = field(default_factory=threading.Event)
    # What the engine calls its host; "" where nobody chose a name.
    hostname: str = ""
    child_killed: threading.Event = field(default_factory=threading.Event)
    asked_to_stop: threading.Event = field(default_factory=threading.Event)
    listeners: list[Listener] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Writes a line to standard output."""
        self._live()
        self.stdout.put(f"{text}\n".encode())

    def complain(self, text: str) -> None:
        """Writes a line to standard error."""
        self._live()
        self.stderr.put(f"{text}\n".encode())

    def complain_of(self, error: BaseException) -> None:
        """Writes what Python writes of an error that nobody caught.

        Its frames lose their columns: to underline these, CPython 3.11 parses each line, and its
        parser cannot work in several threads at once.
        """
        frames = [
            (frame.filename, frame.lineno, frame.name, frame.line)
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        lines = [
            "Traceback (most recent call last):\n",
            *traceback.format_list(frames),
            *traceback.format_exception_only(error),
        ]
        self.complain("".join(lines))

    def look_up(self, name: str) -> None:
        """Asks for a name of the world outside."""
        self.names.append(as_name(name))
        if not self.networked:
            raise OSError("Name or service not known")

    def dial(self, host: str, port: int) -> None:
        """Connects to an address of the world outside."""
        self.addresses.append(as_address(host, port))
        if not self.networked:
            raise OSError("Connection to the remote end failed")

    def sleep(self, seconds: float) -> None:
        """Uses no processor time for a while; SIGTERM does not wake it."""
        if self.killed.wait(seconds):
            raise Killed

    def wait_for_ever(self) -> None:
        """Neither works nor writes nor ends."""
        self.killed.wait()
        raise Killed

    def until_stopped(self) -> None:
        """Waits for SIGTERM as a well-behaved server does."""
        self.asked_to_stop.wait()
        self._live()

    def serve(
        self,
        ping: Ping,
        invocation: Invocation,
        *,
        body_limit: int | None = None,
        manners: type | None = None,
    ) -> None:
        """Listens on port 8080 of all interfaces until SIGTERM; ``body_limit`` refuses with 413.

        ``manners`` stands before the handler of requests, whose methods it may replace.
        """

        class Handler(*((manners,) if manners else ()), _Handler):  # type: ignore[misc]
            pass

        Handler.ping, Handler.invocation, Handler.body_limit = (
            staticmethod(ping), staticmethod(invocation), body_limit,
        )  # fmt: skip
        server = _Server(self.port, Handler)
        self.listeners.append(Listener(host="0.0.0.0", port=8080))
        going = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        going.start()
        try:
            self.until_stopped()
        finally:
            server.shutdown()
            going.join()
            server.server_close()

    def _live(self) -> None:
        if self.killed.is_set():
            raise Killed


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = port
        self.request_queue_size = 128
        self.server_activate()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True
    ping: Ping
    invocation: Invocation
    body_limit: int | None

    def do_GET(self) -> None:
        known = self.path == "/ping"
        self.reply(self.ping(self.headers) if known else 404, "text/plain", b"")

    def do_POST(self) -> None:
        if "Transfer-Encoding" in self.headers:
            body = self._chunks()
        else:
            length = int(self.headers.get("Content-Length", 0))
            if self.body_limit is not None and length > self.body_limit:
                self.close_connection = True
                self.reply(413, "text/plain", b"too large\n")
                return
            body = self.rfile.read(length)
        if self.path == "/ping":
            self.reply(self.ping(self.headers), "text/plain", b"")
        else:
            self.reply(*self.invocation(self.headers, body))

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def handle_expect_100(self) -> bool:
        """Asks for a body that is held back."""
        asked = super().handle_expect_100()
        self.wfile.flush()
        return asked

    def reply(self, status: int, content_type: str, body: bytes | Parts) -> None:
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        if isinstance(body, Parts):
            self._send(body)
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, body: Parts) -> None:
        chunked = body.framing == "chunked"
        self.close_connection = True
        self.send_header(
            *(("Transfer-Encoding", "chunked") if chunked else ("Connection", "close"))
        )
        self.end_headers()
        for part in body.made:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Quiet: what a candidate writes is its own choice."""


Program = Callable[[Inside], int]
