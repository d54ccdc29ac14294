"""Images that lie in an archive or a registry, seen as an engine shows them; none is ever launched."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from sm_conformance.at_rest.configured import Configured, configured
from sm_conformance.at_rest.files import Files, Node, below
from sm_conformance.at_rest.layers import Allowance, entries_of, reader_of
from sm_conformance.at_rest.parts import Content
from sm_conformance.at_rest.stored import Stored
from sm_conformance.engine.protocol import Container, Launch
from sm_conformance.errors import HarnessTrouble, Unknowable
from sm_conformance.observed.facts import EngineFacts, FileFacts, ImageFacts, Layer
from sm_conformance.observed.forward import Forward
from sm_conformance.observed.forward import Source as Readable
from sm_conformance.observed.output import Entry, OutputTree

_MOST_LISTED = 100_000
_LARGEST_LAYER = 64 << 30


class Source(Protocol):
    """Where images lie: ``name`` is "archive" or "registry"."""

    @property
    def name(self) -> str: ...

    def find(self, reference: str) -> Stored: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Read:
    """An image that was read to its end."""

    stored: Stored
    said: Configured
    sizes: tuple[int, ...]
    # None where a layer is packed as cannot be read, and why.
    files: Files | None
    unreadable: str


class AtRest:
    """See :class:`sm_conformance.engine.protocol.Engine`, of which it keeps all but launching.

    An image is read once, when it is first asked for; what is wrong with it is a
    :class:`~sm_conformance.errors.UsageProblem` then.
    """

    run_id = "at-rest"

    def __init__(self, source: Source) -> None:
        self._source = source
        self._read: dict[str, _Read] = {}

    def facts(self) -> EngineFacts:
        return EngineFacts(
            name=self._source.name,
            version="",
            platform="",
            way="none",
            isolation_proved=False,
            cpus=os.cpu_count() or 1,
        )

    def image(self, reference: str) -> ImageFacts:
        """What the image says of itself. Raises UsageProblem where it is not there, or not whole."""
        if reference not in self._read:
            self._read[reference] = _read(self._source.find(reference), reference)
        return self._read[reference].said.facts

    def layers(self, reference: str) -> tuple[Layer, ...]:
        """How the image was made, its oldest step first, with what its files come to."""
        held = self._whole(reference)
        sizes = iter(held.sizes)
        told = [
            Layer(command=step.command, size_bytes=next(sizes, 0) if step.layer else 0)
            for step in held.said.steps
        ]
        # Layers that the history does not speak of.
        return (*told, *(Layer(command="", size_bytes=size) for size in sizes))

    def stat(self, reference: str, paths: Iterable[str]) -> Mapping[str, FileFacts]:
        """What lies at each of ``paths``, links followed; a path where nothing lies is left out."""
        files = self._files(reference)
        found = {path: _facts(files, path) for path in dict.fromkeys(paths)}
        return {path: facts for path, facts in found.items() if facts is not None}

    def listing(
        self,
        reference: str,
        folders: Iterable[str],
        limit_bytes: int,  # noqa: ARG002 - names are known by now, and no content is read
    ) -> Mapping[str, OutputTree]:
        """What lies in each folder; one that is not there is left out."""
        files = self._files(reference)
        found = {path: _tree(files, path) for path in dict.fromkeys(folders)}
        return {path: tree for path, tree in found.items() if tree is not None}

    def file_head(self, reference: str, path: str, length: int) -> bytes | None:
        """The first ``length`` bytes of a file of the image, links followed; None when absent."""
        held, found = self._whole(reference), self._files(reference).resolve(path)
        if found is None or found.node is None or found.node.found.kind != "file":
            return None
        file = found.node.found
        with reader_of(held.stored.layers[found.node.layer]) as source:
            forward = Forward(source, most_bytes=_LARGEST_LAYER)
            forward.seek(file.offset)
            head = bytearray()
            wanted = min(length, file.size)
            while len(head) < wanted and (chunk := forward.read(min(wanted - len(head), 1 << 16))):
                head += chunk
        return bytes(head)

    def copy_out(self, reference: str, path: str, to: Path, limit_bytes: int) -> bool | None:
        """A file or folder of the image, a link too, as a tar file in ``to``.

        False when it is more than the limit, None when the image has no such path.
        """
        held, node = self._whole(reference), self._files(reference).look(path)
        if node is None:
            return None
        name = PurePosixPath(path).name or "."
        inside = {name: node, **dict(below(node, name))}
        if sum(1024 + one.found.size for one in inside.values()) > limit_bytes:
            return False
        try:
            with to.open("w+b") as file:
                _write(held.stored.layers, inside, file)
        except OSError as error:
            raise HarnessTrouble(f"{path} could not be written down: {error}") from error
        return True

    def create(self, launch: Launch) -> Container:
        raise HarnessTrouble(f"{launch.image} lies in the {self._source.name}: nothing is launched")

    def close(self) -> None:
        """Lets go of where the images lie."""
        self._source.close()

    def _whole(self, reference: str) -> _Read:
        self.image(reference)
        held = self._read[reference]
        if held.files is None:
            raise Unknowable(held.unreadable)
        return held

    def _files(self, reference: str) -> Files:
        files = self._whole(reference).files
        assert files is not None
        return files


def _read(stored: Stored, reference: str) -> _Read:
    said = configured(stored, reference=reference)
    files, sizes, left = Files(), [], Allowance()
    try:
        for number, (layer, digest) in enumerate(zip(stored.layers, said.unpacked, strict=True)):
            found = entries_of(layer, digest, left, of=reference)
            files.lay(found, layer=number)
            sizes.append(sum(one.size for one in found if one.kind == "file"))
    except Unknowable as error:
        return _Read(stored, said, (), None, str(error))
    return _Read(stored, said, tuple(sizes), files, "")


def _facts(files: Files, path: str) -> FileFacts | None:
    found = files.resolve(path)
    if found is None:
        return None
    if found.node is None:
        return FileFacts(path=found.path, kind="link", mode=0o777, size_bytes=0)
    own = found.node.found
    kind = own.kind if own.kind in ("file", "folder") else "other"
    return FileFacts(path=found.path, kind=kind, mode=own.mode, size_bytes=own.size)


def _tree(files: Files, path: str) -> OutputTree | None:
    found = files.resolve(path)
    if found is None or found.node is None or not found.node.is_folder:
        return None
    entries: list[Entry] = []
    for name, node in below(found.node):
        if len(entries) >= _MOST_LISTED:
            return OutputTree(entries=tuple(entries), whole=False)
        own = node.found
        entries.append(Entry(name, own.kind, own.size, own.target, own.modified))
    return OutputTree(entries=tuple(entries), whole=True)


_TYPES = {"folder": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "file": tarfile.REGTYPE}


def _write(layers: tuple[Content, ...], inside: Mapping[str, Node], to: BinaryIO) -> None:
    """Folders and links first, then files in the order in which they lie: each layer is read once."""
    with tarfile.open(fileobj=to, mode="w") as archive:
        files: dict[int, list[tuple[str, Node]]] = {}
        for name, node in inside.items():
            if node.found.kind == "file":
                files.setdefault(node.layer, []).append((name, node))
            elif node.found.kind in _TYPES:
                archive.addfile(_member(name, node))
        for layer, held in files.items():
            left = sorted(held, key=lambda one: one[1].found.offset)
            while left:
                with reader_of(layers[layer]) as source:
                    left = _write_forward(source, left, archive)


def _write_forward(
    source: Readable, files: list[tuple[str, Node]], archive: tarfile.TarFile
) -> list[tuple[str, Node]]:
    """Writes files of one layer; those that lie at the same place as another (links) are left."""
    forward = Forward(source, most_bytes=_LARGEST_LAYER)
    left = []
    for name, node in files:
        if forward.tell() > node.found.offset:
            left.append((name, node))
            continue
        forward.seek(node.found.offset)
        archive.addfile(_member(name, node), forward)  # type: ignore[arg-type]
    return left


def _member(name: str, node: Node) -> tarfile.TarInfo:
    own = node.found
    member = tarfile.TarInfo(name)
    member.type = _TYPES[own.kind]
    member.mode, member.mtime, member.linkname = own.mode, int(own.modified), own.target
    member.size = own.size if own.kind == "file" else 0
    return member
