"""Reads ``sm-conformance.yaml``, in which the owner of a candidate says what it is and needs.

The text becomes plain values (``declaration_document``); these are held against the schema and
against each other (``declaration_rules``); the files that they name are read
(``declaration_files``). A problem of one step does not hide those of the next: all are reported
together (``declaration_problems``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sm_conformance.candidate import declaration_parts as parts
from sm_conformance.candidate.declaration_document import parse, read_bounded
from sm_conformance.candidate.declaration_files import NamedFiles
from sm_conformance.candidate.declaration_problems import DeclarationError, Problems, Where
from sm_conformance.candidate.declaration_rules import hold_against_each_other, hold_against_schema

__all__ = [
    "Channel",
    "Declaration",
    "DeclarationError",
    "Fault",
    "Hosting",
    "Lasts",
    "LatencyBounds",
    "Resources",
    "SampleRequest",
    "Training",
    "Where",
    "load",
    "nothing_declared",
]


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


def load(path: Path, *, origin: str) -> Declaration:
    """Read the declaration ``path`` and the files that it names, relative to its folder.

    Raises ``DeclarationError`` for whatever is wrong with it, and nothing else.
    """
    raw = read_bounded(path)
    problems = Problems(path)
    document = parse(raw, problems=problems)
    hold_against_schema(document, problems=problems)
    hold_against_each_other(document, problems=problems)
    files = NamedFiles(path.absolute().parent, problems=problems)
    training = _training(document, files=files)
    hosting = _hosting(document, files=files)
    problems.raise_if_any()
    latency, resources = parts.mapping(document, "latency"), parts.mapping(document, "resources")
    return Declaration(
        origin=origin,
        sha256=files.seal(raw),
        path=path,
        claims=parts.claims(document),
        network=document.get("network"),
        training=training,
        hosting=hosting,
        latency=LatencyBounds(
            ping_p99_ms=parts.number(latency.get("ping_p99_ms")),
            invocation_p99_ms=parts.number(latency.get("invocation_p99_ms")),
        ),
        resources=Resources(
            memory_bytes=parts.size_in_bytes(resources.get("memory")),
            pids=parts.whole_number(resources.get("pids")),
            log_bytes=parts.size_in_bytes(resources.get("log")),
            output_bytes=parts.size_in_bytes(resources.get("output")),
            time_s=parts.number(resources.get("time_s")),
        ),
    )


def _training(document: Any, *, files: NamedFiles) -> Training | None:
    said = parts.mapping(document).get("training")
    if not isinstance(said, dict):
        return None
    return Training(
        hyperparameters=parts.mapping(said, "hyperparameters"),
        channels=_channels(document, "training", "channels", files=files),
        fault=Fault(
            hyperparameters=parts.mapping(said, "fault", "hyperparameters"),
            channels=parts.mapping(said, "fault", "channels"),
        )
        if "fault" in said
        else None,
        lasts=Lasts(
            hyperparameters=parts.mapping(said, "lasts", "hyperparameters"),
            channels=_channels(document, "training", "lasts", "channels", files=files),
        )
        if "lasts" in said
        else None,
        yields_model=said.get("yields_model", True),
        idle_s=parts.number(said.get("idle_s")),
        environment=parts.mapping(said, "environment"),
    )


def _channels(document: Any, *keys: str, files: NamedFiles) -> tuple[Channel, ...]:
    return tuple(
        Channel(
            name=name,
            content_type=parts.mapping(said).get("content_type"),
            files=files.channel(said, where=(*keys, name)),
        )
        for name, said in parts.mapping(document, *keys).items()
    )


def _hosting(document: Any, *, files: NamedFiles) -> Hosting | None:
    said = parts.mapping(document).get("hosting")
    if not isinstance(said, dict):
        return None
    return Hosting(
        model=files.model(said.get("model"), where=("hosting", "model")),
        without_model=said.get("model") == "none",
        startup_s=parts.number(said.get("startup_s")),
        environment=parts.mapping(said, "environment"),
        requests=tuple(
            SampleRequest(
                name=name,
                content_type=request.get("content_type"),
                accept=request.get("accept"),
                body=files.body(request, where=("hosting", "requests", index)),
            )
            for index, (name, request) in enumerate(parts.named_requests(document))
        ),
    )
