"""The public entry: reads requests and answers of the SageMaker API from files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sm_conformance.aws import document, service, strict_json
from sm_conformance.aws.checks import Owners
from sm_conformance.aws.draft import Origin, without
from sm_conformance.aws.places import containers
from sm_conformance.aws.problems import Plain, RequestProblem, dotted, refuse
from sm_conformance.aws.s3 import Store
from sm_conformance.aws.strict_json import JsonFile
from sm_conformance.declaration import parts
from sm_conformance.declaration.problems import Where

_FEW = 3


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests and answers, by kind, and what they say as a document like ``sm-conformance.yaml``.

    ``document`` names data by absolute paths. ``origins`` has for each of its places the kind of
    the request that says it, and the place there. ``notes`` tell what is not in the document, or
    was not looked at, and why. ``sha256`` covers the files and what was taken out of the S3 folder
    into the document; data that the document names is covered where it is read.
    """

    files: Mapping[str, Path]
    requests: Mapping[str, Mapping[str, Any]]
    document: dict[str, Any]
    origins: Mapping[Where, Origin]
    notes: tuple[str, ...]
    sha256: str


def read_requests(files: Mapping[str, Path], *, s3: Path | None) -> Requests:
    """Read one file for each kind of ``service.KINDS``; ``s3`` is a folder with S3URI's bucket/key.

    Raises ``UsageProblem`` for what is no such request, for what the service would not take, except
    where a clause that binds these requests will tell it, and without botocore.
    """
    if s3 is not None and not s3.is_dir():
        raise RequestProblem(f"--sm-s3 {s3}: no such folder")
    read = {kind: strict_json.read(path) for kind, path in files.items()}
    examined = {kind: service.examine(kind, file.content) for kind, file in read.items()}
    owners = Owners({kind: file.content for kind, file in read.items()})
    for kind, file in read.items():
        # What no clause owns; a field that a clause forbids is no other form.
        strange = [fault for fault in examined[kind].faults if not owners.of(kind, fault)]
        _refuse_other_forms(kind, file, strange)
        _refuse_pipelines(kind, file)
    draft = document.write(
        {kind: without(read[kind].content, examined[kind].faults) for kind in read},
        store=Store(s3),
    )
    claims = frozenset(draft.document.get("claims", ()))
    for kind, file in read.items():
        untold = [
            fault
            for fault in examined[kind].faults
            if not owners.judged(kind, fault, claims=claims)
        ]
        refuse(file.path, untold)
    return Requests(
        files=dict(files),
        requests={kind: file.content for kind, file in read.items()},
        document=draft.document,
        origins=draft.origins,
        notes=(*draft.notes, *_unchecked(examined)),
        sha256=_seal(read, draft.document),
    )


def _refuse_other_forms(kind: str, file: JsonFile, faults: Sequence[service.Fault]) -> None:
    """What has unknown keys or values of another type cannot be turned into anything."""
    other = service.likelier_kind(kind, file.content)
    if other is not None:
        text = f"{service.operation(other, file.content)}: name it with --sm-{other}"
        raise RequestProblem(f"{file.path}: $: this is {text}")
    if any(fault.rule in ("unknown", "type") for fault in faults):
        refuse(file.path, faults)


def _refuse_pipelines(kind: str, file: JsonFile) -> None:
    found = list(containers({kind: file.content}))
    if len(found) > 1:
        text = f"{len(found)} containers: only a model of one can be judged so far"
        refuse(file.path, [Plain(found[0].where[:-1], text)])


def _unchecked(examined: Mapping[str, service.Examined]) -> Iterator[str]:
    for kind, one in examined.items():
        places = ", ".join(dotted(where) for where in one.unchecked[:_FEW])
        more = len(one.unchecked) - _FEW
        if places:
            further = f" and {more} further" if more > 0 else ""
            yield f"{kind} request: {places}{further}: the pattern is Java's and was not looked at"


def _seal(read: Mapping[str, JsonFile], said: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    for kind in sorted(read):
        digest.update(kind.encode() + hashlib.sha256(read[kind].raw).digest())
    asked = parts.mappings(said, "hosting", "requests")
    bodies = [
        one.get("body") or one.get("body_base64")
        for one in (*asked, parts.mapping(said, "hosting", "transform"))
    ]
    digest.update(json.dumps(bodies).encode())
    return digest.hexdigest()
