"""Reads the files that a declaration names, within bounds, and seals what was read."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sm_conformance.data import kinds
from sm_conformance.declaration import generate, parts
from sm_conformance.declaration.document import SURROGATE
from sm_conformance.declaration.patterns import read_schema, wrong_sample, wrong_schema
from sm_conformance.declaration.problems import Problems, Where, nearest
from sm_conformance.declaration.values import Code

_MOST_BYTES = 1 << 30
_MOST_ENTRIES = 100_000
_DEEPEST_FOLDER = 64


class NamedFiles:
    """Turns what a declaration names into bytes, within one bound; keeps a digest of each file.

    In its methods ``said`` is what the declaration says at ``where``. What cannot be used becomes a
    problem, and the result is empty. ``confined``: nothing outside ``folder`` can be used.
    """

    def __init__(self, folder: Path, *, problems: Problems, confined: bool = False) -> None:
        self._folder = folder
        self._confined = confined
        self._problems = problems
        self._bytes_left = _MOST_BYTES
        self._entries_left = _MOST_ENTRIES
        self._digests: list[bytes] = []

    def channel(self, said: Any, *, where: Where) -> tuple[tuple[str, bytes], ...]:
        """The file names and contents of a channel."""
        match said:
            case {"path": str(path)}:
                return self._tree(path, where=(*where, "path"))
            case {"data": str(text)}:
                return ((_file_name(said), text.encode()),)
            case {"generate": dict(asked)}:
                return self._made_up(asked, said, where=where)
            case _:
                return ()

    def code(self, said: Any, *, where: Where) -> Code | None:
        """The user's program: a folder, or the packed one of script mode."""
        entry_point = parts.mapping(said).get("entry_point")
        match said:
            case {"path": str(path)}:
                files = self._tree(path, where=(*where, "path"), only_folder=True)
                names = [name for name, _ in files]
                # Of a package its module may be named instead.
                if isinstance(entry_point, str) and not {entry_point, "setup.py"} & set(names):
                    text = f"the folder has no such file; {nearest(entry_point, names)}"
                    self._problems.add((*where, "entry_point"), text)
                return Code(files=files, archive=None, entry_point=entry_point)
            case {"sourcedir": str(path)}:
                packed = self._packed(path, where=(*where, "sourcedir"))
                return Code(files=(), archive=packed, entry_point=entry_point)
            case _:
                return None

    def body(self, said: Any, *, where: Where) -> bytes:
        """The body of a sample request."""
        match said:
            case {"body": str(text)}:
                return text.encode()
            case {"body_path": str(path)}:
                return self._one(path, where=(*where, "body_path"))
            case {"body_base64": str(text)}:
                return self._decoded(text, where=(*where, "body_base64"))
            case _:
                return b""

    def schema(self, said: Any, *, body: bytes, where: Where) -> Mapping[str, Any] | None:
        """The JSON Schema of a sample request, which its ``body`` keeps; None where none is said."""
        match said:
            case {"schema": dict(schema)}:
                key, wrong = "schema", wrong_schema(schema) or wrong_sample(schema, body)
            case {"schema_path": str(path)}:
                key, content = "schema_path", self._one(path, where=(*where, "schema_path"))
                schema, wrong = read_schema(content)
                wrong = wrong or wrong_sample(schema, body)
            case _:
                return None
        if wrong is not None and not self._problems.touch((*where, key)):
            self._problems.add((*where, key), wrong)
        return schema

    def model(self, said: Any, *, where: Where) -> Path | None:
        """The path of the model archive, which may be too large to hold; none for ``none``."""
        if not isinstance(said, str) or said == "none":
            return None
        with self._reported(said, where=where) as path:
            self._hold_inside(path)
            _regular_size(path)
            if not is_model_archive(path):
                raise ValueError("it is no tar file compressed with gzip, as a model.tar.gz is")
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            self._remember(digest, label=(*where, path.name))
            return path
        return None

    def seal(self, raw: bytes) -> str:
        """The SHA-256 of the declaration ``raw`` together with every file that was read."""
        return hashlib.sha256(hashlib.sha256(raw).digest() + b"".join(self._digests)).hexdigest()

    def _made_up(
        self, asked: dict[str, Any], said: dict[str, Any], *, where: Where
    ) -> tuple[tuple[str, bytes], ...]:
        if self._problems.touch(where):
            return ()
        content_type = said.get("content_type")
        try:
            return kinds.make(
                generate.read(asked, content_type),
                parts.media_type(content_type),
                name=said.get("file"),
            )
        except kinds.MissingLibrary as error:
            self._problems.add((*where, "generate"), str(error))
            return ()

    def _one(self, name: str, *, where: Where) -> bytes:
        """The content of one file."""
        with self._reported(name, where=where) as path:
            self._hold_inside(path)
            return self._content(path, label=(*where, path.name))
        return b""

    def _packed(self, name: str, *, where: Where) -> bytes:
        """The content of one file that is a packed folder."""
        with self._reported(name, where=where) as path:
            self._hold_inside(path)
            _regular_size(path)
            if not is_model_archive(path):
                raise ValueError("it is no tar file compressed with gzip")
            return self._content(path, label=(*where, path.name))
        return b""

    def _tree(
        self, name: str, *, where: Where, only_folder: bool = False
    ) -> tuple[tuple[str, bytes], ...]:
        """A file, or all files of a folder, with their names relative to it."""
        with self._reported(name, where=where) as path:
            self._hold_inside(path)
            if only_folder and path.is_file():
                raise ValueError("it is a file, not a folder")
            paths = {path.name: path}
            if path.is_dir():
                inside = self._below(path, root=_real(path), above=())
                paths = {file.relative_to(path).as_posix(): file for file in inside}
            if not paths:
                raise ValueError("the folder has no files")
            return tuple(
                (label, self._content(file, label=(*where, label))) for label, file in paths.items()
            )
        return ()

    def _decoded(self, text: str, *, where: Where) -> bytes:
        """The bytes that Base64 stands for; line breaks in it do not count."""
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except ValueError as error:
            self._problems.add(where, f"expected text in Base64: {error}")
            return b""

    @contextmanager
    def _reported(self, name: str, *, where: Where) -> Iterator[Path]:
        path = self._folder / name
        try:
            yield path
        except OSError as error:
            culprit = str(error.filename or path)
            self._problems.add(where, f"cannot read {culprit!r}: {error.strerror}")
        except ValueError as error:
            self._problems.add(where, f"cannot use {str(path)!r}: {error}")

    def _hold_inside(self, path: Path) -> None:
        if self._confined and not _real(path).is_relative_to(_real(self._folder)):
            raise ValueError("it leads out of the folder of the declaration")

    def _below(self, folder: Path, *, root: Path, above: tuple[Path, ...]) -> Iterator[Path]:
        real = _real(folder)
        if real in above:
            raise ValueError(f"the link {folder.name!r} leads back to a folder above it")
        if len(above) == _DEEPEST_FOLDER:
            raise ValueError(f"more than {_DEEPEST_FOLDER} folders below each other")
        for entry in sorted(folder.iterdir()):
            self._entries_left -= 1
            if self._entries_left < 0:
                raise ValueError(f"more than {_MOST_ENTRIES} files and folders in all")
            if SURROGATE.search(entry.name):
                raise ValueError(f"the file name {entry.name!r} is not UTF-8")
            if entry.is_symlink() and not _real(entry).is_relative_to(root):
                raise ValueError(f"the link {entry.name!r} leads out of the folder")
            if entry.is_dir():
                yield from self._below(entry, root=root, above=(*above, real))
            else:
                yield entry

    def _content(self, path: Path, *, label: Where) -> bytes:
        size = _regular_size(path)
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise ValueError(f"all named files together have more than {_MOST_BYTES} bytes")
        with path.open("rb") as file:
            content = file.read(size)
        self._remember(hashlib.sha256(content).digest(), label=label)
        return content

    def _remember(self, digest: bytes, *, label: Where) -> None:
        self._digests += [hashlib.sha256(repr(label).encode()).digest(), digest]


def _file_name(said: dict[str, Any]) -> str:
    """The name of a channel's one file."""
    return str(said.get("file", kinds.file_name(parts.media_type(said.get("content_type")))))


def is_model_archive(path: Path) -> bool:
    """Whether a file is a tar file compressed with gzip, by its beginning. Raises OSError."""
    try:
        with tarfile.open(path, mode="r:gz"):
            return True
    except (tarfile.TarError, EOFError, zlib.error):
        return False


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path, strict=True))


def _regular_size(path: Path) -> int:
    """Refuses what could block or never end, such as a pipe or a device."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{path.name!r} is not a regular file")
    return found.st_size
