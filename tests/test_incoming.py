"""A reply that comes in pieces is whole at the same byte, however it was cut."""

from __future__ import annotations

import pytest

from sm_conformance.observed.incoming import Heads, Incoming, Whole

GOOD = Whole(ok=True, keeps_alive=True)
LAST = Whole(ok=True, keeps_alive=False)
FAILED = Whole(ok=False, keeps_alive=True)
BROKEN = Whole(ok=False, keeps_alive=False)

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel\r\n\r\n1\r\n\n\r\n0\r\n"
    b"Trailer: x\r\n\r\n"
)
REPLIES = {
    "a length": (LENGTH, GOOD),
    "chunks with line ends and a trailer": (CHUNKED, GOOD),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", GOOD),
    "a length of 0": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", GOOD),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", GOOD),
    "an interim answer": (b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH, GOOD),
    "early hints": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + LENGTH, GOOD),
    "a failure": (b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno", FAILED),
    "a close that is announced": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", LAST,
    ),
    "HTTP/1.0 with a length": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", LAST),
    "garbage": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", BROKEN),
}  # fmt: skip


def incoming(heads: Heads | None = None, *, bound: int = 1 << 20) -> Incoming:
    return Incoming(method="POST", heads=heads or Heads(), bound=bound)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(("data", "whole"), REPLIES.values(), ids=REPLIES)
def test_a_reply_is_whole_with_its_last_byte(data: bytes, whole: Whole, size: int) -> None:
    heads = Heads()
    for _ in range(3):  # the second time its head is known
        reply = incoming(heads)
        parts = [data[n : n + size] for n in range(0, len(data), size)]
        assert [reply.feed(part) for part in parts] == [None] * (len(parts) - 1) + [whole]


@pytest.mark.parametrize("known", [False, True])
def test_what_comes_behind_a_reply_makes_its_connection_useless(known: bool) -> None:
    heads = Heads()
    if known:
        incoming(heads).feed(LENGTH)

    assert incoming(heads).feed(LENGTH + b"more") == LAST


@pytest.mark.parametrize("known", [False, True])
def test_a_reply_that_ends_too_early_is_broken(known: bool) -> None:
    heads = Heads()
    if known:
        incoming(heads).feed(LENGTH)
    reply = incoming(heads)

    assert reply.feed(LENGTH[:-1]) is None
    assert reply.end() == BROKEN
    assert incoming(heads).end() == BROKEN


def test_without_a_length_the_end_of_the_connection_is_the_end() -> None:
    reply = incoming()

    assert reply.feed(b"HTTP/1.0 200 OK\r\n\r\nhel") is None
    assert reply.feed(b"lo") is None
    assert reply.end() == LAST


def test_of_a_known_length_only_bytes_are_counted_and_none_is_kept() -> None:
    heads = Heads()
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n" + bytes(500_000)
    assert incoming(heads).feed(big) == GOOD

    reply = incoming(heads)
    assert reply.feed(big[:400_000]) is None
    assert (reply.held, reply.began) == (0, True)
    assert reply.feed(big[400_000:]) == GOOD


def test_more_than_is_kept_is_broken() -> None:
    endless = b"HTTP/1.1 200 OK\r\nX: " + bytes(2000)

    assert incoming(bound=1000).feed(endless) == BROKEN


def test_heads_that_all_differ_are_not_kept_for_ever() -> None:
    heads = Heads()
    for n in range(1000):
        data = b"HTTP/1.1 200 OK\r\nX-Request: %d\r\nContent-Length: 2\r\n\r\nok" % n
        assert incoming(heads).feed(data) == GOOD

    assert heads.find(b"HTTP/1.1 200 OK\r\nX-Request: 1\r\nContent-Length: 2\r\n\r\n") is None
