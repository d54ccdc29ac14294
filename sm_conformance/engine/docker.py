"""The engine behind a Docker-compatible API: local, remote, rootless or Podman's socket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from docker.errors import APIError, ImageNotFound

from sm_conformance.engine.client import connect
from sm_conformance.engine.container import DockerContainer
from sm_conformance.engine.looking import Looker
from sm_conformance.engine.manifests import pushed_form
from sm_conformance.engine.network import Networks, is_podman
from sm_conformance.engine.ownership import Owner, clear, labels, new_run_id, sweep
from sm_conformance.engine.protocol import Launch, NoSuchImage
from sm_conformance.engine.pushing import push
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.facts import EngineFacts, FileFacts, ImageFacts, Layer
from sm_conformance.observed.output import OutputTree

# A candidate is made by strangers; its history is bounded like all else.
_MOST_STEPS = 2000
_MOST_COMMAND_CHARS = 64 * 1024


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
        form = pushed_form(
            found, info=self._docker_info, parts=lambda: self._api.manifests_of(reference)
        )
        return replace(_image_facts(reference, found), manifest=form)

    def _docker_info(self) -> Mapping[str, Any]:
        """What Docker says of itself; nothing where the engine is Podman, which pushes otherwise."""
        return {} if is_podman(self._api.version()) else self._api.info()

    def layers(self, reference: str) -> tuple[Layer, ...]:
        """How the image was made, its oldest step first; empty where nothing is told of it."""
        try:
            told = self._api.history(reference)  # type: ignore[no-untyped-call]
        except APIError as error:
            raise HarnessTrouble(f"the engine tells no history of {reference}: {error}") from error
        return tuple(
            Layer(
                command=str(step.get("CreatedBy") or "")[:_MOST_COMMAND_CHARS],
                size_bytes=max(0, int(step.get("Size") or 0)),
            )
            for step in reversed((told or [])[:_MOST_STEPS])
        )

    def stat(self, reference: str, paths: Iterable[str]) -> Mapping[str, FileFacts]:
        """What lies at each of ``paths``, links followed; a path where nothing lies is left out."""
        wanted = dict.fromkeys(paths)
        if not wanted:
            return {}
        with Looker(self._api, reference, self._labels) as looker:
            found = {path: looker.stat(path) for path in wanted}
        return {path: facts for path, facts in found.items() if facts is not None}

    def file_head(self, reference: str, path: str, length: int) -> bytes | None:
        """The first ``length`` bytes of a file of the image, links followed; None when absent."""
        with Looker(self._api, reference, self._labels) as looker:
            return looker.head(path, length)

    def listing(
        self, reference: str, folders: Iterable[str], limit_bytes: int
    ) -> Mapping[str, OutputTree]:
        """What lies in each folder; a folder that is not there is left out.

        Of each not more than ``limit_bytes`` are read, files' contents included.
        """
        wanted = dict.fromkeys(folders)
        if not wanted:
            return {}
        with Looker(self._api, reference, self._labels) as looker:
            found = {path: looker.listing(path, limit_bytes) for path in wanted}
        return {path: tree for path, tree in found.items() if tree is not None}

    def copy_out(self, reference: str, path: str, to: Path, limit_bytes: int) -> bool | None:
        """A file or folder of the image as a tar file in ``to``.

        False when it was cut at the limit, None when the image has no such path.
        """
        with Looker(self._api, reference, self._labels) as looker:
            return looker.copy(path, to, limit_bytes)

    def push(self, image: str, *, repository: str, tag: str) -> str:
        """Pushes the image with the config digest ``image``; the digest of its manifest."""
        return push(self._api, image, repository=repository, tag=tag)

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
    environment = dict(pair.partition("=")[::2] for pair in config.get("Env") or [])
    return ImageFacts(
        reference=reference,
        config_digest=found["Id"] if ":" in found["Id"] else f"sha256:{found['Id']}",
        # What it keeps may be the digest of an index of several images; see ``repo_digests``.
        manifest_digest=None,
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
        repo_digests=tuple(found.get("RepoDigests") or ()),
    )
