"""The folders that the platform mounts: volumes of one container, and what lies in them at its start."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Mapping

from docker import APIClient
from docker.errors import APIError
from docker.types import Mount

from sm_conformance.engine.protocol import Launch, Place
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.facts import StartProblem

# The end mark of a tar file, and nothing before it.
_EMPTY = bytes(1024)


class Places:
    """The volumes of one launch, from their making to their removal.

    ``links`` remembers which places of which images are links, for all launches of a run.
    """

    def __init__(
        self,
        api: APIClient,
        labels: Mapping[str, str],
        launch: Launch,
        links: dict[tuple[str, str], bool],
    ) -> None:
        self._api = api
        self._labels = dict(labels)
        self._launch = launch
        self._links = links
        self._volumes: list[str] = []

    def make(self) -> tuple[list[Mount], StartProblem | None]:
        """A volume for each place, filled; and what of the candidate's own cannot be unpacked."""
        mounts = []
        for place in self._launch.places:
            volume = self._api.create_volume(labels=self._labels)["Name"]
            self._volumes.append(volume)
            mounts.append(_mount(place, volume, read_only=place.read_only))
            if place.archive is not None or place.content is not None:
                problem = self._fill(place, volume)
                if problem is not None:
                    return mounts, problem
        return mounts, None

    def put(self, container: str, data: bytes) -> StartProblem | None:
        """Fills the places below /opt/ml; what of the image stands in the way of a mount, or None.

        The engine puts nothing through a link, as a mount goes.
        """
        places = [place for place in self._launch.places if place.content is None]
        if not any(self._is_link(container, place.path) for place in places):
            return self._put(container, "/opt/ml", data)
        with tarfile.open(fileobj=io.BytesIO(data)) as whole:
            for place in places:
                part = place.path.rpartition("/")[2]
                problem = self._put(container, place.path, _below(whole, part))
                if problem is not None:
                    return problem
        return None

    def remove(self) -> None:
        """Removes the volumes."""
        for volume in self._volumes:
            with contextlib.suppress(APIError):
                self._api.remove_volume(volume)
        self._volumes = []

    def _fill(self, place: Place, volume: str) -> StartProblem | None:
        """Unpacks an archive into a volume by way of a container that is never started."""
        filler = self._api.create_container(
            self._launch.image,
            command=["-"],
            labels=self._labels,
            host_config=self._api.create_host_config(
                mounts=[_mount(place, volume, read_only=False)]
            ),
        )
        try:
            if place.archive is None:
                return self._put(filler["Id"], place.path, place.content or b"")
            with place.archive.open("rb") as data:
                self._api.put_archive(filler["Id"], place.path, data)
        except APIError as error:
            assert place.archive is not None, "what is ours is placed, or the engine is in trouble"
            if problem := self._put(filler["Id"], place.path, _EMPTY):
                return problem
            # A tar file that an engine refuses (links out of it, devices) is the candidate's work.
            return StartProblem(
                text=f"{place.archive.name} cannot be unpacked: {error.explanation}", kind="archive"
            )
        finally:
            self._api.remove_container(filler["Id"], force=True, v=True)
        return None

    def _is_link(self, container: str, path: str) -> bool:
        """Whether the image has a link at ``path``; asked once for each image."""
        key = (self._launch.image, path)
        if key not in self._links:
            try:
                stream, facts = self._api.get_archive(container, path)
                stream.close()
                self._links[key] = bool(facts.get("linkTarget"))
            except APIError:
                self._links[key] = False
        return self._links[key]

    def _put(self, container: str, path: str, data: bytes) -> StartProblem | None:
        try:
            self._api.put_archive(container, path, data)
        except APIError as error:
            if "not a directory" not in str(error.explanation or error).lower():
                raise HarnessTrouble(f"the engine cannot place the inputs: {error}") from error
            return StartProblem(
                text=f"the folders of {path} cannot be mounted: the image has a file where one of "
                "them has to be",
                kind="other",
            )
        return None


def _mount(place: Place, volume: str, *, read_only: bool) -> Mount:
    # Without NoCopy, what an image bakes there would look like something that it made.
    return Mount(target=place.path, source=volume, type="volume", no_copy=True, read_only=read_only)


def _below(whole: tarfile.TarFile, folder: str) -> bytes:
    """What a tar file holds of ``folder``, with names relative to it."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as part:
        for member in whole:
            first, _, name = member.name.partition("/")
            if first == folder:
                renamed = member.replace(name=name or ".")
                part.addfile(renamed, whole.extractfile(member) if member.isreg() else None)
    return held.getvalue()
