"""Reads ``sm-conformance.yaml``, in which the owner of a candidate says what it is and needs.

The text becomes plain values (``document``); these are held against the schema (``schema``) and
against each other (``rules``); the files that they name are read (``files``). A problem of one step
does not hide those of the next: all are reported together (``problems``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sm_conformance.declaration import parts
from sm_conformance.declaration.document import parse, read_bounded, usable
from sm_conformance.declaration.files import NamedFiles
from sm_conformance.declaration.problems import Problems, Where
from sm_conformance.declaration.rules import day, hold_against_each_other
from sm_conformance.declaration.schema import hold_against_schema
from sm_conformance.declaration.sections import hosting_of, training_of
from sm_conformance.declaration.values import (
    ALL_GPUS,
    Declaration,
    LatencyBounds,
    Resources,
    Waiver,
)


def load(path: Path, *, origin: str, confined: bool = False) -> Declaration:
    """Read the declaration ``path`` and the files that it names, relative to its folder.

    ``confined``: it may name nothing outside that folder, for its author need not be the user.
    Raises ``DeclarationError`` for whatever is wrong with it, and nothing else.
    """
    raw = read_bounded(path)
    problems = Problems(path)
    document = parse(raw, problems=problems)
    return load_document(
        document,
        folder=path.absolute().parent,
        path=path,
        origin=origin,
        problems=problems,
        raw=raw,
        confined=confined,
    )


def refuse(declaration: Declaration, told: Sequence[tuple[Where, str]]) -> None:
    """Raise one ``DeclarationError`` with what is ``told`` of places in a declaration, if anything is."""
    if not told:
        return
    problems = Problems(declaration.path or Path("the declaration"))
    if declaration.path is not None:
        parse(read_bounded(declaration.path), problems=problems)
    for where, text in told:
        problems.add(where, text)
    problems.raise_if_any()


def load_document(
    document: Any,
    *,
    folder: Path,
    path: Path,
    origin: str,
    problems: Problems | None = None,
    raw: bytes | None = None,
    confined: bool = False,
    data_elsewhere: bool = False,
    requests: Mapping[str, Any] | None = None,
) -> Declaration:
    """The declaration that a plain document stands for; what it names is relative to ``folder``.

    ``path`` is the file that problems are told of, ``problems`` holds what is already known to be
    wrong, and the lines. ``raw`` is what the digest covers; by default the document itself. Of
    ``confined`` see :func:`load`.
    ``data_elsewhere``: channels need not say what is in them, as in requests of AWS's form, which
    are handed over in ``requests``. Raises ``DeclarationError``, and nothing else.
    """
    problems = problems or Problems(path)
    document = usable(document, problems=problems)
    hold_against_schema(document, problems=problems, data_elsewhere=data_elsewhere)
    hold_against_each_other(document, problems=problems)
    files = NamedFiles(folder, problems=problems, confined=confined)
    training = training_of(document, files=files)
    hosting = hosting_of(document, files=files)
    problems.raise_if_any()
    latency = parts.mapping(document, "latency")
    return Declaration(
        origin=origin,
        sha256=files.seal(json.dumps(document, sort_keys=True).encode() if raw is None else raw),
        path=path,
        claims=parts.claims(document),
        network=document.get("network"),
        training=training,
        hosting=hosting,
        latency=LatencyBounds(
            ping_p99_ms=parts.number(latency.get("ping_p99_ms")),
            invocation_p99_ms=parts.number(latency.get("invocation_p99_ms")),
            rate_per_s=parts.number(latency.get("rate_per_s")),
            seconds=parts.number(latency.get("seconds")),
        ),
        resources=_resources(parts.mapping(document, "resources")),
        waivers=tuple(_waiver(said) for said in parts.entries(document, "waivers")),
        requests=requests or {},
        document=document,
    )


def _resources(said: dict[str, Any]) -> Resources:
    gpus = said.get("gpus")
    return Resources(
        memory_bytes=parts.size_in_bytes(said.get("memory")),
        pids=parts.whole_number(said.get("pids")),
        log_bytes=parts.size_in_bytes(said.get("log")),
        output_bytes=parts.size_in_bytes(said.get("output")),
        time_s=parts.number(said.get("time_s")),
        cpus=parts.number(said.get("cpus")),
        shm_bytes=parts.size_in_bytes(said.get("shm")),
        gpus=ALL_GPUS if gpus == "all" else parts.whole_number(gpus),
        machine_image=said.get("machine_image"),
    )


def _waiver(said: dict[str, Any]) -> Waiver:
    expires = day(said["expires"])
    assert expires is not None, "the rules have refused other days"
    reason = " ".join(said["reason"].split())
    return Waiver(clause=said["clause"], reason=reason, expires=expires)
