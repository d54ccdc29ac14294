"""The way to an isolated server: proved against a real other host, and its substitute."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker import APIClient
from real_engine import (
    PATIENCE_S,
    REFERENCE,
    docker,
    image,
    judging,
    launched,
    left_of,
    program,
    wait_for,
)

from sm_conformance.engine.container import DockerContainer
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.network import Networks
from sm_conformance.engine.protocol import Network
from sm_conformance.observed.http import Reply, exchange

pytestmark = pytest.mark.engine

# Addresses that are kept for documentation, so nobody's network is in the way.
NEAR, FAR, PORT = "203.0.113.1", "203.0.113.2", 8099
ASKS = (
    "import socket, sys\n"
    f"try: socket.create_connection(({FAR!r}, {PORT}), timeout=3).close()\n"
    "except OSError as error: sys.exit(f'not reached: {error}')\n"
    "print('reached')"
)
SERVES = (
    "import http.server\n"
    "class Answer(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self): self.send_response(200); self.end_headers()\n"
    "server = http.server.HTTPServer(('0.0.0.0', 8080), Answer)\n"
    "print('up'); server.serve_forever()"
)


@contextmanager
def opened() -> Iterator[DockerEngine]:
    engine = DockerEngine()
    try:
        yield engine
    finally:
        engine.close()
        assert left_of(engine.run_id) == []


@pytest.fixture
def direct() -> Iterator[DockerEngine]:
    with opened() as engine:
        yield engine


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerEngine]:
    """An engine to whose containers this machine is taken to have no route."""
    monkeypatch.setattr(Networks, "_direct", lambda self: None)
    with opened() as engine:
        yield engine


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    """An image without ENTRYPOINT."""
    api = APIClient()
    with image(api, "way", "ENTRYPOINT []") as tag:
        yield tag
    api.close()


@pytest.fixture(scope="module")
def other_host() -> Iterator[None]:
    """Another host, beside this one on a cable of their own, on which a server listens.

    It has no route back to anything behind this host, as hosts on other networks have none.
    """
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("another host can only be made by root, with iproute2")
    name, cable = f"smc-{os.getpid()}", f"smc{os.getpid() % 100000}"
    serve = f"import socket\ns = socket.create_server(({FAR!r}, {PORT}))\nprint('up', flush=True)\n"
    serve += "while True: s.accept()[0].close()"
    ip = ("ip", "netns", "exec", name)
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"another host cannot be made here: {made.stderr}")
    server = None
    try:
        for command in (
            ["ip", "link", "add", f"{cable}a", "type", "veth", "peer", f"{cable}b", "netns", name],
            ["ip", "addr", "add", f"{NEAR}/30", "dev", f"{cable}a"],
            ["ip", "link", "set", f"{cable}a", "up"],
            [*ip, "ip", "addr", "add", f"{FAR}/30", "dev", f"{cable}b"],
            [*ip, "ip", "link", "set", f"{cable}b", "up"],
        ):
            subprocess.run(command, check=True, capture_output=True)
        server = subprocess.Popen([*ip, sys.executable, "-c", serve], stdout=subprocess.PIPE)
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        socket.create_connection((FAR, PORT), timeout=PATIENCE_S).close()
        yield
    finally:
        if server is not None and server.stdout is not None:
            server.kill()
            server.wait()
            server.stdout.close()
        subprocess.run(["ip", "netns", "del", name], check=True)


def ask(made: DockerContainer) -> Reply:
    """What answers GET /ping, once the server has said that it is up."""
    wait_for("the server", made.log.stdout)
    assert made.address is not None
    return exchange(
        made.address, method="GET", path="/ping", headers={}, body=None, limit_s=PATIENCE_S
    )


def reached(engine: DockerEngine, tag: str, network: Network) -> bool:
    """Whether a container on ``network`` reaches the other host."""
    with launched(engine, tag, program(ASKS), network=network) as made:
        found = made.wait(PATIENCE_S)
    said = made.log.stdout() + made.log.stderr()
    assert found is not None
    assert said.startswith((b"reached", b"not reached")), said
    return found.code == 0


def test_where_this_machine_routes_to_containers_the_direct_way_is_taken(
    direct: DockerEngine, plain: str
) -> None:
    facts = direct.facts()
    with launched(direct, plain, program(SERVES), network=Network.ISOLATED) as made:
        reply = ask(made)
        assert made.address is not None
        port = made.address.port

    assert (facts.way, facts.isolation_proved) == ("direct", True)
    assert (reply.status, port) == (200, 8080)


@pytest.mark.usefixtures("other_host")
def test_an_ordinary_container_reaches_another_host_and_an_isolated_one_does_not(
    direct: DockerEngine, plain: str
) -> None:
    assert reached(direct, plain, Network.OPEN), "else the next lines would prove nothing"
    assert not reached(direct, plain, Network.ISOLATED)
    assert not reached(direct, plain, Network.NONE)


@pytest.mark.usefixtures("other_host")
def test_an_isolated_container_cannot_give_itself_a_way_out(
    direct: DockerEngine, plain: str
) -> None:
    gateway = direct._networks.way().host
    code = (
        "import fcntl, socket, struct, sys\n"
        "def address(ip): return struct.pack('HH4s8x', socket.AF_INET, 0, socket.inet_aton(ip))\n"
        f"route = struct.pack('P', 0) + address('0.0.0.0') + address({gateway!r})\n"
        "route += address('0.0.0.0') + struct.pack('Hhqqhhqqq', 3, 0, 0, 0, 0, 0, 0, 0, 0)\n"
        "asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "try: fcntl.ioctl(asked, 0x890B, route + bytes(64))\n"
        "except OSError as error: print(error.strerror)\n"
        f"{ASKS}"
    )
    with launched(direct, plain, program(code), network=Network.ISOLATED) as made:
        found = made.wait(PATIENCE_S)

    assert found is not None
    assert found.code == 1
    assert made.log.stdout() == b"Operation not permitted\n"
    assert made.log.stderr().startswith(b"not reached")


def test_where_there_is_no_route_a_published_port_is_taken_and_isolation_is_not_claimed(
    published: DockerEngine, plain: str
) -> None:
    facts = published.facts()
    with launched(published, plain, program(SERVES), network=Network.ISOLATED) as made:
        reply = ask(made)
        listeners = made.listeners()
        assert made.address is not None
        host, port = made.address.host, made.address.port

    assert (facts.way, facts.isolation_proved) == ("published", False)
    assert reply.status == 200
    assert host == "127.0.0.1"
    assert port != 8080
    assert listeners == (), "whose they are cannot be told from here"


@pytest.mark.usefixtures("other_host")
def test_the_substitute_network_gets_no_answer_from_another_host_either(
    published: DockerEngine, plain: str
) -> None:
    assert reached(published, plain, Network.OPEN)
    assert not reached(published, plain, Network.ISOLATED)


def test_on_the_published_way_what_cannot_be_judged_is_excused_and_the_rest_is_judged(
    tmp_path: Path,
) -> None:
    (tmp_path / "no_route.py").write_text(
        "from sm_conformance.engine.network import Networks\nNetworks._direct = lambda self: None\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parent.parent)])
    options = ("-p", "no_route", "--sm-examples=1")
    with judging(tmp_path, REFERENCE, *options, environment={"PYTHONPATH": path}) as run:
        status, output = run.finish()
        report = run.read_report()

    verdicts = {f"{found['clause']} {found['name']}": found for found in report["findings"]}
    unjudged = {key: found for key, found in verdicts.items() if found["verdict"] == "not-run"}
    assert (status, report["conclusion"]) == (0, "conformant"), output
    assert (report["engine"]["way"], report["engine"]["isolation_proved"]) == ("published", False)
    assert unjudged.keys() == {
        "HOST-009 connect-in-time", "HOST-009 connect-under-load", "NET-002 isolated",
        "HOST-062 dies-with-server",
    }, output  # fmt: skip
    assert all(found["excused"] for found in unjudged.values())
    assert "proxy" in unjudged["HOST-009 connect-in-time"]["reason"]
    assert "cannot be proved" in unjudged["NET-002 isolated"]["reason"]
    assert {found["verdict"] for found in verdicts.values()} <= {"pass", "n/a", "not-run"}


def test_a_published_way_leaves_no_port_open_afterwards(
    published: DockerEngine, plain: str
) -> None:
    with launched(published, plain, program(SERVES), network=Network.ISOLATED) as made:
        ask(made)
        assert made.address is not None
        where = (made.address.host, made.address.port)

    with pytest.raises(OSError, match="refused"):
        socket.create_connection(where, timeout=PATIENCE_S)
    assert docker("ps", "-aq", "--filter", f"label=sm-conformance.run={published.run_id}") == ""
