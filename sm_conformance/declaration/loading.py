"""Reads ``sm-conformance.yaml``, in which the owner of a candidate says what it is and needs.

The text becomes plain values (``document``); these are held against the schema and against each
other (``rules``); the files that they name are read (``files``). A problem of one step does not
hide those of the next: all are reported together (``problems``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sm_conformance.declaration import parts
from sm_conformance.declaration.document import parse, read_bounded
from sm_conformance.declaration.files import NamedFiles
from sm_conformance.declaration.problems import Problems
from sm_conformance.declaration.rules import hold_against_each_other, hold_against_schema
from sm_conformance.declaration.values import (
    Channel,
    Declaration,
    Fault,
    Hosting,
    Lasts,
    LatencyBounds,
    Resources,
    SampleRequest,
    Training,
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
