"""Reads the layers of an image as streams, and holds each against the digest of what it unpacks to."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import math
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from sm_conformance.at_rest.parts import Content
from sm_conformance.errors import Unknowable, UsageProblem
from sm_conformance.observed.forward import Enough, Forward, Source
from sm_conformance.observed.http import printable

# More than any image has that an instance has room for.
_MOST_BYTES = 64 << 30
_MOST_ENTRIES = 1_000_000
_MOST_PATH = 4096
# What readers raise over a layer that is none; numbers that are none are a plain ValueError.
_DAMAGED = (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, ValueError, OverflowError)
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of a layer, its path without a slash in front; of a file, where its content begins.

    ``kind`` is "file", "folder", "symlink", "hard link" or "other".
    """

    path: str
    kind: str
    mode: int
    size: int
    modified: float
    target: str
    offset: int


@dataclass(slots=True)
class Allowance:
    """What may still be read of all layers together."""

    entries: int = _MOST_ENTRIES
    bytes: int = _MOST_BYTES


def entries_of(layer: Content, unpacked: str, left: Allowance, *, of: str) -> list[Found]:
    """All entries of a layer in their order.

    Raises :class:`UsageProblem` for a layer that is damaged, larger than is read, or other than its
    image says (``unpacked``), and :class:`Unknowable` for one that is packed as cannot be read.
    """
    try:
        with reader_of(layer) as source:
            hashing = _Hashing(source)
            forward = Forward(hashing, most_bytes=left.bytes)
            found = list(_entries(forward, left, of=of))
            forward.drain()
            left.bytes -= forward.tell()
    except (*_DAMAGED, RecursionError) as error:
        raise UsageProblem(
            f"{of}: a layer cannot be read: {printable(str(error))[:200]}"
        ) from error
    except Enough as error:
        raise UsageProblem(
            f"{of}: its layers have more than {_MOST_BYTES >> 30} GiB, or a name without an end"
        ) from error
    if f"sha256:{hashing.counted.hexdigest()}" != unpacked:
        raise UsageProblem(f"{of}: a layer is not the one with the digest {unpacked}")
    return found


@contextlib.contextmanager
def reader_of(layer: Content) -> Iterator[Source]:
    """A layer as it is unpacked. Raises :class:`Unknowable` for a packing that is not read here."""
    with layer.open() as raw:
        head = raw.peek(4)[:4]
        if head == _ZSTD:
            raise Unknowable("a layer is packed with zstd, which is not read here")
        if head[:2] != _GZIP:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as opened:
            yield opened


class _Hashing:
    """Counts the digest of what is read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.counted = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        taken = self._source.read(size)
        self.counted.update(taken)
        return taken


def _entries(forward: Forward, left: Allowance, *, of: str) -> Iterator[Found]:
    try:
        opened = tarfile.TarFile(fileobj=forward, mode="r")  # type: ignore[arg-type]
        while (member := opened.next()) is not None:
            opened.members.clear()  # type: ignore[attr-defined]
            opened.pax_headers = {}
            left.entries -= 1
            if left.entries < 0:
                raise UsageProblem(f"{of} has more than {_MOST_ENTRIES} files")
            path = posixpath.normpath(f"/{member.name}").lstrip("/")
            if len(path) <= _MOST_PATH:  # no file system has longer ones
                yield _found(member, path)
    except tarfile.ReadError as error:
        if str(error) != "empty file":  # a layer may hold nothing at all
            raise
    if forward.last.strip(b"\0"):  # the library takes it for the end
        raise tarfile.ReadError("what follows its last file is no member of a tar")


def _found(member: tarfile.TarInfo, path: str) -> Found:
    kind = "other"
    if member.isreg():
        kind = "file"
    elif member.isdir():
        kind = "folder"
    elif member.issym():
        kind = "symlink"
    elif member.islnk():
        kind = "hard link"
    return Found(
        path=path,
        kind=kind,
        mode=member.mode & 0o777,
        size=max(0, member.size),
        modified=float(member.mtime) if math.isfinite(member.mtime) else 0.0,
        target=member.linkname[:_MOST_PATH],
        offset=member.offset_data,
    )
