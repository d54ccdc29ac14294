"""Content by its digest: held against it once, and read from then on without a further doubt."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from sm_conformance.errors import UsageProblem
from sm_conformance.observed.http import printable

MOST_JSON_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 1 << 20


class Part(io.RawIOBase):
    """So many bytes of an open file, from ``offset`` on. Several may read from one file at a time."""

    def __init__(self, file: BinaryIO, *, offset: int, size: int) -> None:
        super().__init__()
        self._file = file
        self._offset = offset
        self._at = 0
        self.size = size

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        """At most as many bytes as there is room for; 0 at the end."""
        wanted = min(len(into), self.size - self._at)
        taken = os.pread(self._file.fileno(), wanted, self._offset + self._at) if wanted else b""
        into[: len(taken)] = taken
        self._at += len(taken)
        return len(taken)


@dataclass(frozen=True, slots=True)
class Content:
    """Some bytes that lie in a file; :meth:`open` starts to read them anew."""

    file: BinaryIO
    offset: int
    size: int

    def open(self) -> io.BufferedReader:
        """A reader from the first byte on."""
        return io.BufferedReader(Part(self.file, offset=self.offset, size=self.size), _CHUNK_BYTES)

    def digest(self) -> str:
        """The digest of all bytes."""
        counted = hashlib.sha256()
        with self.open() as reader:
            while chunk := reader.read(_CHUNK_BYTES):
                counted.update(chunk)
        return f"sha256:{counted.hexdigest()}"

    def small(self, what: str) -> bytes:
        """All bytes of what is small by its nature. Raises UsageProblem where it is not."""
        if self.size > MOST_JSON_BYTES:
            raise UsageProblem(f"{what} has {self.size} bytes, which none has")
        with self.open() as reader:
            return reader.read(self.size)


# Finds the content with a digest, and holds it against it. Raises UsageProblem where there is none,
# or another one.
Find = Callable[[str, int | None], Content]


def parsed(raw: bytes, what: str) -> Any:
    """The JSON value ``raw``. Raises UsageProblem where it is none; ``what`` names it."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UsageProblem(f"{what} is no JSON") from error


def document(raw: bytes, what: str) -> Mapping[str, Any]:
    """The same where it has to be an object."""
    said = parsed(raw, what)
    if not isinstance(said, Mapping):
        raise UsageProblem(f"{what} is no JSON object")
    return said


def is_digest(text: str) -> bool:
    """Whether ``text`` is a digest as images have them."""
    kind, _, digits = text.partition(":")
    return kind == "sha256" and len(digits) == 64 and not set(digits) - set("0123456789abcdef")


def listed(said: Mapping[str, Any], key: str, what: str, *, most: int) -> list[Any]:
    """The list that stands at ``key``; empty where nothing does. Raises UsageProblem."""
    found = said.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > most:
        raise UsageProblem(f"{what}: {printable(key)} is no list of at most {most} things")
    return found


def mapped(said: Mapping[str, Any], key: str, what: str) -> Mapping[str, Any]:
    """The object that stands at ``key``; empty where nothing does. Raises UsageProblem."""
    found = said.get(key)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise UsageProblem(f"{what}: {printable(key)} is no JSON object")
    return found


def text(said: Mapping[str, Any], key: str, what: str) -> str:
    """The text that stands at ``key``; empty where nothing does. Raises UsageProblem."""
    found = said.get(key)
    if found is not None and not isinstance(found, str):
        raise UsageProblem(f"{what}: {printable(key)} is no text")
    return found or ""
