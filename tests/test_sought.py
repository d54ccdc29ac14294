"""What a candidate tried to reach: how it is told, gathered and bounded; needs no engine."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from dnslib import QTYPE, RCODE, DNSRecord
from hypothesis import given
from hypothesis import strategies as some

from sm_conformance.engine.name_server import Asked, NameServer
from sm_conformance.engine.sockets import Dialled
from sm_conformance.observed.sought import NOTHING_SOUGHT, Sought, as_address, as_name, merged

HERE = "127.0.0.1"
OTHER = "192.0.2.9"

# -- how it is told --------------------------------------------------------------------------------


def test_names_and_addresses_are_told_in_one_line() -> None:
    sought = Sought(
        names=("huggingface.co", "s3.amazonaws.com"),
        addresses=("192.0.2.1:443", "169.254.169.254:80", "169.254.170.2:80"),
    )

    assert sought.describe() == (
        "it asked for the names huggingface.co, s3.amazonaws.com and dialled 192.0.2.1:443, "
        "169.254.169.254:80 (the instance metadata service), "
        "169.254.170.2:80 (the service that gives containers credentials)"
    )


def test_one_of_the_two_alone_and_nothing_at_all_are_told_too() -> None:
    assert Sought(names=("a.example",)).describe() == "it asked for the name a.example"
    assert Sought(addresses=("[fd00:ec2::254]:80",)).describe() == (
        "it dialled [fd00:ec2::254]:80 (the instance metadata service)"
    )
    assert (NOTHING_SOUGHT.describe(), bool(NOTHING_SOUGHT)) == ("", False)
    assert Sought(addresses=("192.0.2.1:1",))


def test_only_the_first_eight_are_named() -> None:
    told = Sought(names=tuple(f"n{number}.example" for number in range(20))).describe()

    assert "n7.example and 12 more" in told
    assert "n8.example" not in told


def test_what_several_launches_sought_is_told_once() -> None:
    one, two = Sought(names=("a", "b"), addresses=("x:1",)), Sought(names=("b", "c"))

    assert merged([one, two]) == Sought(names=("a", "b", "c"), addresses=("x:1",))


def test_what_a_candidate_wrote_into_a_name_moves_no_cursor() -> None:
    assert as_name("Evil\x1b[2J.Example.") == "evil\\x1b[2j.example"
    assert len(as_name("x" * 10_000)) == 253
    assert as_address("::1", 80) == "[::1]:80"


# -- who asked for what ----------------------------------------------------------------------------


def test_an_address_that_goes_from_one_container_to_the_next_tells_them_apart() -> None:
    asked = Asked()
    first = time.monotonic()
    asked.claim(HERE, first)
    asked.add(HERE, "first.example")
    second = time.monotonic()
    asked.add(HERE, "second.example")
    asked.claim(HERE, second)

    assert asked.by(HERE, first) == ("first.example",)
    assert asked.by(HERE, second) == ("second.example",)
    assert asked.by(OTHER, first) == ()


def test_both_of_them_may_have_asked_for_one_name() -> None:
    asked = Asked()
    first = time.monotonic()
    asked.claim(HERE, first)
    asked.add(HERE, "same.example")
    second = time.monotonic()
    asked.claim(HERE, second)
    asked.add(HERE, "same.example")

    assert asked.by(HERE, first) == asked.by(HERE, second) == ("same.example",)


def test_one_that_nobody_could_look_at_is_told_by_the_addresses_that_nobody_claims() -> None:
    asked = Asked()
    asked.add(HERE, "before.example")
    began = time.monotonic()
    asked.claim(OTHER, began)
    asked.add(OTHER, "anothers.example")
    asked.add(HERE, "quick.example")

    assert asked.by_strangers(began) == ("quick.example",)
    asked.release(OTHER)
    assert set(asked.by_strangers(began)) == {"quick.example", "anothers.example"}


def test_any_number_of_names_from_any_number_of_addresses_is_bounded() -> None:
    asked = Asked()
    for number in range(2000):
        asked.add(HERE, f"n{number}.example")
        asked.add(f"10.0.{number // 250}.{number % 250}", "flood.example")
        asked.claim(HERE, float(number))

    assert len(asked.by(HERE, 2000.0)) <= 64
    assert len(asked.by_strangers(0.0)) <= 64
    assert len(asked._sources) <= 512


@given(some.binary(max_size=600))
def test_no_packet_breaks_it(packet: bytes) -> None:
    asked = Asked()

    reply = asked.answer(packet, HERE)

    assert reply is None or DNSRecord.parse(reply).header.rcode == RCODE.NXDOMAIN


@given(some.binary(min_size=1, max_size=80), some.integers(0, 65535))
def test_no_name_breaks_it_and_what_is_kept_can_be_printed(label: bytes, kind: int) -> None:
    asked = Asked()
    head = DNSRecord.question("x").pack()[:12]
    packet = head + bytes([min(len(label), 63)]) + label[:63] + b"\0" + kind.to_bytes(2) + b"\0\1"

    reply = asked.answer(packet, HERE)

    assert reply is not None or not label.isascii(), "what is in no known alphabet is left alone"
    assert all(name.isprintable() for name in asked.by(HERE, 0.0))


# -- the name server -------------------------------------------------------------------------------


def made_somewhere() -> NameServer:
    """A name server at a port that is free for datagrams and for connections."""
    for _ in range(50):
        try:
            return NameServer(HERE, 0)
        except OSError:  # another test has a connection from this very port
            continue
    raise AssertionError("no port is free for both")


@pytest.fixture
def server() -> Iterator[NameServer]:
    made = made_somewhere()
    yield made
    made.close()
    assert not [one for one in threading.enumerate() if one.name == "name-server"]


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("kind", ["A", "AAAA", "TXT", "SRV"])
def test_it_knows_no_name_and_says_so_at_once(server: NameServer, kind: str, tcp: bool) -> None:
    began = time.monotonic()

    reply = DNSRecord.parse(
        DNSRecord.question("Hugging.Face.Example", kind).send(*server.address, tcp=tcp, timeout=5)
    )

    assert time.monotonic() - began < 1.0
    assert reply.header.rcode == RCODE.NXDOMAIN
    assert (str(reply.q.qname), QTYPE[reply.q.qtype]) == ("Hugging.Face.Example.", kind)
    assert server.asked.by(HERE, began) == ("hugging.face.example",)


def test_to_want_a_name_for_an_address_is_not_to_want_to_reach_it(server: NameServer) -> None:
    question = DNSRecord.question("1.0.168.192.in-addr.arpa", "PTR")

    reply = DNSRecord.parse(question.send(*server.address, timeout=5))

    assert reply.header.rcode == RCODE.NXDOMAIN
    assert server.asked.by(HERE, 0.0) == ()


def test_replies_that_come_as_questions_are_not_answered(server: NameServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.2)
        asking.sendto(DNSRecord.question("a.example").reply().pack(), server.address)
        with pytest.raises(TimeoutError):
            asking.recv(512)


def test_whoever_holds_a_connection_open_holds_up_nobody_for_long(server: NameServer) -> None:
    with socket.create_connection(server.address) as silent:
        silent.sendall(b"\0")
        began = time.monotonic()
        by_datagram = DNSRecord.question("a.example").send(*server.address, timeout=5)
        at_once = time.monotonic() - began
        by_connection = DNSRecord.question("b.example").send(*server.address, tcp=True, timeout=5)
        later = time.monotonic() - began

    assert by_datagram
    assert by_connection
    assert at_once < 0.3
    assert later < 2.0


def test_a_port_that_somebody_has_is_not_taken(server: NameServer) -> None:
    with pytest.raises(OSError, match="in use"):
        NameServer(*server.address)


def test_it_gives_its_port_back_and_ends_soon() -> None:
    made = made_somewhere()
    began = time.monotonic()
    made.close()

    assert time.monotonic() - began < 0.5
    NameServer(*made.address).close()


# -- what is dialled -------------------------------------------------------------------------------


def test_a_peer_is_seen_while_its_socket_lives_unless_it_is_near() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((OTHER, 8125))  # sends nothing
        except OSError:
            pytest.skip("there is no route to anywhere")
        far = Dialled(os.getpid(), near=frozenset())
        near = Dialled(os.getpid(), near=frozenset({OTHER}))
        seen, not_seen = far.addresses(), near.addresses()
    later = Dialled(os.getpid(), near=frozenset())

    assert f"{OTHER}:8125" in seen
    assert f"{OTHER}:8125" not in not_seen
    assert f"{OTHER}:8125" not in later.addresses()
    for one in (far, near, later):
        one.close()


def test_what_listens_and_what_is_answered_on_this_host_is_not_dialled() -> None:
    with socket.create_server((HERE, 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection((HERE, port)):
            dialled = Dialled(os.getpid(), near=frozenset())
            found = dialled.addresses()
            dialled.close()

    assert not [one for one in found if one.endswith(f":{port}")]


def test_a_process_that_is_gone_has_dialled_nothing() -> None:
    dialled = Dialled(2**22 + 1, near=frozenset())
    dialled.watch()

    assert dialled.addresses() == ()
    dialled.close()
    dialled.close()
    assert not [one for one in threading.enumerate() if one.name == "dialled"]
