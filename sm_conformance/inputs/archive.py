"""Tar files: what is placed below /opt/ml before a start."""

from __future__ import annotations

import gzip
import io
import posixpath
import random
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

FOLDER_MODE = 0o755
FILE_MODE = 0o644
PROGRAM_MODE = 0o755
OPEN_MODE = 0o777

# The folder of the user's program, below /opt/ml or below the model.
CODE = "code"
# Of a file of noise: as good as all of it.
_NOISE_BYTES = 64 * 1024


def pack(files: Mapping[str, bytes | None], *, open_folders: frozenset[str] = frozenset()) -> bytes:
    """A tar stream of ``files``, relative POSIX name to content; None makes a folder.

    Everything belongs to root, folders 0755 and files 0644, as on the platform; a folder named in
    ``open_folders`` is writable for every user, what lies in ``code`` may be executed. Missing
    parent folders are added.
    """
    held = io.BytesIO()
    made: set[str] = set()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as archive:

        def folder(name: str) -> None:
            parent = name.rpartition("/")[0]
            if parent:
                folder(parent)
            if name not in made:
                made.add(name)
                info = tarfile.TarInfo(name)
                info.type = tarfile.DIRTYPE
                info.mode = OPEN_MODE if name in open_folders else FOLDER_MODE
                archive.addfile(info)

        for name, content in files.items():
            if content is None:
                folder(name)
                continue
            if "/" in name:
                folder(name.rpartition("/")[0])
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.mode = file_mode(name)
            archive.addfile(info, io.BytesIO(content))
    return held.getvalue()


def file_mode(name: str) -> int:
    """The mode of the file ``name``, a relative POSIX name."""
    return PROGRAM_MODE if name.startswith(f"{CODE}/") else FILE_MODE


def with_code(model: Path | None, files: Mapping[str, bytes], *, to: Path) -> Path:
    """The archive ``model`` with ``files`` as its folder ``code``, in place of the one it may have.

    Returns ``to``, or ``model`` itself where that is no archive: the engine shall say so. The model
    is copied as a stream and never unpacked.
    """
    try:
        with (
            gzip.open(to, "wb", compresslevel=1) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as made,
        ):
            if model is not None:
                _copy_without_code(model, made)
            with tarfile.open(
                fileobj=io.BytesIO(pack({f"{CODE}/{name}": held for name, held in files.items()}))
            ) as code:
                for member in code:
                    made.addfile(member, code.extractfile(member) if member.isreg() else None)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile):
        if model is None:
            raise
        return model
    return to


def spoiled(model: Path, *, to: Path) -> Path | None:
    """The archive ``model`` in ``to``, with noise for the content of its files, ``code`` apart.

    None where it has no such file or is no archive. It is read as a stream and never unpacked.
    """
    count = 0
    try:
        with (
            gzip.open(model) as unpacked,
            tarfile.open(fileobj=unpacked, mode="r|") as source,
            gzip.open(to, "wb", compresslevel=1) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as made,
        ):
            for member in source:
                content = source.extractfile(member) if member.isreg() else None
                if content is not None and not _is_code(member):
                    count += 1
                    member.size = min(_NOISE_BYTES, member.size)
                    content = io.BytesIO(random.Random(count).randbytes(member.size))
                made.addfile(member, content)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile):
        return None
    return to if count else None


def _is_code(member: tarfile.TarInfo) -> bool:
    return posixpath.normpath(member.name).partition("/")[0] == CODE


def _copy_without_code(model: Path, made: tarfile.TarFile) -> None:
    with tarfile.open(model, mode="r|*") as source:
        for member in source:
            if not _is_code(member):
                made.addfile(member, source.extractfile(member) if member.isreg() else None)
