"""A request in two parts: what came of it is a reply like any other."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sm_conformance.observed.http import Address, Reply
from sm_conformance.observed.parted import PartedRequest

BODY = b"5.1,3.5,1.4,0.2\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Talk = Callable[[socket.socket], None]


@contextmanager
def server(talk: Talk) -> Iterator[Address]:
    """Talks to one caller."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            caller, _ = listener.accept()
            with caller:
                talk(caller)

        going = threading.Thread(target=serve)
        going.start()
        yield Address(*listener.getsockname())
        going.join(10)
        assert not going.is_alive()


def ask(address: Address, *, between: Callable[[], object] = lambda: None, **how: float) -> Reply:
    with PartedRequest(
        address, path="/invocations", headers={"Host": "x"}, body=BODY, limit_s=5
    ) as parted:
        assert parted.begun
        between()
        return parted.finish(limit_s=how.get("limit_s", 5))


def until(caller: socket.socket, end: bytes) -> bytes:
    held = b""
    while not held.endswith(end):
        held += caller.recv(4096)
    return held


def test_the_second_half_comes_when_it_is_due_and_the_answer_is_read() -> None:
    first, seen = threading.Event(), []

    def talk(caller: socket.socket) -> None:
        seen.append(until(caller, BODY[:8]))
        first.set()
        seen.append(until(caller, BODY[8:]))
        caller.sendall(ANSWER)

    with server(talk) as address:
        reply = ask(address, between=lambda: first.wait(5))

    assert first.is_set()
    assert (reply.status, reply.body, reply.problem) == (200, b"ok", None)
    assert reply.connect_s is not None
    assert seen[0].startswith(
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n"
    )
    assert seen[1] == BODY[8:]


def test_who_hangs_up_between_the_halves_has_not_answered() -> None:
    gone = threading.Event()

    def talk(caller: socket.socket) -> None:
        until(caller, BODY[:8])
        caller.close()
        gone.set()

    with server(talk) as address:
        reply = ask(address, between=lambda: gone.wait(5))

    assert reply.status is None
    assert reply.problem in ("closed", "reset")


def test_an_answer_that_is_cut_is_told_as_such() -> None:
    def talk(caller: socket.socket) -> None:
        until(caller, BODY)
        caller.sendall(ANSWER[:-1])

    with server(talk) as address:
        reply = ask(address)

    assert (reply.status, reply.problem) == (200, "closed")


def test_a_refusal_before_the_second_half_is_an_answer() -> None:
    refused = threading.Event()

    def talk(caller: socket.socket) -> None:
        until(caller, BODY[:8])
        caller.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        refused.set()
        until(caller, BODY[8:])

    with server(talk) as address:
        reply = ask(address, between=lambda: refused.wait(5))

    assert (reply.status, reply.problem) == (503, None)


def test_who_never_answers_is_given_up() -> None:
    over = threading.Event()
    with server(lambda _: [over.wait(5)][0] and None) as address:
        reply = ask(address, limit_s=0.1)
        over.set()

    assert (reply.status, reply.problem) == (None, "timeout")


def test_nothing_is_sent_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = Address(*listener.getsockname())

    with PartedRequest(address, path="/", headers={}, body=BODY, limit_s=1) as parted:
        begun, reply = parted.begun, parted.finish(limit_s=1)

    assert not begun
    assert (reply.problem, reply.connect_s) == ("refused", None)


@pytest.mark.parametrize("body", [b"x", b"xy"])
def test_the_shortest_body_has_a_second_half(body: bytes) -> None:
    def talk(caller: socket.socket) -> None:
        until(caller, body)
        caller.sendall(ANSWER)

    with (
        server(talk) as address,
        PartedRequest(address, path="/", headers={}, body=body, limit_s=5) as parted,
    ):
        reply = parted.finish(limit_s=5)

    assert reply.ok
