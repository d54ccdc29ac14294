"""Hides secrets in the files that a run leaves behind, in archives as well."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO

from sm_conformance.secrecy.mask import Mask

_CHUNK_BYTES = 1 << 20
_BLOCK = tarfile.BLOCKSIZE
_DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error)
_WITHOUT_CONTENT = (
    tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
)  # fmt: skip


def hide_in(folder: Path, mask: Mask) -> list[Path]:
    """Hides what ``mask`` knows in the files below ``folder`` and in their names.

    A file in which it cannot be hidden is removed; these are returned.
    """
    lost: list[Path] = []
    if not mask:
        return lost
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if path.is_symlink() or not path.is_file():
                continue
            try:
                _hide(path, mask)
                hidden = mask.text(name)
                if hidden != name:
                    path.rename(path.with_name(hidden))
            except (OSError, *_DAMAGED):
                lost.append(path)
                with contextlib.suppress(OSError):
                    path.unlink()
    return lost


def _hide(path: Path, mask: Mask) -> None:
    packed = path.name.endswith((".gz", ".tgz")) and _told(path, mask, packed=True)
    if not packed and not _told(path, mask, packed=False):
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".hiding-") as room:
        made = Path(room, "hidden")
        with _opened(path, packed=packed) as source, made.open("w+b") as target:
            for piece in mask.stream(_pieces(source)):
                target.write(piece)
            source.seek(0)
            _mend(source, target)
        if packed:
            made = _packed(made, Path(room, "packed"))
        shutil.copymode(path, made)
        made.replace(path)


def _told(path: Path, mask: Mask, *, packed: bool) -> bool:
    """Whether there is anything to hide; not where it is said to be packed and is not."""
    try:
        with _opened(path, packed=packed) as source:
            return mask.tells(_pieces(source))
    except _DAMAGED:
        return False


def _opened(path: Path, *, packed: bool) -> BufferedIOBase:
    return gzip.open(path, "rb") if packed else path.open("rb")


def _pieces(source: BufferedIOBase) -> Iterator[bytes]:
    """What there is to read, where it is damaged up to there; only then it raises."""
    held: list[bytes] = []
    try:
        while piece := source.read1(_CHUNK_BYTES):
            held.append(piece)
            if sum(map(len, held)) >= _CHUNK_BYTES:
                yield b"".join(held)
                held.clear()
    except _DAMAGED:
        yield b"".join(held)
        raise
    yield b"".join(held)


def _packed(path: Path, to: Path) -> Path:
    with path.open("rb") as source, gzip.open(to, "wb", compresslevel=1) as target:
        shutil.copyfileobj(source, target, _CHUNK_BYTES)
    return to


def _mend(source: BufferedIOBase, target: BinaryIO) -> None:
    """Gives the heads of a tar archive that were changed the sums that they need; else nothing."""
    at = 0
    while len(head := source.read(_BLOCK)) == _BLOCK:
        try:
            entry = tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            return  # the end, or no archive
        target.seek(at)
        changed = target.read(_BLOCK)
        if changed != head:
            # The sum's own field counts as blanks.
            total = sum(changed[:148]) + 8 * ord(" ") + sum(changed[156:])
            target.seek(at + 148)
            target.write(b"%06o\0 " % total)
        blocks = 0 if entry.type in _WITHOUT_CONTENT else -(-entry.size // _BLOCK)
        at += _BLOCK * (1 + blocks)
        source.seek(at)
