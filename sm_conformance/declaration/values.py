"""A declaration as frozen values."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ALL_GPUS = -1


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """What is said of a hyperparameter beyond its value; numbers are the text that was written.

    ``kind`` is ``integer``, ``continuous``, ``categorical`` or ``free-text``; ``low`` and ``high``
    belong to the range.
    """

    name: str
    value: str | None
    kind: str | None
    low: str | None
    high: str | None
    values: tuple[str, ...]
    required: bool
    tunable: bool
    default: str | None

    @property
    def is_text(self) -> bool:
        """Whether its values are text and no numbers."""
        return self.kind in ("categorical", "free-text")

    @property
    def good(self) -> str | None:
        """The value of a training that succeeds; None where nothing says one."""
        return self.default if self.value is None else self.value


@dataclass(frozen=True, slots=True)
class Channel:
    """Input data of one training channel: relative POSIX file names and the files' content.

    Without files nobody said what is in it. ``modes`` are those of ``File``, ``Pipe`` and
    ``FastFile`` that the program takes, ``content_types`` further ones that it reads,
    ``compression`` is ``none`` or ``gzip``.
    """

    name: str
    content_type: str | None
    files: tuple[tuple[str, bytes], ...]
    modes: tuple[str, ...] = ("File",)
    content_types: tuple[str, ...] = ()
    required: bool = True
    compression: str = "none"


@dataclass(frozen=True, slots=True)
class Metric:
    """A number in the log of a training: the first group of ``regex``."""

    name: str
    regex: str


@dataclass(frozen=True, slots=True)
class Objective:
    """The metric that tuning is for; ``goal`` is ``Maximize`` or ``Minimize``."""

    metric: str
    goal: str


@dataclass(frozen=True, slots=True)
class Code:
    """A user's program: relative POSIX file names and content, or a ``sourcedir.tar.gz``."""

    files: tuple[tuple[str, bytes], ...]
    archive: bytes | None
    entry_point: str | None


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

    ``hyperparameter_specs`` has those of which more is said than a value. ``idle_s`` is the lawful
    silent time in seconds; ``None`` leaves it to ``limits.yaml``. ``entrypoint`` and ``arguments``
    replace the image's ENTRYPOINT and the word ``train``; empty ones replace nothing.
    """

    hyperparameters: Mapping[str, str]
    channels: tuple[Channel, ...]
    fault: Fault | None
    lasts: Lasts | None
    yields_model: bool
    idle_s: float | None
    environment: Mapping[str, str]
    hyperparameter_specs: tuple[Hyperparameter, ...] = ()
    metrics: tuple[Metric, ...] = ()
    objective: Objective | None = None
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    code: Code | None = None

    @property
    def encoded_hyperparameters(self) -> Mapping[str, str]:
        """The values that are text as a client sends them that encodes each as JSON, such as the SDK.

        A number or boolean looks the same in both forms; so does what is already JSON, unless it is
        said to be text.
        """
        text = {spec.name for spec in self.hyperparameter_specs if spec.is_text}
        return {
            name: json.dumps(value)
            for name, value in self.hyperparameters.items()
            if name in text or not _is_json(value)
        }

    @property
    def started_otherwise(self) -> bool:
        """Whether the image is not told the word ``train``."""
        return bool(self.entrypoint or self.arguments)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the reply to a sample request must be; ``None`` leaves that part open.

    At most one of ``body`` (its bytes, a line end at their end apart), ``pattern`` (a regular
    expression that is found in it) and ``schema`` (a JSON Schema that it keeps) is said.
    """

    content_type: str | None
    body: bytes | None
    pattern: str | None
    schema: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SampleRequest:
    """One request to ``/invocations`` that the owner says succeeds.

    ``stream`` is the format of an answer that streams: ``sse``, ``jsonlines`` or ``none``. A slow one
    is answered in ``takes_s`` seconds.
    """

    name: str
    content_type: str | None
    accept: str | None
    body: bytes
    expect: Expectation | None = None
    takes_s: float | None = None
    stream: str | None = None
    # A JSON Schema: every body that keeps it succeeds as well.
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Transform:
    """A batch transform job of one object.

    ``split`` is ``none`` or ``line``; ``strategy`` is ``single-record``, ``multi-record`` or None
    for the platform's own. ``max_payload_mb`` is 0 for a payload without a bound; None of it or of
    ``max_concurrent`` leaves the number to the platform.
    """

    content_type: str | None
    accept: str | None
    body: bytes
    split: str = "none"
    strategy: str | None = None
    max_payload_mb: int | None = None
    max_concurrent: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hosting:
    """How to serve; ``model`` is an absolute path, ``without_model`` says that none is handed over.

    ``startup_s`` is ContainerStartupHealthCheckTimeoutInSeconds, in seconds. ``content_types`` and
    ``accepts`` are the media types that it takes and can answer with.
    """

    model: Path | None
    without_model: bool
    startup_s: float | None
    environment: Mapping[str, str]
    requests: tuple[SampleRequest, ...]
    content_types: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    code: Code | None = None
    transform: Transform | None = None


@dataclass(frozen=True, slots=True)
class LatencyBounds:
    """The owner's bounds of the 99th percentiles, in milliseconds.

    ``rate_per_s`` is the rate at which they hold, kept up for ``seconds``; None: one request after
    another.
    """

    ping_p99_ms: float | None
    invocation_p99_ms: float | None
    rate_per_s: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """The owner's bounds of a launch, in bytes and seconds; ``time_s`` is the longest training.

    ``gpus`` is a number of GPUs, or ``ALL_GPUS``; ``machine_image`` is what a GPU host runs.
    """

    memory_bytes: int | None
    pids: int | None
    log_bytes: int | None
    output_bytes: int | None
    time_s: float | None
    cpus: float | None = None
    shm_bytes: int | None = None
    gpus: int | None = None
    machine_image: str | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A clause that the owner knows to be broken; it counts up to and on the day ``expires``."""

    clause: str
    reason: str
    expires: datetime.date


@dataclass(frozen=True, slots=True)
class Declaration:
    """What the owner says of a candidate; ``None`` means that nothing was said.

    ``origin`` is ``option``, ``file``, ``image``, ``aws`` or ``default``. ``sha256`` covers the
    document and every file that it names. ``requests`` are the requests of AWS's own form that it
    was read from, by kind: ``algorithm``, ``model-package``, ``training-job``, ``model``,
    ``transform-job``. ``document`` is what was read, before anything was made of it.
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
    waivers: tuple[Waiver, ...] = ()
    requests: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)

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


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
