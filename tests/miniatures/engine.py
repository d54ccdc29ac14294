"""An engine in this process whose images are the miniatures of :mod:`miniatures.candidates`."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from miniatures.candidates import MINIATURES
from miniatures.container import Miniature, MiniatureContainer
from sm_conformance.engine.protocol import Launch, NoSuchImage
from sm_conformance.observed.facts import EngineFacts, FileFacts, ImageFacts, Layer
from sm_conformance.observed.output import Entry, OutputTree


class MiniatureEngine:
    """See :class:`sm_conformance.engine.protocol.Engine`; ``way`` is how servers are reached."""

    def __init__(self, *, run_id: str | None = None, way: str = "direct") -> None:
        self.run_id = run_id or "miniature"
        self.launches: list[Launch] = []
        self._way = way
        self._lock = threading.Lock()
        self._there: list[MiniatureContainer] = []

    @property
    def left(self) -> int:
        """How many containers were made and not removed."""
        with self._lock:
            return len(self._there)

    def facts(self) -> EngineFacts:
        return EngineFacts(
            name="miniature",
            version="1",
            platform="linux/amd64",
            way=self._way,
            isolation_proved=self._way == "direct",
            cpus=2,
        )

    def image(self, reference: str) -> ImageFacts:
        if reference not in MINIATURES:
            raise NoSuchImage(reference)
        miniature = MINIATURES[reference]
        return ImageFacts(
            reference=reference,
            config_digest=f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}",
            manifest_digest=None,
            os="linux",
            architecture=miniature.architecture,
            entrypoint=miniature.entrypoint,
            command=miniature.command,
            environment=miniature.environment,
            working_directory=miniature.working_directory,
            user=miniature.user,
            labels=miniature.labels,
            exposed_ports=(),
            size_bytes=1,
            manifest=miniature.manifest,
        )

    def layers(self, reference: str) -> tuple[Layer, ...]:
        return MINIATURES[reference].layers

    def stat(self, reference: str, paths: Iterable[str]) -> Mapping[str, FileFacts]:
        """Files and links of the miniature, and the folders that these are in."""
        found = {path: _facts(MINIATURES[reference], path) for path in paths}
        return {path: facts for path, facts in found.items() if facts is not None}

    def file_head(self, reference: str, path: str, length: int) -> bytes | None:
        """Of a program that the miniature does not hold: an ELF file for its processor."""
        miniature = MINIATURES[reference]
        facts = _facts(miniature, path)
        if facts is None or facts.kind != "file":
            return None
        if facts.path in miniature.files:
            return miniature.files[facts.path][:length]
        machine = struct.pack("<H", miniature.elf_machine)
        return (b"\x7fELF\x02\x01" + bytes(12) + machine)[:length]

    def listing(
        self, reference: str, folders: Iterable[str], limit_bytes: int
    ) -> Mapping[str, OutputTree]:
        """The files below each folder, as many as come within the limit."""
        found = {}
        for folder in folders:
            entries, left = [], limit_bytes
            for name, content in MINIATURES[reference].files.items():
                if name.startswith(f"{folder}/") and left > 0:
                    left -= 512 + len(content)
                    entry = Entry(name=name[len(folder) + 1 :], kind="file", size=len(content))
                    entries.append(entry)
            if entries:
                found[folder] = OutputTree(entries=tuple(entries), whole=left > 0)
        return found

    def copy_out(self, reference: str, path: str, to: Path, limit_bytes: int) -> bool | None:
        """The files below a path, as a tar file that is cut at the limit."""
        inside = {
            name: content
            for name, content in MINIATURES[reference].files.items()
            if name.startswith(f"{path}/") or name == path
        }
        if not inside:
            return None
        with tarfile.open(to, mode="w") as archive:
            for name, content in inside.items():
                member = tarfile.TarInfo(str(Path(name).relative_to(Path(path).parent)))
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        whole = to.stat().st_size <= limit_bytes
        if not whole:
            to.write_bytes(to.read_bytes()[:limit_bytes])
        return whole

    def create(self, launch: Launch) -> MiniatureContainer:
        container = MiniatureContainer(MINIATURES[launch.image], launch, removed=self._forget)
        with self._lock:
            self.launches.append(launch)
            self._there.append(container)
        return container

    def close(self) -> None:
        """Removes what is still there."""
        with self._lock:
            there = list(self._there)
        for container in there:
            container.remove()

    def _forget(self, container: MiniatureContainer) -> None:
        with self._lock:
            if container in self._there:
                self._there.remove(container)


def _facts(miniature: Miniature, path: str) -> FileFacts | None:
    target = miniature.links.get(path)
    if target is not None:
        dangling = FileFacts(path=target, kind="link", mode=0o777, size_bytes=len(target))
        return _facts(miniature, target) or dangling
    mode = miniature.modes.get(path, 0o755)
    if path in miniature.files:
        return FileFacts(path=path, kind="file", mode=mode, size_bytes=len(miniature.files[path]))
    if any(name.startswith(f"{path}/") for name in miniature.files):
        return FileFacts(path=path, kind="folder", mode=0o755, size_bytes=0)
    if path in miniature.entrypoint[:1]:
        return FileFacts(path=path, kind="file", mode=mode, size_bytes=1000)
    return None
