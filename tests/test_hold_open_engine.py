"""``serve`` and ``train`` on a real engine, as a user calls them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker import APIClient
from real_engine import (
    REFERENCE,
    REFERENCE_DECLARATION,
    ROOT,
    image,
    left_of,
    run_of,
)

pytestmark = pytest.mark.engine

# Everything in a folder that an engine puts into an archive: links away, a device, bits, a pipe.
HOSTILE = """
import os, socket
os.chdir("/opt/ml/model")
open("weights", "w").write("12")
os.symlink("/etc/passwd", "away")
os.symlink("../../../..", "up")
os.symlink("weights", "latest")
os.link("weights", "same")
os.mkfifo("pipe")
os.mknod("null", 0o020666, os.makedev(1, 3))
os.chmod("weights", 0o6777)
open("name\\n\\x1b[2J", "w")
print("\\x1b[2Jsm-conformance train: all is well")
"""


@contextmanager
def called(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """The command line in a process of its own; ended when the caller is done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sm_conformance", *words],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that ``train`` handed over."""
    folder = tmp_path_factory.mktemp("trained")
    declared = ("--declaration", str(REFERENCE_DECLARATION))
    with called(folder, "train", REFERENCE, "--out", "kept", *declared) as training:
        said, _ = training.communicate(timeout=60)

    assert training.returncode == 0, said
    assert "train-plain | training is done\n" in said
    with tarfile.open(folder / "kept/model.tar.gz") as archive:
        assert archive.getnames() == ["centres.json"]
    assert json.loads((folder / "kept/model/centres.json").read_text("utf-8"))
    assert (folder / "kept/output/data").is_dir()
    return folder / "kept/model.tar.gz"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_server_that_is_held_open_answers_its_sample_command_and_goes_with_the_signal(
    number: signal.Signals, model: Path, tmp_path: Path
) -> None:
    words = ("--model-data", str(model), "--declaration", str(REFERENCE_DECLARATION))
    with called(tmp_path, "serve", REFERENCE, *words) as serving:
        assert serving.stdout is not None
        said = []
        for line in serving.stdout:
            said.append(line)
            if "/invocations" in line:
                break
        run_id = str(run_of(serving.pid))
        answer = subprocess.run(
            ["sh", "-c", said[-1]], capture_output=True, text=True, check=False, timeout=10
        )
        serving.send_signal(number)
        rest, _ = serving.communicate(timeout=60)

    assert "serve-plain | server starts\n" in said, said
    assert answer.stdout.startswith("HTTP/1.1 200 OK"), (said, answer)
    assert answer.stdout.endswith("\n0\n")
    assert rest.endswith("serve: ended; its container, volumes and network are removed\n")
    assert serving.returncode == 0
    assert left_of(run_id) == []
    assert list(tmp_path.iterdir()) == []


def test_what_a_hostile_training_leaves_comes_to_lie_in_its_folder_alone(tmp_path: Path) -> None:
    lines = ("COPY evil.py /evil.py", 'ENTRYPOINT ["python3", "/evil.py"]')
    declared = ("--declaration", str(REFERENCE_DECLARATION))
    with (
        image(APIClient(), "hostile", *lines, files={"evil.py": HOSTILE.encode()}) as tag,
        called(tmp_path, "train", tag, "--out", "kept", *declared) as training,
    ):
        said, _ = training.communicate(timeout=60)

    kept = tmp_path / "kept" / "model"
    assert training.returncode == 0, said
    assert sorted(path.name for path in kept.iterdir()) == [
        "latest", "name\n\x1b[2J", "same", "weights",
    ]  # fmt: skip
    assert (kept / "latest").read_text("utf-8") == (kept / "same").read_text("utf-8") == "12"
    assert (kept / "weights").stat().st_mode & 0o7777 == 0o755
    left_out = sorted(line.split(": ")[2] for line in said.splitlines() if ": left out: " in line)
    assert left_out == ["away", "model/null", "model/pipe", "up"]
    assert "train-plain | \\x1b[2Jsm-conformance train: all is well\n" in said
    assert "\x1b" not in said
