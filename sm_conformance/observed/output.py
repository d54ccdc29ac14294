"""What a candidate left in a folder, read from a tar file that is never unpacked."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# More entries than this are counted, not listed: a hostile archive shall not fill our memory.
_MOST_ENTRIES = 100_000
_CHUNK_BYTES = 1 << 20
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hard link",
    tarfile.FIFOTYPE: "fifo",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, its name relative to the folder; sizes in bytes.

    ``target`` is where a link leads, ``modified`` when it was last written: seconds since 1970, by
    the engine's clock, most engines tell whole ones.
    """

    name: str
    kind: str
    size: int
    target: str = ""
    modified: float = 0.0


@dataclass(frozen=True, slots=True)
class OutputTree:
    """The entries of one folder. ``whole`` is False when the archive was cut at a bound."""

    entries: tuple[Entry, ...]
    whole: bool

    @property
    def files(self) -> tuple[Entry, ...]:
        """The regular files, at any depth; a hard link is a file too."""
        return tuple(entry for entry in self.entries if entry.kind in ("file", "hard link"))

    def entry(self, name: str) -> Entry | None:
        """The entry ``name``, None when there is none."""
        return next((entry for entry in self.entries if entry.name == name), None)


NOTHING = OutputTree(entries=(), whole=True)


def read_tree(archive: Path, *, whole: bool) -> OutputTree:
    """The entries of a tar file whose names begin with the name of one folder."""
    try:
        with tarfile.open(archive, mode="r:") as opened:
            tree = tree_of(opened)
    except tarfile.TarError:
        return OutputTree(entries=(), whole=False)
    return OutputTree(entries=tree.entries, whole=whole and tree.whole)


def tree_of(opened: tarfile.TarFile) -> OutputTree:
    """The same of an open archive; not whole where it could not be read to its end."""
    entries: list[Entry] = []
    whole = True
    try:
        for member in members(opened):
            name = member.name.partition("/")[2]
            if name and len(entries) < _MOST_ENTRIES:
                kind = _KINDS.get(member.type, "other")
                entries.append(
                    Entry(
                        name=name,
                        kind=kind,
                        size=member.size,
                        target=member.linkname,
                        modified=float(member.mtime),
                    )
                )
    except tarfile.TarError:
        whole = False
    return OutputTree(entries=tuple(entries), whole=whole)


def read_file(archive: Path, name: str, limit_bytes: int) -> bytes | None:
    """The first ``limit_bytes`` of the regular file ``name`` of a folder's tar file; None if absent."""
    try:
        with tarfile.open(archive, mode="r:") as opened:
            for member in members(opened):
                if member.name.partition("/")[2] == name:
                    held = opened.extractfile(member) if member.isreg() else None
                    return held.read(limit_bytes) if held else None
    except tarfile.TarError:
        return None
    return None


def fingerprint(archive: Path) -> str:
    """One word for the names, kinds and contents of a folder's tar file, whatever the times in it."""
    held: list[tuple[str, bytes, str]] = []
    with tarfile.open(archive, mode="r:") as opened:
        for member in members(opened):
            digest = hashlib.sha256(member.linkname.encode("utf-8", "surrogateescape"))
            content = opened.extractfile(member) if member.isreg() else None
            while content and (chunk := content.read(_CHUNK_BYTES)):
                digest.update(chunk)
            held.append((member.name, member.type, digest.hexdigest()))
    return hashlib.sha256(repr(sorted(held)).encode()).hexdigest()


def members(opened: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The members one by one; a hostile archive has millions, and the library keeps them all.

    Raises ``tarfile.TarError`` where the archive is damaged.
    """
    while (member := _next(opened)) is not None:
        opened.members.clear()  # type: ignore[attr-defined]
        yield member


def _next(opened: tarfile.TarFile) -> tarfile.TarInfo | None:
    try:
        return opened.next()
    except OSError as error:  # behind a member that claims to be larger than any file can be
        raise tarfile.ReadError(str(error)) from error
