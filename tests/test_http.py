"""Exchanges with servers that do everything wrong that a server can do."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import InvalidURL
from time import perf_counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed import http
from sm_conformance.observed.http import Address, Reply, Session, connect_time, exchange, printable
from sm_conformance.observed.sending import in_chunks

Behaviour = Callable[[socket.socket], None]

MIB = 1024 * 1024
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Server:
    """A listener that hands each connection, in a thread of its own, to a behaviour."""

    def __init__(self, behaviour: Behaviour, *, family: socket.AddressFamily) -> None:
        self._behaviour = behaviour
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self._listener.listen(8)
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []
        self.connections = 0
        host, port = self._listener.getsockname()[:2]
        self.address = Address(host, port)
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._behave, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _behave(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._behaviour(connection)
            except OSError:
                return  # The client has gone, which many of these tests provoke.

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)
        for connection in self._open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()


@contextmanager
def serving(
    behaviour: Behaviour, *, family: socket.AddressFamily = socket.AF_INET
) -> Iterator[Server]:
    server = Server(behaviour, family=family)
    try:
        yield server
    finally:
        server.stop()


def read_request(connection: socket.socket) -> bytes:
    """Reads one whole request; b"" when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while lengths and len(body) < lengths[0]:
        part = connection.recv(65536)
        if not part:
            return b""
        body += part
    return head + b"\r\n\r\n" + body


