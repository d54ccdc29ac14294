"""A declaration as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Channel:
    """Input data of one training channel: relative POSIX file names and the files' content."""

    name: str
    content_type: str | None
    files: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What makes training fail: hyperparameters to merge over the good ones, channels to spoil.

    ``channels`` maps a channel's name to ``missing``, ``empty`` or ``corrupt``.
    """

    hyperparameters: Mapping[str, str]
    channels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lasts:
    """What makes training last: hyperparameters to merge over the good, channels to replace."""

    hyperparameters: Mapping[str, str]
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Training:
    """How to train: hyperparameters are the strings that the platform would send.

    ``idle_s`` is the lawful silent time in seconds; ``None`` leaves it to ``limits.yaml``.
    """

    hyperparameters: Mapping[str, str]
    channels: tuple[Channel, ...]
    fault: Fault | None
    lasts: Lasts | None
    yields_model: bool
    idle_s: float | None
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One request to ``/invocations`` that the owner says succeeds."""

    name: str
    content_type: str | None
    accept: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Hosting:
    """How to serve; ``model`` is an absolute path, ``without_model`` says that none is handed over.

    ``startup_s`` is ContainerStartupHealthCheckTimeoutInSeconds, in seconds.
    """

    model: Path | None
    without_model: bool
    startup_s: float | None
    environment: Mapping[str, str]
    requests: tuple[SampleRequest, ...]


@dataclass(frozen=True, slots=True)
class LatencyBounds:
    """The owner's bounds of the 99th percentiles, in milliseconds."""

    ping_p99_ms: float | None
    invocation_p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Resources:
    """The owner's bounds of a launch, in bytes and seconds; ``time_s`` is the longest training."""

    memory_bytes: int | None
    pids: int | None
    log_bytes: int | None
    output_bytes: int | None
    time_s: float | None


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the owner says of a candidate; ``None`` means that nothing was said.

    ``origin`` is ``option``, ``file`` or ``default``. ``sha256`` covers the YAML and every file
    that it names.
    """

    origin: str
    sha256: str | None
    path: Path | None
    claims: frozenset[str] | None
    network: str | None
    training: Training | None
    hosting: Hosting | None
    latency: LatencyBounds
    resources: Resources

    @property
    def declared(self) -> bool:
        """Whether there was a declaration at all."""
        return self.origin != "default"


def nothing_declared() -> Declaration:
    """The declaration of an owner who says nothing."""
    return Declaration(
        origin="default",
        sha256=None,
        path=None,
        claims=None,
        network=None,
        training=None,
        hosting=None,
        latency=LatencyBounds(ping_p99_ms=None, invocation_p99_ms=None),
        resources=Resources(
            memory_bytes=None, pids=None, log_bytes=None, output_bytes=None, time_s=None
        ),
    )
