"""What of a model archive the platform would not unpack, found by reading it once, never unpacked."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sm_conformance.observed.forward import Enough, Forward
from sm_conformance.observed.http import printable

# A lawful model is read to its end; what is packed to be endless is not. Bytes are unpacked ones.
_MOST_BYTES = 16 << 30
_MOST_ENTRIES = 200_000


@dataclass(frozen=True, slots=True)
class ArchiveFlaw:
    """What is wrong with an archive, in words; ``whole`` is False where reading ended early."""

    text: str | None
    whole: bool


def flaw_of(archive: Path) -> ArchiveFlaw:
    """Whether a file is one tar compressed with gzip, without symbolic links and names that lead out.

    Several gzip members, hard links, ``./`` before names and PAX headers are lawful. Raises OSError
    where the file cannot be read.
    """
    with archive.open("rb") as file, gzip.GzipFile(fileobj=file) as unpacked:
        try:
            return ArchiveFlaw(text=_flaw_within(unpacked), whole=True)
        except (Enough, RecursionError):  # a chain of headers without an end
            return ArchiveFlaw(text=None, whole=False)
        except EOFError:
            return ArchiveFlaw(text="it breaks off", whole=True)
        except (tarfile.TarError, zlib.error, gzip.BadGzipFile) as error:
            said = printable(str(error))[:100]
            return ArchiveFlaw(text=f"it cannot be unpacked: {said}", whole=True)


def _flaw_within(unpacked: gzip.GzipFile) -> str | None:
    forward = Forward(unpacked, most_bytes=_MOST_BYTES)
    opened = tarfile.TarFile(fileobj=forward, mode="r")  # type: ignore[arg-type]
    count, last = 0, ""
    while (member := opened.next()) is not None:
        opened.members.clear()  # type: ignore[attr-defined]
        opened.pax_headers = {}
        count += 1
        if count > _MOST_ENTRIES:
            raise Enough
        wrong = _wrong(member)
        last = printable(member.name)[:200]
        if wrong is not None:
            return f"{last} {wrong}"
    if forward.last.strip(b"\0"):
        return f"what follows {last} is no member of a tar"
    forward.drain()
    return None


def _wrong(member: tarfile.TarInfo) -> str | None:
    if member.issym():
        return f"is a symbolic link to {printable(member.linkname)[:200]}"
    name = PurePosixPath(member.name)
    if name.is_absolute():
        return "is an absolute name"
    if ".." in name.parts:
        return "leads out of its folder"
    return None
