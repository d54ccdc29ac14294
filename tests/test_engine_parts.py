"""The parts of the engine layer that need no engine: owners, logs, sockets, processes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from sm_conformance.engine import log as log_module
from sm_conformance.engine import ownership
from sm_conformance.engine.log import LogCapture
from sm_conformance.engine.ownership import OWNER_LABEL, RUN_LABEL, Owner, labels, new_run_id
from sm_conformance.engine.sockets import listening
from sm_conformance.observed.facts import Listener, Process

SIGTERM = 1 << 14


# -- owners ----------------------------------------------------------------------------------------


def test_an_owner_survives_the_label() -> None:
    owner = Owner.current()

    assert Owner.parse(str(owner)) == owner
    assert labels(run_id="r", owner=owner) == {RUN_LABEL: "r", OWNER_LABEL: str(owner)}


@pytest.mark.parametrize(
    "text", ["", "x", "a/b/c/d", "a/1/c", "a/1/c/2/3", "a/-1/c/2", "a/1/c/2.5", "a/1/c/", "////"]
)
def test_a_label_that_is_not_ours_names_no_owner(text: str) -> None:
    assert Owner.parse(text) is None


def test_a_living_process_is_not_gone_and_an_ended_one_is() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = ownership._born(child.pid)
    here = Owner.current()
    owner = Owner(machine=here.machine, pid=child.pid, born=born, since=here.since)

    assert not owner.gone()
    child.communicate(b"\n")
    assert owner.gone()
    assert not here.gone()


def test_another_process_of_the_same_number_does_not_keep_what_a_dead_one_left() -> None:
    here = Owner.current()
    earlier = Owner(machine=here.machine, pid=here.pid, born="1", since=here.since)

    assert earlier.gone()


def test_an_owner_elsewhere_is_waited_for_for_a_day() -> None:
    here = Owner.current()
    day = 24 * 3600
    fresh = Owner(machine="elsewhere", pid=here.pid, born=here.born, since=here.since - day + 60)
    stale = Owner(machine="elsewhere", pid=here.pid, born=here.born, since=here.since - day - 60)

    assert not fresh.gone()
    assert stale.gone()


def test_a_process_that_may_not_be_signalled_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pid: int, number: int) -> None:
        raise PermissionError

    owner = Owner.current()
    monkeypatch.setattr(os, "kill", forbidden)

    assert not owner.gone()


def test_run_ids_are_short_and_differ() -> None:
    made = {new_run_id() for _ in range(50)}

    assert len(made) == 50
    assert {len(one) for one in made} == {12}


# -- logs ------------------------------------------------------------------------------------------


def test_both_streams_are_kept_apart_and_their_times_are_known() -> None:
    log = LogCapture([(b"out", None), (None, b"err"), (b"more", b"both")])

    assert log.finish(5)
    assert (log.stdout(), log.stderr(), log.total_bytes) == (b"outmore", b"errboth", 14)
    assert log.first_at is not None
    assert log.last_at is not None
    assert log.first_at <= log.last_at


def test_nothing_written_has_no_time() -> None:
    log = LogCapture(())

    assert log.finish(5)
    assert (log.first_at, log.last_at, log.total_bytes) == (None, None, 0)


def test_of_very_much_the_head_and_the_tail_are_kept_and_the_gap_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_module, "_HEAD_BYTES", 10)
    monkeypatch.setattr(log_module, "_TAIL_BYTES", 20)
    frames = [(b"%09d\n" % number, None) for number in range(100)]

    log = LogCapture(frames)

    assert log.finish(5)
    text = log.stdout()
    assert text.startswith(b"000000000\n")
    assert text.endswith(b"000000098\n000000099\n")
    assert b"[... 970 bytes not kept ...]" in text
    assert log.total_bytes == 1000


def test_a_log_is_read_on_from_where_it_was_left() -> None:
    log = LogCapture([(b"out", None), (None, b"err"), (b"more", b"both")])
    assert log.finish(5)

    assert log.after((0, 0)) == ((b"outmore", 0), (b"errboth", 0))
    assert log.after((3, 2)) == ((b"more", 0), (b"rboth", 0))
    assert log.after((7, 7)) == ((b"", 0), (b"", 0))


@pytest.mark.parametrize("seen", [0, 5, 10, 500, 980, 985, 1000])
def test_what_was_not_kept_is_counted_when_a_log_is_read_on(
    monkeypatch: pytest.MonkeyPatch, seen: int
) -> None:
    monkeypatch.setattr(log_module, "_HEAD_BYTES", 10)
    monkeypatch.setattr(log_module, "_TAIL_BYTES", 20)
    written = b"".join(b"%09d\n" % number for number in range(100))
    log = LogCapture([(written[at : at + 10], None) for at in range(0, 1000, 10)])
    assert log.finish(5)

    (piece, lost), _ = log.after((seen, 0))

    assert lost == max(0, 980 - max(seen, 10))
    assert piece == written[seen:10] + written[max(seen, 980) :]
    assert seen + len(piece) + lost == 1000


def test_a_stream_that_goes_on_is_not_finished_and_can_be_read() -> None:
    release = threading.Event()

    def frames() -> Iterator[tuple[bytes | None, bytes | None]]:
        yield b"first", None
        release.wait(5)
        yield b"second", None

    log = LogCapture(frames())

    assert not log.finish(0.05)
    assert log.stdout() == b"first"
    release.set()
    assert log.finish(5)
    assert log.stdout() == b"firstsecond"


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_a_broken_connection_ends_the_log_and_keeps_what_was_read(error: type[Exception]) -> None:
    def frames() -> Iterator[tuple[bytes | None, bytes | None]]:
        yield b"last words", None
        raise error

    log = LogCapture(frames())

    assert log.finish(5)
    assert log.stdout() == b"last words"


# -- sockets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "host", "loopback"),
    [
        (socket.AF_INET, "127.0.0.1", True),
        (socket.AF_INET, "0.0.0.0", False),
        (socket.AF_INET6, "::1", True),
    ],
)
def test_a_listening_socket_is_found_with_its_address(
    family: socket.AddressFamily, host: str, loopback: bool
) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as server:
        try:
            server.bind((host, 0))
        except OSError:
            pytest.skip(f"this machine has no {host}")
        port = server.getsockname()[1]
        silent = Listener(host=host, port=port)

        assert silent not in listening(os.getpid())
        server.listen()
        found = [one for one in listening(os.getpid()) if one.port == port]

    assert found == [silent]
    assert found[0].loopback is loopback


def test_a_process_that_is_not_there_listens_nowhere() -> None:
    assert listening(2**22 + 1) == ()


# -- processes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caught", "blocked", "state", "waits_in", "drops"),
    [
        (0, 0, "S", "do_epoll_wait", True),
        (0, 0, "R", "", True),
        (SIGTERM, 0, "S", "do_epoll_wait", False),
        (0, SIGTERM, "S", "do_epoll_wait", False),
        (0, 0, "S", "do_sigtimedwait", False),
        (0, 0, "S", "", False),
        (None, 0, "R", "", False),
        (0, None, "R", "", False),
        (1 << 1, 0, "R", "", True),
    ],
)
def test_sigterm_is_dropped_only_where_that_is_certain(
    caught: int | None, blocked: int | None, state: str, waits_in: str, drops: bool
) -> None:
    process = Process(
        pid=1, parent=0, command="x", caught=caught, blocked=blocked, state=state,
        waits_in=waits_in,
    )  # fmt: skip

    assert process.drops_sigterm is drops
