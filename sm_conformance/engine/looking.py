"""Looks at the files of an image by way of one container that is never started."""

from __future__ import annotations

import contextlib
import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

from docker.errors import APIError, NotFound
from docker.utils import decode_json_header

from sm_conformance.engine.client import EngineClient
from sm_conformance.engine.saving import write_bounded
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.facts import FileFacts
from sm_conformance.observed.output import OutputTree, tree_of

_MOST_LINKS = 8  # a longer chain is a loop
_HEADER_BYTES = 64 * 1024  # archive headers come first and are small
# Bits of Go's file modes above the permissions.
_FOLDER, _LINK = 1 << 31, 1 << 27
_OTHER = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19
# How engines say that no file can be there; they have no status of its own for it.
_NOWHERE = ("not a directory", "file name too long", "invalid argument")
_IN_A_CIRCLE = ("too many links", "too many levels of symbolic links")


class Looker:
    """The files of the image ``reference``, for as long as the context lasts.

    Links are followed inside the image. Raises :class:`HarnessTrouble` when the engine fails.
    """

    def __init__(self, api: EngineClient, reference: str, labels: Mapping[str, str]) -> None:
        self._api = api
        self._reference = reference
        self._labels = dict(labels)
        self._id = ""

    def __enter__(self) -> Looker:
        try:
            made = self._api.create_container(self._reference, command=["-"], labels=self._labels)
        except APIError as error:
            raise HarnessTrouble(f"the engine cannot open {self._reference}: {error}") from error
        self._id = made["Id"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._api.remove_container(self._id, force=True, v=True)

    def stat(self, path: str) -> FileFacts | None:
        """What lies at ``path``; None where nothing does."""
        found: dict[str, Any] | None = None
        for _ in range(_MOST_LINKS):
            head = self._api.archive_head(self._id, path)
            if head.status_code not in (200, 404) and self._is_in_a_circle(path):
                return FileFacts(path=path, kind="link", mode=0o777, size_bytes=0)
            if head.status_code != 200:
                return None if found is None else _facts(path, found)
            found = decode_json_header(head.headers["x-docker-container-path-stat"])
            target = found.get("linkTarget")
            if not target:
                return _facts(path, found)
            path = str(PurePosixPath(path).parent / target)
        return None if found is None else _facts(path, found)

    def head(self, path: str, length: int) -> bytes | None:
        """The first ``length`` bytes of a regular file; None where there is none."""
        with self._archive(path) as stream:
            if stream is None:
                return None
            held = BytesIO()
            for chunk in stream:
                held.write(chunk)
                if held.tell() > length + _HEADER_BYTES:
                    break
        held.seek(0)
        try:
            with tarfile.open(fileobj=held, mode="r|") as archive:
                member = archive.next()
                opened = archive.extractfile(member) if member and member.isreg() else None
                return opened.read(min(length, member.size)) if opened and member else None
        except tarfile.TarError:
            return None

    def listing(self, path: str, limit_bytes: int) -> OutputTree | None:
        """What lies in a folder, at any depth; None where there is no folder.

        ``whole`` is False where reading ended after ``limit_bytes`` of its archive.
        """
        facts = self.stat(path)
        if facts is None or facts.kind != "folder":
            return None
        with self._archive(facts.path) as stream:
            if stream is None:
                return None
            chunks = _Chunks(stream, limit_bytes)
            try:
                with tarfile.open(fileobj=chunks, mode="r|") as archive:  # type: ignore[call-overload]
                    tree = tree_of(archive)
            except tarfile.TarError:
                return OutputTree(entries=(), whole=False)
            return OutputTree(entries=tree.entries, whole=tree.whole and not chunks.cut)

    def copy(self, path: str, to: Path, limit_bytes: int) -> bool | None:
        """The archive of ``path`` itself, a link too, in ``to``; False when cut, None if absent."""
        try:
            stream, _ = self._api.get_archive(self._id, path)
        except NotFound:
            return None
        except APIError as error:
            if _is_nowhere(error):
                return None
            raise self._trouble(path, error) from error
        return write_bounded(stream, to, limit_bytes, name=path)

    @contextlib.contextmanager
    def _archive(self, path: str) -> Iterator[Any]:
        """The archive stream of what ``path`` leads to, None where that is nothing."""
        for _ in range(_MOST_LINKS):
            try:
                stream, facts = self._api.get_archive(self._id, path)
            except NotFound:
                break
            except APIError as error:
                if _is_nowhere(error) or _says(error, _IN_A_CIRCLE):
                    break
                raise self._trouble(path, error) from error
            # An engine removes no container while somebody may still read from it.
            with contextlib.closing(stream):
                target = facts.get("linkTarget")
                if not target:
                    yield stream
                    return
            path = str(PurePosixPath(path).parent / target)
        yield None

    def _is_in_a_circle(self, path: str) -> bool:
        """Whether links go round; False where nothing can be. Facts are refused without words."""
        try:
            stream, _ = self._api.get_archive(self._id, path)
        except NotFound:
            return False
        except APIError as error:
            if _says(error, _IN_A_CIRCLE):
                return True
            if not _is_nowhere(error):
                raise self._trouble(path, error) from error
        else:
            stream.close()
        return False

    def _trouble(self, path: str, error: APIError) -> HarnessTrouble:
        return HarnessTrouble(f"the engine cannot read {path} of {self._reference}: {error}")


class _Chunks:
    """A stream of pieces as a file to read from, which ends after ``limit_bytes``."""

    def __init__(self, stream: Any, limit_bytes: int) -> None:
        self._pieces = iter(stream)
        self._left = limit_bytes
        self._held = bytearray()
        self.cut = False

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, fewer only at the end."""
        while len(self._held) < size and not self.cut:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._left -= len(piece)
            self.cut = self._left < 0
            self._held += piece
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def _is_nowhere(error: APIError) -> bool:
    return error.status_code == 400 or _says(error, _NOWHERE)


def _says(error: APIError, words: tuple[str, ...]) -> bool:
    said = str(error.explanation or error).lower()
    return any(word in said for word in words)


def _facts(path: str, found: Mapping[str, Any]) -> FileFacts:
    mode = int(found["mode"])
    kind = "file"
    if mode & _FOLDER:
        kind = "folder"
    elif mode & _LINK:
        kind = "link"
    elif mode & _OTHER:
        kind = "other"
    return FileFacts(path=path, kind=kind, mode=mode & 0o777, size_bytes=int(found["size"]))