def saying(*parts: bytes) -> Behaviour:
    """Reads a request, writes the parts and closes."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"".join(parts))

    return behave


def keeping(answer: bytes) -> Behaviour:
    """Gives the same answer to every request and closes only after the client."""

    def behave(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(answer)

    return behave


def silent_until(done: threading.Event) -> Behaviour:
    """Neither reads nor writes until the event is set."""

    def behave(_connection: socket.socket) -> None:
        done.wait(10)

    return behave


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def get(server: Server, *, limit_s: float = 10, max_reply_bytes: int = MIB) -> Reply:
    return exchange(
        server.address,
        method="GET",
        path="/ping",
        headers={},
        body=None,
        limit_s=limit_s,
        max_reply_bytes=max_reply_bytes,
    )


def post(server: Server, body: bytes, *, limit_s: float = 20) -> Reply:
    return exchange(
        server.address,
        method="POST",
        path="/invocations",
        headers={"Content-Type": "text/csv"},
        body=body,
        limit_s=limit_s,
    )


def ask(behaviour: Behaviour, *, limit_s: float = 10, max_reply_bytes: int = MIB) -> Reply:
    with serving(behaviour) as server:
        return get(server, limit_s=limit_s, max_reply_bytes=max_reply_bytes)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---- what is a good answer


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi, and surplus", b"hi"),
        (b"HTTP/1.0 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200\r\n\r\nno reason phrase", b"no reason phrase"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", b"hi"),
        (
            CHUNKED + b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (
            b"HTTP/1.1 102 \r\n\r\nHTTP/1.1 103 \r\nLink: </x>\r\n\r\n"
            + CHUNKED
            + b"2\r\nhi\r\n0\r\n\r\n",
            b"hi",
        ),
    ],
)
def test_every_lawful_framing_is_read(answer: bytes, body: bytes) -> None:
    reply = ask(saying(answer))

    assert (reply.problem, reply.ok, reply.body) == (None, True, body)
    assert not reply.truncated


def test_an_answer_in_single_bytes_is_read() -> None:
    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in CHUNKED + b"1\r\nx\r\n0\r\n\r\n":
            connection.sendall(bytes([byte]))

    assert ask(behave).body == b"x"


def test_a_reply_tells_status_reason_headers_and_times() -> None:
    reply = ask(
        saying(
            b"HTTP/1.1 404 Not Here\r\nX-Twice: 1\r\nx-twice: 2\r\n"
            b"Content-Type: text/plain\r\nContent-Length: 1\r\n\r\nx"
        )
    )

    assert (reply.method, reply.path, reply.status, reply.reason) == (
        "GET",
        "/ping",
        404,
        "Not Here",
    )
    assert reply.headers[:2] == (("X-Twice", "1"), ("x-twice", "2"))
    assert reply.header("CONTENT-type") == "text/plain"
    assert reply.header("absent") is None
    assert not reply.ok
    assert reply.problem is None
    assert reply.connect_s is not None
    assert reply.first_byte_s is not None
    assert 0 < reply.connect_s < 5
    assert 0 < reply.first_byte_s <= reply.elapsed_s < 5


def test_a_head_request_expects_no_body() -> None:
    with serving(keeping(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")) as server:
        reply = exchange(
            server.address, method="HEAD", path="/ping", headers={}, body=None, limit_s=5
        )

    assert reply.ok
    assert reply.body == b""


def test_bytes_beyond_ascii_in_headers_are_kept_as_latin_1() -> None:
    value = "préfix…\x85".encode()

    reply = ask(
        saying(b"HTTP/1.1 200 O\xff\r\nX-Odd: " + value + b"\r\nContent-Length: 1\r\n\r\nx")
    )

    assert reply.problem is None
    assert (reply.header("x-odd") or "").encode("latin-1") == value
    assert reply.reason == "O\xff"
    assert reply.body == b"x"


@pytest.mark.parametrize(
    ("answer", "surplus"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", False),
        (b"HTTP/1.1 204 No Content\r\n\r\nab", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nmore", True),
        (b"HTTP/1.0 200 OK\r\n\r\nab", False),
    ],
)
def test_bytes_beyond_the_announced_end_are_seen(answer: bytes, surplus: bool) -> None:
    ways = (saying,) if answer.startswith(b"HTTP/1.0") else (saying, keeping)
    for way in ways:
        with serving(way(answer)) as server:
            reply = get(server)

        assert (reply.ok, reply.surplus) == (True, surplus)


def test_a_server_on_ipv6_is_reached() -> None:
    seen: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with serving(behave, family=socket.AF_INET6) as server:
        reply = get(server)

    assert reply.ok
    assert f"Host: [::1]:{server.address.port}\r\n".encode() in seen[0]


# ---- what is sent


def sent_by(
    *, method: str = "POST", headers: dict[str, str] | None = None, body: bytes | None = b"1,2"
) -> bytes:
    seen: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        seen.append(connection.recv(65536 * 4))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with serving(behave) as server:
        reply = exchange(
            server.address,
            method=method,
            path="/invocations",
            headers=headers or {},
            body=body,
            limit_s=5,
        )
    assert reply.ok
    return seen[0]


def test_headers_go_out_exactly_as_given_and_nothing_but_host_and_length_is_added() -> None:
    seen = sent_by(headers={"hOsT": "model.internal:8080", "X-Amzn-SageMaker-Thing": "a b"})

    assert seen == (
        b"POST /invocations HTTP/1.1\r\nhOsT: model.internal:8080\r\n"
        b"X-Amzn-SageMaker-Thing: a b\r\nContent-Length: 3\r\n\r\n1,2"
    )


def test_the_default_host_is_the_address() -> None:
    assert b"\r\nHost: 127.0.0.1:" in sent_by()


def test_a_length_is_sent_where_the_method_expects_a_body_and_only_there() -> None:
    assert b"Content-Length: 0\r\n" in sent_by(method="POST", body=None)
    assert b"Content-Length" not in sent_by(method="GET", body=None)


def test_a_caller_may_frame_the_body_itself() -> None:
    chunked = b"3\r\n1,2\r\n0\r\n\r\n"

    seen = sent_by(headers={"transfer-encoding": "chunked"}, body=chunked)

    assert b"Content-Length" not in seen
    assert seen.endswith(b"\r\n\r\n" + chunked)
    assert sent_by(headers={"Content-Length": "1"}).count(b"Content-Length") == 1


def test_head_and_body_leave_in_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"x" * 64 * 1024
    writes: list[int] = []

    class Counting(socket.socket):
        def send(self, data: memoryview, flags: int = 0) -> int:  # type: ignore[override]
            writes.append(len(data))
            return super().send(data, flags)

    with serving(keeping(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:
        # Only connections that are made from here on are counted; the server's use sendall.
        monkeypatch.setattr(socket, "socket", Counting)
        reply = post(server, body)
        monkeypatch.undo()

    assert reply.ok
    assert len(writes) == 1
    assert writes[0] > len(body)


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/a b", {}), ("/\r\nX: y", {}), ("/", {"X": "a\r\nY: b"}), ("/", {"X:Y": "a"})],
)
def test_a_request_that_cannot_be_sent_is_a_bug_of_ours_and_raises(
    path: str, headers: dict[str, str]
) -> None:
    with pytest.raises((ValueError, InvalidURL), match=r"control characters|Invalid header"):
        exchange(
            Address("127.0.0.1", 1), method="GET", path=path, headers=headers, body=None, limit_s=1
        )


# ---- what goes wrong on the way


def test_a_closed_port_is_refused() -> None:
    address = Address("127.0.0.1", free_port())

    reply = exchange(address, method="GET", path="/", headers={}, body=None, limit_s=5)

    assert (reply.problem, reply.status, reply.connect_s, reply.ok) == (
        "refused",
        None,
        None,
        False,
    )
    assert reply.describe().startswith("connection refused after 0.0")
    assert connect_time(address, limit_s=5) == (None, "refused")


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    address = Address("no-such-name.invalid", 8080)

    reply = exchange(address, method="GET", path="/", headers={}, body=None, limit_s=5)

    assert reply.problem == "unreachable"
    assert reply.detail
    assert connect_time(address, limit_s=5)[1] == "unreachable"


def test_a_full_backlog_is_a_timeout_of_the_connection() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = Address(*listener.getsockname())
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            assert sock.connect_ex(listener.getsockname()) in (0, errno.EINPROGRESS)

        started = perf_counter()
        reply = exchange(address, method="GET", path="/", headers={}, body=None, limit_s=0.3)
        measured = connect_time(address, limit_s=0.3)
        took = perf_counter() - started

        for sock in waiting:
            sock.close()
    assert (reply.problem, reply.connect_s, reply.detail) == ("timeout", None, "no connection")
    assert reply.elapsed_s == pytest.approx(0.3, abs=0.2)
    assert measured == (None, "timeout")
    assert took < 3


def test_the_time_of_a_connection_is_measured() -> None:
    with serving(close_at_once) as server:
        seconds, problem = connect_time(server.address, limit_s=5)

    assert problem is None
    assert seconds is not None
    assert 0 < seconds < 5


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EADDRNOTAVAIL])
def test_a_machine_without_sockets_is_trouble_of_the_harness(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_named: object) -> socket.socket:
        raise OSError(number, "out of means")

    monkeypatch.setattr(socket, "create_connection", fail)

    with pytest.raises(HarnessTrouble, match="out of means"):
        connect_time(Address("127.0.0.1", 8080), limit_s=1)


# ---- broken answers


def close_at_once(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    connection.recv(65536)


def reset_after_request(connection: socket.socket) -> None:
    read_request(connection)
    reset(connection)


def reset_in_body(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    # The client closes only after the reset, so wait until it has taken the bytes.
    while struct.unpack("i", _unsent(connection))[0]:
        pass
    reset(connection)


def _unsent(connection: socket.socket) -> bytes:
    return fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4)


@pytest.mark.parametrize(
    ("behaviour", "problem", "status", "detail"),
    [
        (close_at_once, "closed", None, "nothing was received"),
        (saying(), "closed", None, "nothing was received"),
        (reset_after_request, "reset", None, ""),
        (reset_in_body, "reset", 200, ""),
        (
            saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
            "closed",
            200,
            "3 of 9 bytes of the body",
        ),
        (
            saying(CHUNKED + b"9\r\nabc"),
            "closed",
            200,
            "3 bytes of the body",
        ),
        (
            saying(CHUNKED + b"3\r\nabc\r\n"),
            "closed",
            200,
            "3 bytes of the body",
        ),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Ty"), "closed", 200, "the head is incomplete"),
        (saying(b"HTTP/1.1 200 OK"), "closed", 200, "the head is incomplete"),
        (saying(b"\x16\x03\x01\x02\x00\x01"), "garbage", None, "\\x16\\x03\\x01\\x02\\x00\\x01"),
        (saying(b"SSH-2.0-OpenSSH_9.6\r\n"), "garbage", None, "SSH-2.0-OpenSSH_9.6"),
        (saying(b"\x1b[2J" * 20_000), "garbage", None, "status line"),
        (saying(b"HTTP/2.0 200 OK\r\n\r\n"), "garbage", 200, "HTTP/2.0"),
        (saying(b"HTTP/1.1 OK 200\r\n\r\n"), "garbage", None, "HTTP/1.1 OK 200"),
        (
            saying(CHUNKED + b"zz\r\n"),
            "garbage",
            200,
            "the size of a chunk is not a number",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\nno colon here\r\nContent-Length: 1\r\n\r\nx"),
            "garbage",
            200,
            "a line of the head is not a header",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 200, b"\r\n"),
            "too-big",
            200,
            "got more than 100 headers",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 100_000, b"\r\n\r\n"),
            "too-big",
            200,
            "header line",
        ),
        (
            saying(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 200),
            "too-big",
            103,
            "got more than 100 interim answers",
        ),
    ],
)
def test_a_broken_answer_is_a_problem_with_a_detail(
    behaviour: Behaviour, problem: str, status: int | None, detail: str
) -> None:
    reply = ask(behaviour)

    assert (reply.problem, reply.status) == (problem, status)
    assert detail in reply.detail
    assert not reply.ok
    assert reply.detail.isprintable()
    assert reply.describe().isprintable()
    assert len(reply.describe()) < 300


def drip(connection: socket.socket, start: bytes, part: bytes) -> None:
    read_request(connection)
    connection.sendall(start)
    gone = threading.Event()
    while not gone.wait(0.02):
        connection.sendall(part)


@pytest.mark.parametrize(
    ("start", "part", "status", "detail"),
    [
        (b"", b"H", None, "the status line is incomplete"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 200, "the head is incomplete"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y", 200, "the head is incomplete"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", None, "the status line is incomplete"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x", 200, "bytes of the body"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x", 200, "of 9999 bytes"),
        (
            CHUNKED,
            b"1\r\nx\r\n",
            200,
            "bytes of the body",
        ),
    ],
)
def test_a_dripping_answer_ends_at_the_limit(
    start: bytes, part: bytes, status: int | None, detail: str
) -> None:
    reply = ask(lambda connection: drip(connection, start, part), limit_s=0.4)

    assert (reply.problem, reply.status) == ("timeout", status)
    assert detail in reply.detail
    assert reply.elapsed_s == pytest.approx(0.4, abs=0.3)


def test_what_came_before_the_limit_is_kept() -> None:
    reply = ask(
        lambda connection: drip(
            connection, b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nstart:", b"x"
        ),
        limit_s=0.4,
    )

    assert reply.body.startswith(b"start:x")
    assert reply.first_byte_s is not None
    assert reply.describe().startswith("200 OK, then no complete answer in time after 0.")


def test_silence_ends_at_the_limit_and_leaves_no_thread() -> None:
    done = threading.Event()

    with serving(silent_until(done)) as server:
        before = threading.active_count()
        reply = get(server, limit_s=0.3)
        after = threading.active_count()
        done.set()

    assert (reply.problem, reply.detail) == ("timeout", "nothing was received")
    assert reply.first_byte_s is None
    assert after <= before + 1  # the server's own, for this connection


def test_a_server_that_reads_nothing_of_a_large_request_ends_at_the_limit() -> None:
    done = threading.Event()

    with serving(silent_until(done)) as server:
        reply = post(server, b"x" * 32 * MIB, limit_s=0.5)
        done.set()

    assert reply.problem == "timeout"
    assert "bytes of the request were not taken" in reply.detail
    assert reply.elapsed_s == pytest.approx(0.5, abs=0.3)


# ---- bounds


def test_a_huge_answer_is_cut_and_not_read_to_its_end() -> None:
    def behave(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    reply = ask(behave, max_reply_bytes=100_000)

    assert (reply.problem, reply.truncated, len(reply.body)) == ("too-big", True, 100_000)
    assert reply.detail == "more than 100000 bytes of body"


def test_an_answer_of_exactly_the_bound_is_whole() -> None:
    reply = ask(
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 1000),
        max_reply_bytes=1000,
    )

    assert (reply.problem, reply.truncated, len(reply.body)) == (None, False, 1000)


# ---- answers before the end of the request


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsmall",
        b"HTTP/1.0 413 Too Large\r\n\r\nsmall",
    ],
)
@pytest.mark.parametrize("first_reads", [1, 300_000])
def test_an_early_refusal_of_a_large_request_is_the_answer(answer: bytes, first_reads: int) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(first_reads)
        connection.sendall(answer)

    with serving(behave) as server:
        replies = [post(server, b"x" * 8 * MIB) for _ in range(10)]

    assert [(r.status, r.body, r.problem) for r in replies] == [(413, b"small", None)] * 10


def test_a_refusal_is_seen_though_the_server_neither_reads_nor_closes() -> None:
    done = threading.Event()

    def behave(connection: socket.socket) -> None:
        connection.recv(1)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nsmall")
        done.wait(10)

    with serving(behave) as server:
        reply = post(server, b"x" * 8 * MIB)
        done.set()

    assert (reply.status, reply.problem) == (413, None)
    assert reply.elapsed_s < 5


def test_a_server_may_answer_while_it_still_reads() -> None:
    def behave(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        data = b""
        left = -1
        while left:
            data = connection.recv(65536)
            if left < 0:
                head, _, data = data.partition(b"\r\n\r\n")
                left = 16 * MIB
                assert str(left).encode() in head
            connection.sendall(data)
            left -= len(data)

    with serving(behave) as server:
        reply = post(server, b"y" * 16 * MIB)

    assert reply.problem is None
    assert reply.body == b"y" * 16 * MIB


def test_a_server_that_resets_during_a_large_request_is_a_reset() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(1)
        reset(connection)

    with serving(behave) as server:
        reply = post(server, b"x" * 8 * MIB)

    assert (reply.problem, reply.status) == ("reset", None)


def test_a_large_request_arrives_whole() -> None:
    sizes: list[int] = []

    def behave(connection: socket.socket) -> None:
        sizes.append(len(read_request(connection).partition(b"\r\n\r\n")[2]))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with serving(behave) as server:
        reply = post(server, b"x" * 8 * MIB)

    assert reply.ok
    assert sizes == [8 * MIB]


# ---- sessions


def in_session(session: Session) -> Reply:
    return session.exchange(method="GET", path="/ping", headers={}, body=None, limit_s=5)


def test_a_session_reuses_a_connection_that_is_kept() -> None:
    with (
        serving(keeping(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")) as server,
        Session(server.address) as session,
    ):
        replies = [in_session(session) for _ in range(3)]

        assert all(reply.ok for reply in replies)
        assert [reply.connect_s is None for reply in replies] == [False, True, True]
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",  # closes without a word
        b"HTTP/1.1 200 OK\r\n\r\nx",
    ],
)
def test_a_session_connects_again_when_the_server_closed(answer: bytes) -> None:
    with serving(saying(answer)) as server, Session(server.address) as session:
        replies = [in_session(session) for _ in range(20)]

    assert all(reply.ok and reply.body == b"x" for reply in replies)
    assert all(reply.connect_s is not None for reply in replies)
    assert server.connections == 20


def test_a_connection_that_the_server_gave_up_is_not_used_again_though_it_stays_open() -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"

    with serving(keeping(answer)) as server, Session(server.address) as session:
        replies = [in_session(session) for _ in range(2)]

        assert all(reply.ok for reply in replies)
        assert server.connections == 2


def test_the_rest_of_a_refused_request_is_not_mistaken_for_the_next_one() -> None:
    done = threading.Event()

    def behave(connection: socket.socket) -> None:
        if connection.recv(4) == b"GET ":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
            return
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nsmall")
        done.wait(10)

    with serving(behave) as server, Session(server.address) as session:
        refused = session.exchange(
            method="POST", path="/", headers={}, body=b"x" * 32 * MIB, limit_s=10
        )
        good = in_session(session)
        done.set()

        assert (refused.status, refused.problem) == (413, None)
        assert good.ok
        assert server.connections == 2


def test_a_kept_connection_that_fails_without_an_answer_is_tried_once_more() -> None:
    answered = threading.Event()

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        if not answered.is_set():
            answered.set()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        read_request(connection)

    with serving(behave) as server, Session(server.address) as session:
        first = in_session(session)
        second = session.exchange(method="GET", path="/", headers={}, body=None, limit_s=0.3)

        assert first.ok
        assert second.problem == "timeout"
        assert second.connect_s is not None
        assert server.connections == 2


def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    taken = threading.Event()
    spoken = threading.Event()

    def behave(connection: socket.socket) -> None:
        while read_request(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
            taken.wait(5)
            connection.sendall(b"HTTP/1.1 500 Unasked\r\nContent-Length: 1\r\n\r\ny")
            spoken.set()

    with serving(behave) as server, Session(server.address) as session:
        first = in_session(session)
        taken.set()
        assert spoken.wait(5)
        second = in_session(session)

    assert [first.status, second.status] == [200, 200]
    assert second.connect_s is not None


def test_a_session_goes_on_after_a_failure() -> None:
    calls: list[int] = []

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        calls.append(1)
        if len(calls) == 1:
            reset(connection)
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")

    with serving(behave) as server, Session(server.address) as session:
        assert in_session(session).problem == "reset"
        assert in_session(session).ok


# ---- bodies in chunks, and those that are held back


def posting(server: Server, headers: dict[str, str], body: bytes = b"0123456789") -> Reply:
    return exchange(server.address, method="POST", path="/", headers=headers, body=body, limit_s=5)


def recording(heard: list[bytes], *, interim: bytes, answer: bytes, body: int) -> Behaviour:
    """Reads a head, says ``interim``, reads ``body`` bytes, answers; all that came is in ``heard``."""

    def behave(connection: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        heard.append(data)
        connection.sendall(interim)
        rest = b""
        while len(rest) < body and (part := connection.recv(65536)):
            rest += part
        heard.append(rest)
        connection.sendall(answer)

    return behave


ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
EXPECTS = {"Expect": "100-continue"}


@pytest.mark.parametrize("body", [b"", b"1", b"0123456789", b"x" * 100_000])
def test_a_body_goes_out_in_chunks_and_comes_out_whole(body: bytes) -> None:
    heard: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while stream.readline().strip():
            pass
        while size := int(stream.readline(), 16):
            heard.append(stream.read(size))
            assert stream.readline() == b"\r\n"
        assert stream.readline() == b"\r\n"
        connection.sendall(ANSWER)

    with serving(behave) as server:
        reply = posting(server, {"Transfer-Encoding": "chunked"}, in_chunks(body))

    assert reply.ok
    assert b"".join(heard) == body
    assert len(heard) == min(3, len(body))


def test_a_body_that_is_asked_for_follows_at_once() -> None:
    heard: list[bytes] = []
    asks = recording(heard, interim=b"HTTP/1.1 100 Continue\r\n\r\n", answer=ANSWER, body=10)

    with serving(asks) as server:
        reply = posting(server, EXPECTS)

    assert (reply.status, reply.body, reply.version) == (200, b"x", 11)
    assert heard[0].endswith(b"\r\n\r\n")
    assert heard[1] == b"0123456789"
    assert reply.elapsed_s < 0.9


def test_a_body_that_nobody_asks_for_follows_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_CONTINUE_S", 0.1)
    heard: list[bytes] = []

    with serving(recording(heard, interim=b"", answer=ANSWER, body=10)) as server:
        reply = posting(server, EXPECTS)

    assert reply.ok
    assert heard == [heard[0], b"0123456789"]
    assert 0.1 <= reply.elapsed_s < 2


@pytest.mark.parametrize("status", [b"200 OK", b"417 Expectation Failed", b"500 No"])
def test_a_body_is_kept_where_the_answer_comes_without_it(status: bytes) -> None:
    heard: list[bytes] = []
    ended = threading.Event()
    answer = b"HTTP/1.1 %b\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx" % status

    def behave(connection: socket.socket) -> None:
        heard.append(connection.recv(65536))
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        heard.append(connection.recv(65536))
        ended.set()

    with serving(behave) as server:
        reply = posting(server, EXPECTS)
        assert ended.wait(30)

    assert (reply.status, reply.problem) == (int(status[:3]), None)
    assert heard[1] == b""


def test_a_server_that_ends_instead_of_asking_is_seen_as_closed() -> None:
    with serving(lambda connection: connection.recv(65536) and None) as server:
        reply = posting(server, EXPECTS)

    assert (reply.status, reply.problem) == (None, "closed")


def test_a_connection_is_not_reused_behind_a_body_that_was_held_back() -> None:
    def behave(connection: socket.socket) -> None:
        while connection.recv(65536):
            connection.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 1\r\n\r\nx")

    with serving(behave) as server, Session(server.address) as session:
        replies = [
            session.exchange(method="POST", path="/", headers=EXPECTS, body=b"x", limit_s=5)
            for _ in range(2)
        ]

        assert [reply.status for reply in replies] == [417, 417]
        assert server.connections == 2


@pytest.mark.parametrize(("answer", "version"), [(b"HTTP/1.0 200 OK", 10), (b"HTTP/1.1 200 K", 11)])
def test_a_reply_tells_the_version_of_its_status_line(answer: bytes, version: int) -> None:
    reply = ask(saying(answer + b"\r\nContent-Length: 0\r\n\r\n"))

    assert reply.version == version


# ---- how it is shown


def made(*, body: bytes = b"", status: int | None = 200, problem: str | None = None) -> Reply:
    return Reply(
        method="GET",
        path="/ping",
        status=status,
        reason="" if status is None else "OK\x1b[0m",
        headers=(("Content-Type", "text/\x1b[31mhtml"),) if body else (),
        body=body,
        truncated=False,
        connect_s=0.001,
        first_byte_s=0.01,
        elapsed_s=0.0123,
        problem=problem,
    )


def test_text_escapes_what_a_terminal_would_obey_and_keeps_lines() -> None:
    body = "a\x1b]0;owned\x07\r\nb\rc\n\u202e\tü".encode() + b"\xff\x9b"

    assert made(body=body).text() == "a\\x1b]0;owned\\x07\nb\\rc\n\\u202e\\tü\\xff\\x9b"


def test_text_is_bounded_and_says_so() -> None:
    reply = made(body="ü".encode() * 5000)

    assert reply.text(limit=10) == "ü" * 10 + "… (10000 bytes in all)"
    assert made(body=b"0123456789").text(limit=10) == "0123456789"
    assert made().text() == ""


def test_a_reply_is_described_in_one_printable_line() -> None:
    assert made(body=b"x" * 34).describe() == (
        "200 OK\\x1b[0m after 0.012 s, 34 bytes of text/\\x1b[31mhtml"
    )
    assert made().describe() == "200 OK\\x1b[0m after 0.012 s, no body"
    assert made(status=None, problem="refused").describe() == "connection refused after 0.012 s"
    assert made(body=b"x", problem="reset").describe() == (
        "200 OK\\x1b[0m, then connection reset after 0.012 s; 1 byte of text/\\x1b[31mhtml"
    )


def test_a_missing_content_type_is_said() -> None:
    reply = ask(saying(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 1\r\n\r\nx"))

    assert reply.header("content-type") is None
    assert reply.describe().startswith("500 Internal Server Error after 0.")
    assert reply.describe().endswith(" s, 1 byte without a content type")


def test_printable_keeps_ordinary_text_and_escapes_the_rest() -> None:
    assert printable("Grüße, 世界") == "Grüße, 世界"
    assert printable("\x00\u2028\ud800\n") == "\\x00\\u2028\\ud800\\n"


# ---- anything at all

_HEAD = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 103 \r\n\r\n",
        b"Content-Type: multipart/mixed; boundary*0*=",
        b"Content-Type: message/rfc822\r\n",
        b"Content-Type: text/plain; charset*=x'y'%ff\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: ",
        b"\r\n",
        b"-5\r\n",
        b"0\r\n\r\n",
        b": ",
        b" folded",
    ]
)


@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
@given(parts=st.lists(_HEAD | st.binary(max_size=12), max_size=12))
def test_no_answer_whatever_raises(parts: list[bytes]) -> None:
    reply = ask(saying(*parts), limit_s=1)

    assert reply.status is None or 100 <= reply.status <= 999
    assert reply.status is not None or reply.problem in ("closed", "garbage")
    assert reply.problem in (None, "closed", "garbage", "timeout", "too-big")
    assert reply.describe().isprintable()
