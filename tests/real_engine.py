"""What the tests of a real engine share: small images, short launches, what is left over."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from sm_conformance.engine.container import DockerContainer
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.ownership import RUN_LABEL
from sm_conformance.engine.protocol import Bounds, Launch, Network, Place

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "sample_images"
REFERENCE = "sm-conformance/reference:latest"
REFERENCE_DECLARATION = SAMPLES / "reference" / "sm-conformance.yaml"
ENGINE_SOCKET = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
# Spares many launches and requests of a judgement that is not about them.
NO_EXAMPLES = "--sm-examples=0"
MIB = 1024 * 1024
BOUNDS = Bounds(memory_bytes=256 * MIB, pids=256, log_bytes=16 * MIB, output_bytes=64 * MIB)
TRAINING_PLACES = tuple(Place(path=f"/opt/ml/{name}") for name in ("input", "model", "output"))
# Longer than anything here takes on a busy machine; what is waited for comes much sooner.
PATIENCE_S = 30.0


def docker(*arguments: str) -> str:
    """What a docker command wrote; fails when it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout


@contextmanager
def image(
    api: APIClient, name: str, *lines: str, files: Mapping[str, bytes] | None = None
) -> Iterator[str]:
    """An image made of the reference image by lines of a Dockerfile, gone at the end; its tag."""
    tag = f"sm-conformance/test-{name}:{os.getpid()}"
    text = "\n".join([f"FROM {REFERENCE}", *lines])
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as context:
        for path, content in {"Dockerfile": text.encode(), **(files or {})}.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            context.addfile(info, io.BytesIO(content))
    held.seek(0)
    said = list(api.build(fileobj=held, custom_context=True, tag=tag, rm=True, decode=True))
    assert not any("error" in step for step in said), said
    try:
        yield tag
    finally:
        api.remove_image(tag, force=True)


def program(text: str) -> tuple[str, ...]:
    """The arguments with which an image without ENTRYPOINT runs Python code."""
    return ("python3", "-u", "-c", text)


@contextmanager
def launched(
    engine: DockerEngine,
    tag: str,
    arguments: Sequence[str],
    *,
    places: tuple[Place, ...] = (),
    network: Network = Network.NONE,
    bounds: Bounds = BOUNDS,
    inputs: bytes | None = None,
    hostname: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[DockerContainer]:
    """A started container, removed at the end."""
    launch = Launch(
        name="test",
        image=tag,
        arguments=tuple(arguments),
        bounds=bounds,
        places=places,
        network=network,
        inputs=inputs,
        hostname=hostname,
        environment=environment or {},
    )
    container = engine.create(launch)
    try:
        problem = container.start()
        assert problem is None, problem
        yield container
    finally:
        container.remove()


class Forwarder:
    """A way to the engine that can be cut: a local socket whose connections are passed on."""

    def __init__(self, path: Path) -> None:
        self.url = f"unix://{path}"
        self._path = path
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.mend()

    def mend(self) -> None:
        """Opens the way, for the first time or again."""
        self._path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Ends every connection in the middle and takes no more."""
        _end(self._listener)
        with self._lock:
            for one in self._open:
                _end(one)
            self._open.clear()

    def cut_after(self, seconds: float) -> None:
        """Cuts while the caller does something else."""
        threading.Timer(seconds, self.cut).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(ENGINE_SOCKET)
            with self._lock:
                self._open += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()


class Judging:
    """``pytest --sm-image`` in a process of its own, as a user starts it."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.report = folder / "report"
        self.run_id = ""

    def wait_until_launched(self, count: int = 1) -> None:
        """Returns when the run has so many containers that run."""

        def running() -> bool:
            assert self.process.poll() is None, "it ended before it launched anything"
            self.run_id = self.run_id or run_of(self.process.pid) or ""
            label = f"label={RUN_LABEL}={self.run_id}"
            return bool(self.run_id) and len(docker("ps", "-q", "--filter", label).split()) >= count

        wait_for("a launch", running)

    def finish(self, *, timeout_s: float = 60) -> tuple[int, str]:
        """Waits until it has ended; the exit status and all that it wrote."""
        output, _ = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, output

    def read_report(self) -> dict[str, Any]:
        """The report that it wrote."""
        found: dict[str, Any] = json.loads((self.report / "report.json").read_text("utf-8"))
        return found


@contextmanager
def judging(
    folder: Path,
    image: str,
    *arguments: str,
    declaration: Path | None = REFERENCE_DECLARATION,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Judging]:
    """A judgement that goes on while the caller looks at it; ended when the caller is done."""
    command = [
        sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", f"--sm-image={image}",
        *([f"--sm-declaration={declaration}"] if declaration else []),
        f"--sm-report={folder / 'report'}", *arguments,
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTEST_DEBUG_TEMPROOT": str(folder),  # not among the temporary folders of other runs
            **(environment or {}),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # a group of its own, which can be signalled as a terminal does
    )
    try:
        yield Judging(process, folder)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@dataclass(frozen=True)
class Judged:
    """A judgement that is over.

    ``folder`` has its report; ``left`` is what it left on the engine, None where nobody looked.
    """

    status: int
    output: str
    report: dict[str, Any]
    folder: Path
    left: list[str] | None = None


class Shared:
    """One judgement that several tests look at, in any order; ``together`` keeps them in one process.

    Each looks at it once: a test that is run again must not see what failed before.
    """

    def __init__(self, judge: Callable[[Path], Judged]) -> None:
        self._judge = judge
        self._held: Judged | None = None
        self._seen_by: set[str] = set()

    def seen_by(self, test: pytest.FixtureRequest) -> Judged:
        """What it came to; judged now where this test has seen all that there is."""
        name = test.node.nodeid
        if self._held is None or name in self._seen_by:
            # Not the folder of the test, which goes with it.
            folder = test.getfixturevalue("tmp_path_factory").mktemp("judged")
            self._held, self._seen_by = self._judge(folder), set()
        self._seen_by.add(name)
        return self._held


def _judge_reference(folder: Path) -> Judged:
    with judging(folder, REFERENCE) as run:
        run.wait_until_launched()
        status, output = run.finish(timeout_s=300)
        left = left_of(run.run_id)
        return Judged(status, output, run.read_report(), folder=run.report, left=left)


# With everything that is ordinary.
REFERENCE_JUDGED = Shared(_judge_reference)


def left_of(run_id: str) -> list[str]:
    """The containers, volumes and networks on the engine that carry the label of a run."""
    label = f"label={RUN_LABEL}={run_id}"
    listed = {
        "container": docker("ps", "-aq", "--filter", label),
        "volume": docker("volume", "ls", "-q", "--filter", label),
        "network": docker("network", "ls", "-q", "--filter", label),
    }
    return [f"{kind} {name}" for kind, names in listed.items() for name in names.split()]


def run_of(pid: int) -> str | None:
    """The run that process ``pid`` owns on the engine, as soon as it has made anything there."""
    text = '{{.Label "sm-conformance.owner"}} {{.Label "sm-conformance.run"}}'
    listed = docker("network", "ls", "--filter", f"label={RUN_LABEL}", "--format", text)
    for line in listed.splitlines():
        owner, _, run_id = line.partition(" ")
        if owner.split("/")[1] == str(pid):
            return run_id
    return None


def wait_for(what: str, condition: object, *, timeout_s: float = PATIENCE_S) -> object:
    """The first true value that ``condition()`` gives."""
    assert callable(condition)
    over = threading.Event()
    for _ in range(int(timeout_s / 0.04)):
        found = condition()
        if found:
            return found
        over.wait(0.04)
    raise AssertionError(f"waited in vain for {what}")
