"""Processors, shared memory, GPUs and a replaced ENTRYPOINT on a real engine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from real_engine import BOUNDS, MIB, PATIENCE_S, REFERENCE, TRAINING_PLACES, docker, left_of

from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.protocol import Bounds, Launch
from sm_conformance.laboratory.repeating import repeat_training

pytestmark = pytest.mark.engine

SHM = "df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2"
# The quota and the period of the control group, in version 2 or 1.
CPUS = (
    "cat /sys/fs/cgroup/cpu.max 2>/dev/null || "
    "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us"
)


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    opened = DockerEngine()
    try:
        yield opened
    finally:
        opened.close()
        assert left_of(opened.run_id) == []


def shell(script: str, bounds: Bounds = BOUNDS) -> Launch:
    """A launch of a shell in the place of the image's own ENTRYPOINT."""
    return Launch(
        name="test",
        image=REFERENCE,
        entrypoint=("/bin/sh", "-c"),
        arguments=(script, "zero", "a b"),
        bounds=bounds,
        hostname="algo-1",
        places=TRAINING_PLACES,
    )


def said(engine: DockerEngine, launch: Launch) -> str:
    """What a launch writes, which is also what its printed command writes."""
    container = engine.create(launch)
    try:
        assert container.start() is None
        assert container.wait(PATIENCE_S) is not None
        wrote = container.log.stdout().decode()
    finally:
        container.remove()
    command = repeat_training(launch, name="test").replace('"$PWD"/evidence/test/opt', "/opt")
    mounts = [word for word in command.split() if word.startswith("/opt")]
    for mount in mounts:  # this command is about its words, not about files
        command = command.replace(f"-v {mount} ", "")
    again = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert again.stdout == wrote
    return wrote


def test_an_entrypoint_is_replaced_with_all_its_words(engine: DockerEngine) -> None:
    assert docker("image", "inspect", "-f", "{{.Config.Entrypoint}}", REFERENCE) != "[]\n"

    assert said(engine, shell('echo "$0:$1:$#"')) == "zero:a b:1\n"


def test_shared_memory_has_the_declared_size(engine: DockerEngine) -> None:
    assert said(engine, shell(SHM, replace(BOUNDS, shm_bytes=8 * MIB))) == "8192\n"


def test_processors_are_bounded_as_declared(engine: DockerEngine) -> None:
    words = said(engine, shell(CPUS, replace(BOUNDS, cpus=0.5))).split()

    quota, period = (int(word) for word in words)
    assert quota / period == 0.5


def test_without_bounds_of_ours_the_engine_sets_its_own(engine: DockerEngine) -> None:
    unbounded = said(engine, shell(CPUS)).split()

    assert unbounded[0] in ("max", "-1")
    assert int(said(engine, shell(SHM))) > 8192


def test_a_gpu_that_is_not_there_is_a_value(engine: DockerEngine) -> None:
    container = engine.create(shell("true", replace(BOUNDS, gpus=-1)))
    try:
        problem = container.start()
    finally:
        container.remove()
    if problem is None:
        pytest.skip("this engine has a GPU to give")
    assert problem.kind == "no-gpu"
