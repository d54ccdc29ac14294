"""The members of an archive that is never unpacked: where in it each of them lies."""

from __future__ import annotations

import gzip
import posixpath
import shutil
import stat
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sm_conformance.at_rest.parts import Content
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.observed.forward import Enough, Forward
from sm_conformance.observed.http import printable

# More than any image has. What is compressed as a whole is unpacked into a file without a name.
_MOST_BYTES = 64 << 30
_MOST_MEMBERS = 20_000
_MOST_LINKS = 8
_CHUNK_BYTES = 1 << 20
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
}


@dataclass(frozen=True, slots=True)
class Members:
    """The regular files of a tar file by their names, and the links, with where they lead."""

    files: dict[str, Content]
    links: dict[str, str]

    def find(self, name: str) -> Content | None:
        """The file ``name``, links followed; None where there is none."""
        for _ in range(_MOST_LINKS):
            if name in self.files:
                return self.files[name]
            if name not in self.links:
                return None
            name = self.links[name]
        return None


def open_tar(path: Path) -> tuple[BinaryIO, Members]:
    """The tar file ``path``, plain or packed with gzip, and its members.

    Raises :class:`UsageProblem` for what is none, or is not as an engine would write it.
    """
    try:
        if stat.S_ISFIFO(path.stat().st_mode):
            raise UsageProblem(f"{path} is a pipe, of which nothing can be read twice: name a file")
        file: BinaryIO = path.open("rb")
        try:
            head = file.read(8)
        except OSError:
            file.close()
            raise
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error
    try:
        packed = next((name for magic, name in _PACKED.items() if head.startswith(magic)), None)
        if packed == "gzip":
            file = _unpacked(file, path)
        elif packed is not None:
            raise UsageProblem(f"{path} is packed with {packed}: unpack it first")
        return file, _members(file, path)
    except BaseException:
        file.close()
        raise


def _unpacked(packed: BinaryIO, path: Path) -> BinaryIO:
    """What ``packed`` holds, in a file that is gone as soon as nobody has it open."""
    packed.seek(0)
    held = tempfile.TemporaryFile()  # noqa: SIM115 - whoever reads the archive closes it
    room = min(_MOST_BYTES, shutil.disk_usage(tempfile.gettempdir()).free // 2)
    try:
        with packed, gzip.GzipFile(fileobj=packed) as reader:
            while chunk := reader.read(_CHUNK_BYTES):
                room -= len(chunk)
                if room < 0:
                    raise UsageProblem(
                        f"{path} unpacks to more than there is room for (half of what is free in "
                        f"{tempfile.gettempdir()}, and {_MOST_BYTES >> 30} GiB at most)"
                    )
                held.write(chunk)
        held.flush()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        held.close()
        raise UsageProblem(f"{path} breaks off or is damaged: {error}") from error
    except OSError as error:
        held.close()
        raise HarnessTrouble(f"{path} cannot be unpacked: {error}") from error
    except BaseException:
        held.close()
        raise
    return held


def _members(file: BinaryIO, path: Path) -> Members:
    file.seek(0)
    found = Members(files={}, links={})
    try:
        opened = tarfile.TarFile(
            fileobj=Forward(file, most_bytes=_MOST_BYTES),  # type: ignore[arg-type]
            mode="r",
        )
        count = 0
        while (member := opened.next()) is not None:
            opened.members.clear()  # type: ignore[attr-defined]
            opened.pax_headers = {}
            count += 1
            if count > _MOST_MEMBERS:
                raise UsageProblem(f"{path} has more than {_MOST_MEMBERS} members")
            _note(member, file, found, path)
    except (tarfile.TarError, Enough, RecursionError, OSError, ValueError) as error:
        raise UsageProblem(f"{path} is no archive of images: it is no tar file") from error
    return found


def _note(member: tarfile.TarInfo, file: BinaryIO, found: Members, path: Path) -> None:
    name = posixpath.normpath(member.name).lstrip("/")
    if member.isdir():
        return
    if name in found.files or name in found.links:
        raise UsageProblem(f"{path} holds {printable(name)[:200]} twice")
    if member.issym():
        found.links[name] = posixpath.normpath(
            posixpath.join(posixpath.dirname(name), member.linkname)
        )
    elif member.islnk():
        found.links[name] = posixpath.normpath(member.linkname).lstrip("/")
    elif member.isreg() and not member.issparse() and member.size >= 0:
        found.files[name] = Content(file=file, offset=member.offset_data, size=member.size)
