"""What the laboratory asks of an engine, and the values that it answers with.

Everything a candidate does is a value here. Only the engine's own trouble raises, as
:class:`~sm_conformance.errors.HarnessTrouble`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from sm_conformance.observed.facts import (
    EngineFacts,
    Exit,
    FileFacts,
    ImageFacts,
    Killing,
    Layer,
    Listener,
    NotKilled,
    Process,
    StartProblem,
)
from sm_conformance.observed.http import Address
from sm_conformance.observed.output import OutputTree
from sm_conformance.observed.sought import Sought


class NoSuchImage(Exception):
    """The engine has no image of that name."""


class Network(StrEnum):
    """What a launch can reach, and how it is reached."""

    NONE = "none"  # no interface but loopback
    ISOLATED = "isolated"  # reached from the harness, no route out
    OPEN = "open"  # the engine's ordinary bridge; only where the declaration needs it


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that the platform mounts: a volume of its own, filled before the start.

    ``archive`` is a tar file (plain or gzip) of the candidate's, ``content`` a tar stream of ours;
    they are unpacked there by the engine, never on the host.
    """

    path: str
    read_only: bool = False
    archive: Path | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a launch may use up: bytes and processes. Reaching one is reported, never judged.

    ``cpus`` is a number of processors (None: all), ``shm_bytes`` the size of /dev/shm (None: the
    engine's own), ``gpus`` a number of GPUs (-1: all, None: none).
    """

    memory_bytes: int
    pids: int
    log_bytes: int
    output_bytes: int
    cpus: float | None = None
    shm_bytes: int | None = None
    gpus: int | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """One container as the platform would start it.

    An empty ``entrypoint`` leaves the image its own.
    """

    name: str
    image: str
    arguments: tuple[str, ...]
    bounds: Bounds
    entrypoint: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    hostname: str | None = None
    places: tuple[Place, ...] = ()
    network: Network = Network.NONE
    # Whether to look all the time for the addresses that it dials, in search of a cause.
    watched: bool = False
    # Files placed below /opt/ml before the start: a tar stream in memory.
    inputs: bytes | None = None


class Log(Protocol):
    """What a container has written so far; both streams, each bounded."""

    def stdout(self) -> bytes: ...

    def stderr(self) -> bytes: ...

    def after(self, seen: tuple[int, int]) -> tuple[tuple[bytes, int], tuple[bytes, int]]: ...

    @property
    def total_bytes(self) -> int: ...

    @property
    def lost_bytes(self) -> int: ...

    @property
    def first_at(self) -> float | None: ...

    @property
    def last_at(self) -> float | None: ...

    @property
    def ended_at(self) -> float | None: ...


class Container(Protocol):
    """One container, created and not yet started. Times are ``time.monotonic()`` seconds."""

    @property
    def log(self) -> Log: ...

    @property
    def address(self) -> Address | None: ...

    @property
    def started_at(self) -> float: ...

    def start(self) -> StartProblem | None: ...

    def wait(self, timeout_s: float) -> Exit | None: ...

    def pause(self, seconds: float) -> bool: ...

    def signal(self, name: str) -> None: ...

    def kill_server(self) -> Killing | NotKilled: ...

    def cpu_seconds(self) -> float | None: ...

    def processes(self) -> tuple[Process, ...]: ...

    def listeners(self) -> tuple[Listener, ...]: ...

    def sought(self) -> Sought: ...

    def save(self, path: str, to: Path, limit_bytes: int) -> bool: ...

    def added_bytes(self) -> int | None: ...

    def added_paths(self) -> tuple[str, ...] | None: ...

    def file_bytes(self, path: str) -> int | None: ...

    def keep(self) -> str | None: ...

    def remove(self) -> None: ...


class Engine(Protocol):
    """A Docker-compatible engine, or a miniature of one.

    ``stat``, ``listing``, ``file_head`` and ``copy_out`` look into an image without starting it.
    """

    def facts(self) -> EngineFacts: ...

    def image(self, reference: str) -> ImageFacts: ...

    def layers(self, reference: str) -> tuple[Layer, ...]: ...

    def stat(self, reference: str, paths: Iterable[str]) -> Mapping[str, FileFacts]: ...

    def listing(
        self, reference: str, folders: Iterable[str], limit_bytes: int
    ) -> Mapping[str, OutputTree]: ...

    def file_head(self, reference: str, path: str, length: int) -> bytes | None: ...

    def copy_out(self, reference: str, path: str, to: Path, limit_bytes: int) -> bool | None: ...

    def create(self, launch: Launch) -> Container: ...

    def close(self) -> None: ...
