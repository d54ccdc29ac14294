"""Nothing stays on the engine, however a run ends, and nothing of anybody else is touched."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient
from real_engine import (
    NO_EXAMPLES,
    REFERENCE,
    REFERENCE_JUDGED,
    docker,
    judging,
    left_of,
    wait_for,
)

from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.ownership import Owner, labels
from sm_conformance.pytest_run.termination import Termination

pytestmark = pytest.mark.engine

LOSES_ITS_MODEL = "sm-conformance/mutant-train-070-model-saved-elsewhere:latest"


@pytest.fixture(scope="module", autouse=True)
def bystanders() -> Iterator[None]:
    """Things without our label, and things of another run that lives; all are there at the end."""
    api = APIClient()
    name = f"bystander-{uuid.uuid4().hex[:8]}"
    other_run = labels(run_id=f"other-{uuid.uuid4().hex[:8]}", owner=Owner.current())
    containers, volumes, networks = [], [], []
    for own in ({}, other_run):
        made = api.create_container(REFERENCE, command=["train"], labels=own)
        containers.append(made["Id"])
        volumes.append(api.create_volume(labels=own)["Name"])
        networks.append(api.create_network(f"{name}-{len(networks)}", labels=own)["Id"])
    try:
        yield
        assert {api.inspect_container(one)["State"]["Status"] for one in containers} == {"created"}
        assert [api.inspect_volume(one)["Name"] for one in volumes] == volumes
        assert [api.inspect_network(one)["Id"] for one in networks] == networks
    finally:
        for one in containers:
            api.remove_container(one, force=True)
        for one in volumes:
            api.remove_volume(one)
        for one in networks:
            api.remove_network(one)
        api.close()


def test_a_run_that_ends_by_itself_leaves_nothing(request: pytest.FixtureRequest) -> None:
    judged = REFERENCE_JUDGED.seen_by(request)

    assert judged.status == 0, judged.output
    assert judged.left == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_leaves_nothing_but_its_report(
    tmp_path: Path, number: signal.Signals
) -> None:
    with judging(tmp_path, REFERENCE) as run:
        run.wait_until_launched()
        run.process.send_signal(number)
        status, output = run.finish()
        report = run.read_report()

    assert status == 2, output
    assert left_of(run.run_id) == []
    assert report["complete"] is False
    assert report["exit_status"] == 2
    assert "INTERNALERROR" not in output
    assert "Traceback" not in output


def test_signals_that_come_again_while_a_run_ends_do_not_break_off_its_end(tmp_path: Path) -> None:
    with judging(tmp_path, REFERENCE) as run:
        run.wait_until_launched()

        def ended() -> bool:
            run.process.send_signal(signal.SIGTERM)
            return run.process.poll() is not None

        wait_for("its end", ended)
        status, output = run.finish()
        report = run.read_report()

    # The last one may meet a process that is done and has put the handler of before back.
    assert status in (2, -signal.SIGTERM), output
    assert report["exit_status"] == 2
    assert left_of(run.run_id) == []


def test_an_interrupted_run_of_several_processes_leaves_nothing(tmp_path: Path) -> None:
    with judging(tmp_path, REFERENCE, "-n", "2") as run:
        run.wait_until_launched()
        os.killpg(run.process.pid, signal.SIGINT)  # a terminal tells the whole group
        status, output = run.finish()

    assert status == 2, output
    assert left_of(run.run_id) == []


def test_what_a_killed_run_leaves_is_swept_by_the_next(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with judging(first, REFERENCE, "--sm-keep") as run:
        run.wait_until_launched()
        run.process.kill()
        run.finish()
    assert {what.partition(" ")[0] for what in left_of(run.run_id)} == {
        "container", "volume", "network",
    }  # fmt: skip

    with judging(second, REFERENCE, "-k", "test_exec_form") as following:
        status, output = following.finish()

    assert status == 3, output
    assert left_of(run.run_id) == []


def test_a_run_that_is_stopped_before_it_launches_leaves_nothing(tmp_path: Path) -> None:
    with judging(tmp_path, "sm-conformance/no-such-image:latest") as run:
        status, output = run.finish()

    assert status == 4, output
    assert run.run_id == ""


# -- kept containers ---------------------------------------------------


@pytest.mark.parametrize(
    "processes",
    [
        pytest.param([], id="one process"),
        pytest.param(["-n", "2"], id="several processes", marks=pytest.mark.long),
    ],
)
def test_only_the_container_of_a_failed_launch_is_kept_listed_and_spared_by_the_next_run(
    tmp_path: Path, processes: list[str]
) -> None:
    with judging(tmp_path, LOSES_ITS_MODEL, "--sm-keep", NO_EXAMPLES, *processes) as run:
        run.wait_until_launched()
        status, output = run.finish()
    try:
        assert status == 1, output
        listed = re.findall(r"^kept: the stopped container of (\S+): (\S+)$", output, re.MULTILINE)
        (name,) = [name for launch, name in listed if launch == "train-plain"]
        assert listed == [("train-plain", name)]

        DockerEngine().close()  # the next run

        kept = left_of(run.run_id)
        assert sorted(what.partition(" ")[0] for what in kept) == ["container"] + ["volume"] * 3
        assert docker("inspect", "--format", "{{.State.Status}}", name) == "exited\n"
        # That is what it was kept for: where did the model go?
        assert "A /tmp/model/centres.json" in docker("diff", name)
    finally:
        (command,) = re.findall(r"^remove them: (.*)$", output, re.MULTILINE)
        subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert left_of(run.run_id) == []


def test_where_all_went_well_nothing_is_kept(tmp_path: Path) -> None:
    with judging(tmp_path, REFERENCE, "--sm-keep", NO_EXAMPLES) as run:
        run.wait_until_launched()
        status, output = run.finish()

    assert status == 0, output
    assert "kept:" not in output
    assert "remove them" not in output
    assert left_of(run.run_id) == []


# -- SIGTERM in this process ---------------------------------------------------


@pytest.fixture
def own_handler() -> Iterator[object]:
    """A handler of somebody else's, as a surrounding program may have one."""

    def handler(number: int, frame: object) -> None:
        raise AssertionError("not while a run is going")

    before = signal.signal(signal.SIGTERM, handler)
    yield handler
    signal.signal(signal.SIGTERM, before)


def test_sigterm_interrupts_while_watched_and_the_handler_of_before_comes_back(
    own_handler: object,
) -> None:
    termination = Termination()
    termination.watch()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)  # the end has begun
    termination.release()

    assert signal.getsignal(signal.SIGTERM) is own_handler


def test_sigterm_is_held_off_while_a_run_clears_away(own_handler: object) -> None:
    termination = Termination()
    termination.watch()
    termination.hold_off()
    signal.raise_signal(signal.SIGTERM)
    termination.release()

    assert signal.getsignal(signal.SIGTERM) is own_handler


def test_outside_the_main_thread_no_handler_is_touched(own_handler: object) -> None:
    def lives() -> None:
        termination = Termination()
        termination.watch()
        termination.hold_off()
        termination.release()

    thread = threading.Thread(target=lives)
    thread.start()
    thread.join()

    assert signal.getsignal(signal.SIGTERM) is own_handler


def test_what_was_never_watched_is_not_released(own_handler: object) -> None:
    Termination().release()

    assert signal.getsignal(signal.SIGTERM) is own_handler
