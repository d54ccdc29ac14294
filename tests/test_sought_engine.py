"""On a real engine: what an isolated container tries to reach is seen, and it fails at once."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from docker import APIClient
from real_engine import (
    BOUNDS,
    PATIENCE_S,
    REFERENCE_DECLARATION,
    image,
    judging,
    launched,
    left_of,
    program,
    wait_for,
)

from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.name_server import NameServer
from sm_conformance.engine.protocol import Launch, Network
from sm_conformance.observed.sought import NOTHING_SOUGHT, Sought

pytestmark = pytest.mark.engine

ASKS = (
    "import socket, sys, time\n"
    "began = time.monotonic()\n"
    "for name in sys.argv[1:]:\n"
    "    try: socket.getaddrinfo(name, 443)\n"
    "    except OSError as error: print(error)\n"
    "    else: print('found')\n"
    "print(f'took {time.monotonic() - began:.3f} s')"
)
# An address that is kept for documentation; engines since 25.0 give an isolated network no route.
DIALS = (
    "import socket\n"
    "routes = [line.split() for line in open('/proc/net/route')]\n"
    "print('route' if any(row[1] == '00000000' for row in routes) else 'no route')\n"
    "try: socket.create_connection(('192.0.2.1', 443), timeout=0.5)\n"
    "except OSError as error: print(error)"
)


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    """An image without ENTRYPOINT."""
    api = APIClient()
    with image(api, "sought", "ENTRYPOINT []") as tag:
        yield tag
    api.close()


@pytest.fixture
def engine() -> Iterator[DockerEngine]:
    made = DockerEngine()
    yield made
    made.close()
    assert left_of(made.run_id) == []


@pytest.fixture
def with_name_server(engine: DockerEngine) -> DockerEngine:
    """An engine whose isolated containers ask our name server."""
    _want_port_53()
    engine.facts()
    assert engine._networks._names is not None
    return engine


def _want_port_53() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.9.9.9", 53))
        except PermissionError:
            pytest.skip("this user may have no port below 1024")
        except OSError:
            pytest.skip("somebody has port 53 on all addresses")


def run(
    engine: DockerEngine,
    tag: str,
    arguments: Sequence[str],
    *,
    network: Network = Network.ISOLATED,
    watched: bool = False,
) -> tuple[Sought, str]:
    """What a container sought until its end, and what it wrote."""
    launch = Launch(
        name="test",
        image=tag,
        arguments=tuple(arguments),
        bounds=BOUNDS,
        network=network,
        hostname="algo-1",
        watched=watched,
    )
    made = engine.create(launch)
    try:
        assert made.start() is None
        assert made.wait(PATIENCE_S) is not None
        return made.sought(), made.log.stdout().decode()
    finally:
        made.remove()


def test_the_names_that_it_asks_for_are_seen_and_fail_at_once(
    with_name_server: DockerEngine, plain: str
) -> None:
    asks = (*program(ASKS), "HuggingFace.co", "s3.amazonaws.com", "algo-1", "localhost")

    sought, said = run(with_name_server, plain, asks)

    assert sought == Sought(names=("huggingface.co", "s3.amazonaws.com"))
    assert said.count("Name or service not known") == 2, said
    assert said.count("found") == 2, "it finds itself"
    took = re.search(r"took ([0-9.]+) s", said)
    assert took is not None
    assert float(took[1]) < 0.5, "without a name server that answers it is a second for each name"


def test_each_is_told_its_own_names_also_those_that_end_at_once(
    with_name_server: DockerEngine, plain: str
) -> None:
    for number in range(4):
        command = ("sh", "-c", f"getent hosts quick-{number}.example")
        sought, _ = run(with_name_server, plain, command)
        assert sought.names == (f"quick-{number}.example",)


def test_two_runs_at_the_same_time_see_each_its_own(
    with_name_server: DockerEngine, plain: str
) -> None:
    other = DockerEngine()
    try:
        with ExitStack() as both:
            made = [
                both.enter_context(
                    launched(
                        one, plain, (*program(ASKS), f"{name}.example"), network=Network.ISOLATED
                    )
                )
                for one, name in ((with_name_server, "one"), (other, "two"))
            ]
            assert all(each.wait(PATIENCE_S) for each in made)
            names = [each.sought().names for each in made]
    finally:
        other.close()

    assert names == [("one.example",), ("two.example",)]


def test_where_the_port_is_taken_nothing_is_seen_and_nothing_breaks(
    engine: DockerEngine, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(self: NameServer, address: str, port: int = 53) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(NameServer, "__init__", taken)

    sought, said = run(engine, plain, (*program(ASKS), "huggingface.co", "algo-1"))

    assert sought == NOTHING_SOUGHT
    assert "name resolution" in said
    assert "found" in said


def test_an_address_that_it_dials_is_seen_where_the_engine_has_a_route_for_it(
    engine: DockerEngine, plain: str
) -> None:
    watched, said = run(engine, plain, program(DIALS), watched=True)
    unwatched, _ = run(engine, plain, program(DIALS))

    expected = ("192.0.2.1:443",) if said.startswith("route") else ()
    assert watched == Sought(addresses=expected)
    assert unwatched == NOTHING_SOUGHT, "it was over before anybody looked"


def test_one_that_still_dials_is_seen_without_being_watched(
    engine: DockerEngine, plain: str
) -> None:
    dials = DIALS.replace("0.5", "30")
    with launched(engine, plain, program(dials), network=Network.ISOLATED) as made:
        wait_for("a line", made.log.stdout)
        made.pause(0.3)
        sought, said = made.sought(), made.log.stdout()

    assert sought.addresses == (("192.0.2.1:443",) if said.startswith(b"route") else ())


@pytest.mark.parametrize("network", [Network.NONE, Network.OPEN])
def test_without_an_interface_and_with_a_way_out_nothing_is_looked_for(
    engine: DockerEngine, plain: str, network: Network
) -> None:
    sought, _ = run(engine, plain, ("true",), network=network, watched=True)

    assert sought == NOTHING_SOUGHT


@pytest.mark.parametrize(
    ("mutant", "selected", "said"),
    [
        pytest.param(
            "net-002-isolated-server-looks-a-name-up",
            "test_isolated",
            "isolated, it asked for the name example.com",
            id="a name by a server",
        ),
        pytest.param(
            "net-002-isolated-training-calls-home",
            "test_isolated",
            "isolated, it dialled 192.0.2.1:443",
            id="an address by a training",
        ),
    ],
)
def test_the_finding_names_what_was_tried(
    mutant: str, selected: str, said: str, tmp_path: Path, engine: DockerEngine, plain: str
) -> None:
    if "name" in said:
        _want_port_53()
    elif not run(engine, plain, program(DIALS))[1].startswith("route"):
        pytest.skip("this engine gives an isolated network no route, so no dialling is seen")
    tag = f"sm-conformance/mutant-{mutant}:latest"

    with judging(tmp_path, tag, "-k", selected, declaration=REFERENCE_DECLARATION) as judgement:
        status, output = judgement.finish()
        report = judgement.read_report()

    (found,) = [one for one in report["findings"] if one["clause"] == "NET-002"]
    assert (status, found["verdict"]) == (1, "fail"), output
    assert said in found["actual"]
    tried = list(tmp_path.glob("report/evidence/*/tried-to-reach.txt"))
    assert tried
    assert {file.read_text() for file in tried} == {said.rpartition(" ")[2] + "\n"}
