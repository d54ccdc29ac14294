"""The engine behind a Docker-compatible API: local, remote, rootless or Podman's socket."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from docker.errors import APIError, ImageNotFound, NotFound

from sm_conformance.engine.client import connect
from sm_conformance.engine.container import DockerContainer
from sm_conformance.engine.network import Networks, is_podman
from sm_conformance.engine.ownership import Owner, clear, labels, new_run_id, sweep
from sm_conformance.engine.protocol import Launch, NoSuchImage
from sm_conformance.engine.saving import write_bounded
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.facts import EngineFacts, ImageFacts


class DockerEngine:
    """Makes, watches and clears away the containers of one run.

    Raises :class:`HarnessTrouble` when no engine answers.
    """

    def __init__(self, *, run_id: str | None = None) -> None:
        self._api = connect()
        self.run_id = run_id or new_run_id()
        self._labels = labels(run_id=self.run_id, owner=Owner.current())
        self._networks = Networks(self._api, self._labels, self.run_id)
        # Which places of which images are links; asked once.
        self._links: dict[tuple[str, str], bool] = {}
        # Further processes of a run are given its id; the first one sweeps and clears for all.
        self._first = run_id is None
        if self._first:
            sweep(self._api)

    def facts(self) -> EngineFacts:
        version = self._api.version()
        info = self._api.info()
        way = self._networks.way()
        return EngineFacts(
            name="podman" if is_podman(version) else "docker",
            version=str(version["Version"]),
            platform=f"{version['Os']}/{version['Arch']}",
            way=way.name,
            isolation_proved=way.isolation_proved,
            cpus=int(info.get("NCPU") or 1),
        )

    def image(self, reference: str) -> ImageFacts:
        """What the image ``reference`` says of itself. Raises :class:`NoSuchImage`."""
        try:
            found = self._api.inspect_image(reference)  # type: ignore[no-untyped-call]
        except ImageNotFound as error:
            raise NoSuchImage(reference) from error
        except APIError as error:
            if error.status_code == 400:  # not a well-formed reference
                raise NoSuchImage(reference) from error
            raise HarnessTrouble(f"the engine cannot inspect {reference}: {error}") from error
        return _image_facts(reference, found)

    def file_head(self, reference: str, path: str, length: int) -> bytes | None:
        """The first ``length`` bytes of a file of the image, links followed; None when absent."""
        made = self._api.create_container(reference, command=["-"], labels=self._labels)
        try:
            for _ in range(8):  # a chain of links longer than this is a loop
                stream, facts = self._api.get_archive(made["Id"], path)
                # An engine removes no container while somebody may still read from it.
                with contextlib.closing(stream):
                    target = facts.get("linkTarget")
                    if not target:
                        return _first_member(stream, length)
                path = str(PurePosixPath(path).parent / target)
            return None
        except NotFound:
            return None
        except APIError as error:
            raise HarnessTrouble(
                f"the engine cannot read {path} of {reference}: {error}"
            ) from error
        finally:
            self._api.remove_container(made["Id"], force=True, v=True)

    def copy_out(self, reference: str, path: str, to: Path, limit_bytes: int) -> bool | None:
        """A file or folder of the image as a tar file in ``to``.

        False when it was cut at the limit, None when the image has no such path.
        """
        made = self._api.create_container(reference, command=["-"], labels=self._labels)
        try:
            stream, _ = self._api.get_archive(made["Id"], path)
            return write_bounded(stream, to, limit_bytes, name=path)
        except NotFound:
            return None
        except APIError as error:
            raise HarnessTrouble(
                f"the engine cannot read {path} of {reference}: {error}"
            ) from error
        finally:
            self._api.remove_container(made["Id"], force=True, v=True)

    def create(self, launch: Launch) -> DockerContainer:
        """A container for ``launch``, with its volumes and inputs, ready to be started."""
        return DockerContainer(self._api, self._labels, self._networks, launch, self._links)

    def close(self) -> None:
        """Removes what is left of the run, or of this process when it is a further one."""
        try:
            if self._first:
                clear(self._api, run_id=self.run_id)
        finally:
            self._networks.close()
            self._api.close()


def _image_facts(reference: str, found: Mapping[str, Any]) -> ImageFacts:
    config = found.get("Config") or {}
    manifests = [text.partition("@")[2] for text in found.get("RepoDigests") or []]
    environment = dict(pair.partition("=")[::2] for pair in config.get("Env") or [])
    return ImageFacts(
        reference=reference,
        config_digest=found["Id"] if ":" in found["Id"] else f"sha256:{found['Id']}",
        manifest_digest=manifests[0] if manifests else None,
        os=found.get("Os", ""),
        architecture=found.get("Architecture", ""),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        environment=environment,
        working_directory=config.get("WorkingDir") or "/",
        user=config.get("User") or "",
        labels=dict(config.get("Labels") or {}),
        exposed_ports=tuple(config.get("ExposedPorts") or ()),
        size_bytes=int(found.get("Size") or 0),
    )


def _first_member(stream: Any, length: int) -> bytes | None:
    """The head of the one file in an archive stream, without reading the rest of it."""
    held = io.BytesIO()
    for chunk in stream:
        held.write(chunk)
        if held.tell() > length + 64 * 1024:  # archive headers come first and are small
            break
    held.seek(0)
    try:
        with tarfile.open(fileobj=held, mode="r|") as archive:
            member = archive.next()
            opened = archive.extractfile(member) if member and member.isreg() else None
            return opened.read(min(length, member.size)) if opened and member else None
    except tarfile.TarError:
        return None
