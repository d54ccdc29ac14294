"""What the commands ``declare`` and ``specification`` print: a declaration made of requests to AWS, and
the ValidationSpecification that it amounts to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sm_conformance.aws.declaring import declare
from sm_conformance.aws.kinds import KINDS
from sm_conformance.aws.merge import merge
from sm_conformance.aws.requests import read_requests
from sm_conformance.aws.validation import Observed, validation_specification
from sm_conformance.aws.writing import as_yaml
from sm_conformance.declaration import parts
from sm_conformance.declaration.document import parse, read_bounded
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.problems import Problems, Where
from sm_conformance.errors import UsageProblem
from sm_conformance.secrecy.mask import Mask
from sm_conformance.secrecy.shapes import in_data

_REPORT = "sm-conformance/report/1"
_MOST_REPORT = 64 << 20
_INVOCATION = ("HOST-010", "invocation")


@dataclass(frozen=True, slots=True)
class Made:
    """A text to print, and what its reader has to know beside it."""

    text: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """The document, the digest of all that it was made of, and what is not in it."""

    document: dict[str, Any]
    sha256: str | None
    notes: tuple[str, ...]


def declaration(named: Mapping[str, str]) -> Made:
    """The ``sm-conformance.yaml`` that says what requests and a declaration say together.

    ``named`` has what the options name: a file for each kind of request, ``s3``, ``declaration``.
    Files are named as seen from the current folder. Raises ``UsageProblem``.
    """
    if not KINDS.keys() & named.keys():
        raise UsageProblem("name a request to AWS, such as --algorithm FILE")
    read = _read(named)
    document, notes = _without_secrets(read.document)
    return Made(text=as_yaml(document), notes=(*read.notes, *notes))


def specification(named: Mapping[str, str]) -> Made:
    """The ValidationSpecification of the same as JSON; a ``report`` tells what was observed.

    Raises ``UsageProblem``.
    """
    read = _read(named)
    facts, doubts = _observed(named["report"], read) if "report" in named else (Observed(), ())
    made, notes = _without_secrets(validation_specification(read.document, facts))
    text = json.dumps(made, indent=2) + "\n"
    return Made(text=text, notes=(*read.notes, *doubts, *notes))


def _without_secrets(document: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The document without secrets in it, and what its reader has to know of that."""
    hidden = Mask(in_data(document)).data(document)
    if hidden == document:
        return document, ()
    return hidden, ("secrets are not printed: put them in again where stars stand",)


def _read(named: Mapping[str, str]) -> _Read:
    empty = [name for name, said in named.items() if not said]
    if empty:
        raise UsageProblem(f"--{empty[0]} is empty; leave it out or name something")
    own = Path(named["declaration"]) if "declaration" in named else None
    files = {kind: Path(named[kind]) for kind in KINDS if kind in named}
    if files:
        try:
            return _read_requests(files, s3=named.get("s3"), own=own)
        except UsageProblem as error:
            raise UsageProblem(_named_here(str(error))) from error
    if "s3" in named:
        raise UsageProblem("--s3 is the data of requests to AWS, and none is given")
    if own is None:
        raise UsageProblem("name a declaration, or a request to AWS such as --algorithm FILE")
    held = load(own, origin="option")
    said = parse(read_bounded(own), problems=Problems(own))
    return _Read(_as_seen_from_here(said, own), held.sha256, ())


def _read_requests(files: Mapping[str, Path], *, s3: str | None, own: Path | None) -> _Read:
    requests = read_requests(files, s3=Path(s3) if s3 is not None else None)
    held = declare(requests, path=own, origin="aws")
    place, said = next(iter(files.values())), requests.document
    if own is not None:
        place, problems = own, Problems(own)
        document = parse(read_bounded(own), problems=problems)
        said = merge(requests, document, folder=own.absolute().parent, problems=problems)
    notes = tuple(_named_here(note) for note in requests.notes)
    return _Read(_as_seen_from_here(said, place), held.sha256, notes)


def _named_here(text: str) -> str:
    """The text with the options called as the command line calls them, not as pytest does."""
    return text.replace("--sm-", "--")


def _as_seen_from_here(document: Any, beside: Path) -> dict[str, Any]:
    """The document with the files that it names relative to the current folder, where they can be."""
    here, folder = Path.cwd(), beside.absolute().parent

    def moved(value: Any, where: Where) -> Any:
        match value:
            case dict():
                return {key: moved(inner, (*where, key)) for key, inner in value.items()}
            case list():
                return [moved(inner, (*where, index)) for index, inner in enumerate(value)]
            case str() if _names_a_file(where, value):
                path = Path(os.path.normpath(folder / value))
                if Path(value).is_absolute() and not path.is_relative_to(here):
                    return value
                seen = os.path.relpath(path, here)
                return f"./{seen}" if seen == "none" else seen
            case _:
                return value

    found: dict[str, Any] = moved(document, ())
    return found


def _names_a_file(where: Where, value: str) -> bool:
    match where:
        case ("training", "channels", _, "path") | ("training", "lasts", "channels", _, "path"):
            return True
        case ("training" | "hosting", "code", "path" | "sourcedir"):
            return True
        case ("hosting", "requests", _, "body_path" | "schema_path"):
            return True
        case ("hosting", "requests", _, "expect", "body_path"):
            return True
        case ("hosting", "model"):
            return value != "none"
        case _:
            return False


def _observed(path: str, read: _Read) -> tuple[Observed, tuple[str, ...]]:
    """What the report shows of the declared input, and what makes it doubtful."""
    report = _read_report(Path(path))
    notes = []
    if parts.mapping(report, "declaration").get("sha256") != read.sha256:
        notes.append(f"{path}: it was judged by another declaration than this one")
    if report.get("conclusion") != "conformant":
        notes.append(f"{path}: the image is {report.get('conclusion')}")
    verdicts = {
        (one.get("clause"), one.get("name")): one.get("verdict")
        for one in parts.mappings(report, "findings")
    }
    verdict = verdicts.get(_INVOCATION, "not there")
    if verdict != "pass":
        notes.append(f"{path}: {' '.join(_INVOCATION)} is {verdict}: no request was seen to work")
        return Observed(), tuple(notes)
    sample = next(iter(parts.mappings(read.document, "hosting", "requests")), {})
    seen = Observed(content_type=sample.get("content_type"), accept=sample.get("accept"))
    return seen, tuple(notes)


def _read_report(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            report = json.loads(file.read(_MOST_REPORT))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise UsageProblem(f"--report {path}: cannot be read: {reason}") from error
    if not isinstance(report, dict) or report.get("schema") != _REPORT:
        raise UsageProblem(f"--report {path}: this is no report.json of sm-conformance")
    return report
