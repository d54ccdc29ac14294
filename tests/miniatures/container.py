"""A container that is a thread: it is fed, started, asked, stopped and read as a real one is."""

from __future__ import annotations

import contextlib
import io
import queue
import shutil
import socket
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from miniatures.inside import Inside, Killed, Program, Stream
from sm_conformance.engine.log import LogCapture
from sm_conformance.engine.protocol import Launch, Network
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.facts import (
    Exit,
    Killing,
    Layer,
    Listener,
    NotKilled,
    Process,
    StartProblem,
)
from sm_conformance.observed.http import Address
from sm_conformance.observed.manifest import DOCKER_MANIFEST, ManifestForm, Place
from sm_conformance.observed.sought import NOTHING_SOUGHT, Sought

_PUSHED = ManifestForm(DOCKER_MANIFEST, Place.ENGINE)
_SIGTERM_BIT = 1 << 14
_KILLED_CODE = 137
_END_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Miniature:
    """A candidate: what it does when told ``train`` or ``serve``, and what its image says."""

    story: str
    train: Program
    serve: Program
    entrypoint: tuple[str, ...] = ("/program/main",)
    # The image's own CMD, and the program that it leads to.
    command: tuple[str, ...] = ()
    by_command: Program | None = None
    user: str = ""
    architecture: str = "amd64"
    elf_machine: int = 62
    problem: StartProblem | None = None
    catches_sigterm: bool = True
    helpers: tuple[str, ...] = ()
    # The process that serves, where that is not the first one.
    child: str = ""
    memory_killed: bool = False
    # Files that a launch adds to its image's file system: paths and sizes; None where an engine
    # does not say.
    adds: Mapping[str, int] | None = field(default_factory=dict)
    # What else the image holds: its files by absolute path, those that are not executable as others
    # are, links, labels, environment, its folder, how it was made.
    files: Mapping[str, bytes] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[Layer, ...] = (Layer(command="COPY program", size_bytes=1000),)
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = "/"
    # The form in which it will be pushed; None where its engine does not tell.
    manifest: ManifestForm | None = _PUSHED
    # What of the engine breaks when this candidate is launched: "create", "start" or "save".
    trouble: str = ""


