"""The process that serves is killed from outside, and no other one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient
from docker.utils import kwargs_from_env
from real_engine import PATIENCE_S, image, launched, program, wait_for

from sm_conformance.engine import children
from sm_conformance.engine.children import kill_server
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.protocol import Network
from sm_conformance.observed.facts import Killing, NotKilled, Process

pytestmark = pytest.mark.engine

LISTEN = """
import os, socket, time
def listen(where):
    one = socket.socket(socket.AF_INET if isinstance(where, tuple) else socket.AF_UNIX)
    one.bind(where)
    one.listen()
    return one
"""
REPORT = """
while True:
    pid, _ = os.wait()
    print(f"gone {names[pid]}", flush=True)
"""
FRONT = ("0.0.0.0", 8080)


def started(*children: str, first: str = "pass") -> tuple[str, ...]:
    """A first process that runs ``first``, forks ``children`` and says which of them ends."""
    text = f"{LISTEN}\nFRONT = {FRONT}\nnames = {{}}\n{first}\n"
    for number, child in enumerate(children):
        text += (
            f"pid = os.fork()\nif pid == 0:\n    {child}\n    time.sleep(600)\n"
            f"names[pid] = {number}\n"
        )
    return program(f"{text}time.sleep(0.3)\nprint('ready', flush=True)\n{REPORT}")


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    made = DockerEngine()
    yield made
    made.close()


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    """An image without ENTRYPOINT."""
    api = APIClient(**kwargs_from_env())
    with image(api, "killing", "ENTRYPOINT []") as tag:
        yield tag
    api.close()


CASES = {
    "the child that listens": (started("pass", "one = listen(FRONT)"), "gone 1"),
    "the server behind a front": (
        started("one = listen(FRONT)", "one = listen('/tmp/behind')"), "gone 1",
    ),
    "the server behind a front on another port": (
        started("one = listen(('127.0.0.1', 5000))", first="one = listen(FRONT)"), "gone 0",
    ),
    "the first child of a first process that listens": (
        started("pass", "pass", first="one = listen(FRONT)"), "gone 0",
    ),
    "the parent of several workers": (
        started("one = listen(FRONT); os.fork()"), "gone 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_process_that_serves_is_killed(engine: DockerEngine, bare: str, name: str) -> None:
    arguments, said = CASES[name]
    with launched(engine, bare, arguments, network=Network.ISOLATED) as made:
        wait_for("ready", lambda: b"ready" in made.log.stdout())

        found = made.kill_server()

        wait_for("an end", lambda: b"gone" in made.log.stdout())
        assert isinstance(found, Killing)
        assert "python3" in found.command
        assert made.log.stdout().decode().splitlines()[1:] == [said]
        assert made.wait(0.01) is None


def test_a_first_process_without_children_is_left_alone(engine: DockerEngine, bare: str) -> None:
    text = f"{LISTEN}\none = listen({FRONT})\nprint('ready', flush=True)\ntime.sleep(600)"
    with launched(engine, bare, program(text), network=Network.ISOLATED) as made:
        wait_for("ready", lambda: b"ready" in made.log.stdout())

        assert made.kill_server() is NotKilled.ALONE
        assert made.wait(0.01) is None


def test_children_that_have_nothing_to_do_with_the_port_are_left_alone(
    engine: DockerEngine, bare: str
) -> None:
    with launched(engine, bare, started("pass"), network=Network.ISOLATED) as made:
        wait_for("ready", lambda: b"ready" in made.log.stdout())

        assert made.kill_server() is NotKilled.UNSEEN
        assert b"gone" not in made.log.stdout()


def test_what_is_mounted_somewhere_below_the_name_of_a_container_is_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = b"36 35 0:50 / /run/engine/abc/shm rw - tmpfs shm rw\n37 35 254:0 /engine/abc/hosts /etc/hosts rw\n"
    (tmp_path / "7").mkdir()
    (tmp_path / "7/mountinfo").write_bytes(lines)
    real = Path
    monkeypatch.setattr(children, "Path", lambda text: real(text.replace("/proc", str(tmp_path))))

    assert list(children._told(7)) == [b"/", b"/engine/abc/hosts"]


def test_of_a_container_that_has_ended_nothing_is_killed(engine: DockerEngine, bare: str) -> None:
    with launched(engine, bare, program("pass"), network=Network.ISOLATED) as made:
        assert made.wait(PATIENCE_S) is not None

        assert made.kill_server() is NotKilled.UNSEEN


@pytest.mark.parametrize("named", [False, True], ids=["elsewhere", "among its mounts"])
def test_a_process_of_this_host_that_the_engine_numbers_otherwise_is_never_killed(
    named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the engine runs on another machine, or in another space of process numbers.

    Even where the id of the container is told of it: the host sees what engines mount.
    """
    container = "0123456789abcdef" * 4
    if named:
        monkeypatch.setattr(children, "_told", lambda pid: [container.encode()])
    child = os.fork()
    if child == 0:
        os.read(os.pipe()[0], 1)
        os._exit(0)
    try:
        listed = tuple(
            Process(
                pid=pid,
                parent=parent,
                command="x",
                caught=None,
                blocked=None,
                state="S",
                waits_in="",
            )
            for pid, parent in ((os.getpid(), 0), (child, os.getpid()))
        )

        found = kill_server(os.getpid(), listed, container=container, port=8080)

        assert found is NotKilled.UNSEEN
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
