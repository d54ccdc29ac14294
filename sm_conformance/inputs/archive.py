"""Tar streams in memory: what is placed below /opt/ml before a start."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

FOLDER_MODE = 0o755
FILE_MODE = 0o644
OPEN_MODE = 0o777


def pack(files: Mapping[str, bytes | None], *, open_folders: frozenset[str] = frozenset()) -> bytes:
    """A tar stream of ``files``, relative POSIX name to content; None makes a folder.

    Everything belongs to root, folders 0755 and files 0644, as on the platform; a folder named in
    ``open_folders`` is writable for every user. Missing parent folders are added.
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
            info.mode = FILE_MODE
            archive.addfile(info, io.BytesIO(content))
    return held.getvalue()
