"""Images by their references in a registry, fetched without an engine."""

from __future__ import annotations

import shutil
import tempfile
from typing import BinaryIO

from sm_conformance.at_rest.parts import Content, is_digest
from sm_conformance.at_rest.stored import Stored, image_of, of_manifest
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.observed.http import printable
from sm_conformance.observed.manifest import Entry
from sm_conformance.registry.asking import Credentials
from sm_conformance.registry.client import Repository

_MOST_LAYER_BYTES = 32 << 30


class InRegistry:
    """Images by their references in a registry; ``credentials`` are those of `docker login`."""

    name = "registry"

    def __init__(self, *, credentials: Credentials) -> None:
        self._credentials = credentials
        self._files: list[BinaryIO] = []

    def find(self, reference: str) -> Stored:
        """The image that lies there now, all its parts fetched. Raises UsageProblem if none does."""
        repository = Repository(reference, credentials=self._credentials)
        top = repository.manifest()
        if top is None:
            raise UsageProblem(f"there is no {printable(reference)[:300]}")
        here = Entry(top.digest, top.media_type, len(top.raw), "", False, {})
        held = {top.digest: self._kept(top.raw)}

        def manifest(digest: str, _: int | None) -> Content:
            if digest not in held:
                found = repository.manifest(digest) if is_digest(digest) else None
                if found is None:
                    raise UsageProblem(f"{reference} lacks the manifest {printable(digest)[:80]}")
                held[digest] = self._kept(found.raw)
            return held[digest]

        def blob(digest: str, size: int | None) -> Content:
            if digest not in held:
                file = self._file()
                repository.save_blob(digest, file, limit_bytes=_room(digest, size))
                held[digest] = Content(file, 0, file.tell())
            if size is not None and held[digest].size != size:
                raise UsageProblem(f"{reference}: {digest} has another size than its manifest says")
            return held[digest]

        led, raw = image_of(here, manifest)
        return of_manifest(raw, blob, names=(reference,), digest=led.digest, form=top.form)

    def close(self) -> None:
        """Lets go of what was fetched: files without a name."""
        while self._files:
            self._files.pop().close()

    def _kept(self, raw: bytes) -> Content:
        file = self._file()
        file.write(raw)
        file.flush()
        return Content(file, 0, len(raw))

    def _file(self) -> BinaryIO:
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this
        self._files.append(file)
        return file


def _room(digest: str, size: int | None) -> int:
    """How many bytes are taken for a file. Raises :class:`HarnessTrouble` where it has no room."""
    room = shutil.disk_usage(tempfile.gettempdir()).free // 2
    if size is not None and size > room:
        raise HarnessTrouble(
            f"{digest} has {size} bytes, and half of what is free in {tempfile.gettempdir()} is less"
        )
    return min(size or _MOST_LAYER_BYTES, room)