@dataclass(slots=True)
class _End:
    """How the program ended; the lock lets its processor time be read while it lives."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)
    exit: Exit | None = None
    cpu_s: float = 0.0


class MiniatureContainer:
    """See :class:`sm_conformance.engine.protocol.Container`; the program runs in a thread."""

    def __init__(
        self, miniature: Miniature, launch: Launch, *, removed: Callable[[MiniatureContainer], None]
    ) -> None:
        _maybe(miniature, "create")
        self._miniature = miniature
        self._launch = launch
        self._removed = removed
        self._folder = Path(tempfile.mkdtemp(prefix="miniature-"))
        self._root = self._folder / "opt" / "ml"
        self._root.mkdir(parents=True)
        self._frames: queue.SimpleQueue[tuple[bytes | None, bytes | None] | None] = (
            queue.SimpleQueue()
        )
        # Bound and not listening: connections are refused until the program takes it over.
        self._port = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._port.bind(("127.0.0.1", 0))
        host, port = self._port.getsockname()
        self._address = Address(host=host, port=port)
        self._inside = Inside(
            root=self._root,
            environment=dict(launch.environment),
            stdout=Stream(lambda data: self._frames.put((data, None))),
            stderr=Stream(lambda data: self._frames.put((None, data))),
            port=self._port,
            hostname=launch.hostname or "",
            networked=launch.network is Network.OPEN,
            read_only=frozenset(place.path for place in launch.places if place.read_only),
        )
        self._end = _End()
        self._thread: threading.Thread | None = None
        self._log = LogCapture(())
        self.started_at = 0.0
        self._feed()

    def _feed(self) -> None:
        for place in self._launch.places:
            folder = self._folder / place.path.lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
            if place.archive is not None:
                _unpack(place.archive.read_bytes(), folder)
            if place.content is not None:
                _unpack(place.content, folder)
        if self._launch.inputs is not None:
            _unpack(self._launch.inputs, self._root)

    @property
    def log(self) -> LogCapture:
        return self._log

    @property
    def address(self) -> Address | None:
        return None if self._launch.network is Network.NONE else self._address

    def start(self) -> StartProblem | None:
        _maybe(self._miniature, "start")
        self.started_at = time.monotonic()
        if self._miniature.problem is not None:
            return self._miniature.problem
        self._log = LogCapture(self._written())
        going = threading.Thread(target=self._live, daemon=True)
        going.start()
        self._thread = going  # whoever removes the container meanwhile can wait for it
        return None

    def _written(self) -> Iterator[tuple[bytes | None, bytes | None]]:
        while (frame := self._frames.get()) is not None:
            yield frame

    def _live(self) -> None:
        try:
            code = self._program()(self._inside)
        except Killed:
            code = _KILLED_CODE
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the program came to
            with contextlib.suppress(Killed):
                self._inside.complain_of(error)
            code = 1
        memory_killed = self._miniature.memory_killed and not self._inside.killed.is_set()
        with self._end.lock:
            self._end.cpu_s = time.thread_time()
            self._end.exit = Exit(
                code=_KILLED_CODE if memory_killed else code,
                memory_killed=memory_killed,
                finished_at=time.time(),
            )
        self._frames.put(None)
        self._end.over.set()

    def _program(self) -> Program:
        if not self._launch.arguments:
            assert self._miniature.by_command is not None, "an image without CMD needs arguments"
            return self._miniature.by_command
        (word,) = self._launch.arguments
        return {"train": self._miniature.train, "serve": self._miniature.serve}[word]

    def wait(self, timeout_s: float) -> Exit | None:
        if not self._end.over.wait(timeout_s):
            return None
        self._log.finish(_END_S)
        return self._end.exit

    def pause(self, seconds: float) -> bool:
        return self._log.finish(seconds)

    def signal(self, name: str) -> None:
        if name == "SIGKILL":
            self._inside.killed.set()
            self._inside.asked_to_stop.set()
        elif self._miniature.catches_sigterm:
            self._inside.asked_to_stop.set()

    def kill_server(self) -> Killing | NotKilled:
        if not self._miniature.child:
            return NotKilled.ALONE
        self._inside.child_killed.set()
        return Killing(self._miniature.child)

    def cpu_seconds(self) -> float | None:
        with self._end.lock:
            if self._thread is None or self._thread.ident is None or self._end.exit is not None:
                return self._end.cpu_s
            return time.clock_gettime(time.pthread_getcpuclockid(self._thread.ident))

    def processes(self) -> tuple[Process, ...]:
        if self._end.over.is_set():
            return ()
        caught = _SIGTERM_BIT if self._miniature.catches_sigterm else 0
        commands = (" ".join(self._launch.arguments), *self._miniature.helpers)
        return tuple(
            Process(
                pid=number,
                parent=0 if number == 1 else 1,
                command=command,
                caught=caught,
                blocked=0,
                state="S",
                waits_in="futex_wait_queue",
            )
            for number, command in enumerate(commands, start=1)
        )

    def listeners(self) -> tuple[Listener, ...]:
        return tuple(self._inside.listeners)

    def sought(self) -> Sought:
        """As on a real engine: without an interface nothing is seen, and dials only when watched."""
        if self._launch.network is not Network.ISOLATED:
            return NOTHING_SOUGHT
        dialled = self._inside.addresses if self._launch.watched else ()
        return Sought(names=tuple(self._inside.names), addresses=tuple(dialled))

    def save(self, path: str, to: Path, limit_bytes: int) -> bool:
        _maybe(self._miniature, "save")
        folder = self._folder / path.lstrip("/")
        held = io.BytesIO()
        with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as archive:
            if folder.exists():
                archive.add(folder, arcname=folder.name)
        to.write_bytes(held.getvalue()[:limit_bytes])
        return len(held.getvalue()) <= limit_bytes

    def added_bytes(self) -> int | None:
        return None if self._miniature.adds is None else sum(self._miniature.adds.values())

    def added_paths(self) -> tuple[str, ...] | None:
        """The files with the folders above them, as an engine lists them."""
        adds = self._miniature.adds or {}
        folders = {str(folder) for path in adds for folder in Path(path).parents}
        return (*sorted(folders - {"/"}), *adds)

    def file_bytes(self, path: str) -> int | None:
        return (self._miniature.adds or {}).get(path)

    def keep(self) -> str | None:
        """Nothing of a thread can be kept."""
        return None

    def remove(self) -> None:
        self.signal("SIGKILL")
        if self._thread is not None:
            self._thread.join(_END_S)
        self._port.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._removed(self)


def _unpack(content: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        # Early releases of Python 3.11 know no filters, and unpack as they did.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(folder)


def _maybe(miniature: Miniature, moment: str) -> None:
    if miniature.trouble == moment:
        raise HarnessTrouble(f"the engine went away at {moment}")
