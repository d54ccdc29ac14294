"""What a run was asked: all that its result depends on, as digests. Equal ones have one result."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sm_conformance import __version__, specs
from sm_conformance.candidate import Candidate
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.facts import EngineFacts, ImageFacts
from sm_conformance.rules import Options, Rules

_PACKAGE = Path(__file__).resolve().parents[1]
_OURS = (".py", ".yaml", ".json", ".j2", ".css")


def question(
    options: Options,
    rules: Rules,
    candidate: Candidate,
    *,
    baseline: ImageFacts | None,
    engine: EngineFacts,
) -> dict[str, str]:
    """Each part of the question by name. Raises :class:`UsageProblem` for a file that is gone.

    Nothing of it can be read back: a declaration may hold what is nobody's business.
    """
    declaration = rules.declaration
    parts = {
        "suite": (__version__, _code()),
        "contract": (rules.contract.edition, rules.contract.sha256),
        "images": [
            (_digests(image), roles, sorted(candidate.claims)) for image, roles in candidate.images
        ],
        "declaration": (declaration.sha256, declaration.document, declaration.requests),
        "bounds": declaration.latency,
        "profile": rules.profile,
        "limits": rules.limits,
        "options": {
            "model": options.model_data,
            "scans": options.scans,
            # A scanner's file may know an image by its name alone.
            "names": [image.reference for image, _ in candidate.images if options.scans],
            "s3": options.s3 is not None,
            "examples": options.examples,
            "watch": options.watch_s,
            "allow network": options.allow_network,
            "baseline": None if baseline is None else _digests(baseline),
        },
        # What only root may see is judged for root only.
        "engine": (engine, os.geteuid() == 0),
    }
    return {name: _digest(part) for name, part in parts.items()}


def _digests(image: ImageFacts) -> tuple[Any, ...]:
    # One manifest lies alone and in an index, and may be pushed in either form.
    return image.config_digest, image.manifest_digest, image.repo_digests, image.manifest


def _digest(part: Any) -> str:
    text = json.dumps(_plain(part), sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _plain(value: Any) -> Any:
    """Values as JSON data; a file by its content."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    match value:
        case Path():
            return _content(value)
        case Mapping():
            return {str(key): _plain(inner) for key, inner in value.items()}
        case frozenset() | set():
            return sorted(map(str, value))
        case list() | tuple():
            return [_plain(inner) for inner in value]
    return value


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error


@cache
def _code() -> str:
    """The digest of the suite itself: a version says little of one that is being worked on."""
    told = hashlib.sha256()
    for root in (_PACKAGE, specs.root()):
        for path in sorted(root.rglob("*")):
            if path.suffix in _OURS and path.is_file():
                told.update(path.relative_to(root).as_posix().encode() + b"\0")
                told.update(hashlib.sha256(path.read_bytes()).digest())
    return told.hexdigest()
