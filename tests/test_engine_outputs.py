"""What a real engine tells of a container's files, times and streams."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient
from docker.utils import kwargs_from_env
from real_engine import MIB, PATIENCE_S, TRAINING_PLACES, image, launched, program

from sm_conformance.engine import added
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.observed.output import read_tree

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    made = DockerEngine()
    yield made
    made.close()


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    """An image without ENTRYPOINT."""
    api = APIClient(**kwargs_from_env())
    with image(api, "outputs", "ENTRYPOINT []") as tag:
        yield tag
    api.close()


def test_a_container_that_writes_nothing_adds_nothing(engine: DockerEngine, bare: str) -> None:
    text = "import os; os.makedirs('/opt/ml/output/data'); open('/opt/ml/model/a', 'w').write('x')"
    with launched(engine, bare, program(text), places=TRAINING_PLACES) as made:
        assert made.wait(PATIENCE_S) is not None
        began = time.perf_counter()
        assert made.added_bytes() == 0
        assert time.perf_counter() - began < 1


def test_what_a_container_adds_is_told_with_paths_and_sizes(
    engine: DockerEngine, bare: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "import os; os.makedirs('/root/deep'); open('/root/deep/a\\n', 'w').write('x' * 3000); "
        "open('/tmp/b', 'w').write('x' * 50); os.mkfifo('/root/pipe'); "
        "os.symlink('/root/deep', '/root/link'); os.remove('/etc/debian_version')"
    )
    with launched(engine, bare, program(text)) as made:
        assert made.wait(PATIENCE_S) is not None, made.log.stderr()
        paths = made.added_paths()
        assert made.added_bytes() in range(3050, 3150)  # a link has the length of its target
        assert paths is not None
        assert {"/root/deep", "/root/deep/a\n", "/tmp/b", "/root/pipe", "/root/link"} <= set(paths)
        assert "/etc/debian_version" not in paths
        monkeypatch.setattr(added, "_layer", lambda *_: None)
        assert set(made.added_paths() or ()) == set(paths)
        sizes = {path: made.file_bytes(path) for path in paths}
        assert {path: size for path, size in sizes.items() if size} == {
            "/root/deep/a\n": 3000, "/tmp/b": 50,
        }  # fmt: skip
        assert made.file_bytes("/nowhere") is None


def test_a_running_container_can_be_asked_as_well(engine: DockerEngine, bare: str) -> None:
    text = "open('/root/a', 'w').write('x' * 10); print(1); import time; time.sleep(60)"
    with launched(engine, bare, program(text)) as made:
        assert not made.pause(0.0)
        deadline = time.monotonic() + PATIENCE_S
        while made.log.first_at is None and time.monotonic() < deadline:
            made.pause(0.02)
        assert made.added_bytes() == 10


def test_the_end_and_the_times_of_files_are_of_one_clock(
    engine: DockerEngine, bare: str, tmp_path: Path
) -> None:
    text = "open('/opt/ml/output/failure', 'w').write('x'); import time; time.sleep(1.5); print(1)"
    with launched(engine, bare, program(text), places=TRAINING_PLACES) as made:
        found = made.wait(PATIENCE_S)
        assert found is not None
        assert found.finished_at is not None
        made.save("/opt/ml/output", tmp_path / "out.tar", MIB)
        entry = read_tree(tmp_path / "out.tar", whole=True).entry("failure")
        assert entry is not None
        assert 0.4 < found.finished_at - entry.modified < 1.5 + PATIENCE_S
        assert made.log.last_at is not None
        assert made.log.ended_at is not None
        assert made.started_at < made.log.last_at <= made.log.ended_at
        assert made.log.lost_bytes == 0


def test_a_sparse_file_is_named_with_its_size_and_not_waited_for(
    engine: DockerEngine, bare: str, tmp_path: Path
) -> None:
    text = "open('/opt/ml/model/huge.bin', 'wb').truncate(1_100_000_000_000)"
    with launched(engine, bare, program(text), places=TRAINING_PLACES) as made:
        assert made.wait(PATIENCE_S) is not None
        began = time.monotonic()
        assert not made.save("/opt/ml/model", tmp_path / "out.tar", 1 << 30)
        assert time.monotonic() - began < 10
    (entry,) = read_tree(tmp_path / "out.tar", whole=False).files
    assert (entry.name, entry.size) == ("huge.bin", 1_100_000_000_000)
    assert (tmp_path / "out.tar").stat().st_size < MIB


def test_odd_kinds_of_files_come_out_as_what_they_are(
    engine: DockerEngine, bare: str, tmp_path: Path
) -> None:
    text = (
        "import os, socket; os.chdir('/opt/ml/model'); open('a', 'w'); os.link('a', 'hard'); "
        "os.symlink('../b', 'link'); os.mkfifo('pipe'); "
        "os.mknod('null', 0o20666, os.makedev(1, 3)); "
        "socket.socket(socket.AF_UNIX).bind('socket')"
    )
    with launched(engine, bare, program(text), places=TRAINING_PLACES) as made:
        assert made.wait(PATIENCE_S) is not None
        assert made.save("/opt/ml/model", tmp_path / "out.tar", MIB), made.log.stderr()
        assert not made.log.stderr()
    tree = read_tree(tmp_path / "out.tar", whole=True)
    kinds = {entry.name: (entry.kind, entry.target) for entry in tree.entries}
    # Engines leave sockets out.
    assert "socket" not in kinds
    first, second = sorted(["a", "hard"], key=lambda name: kinds[name][0])
    assert kinds.pop(first) == ("file", "")
    assert kinds.pop(second) == ("hard link", f"model/{first}")
    assert kinds == {"link": ("symlink", "../b"), "pipe": ("fifo", ""), "null": ("device", "")}
