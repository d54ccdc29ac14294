"""The files that these commands read and write."""

from __future__ import annotations

from pathlib import Path

from sm_conformance.certificate.bundle import MOST_BYTES
from sm_conformance.errors import UsageProblem


def read(path: Path) -> bytes:
    """A certificate, and no more of it than one has. Raises :class:`UsageProblem`."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error


def write_new(path: Path, content: bytes) -> None:
    """Writes a file where none is. Raises :class:`UsageProblem`."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror}") from error
