"""The bundle: the signed statement, and what it has digests of, as one canonical file.

There is one encoding of its content and no other: a file that differs from it in a byte is none.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from securesystemslib.dsse import Envelope

from sm_conformance.certificate.schema import hold
from sm_conformance.certificate.statement import canonical, sha256
from sm_conformance.errors import UsageProblem

BUNDLE_TYPE = "sm-conformance/bundle/1"
MOST_BYTES = 64 * 1024 * 1024
# What is larger is in the certificate by its digest alone.
_LARGEST_FILE = 64 * 1024
_MOST_EVIDENCE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bundle:
    """A certificate as it is handed over; ``evidence`` holds the content of files by their names."""

    envelope: Envelope
    report: Mapping[str, Any]
    declaration: Mapping[str, Any] | None
    evidence: Mapping[str, bytes]

    @property
    def statement(self) -> dict[str, Any]:
        """What is signed. Raises :class:`UsageProblem` when it is no statement of ours."""
        try:
            said = json.loads(self.envelope.payload)
        except (ValueError, RecursionError) as error:
            raise UsageProblem("what is signed is no JSON") from error
        hold(said, "certificate", "statement", what="what is signed")
        return dict(said)

    def encoded(self) -> bytes:
        """The file."""
        return canonical(
            {
                "bundle": BUNDLE_TYPE,
                "envelope": self.envelope.to_dict(),
                "report": self.report,
                "declaration": self.declaration,
                "evidence": {
                    name: base64.b64encode(content).decode("ascii")
                    for name, content in self.evidence.items()
                },
            }
        )


def decoded(content: bytes) -> Bundle:
    """The bundle that a file holds.

    Raises :class:`UsageProblem` when it is none, or is not encoded in the one way that there is.
    """
    if len(content) > MOST_BYTES:
        raise UsageProblem(f"it is larger than {MOST_BYTES} bytes, which no certificate is")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageProblem("it is no JSON") from error
    hold(data, "certificate", "bundle", what="it")
    try:
        envelope = Envelope.from_dict(data["envelope"])
        evidence = {
            name: base64.b64decode(text, validate=True) for name, text in data["evidence"].items()
        }
        bundle = Bundle(
            envelope=envelope,
            report=data["report"],
            declaration=data["declaration"],
            evidence=evidence,
        )
        again = bundle.encoded()
    except Exception as error:  # whatever a stranger's file makes libraries raise
        raise UsageProblem(f"it cannot be read: {type(error).__name__}") from error
    if again != content:
        raise UsageProblem("it is not in its canonical encoding: a byte of it was changed")
    return bundle


def evidence_of(folder: Path) -> tuple[dict[str, dict[str, Any]], dict[str, bytes]]:
    """Size and digest of each file of a launch, and the content of those that are handed over.

    Each launch has a folder in ``folder``; what lies beside these is of no run.
    Small files come first, for logs and replies say more than what a container left.
    """
    launches = [path for path in folder.glob("*") if path.is_dir() and not path.is_symlink()]
    files = sorted(
        (
            path
            for launch in launches
            for path in launch.rglob("*")
            if path.is_file() and not path.is_symlink()
        ),
        key=lambda path: (path.stat().st_size, str(path)),
    )
    facts: dict[str, dict[str, Any]] = {}
    contents: dict[str, bytes] = {}
    left = _MOST_EVIDENCE
    for path in files:
        name = path.relative_to(folder).as_posix()
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            handed_over = size <= min(_LARGEST_FILE, left)
            content = file.read() if handed_over else b""
            # Of a model of gigabytes no more than a piece is in memory.
            digest = (
                sha256(content) if handed_over else hashlib.file_digest(file, "sha256").hexdigest()
            )
        facts[name] = {"sha256": digest, "size": size, "included": handed_over}
        if handed_over:
            contents[name] = content
            left -= size
    return facts, contents
