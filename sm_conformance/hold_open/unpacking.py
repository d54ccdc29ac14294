"""Unpacks what a candidate left, on the user's disk, without believing a word of it.

Python's own filter for this is missing in some of its releases and could be got around in others. So
links are made last, when every file has been written: none can lead a file anywhere. A symbolic link
is made only where it leads down from a folder above it, which no chain of links takes outside.
"""

from __future__ import annotations

import errno
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.http import printable
from sm_conformance.observed.output import members

# Each costs the user's file system an entry; the archive beside them holds more.
MOST_ENTRIES = 100_000
_DEEPEST = 100
_MOST_TOLD = 20
_CHUNK_BYTES = 1 << 20


@dataclass(slots=True)
class Unpacked:
    """What was unpacked: files (hard links among them), bytes, and what was left out, and why.

    ``left_out`` has the first of them, in printable lines; ``more`` counts the others.
    """

    files: int = 0
    size: int = 0
    left_out: list[str] = field(default_factory=list)
    more: int = 0

    def leave_out(self, name: str, why: str) -> None:
        """Notes an entry that is not handed over."""
        if len(self.left_out) < _MOST_TOLD:
            self.left_out.append(f"{printable(name)[:200]}: {why}")
        else:
            self.more += 1


def unpack(archive: Path, to: Path, *, limit_bytes: int) -> Unpacked:
    """Unpacks an engine's archive of one folder into ``to``, which is made and must be new.

    Files are the user's, without special bits; of their contents ``limit_bytes`` are written at most.
    Devices, sockets, names and links that lead outside are left out. A damaged archive ends where it
    is damaged. Raises HarnessTrouble where ``to`` cannot be made or the disk is full.
    """
    try:
        to.mkdir()
    except OSError as error:
        raise HarnessTrouble(f"{to} cannot be made: {error.strerror}") from error
    done = Unpacked()
    links: list[tuple[PurePosixPath, str]] = []
    try:
        with tarfile.open(archive, mode="r:") as opened:
            for member in _members(opened, done):
                _take(opened, member, to, done, links, limit_bytes)
    except tarfile.TarError as error:
        done.leave_out("the rest", f"the archive is cut or damaged ({error})")
    for path, target in links:
        _link(path, target, to, done)
    return done


def _members(opened: tarfile.TarFile, done: Unpacked) -> Iterator[tarfile.TarInfo]:
    for count, member in enumerate(members(opened)):
        if count == MOST_ENTRIES:
            done.leave_out("the rest", f"there are more than {MOST_ENTRIES} entries")
            return
        yield member


def _take(
    opened: tarfile.TarFile,
    member: tarfile.TarInfo,
    to: Path,
    done: Unpacked,
    links: list[tuple[PurePosixPath, str]],
    limit_bytes: int,
) -> None:
    """Unpacks one entry, or notes it: symbolic links for later, what cannot be had as left out."""
    if not member.name.strip("/"):
        return
    path = _below(member.name)
    if path is None:
        done.leave_out(member.name, "its name leads outside")
        return
    if not path.parts:
        return  # the folder itself
    if len(path.parts) > _DEEPEST:
        done.leave_out(member.name, "it lies too deep")
        return
    try:
        if member.isdir():
            (to / path).mkdir(parents=True, exist_ok=True)
        elif member.isreg():
            _write(opened, member, to / path, done, limit_bytes)
        elif member.islnk():
            _hard_link(member, to, path, done)
        elif member.issym():
            links.append((path, member.linkname))
        else:
            done.leave_out(member.name, "it is neither a file nor a folder nor a link")
    except (OSError, ValueError) as error:
        done.leave_out(member.name, _why(error))


def _below(name: str) -> PurePosixPath | None:
    """The path below the archive's one folder; None where the name leads elsewhere."""
    if name.startswith("/"):
        return None
    parts = PurePosixPath(name).parts
    return None if ".." in parts or "\0" in name else PurePosixPath(*parts[1:])


def _write(
    opened: tarfile.TarFile, member: tarfile.TarInfo, to: Path, done: Unpacked, limit_bytes: int
) -> None:
    if member.size > limit_bytes - done.size:
        done.leave_out(member.name, f"with its {member.size} bytes it is more than is taken over")
        return
    held = opened.extractfile(member)
    assert held is not None, "a regular file has a content"
    to.parent.mkdir(parents=True, exist_ok=True)
    with to.open("xb") as file:
        try:
            while chunk := held.read(_CHUNK_BYTES):
                file.write(chunk)
        except BaseException:
            to.unlink()
            raise
    done.size += member.size
    to.chmod(0o755 if member.mode & 0o100 else 0o644)
    done.files += 1


def _hard_link(member: tarfile.TarInfo, to: Path, path: PurePosixPath, done: Unpacked) -> None:
    target = _below(member.linkname)
    if target is None or not target.parts or not (to / target).is_file():
        done.leave_out(member.name, "it is a hard link to what is not here")
        return
    (to / path).parent.mkdir(parents=True, exist_ok=True)
    os.link(to / target, to / path, follow_symlinks=False)
    done.files += 1


def _link(path: PurePosixPath, target: str, to: Path, done: Unpacked) -> None:
    """Makes a symbolic link that stays inside: up no further than it lies deep, and then down."""
    parts = PurePosixPath(target).parts
    up = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    if not target or target.startswith("/") or ".." in parts[up:] or up >= len(path.parts):
        done.leave_out(str(path), f"it is a link to {printable(target)[:200]}, which leads outside")
        return
    try:
        for parent in reversed(path.parents[:-1]):
            (to / parent).mkdir(exist_ok=True)
            if (to / parent).is_symlink():
                done.leave_out(str(path), "it lies behind a link")
                return
        (to / path).symlink_to(target)
    except (OSError, ValueError) as error:
        done.leave_out(str(path), _why(error))


def _why(error: OSError | ValueError) -> str:
    """Why this file system cannot have an entry. Raises HarnessTrouble where it has no room left."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise HarnessTrouble(f"what the training left cannot be unpacked: {error}") from error
    said = error.strerror if isinstance(error, OSError) else str(error)
    return f"it cannot be made here ({said})"
