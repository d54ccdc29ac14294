"""The images of an archive: of `docker save` in its old and its new form, or in OCI's layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from sm_conformance.at_rest.parts import Content, document, is_digest, listed, parsed, text
from sm_conformance.at_rest.stored import MOST_LAYERS, Stored, image_of, of_manifest
from sm_conformance.at_rest.tarred import Members, open_tar
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.http import printable
from sm_conformance.observed.manifest import Entry, Place, entries, form_of

_MOST_IMAGES = 100
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


class Archive:
    """The images of the archive ``path``.

    Raises :class:`UsageProblem` for what is none, or does not hold what it says.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file, self._members = open_tar(path)
        self._held: dict[str, Content] = {}
        try:
            self.images = _images(self._members, self)
            if not self.images:
                raise UsageProblem(f"{path} is an archive without an image")
        except BaseException:
            self.close()
            raise

    def __str__(self) -> str:
        return str(self._path)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def blob(self, digest: str, size: int | None) -> Content:
        """The content with this digest; its size is held against ``size`` where that is known."""
        if not is_digest(digest):
            raise UsageProblem(f"{self} names {printable(digest)[:80]!r}, which is no digest")
        if digest not in self._held:
            found = self._members.find(_place(digest))
            if found is None:
                raise UsageProblem(f"{self} lacks {digest}")
            if found.digest() != digest:
                raise UsageProblem(f"{self} holds other bytes than {digest} under that name")
            self._held[digest] = found
        if size is not None and size != self._held[digest].size:
            raise UsageProblem(f"{self} says that {digest} has {size} bytes, and it has others")
        return self._held[digest]

    def has(self, digest: str) -> bool:
        """Whether there is something of this digest; what, nobody has looked yet."""
        return self._members.find(_place(digest)) is not None

    def member(self, name: str) -> Content:
        """The file ``name``. Raises UsageProblem where there is none."""
        found = self._members.find(name)
        if found is None:
            raise UsageProblem(f"{self} lacks {printable(name)[:200]}")
        return found


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _images(members: Members, archive: Archive) -> tuple[Stored, ...]:
    if members.find("index.json") is not None and members.find("oci-layout") is not None:
        return _of_layout(archive, saved=members.find("manifest.json") is not None)
    if members.find("manifest.json") is not None:
        return _of_save(archive)
    raise UsageProblem(
        f"{archive} is no archive of images: it has neither the manifest.json of `docker save` nor "
        "the index.json of an OCI layout"
    )


def _of_layout(archive: Archive, *, saved: bool) -> tuple[Stored, ...]:
    """The images of an OCI layout.

    One that `docker save` wrote (``saved``) says nothing of how its engine pushes: it has OCI's form
    whatever the store.
    """
    raw = archive.member("index.json").small("index.json")
    named = [one for one in entries(raw) if not one.attestation]
    if len(named) > _MOST_IMAGES:
        raise UsageProblem(f"{archive} has more than {_MOST_IMAGES} images")
    by_digest: dict[str, Stored] = {}
    for entry in named:
        names = _names(entry)
        held = by_digest.get(entry.digest)
        if held is not None:
            names = (*held.names, *names)
        led, manifest = image_of(entry, archive.blob, there=archive.has)
        top = archive.blob(entry.digest, entry.size).small(entry.digest)
        form = None if saved else form_of(_media_type(entry, top), top, Place.ARCHIVE)
        by_digest[entry.digest] = of_manifest(
            manifest, archive.blob, names=tuple(dict.fromkeys(names)), digest=led.digest, form=form
        )
    return tuple(by_digest.values())


def _media_type(entry: Entry, raw: bytes) -> str:
    return entry.media_type or text(document(raw, entry.digest), "mediaType", entry.digest)


def _names(entry: Entry) -> tuple[str, ...]:
    """The name that an image has; of a bare tag nobody can tell of which repository it is."""
    found = [entry.annotations[key] for key in _NAMES if entry.annotations.get(key)]
    return tuple(found[:1])


def _of_save(archive: Archive) -> tuple[Stored, ...]:
    raw = archive.member("manifest.json").small("manifest.json")
    said = {"images": parsed(raw, "manifest.json")}
    images = listed(said, "images", "manifest.json", most=_MOST_IMAGES)
    return tuple(_saved(archive, image) for image in images)


def _saved(archive: Archive, said: Any) -> Stored:
    if not isinstance(said, Mapping):
        raise UsageProblem("manifest.json does not say which images there are")
    what = "manifest.json"
    tags = listed(said, "RepoTags", what, most=MOST_LAYERS)
    layers = listed(said, "Layers", what, most=MOST_LAYERS)
    name = text(said, "Config", what)
    config = archive.member(name)
    digest, called = config.digest(), f"sha256:{PurePosixPath(name).stem.removeprefix('sha256:')}"
    if is_digest(called) and called != digest:
        raise UsageProblem(f"{archive} holds other bytes than {called} under that name")
    return Stored(
        names=tuple(str(tag) for tag in tags),
        config=config,
        config_digest=digest,
        layers=tuple(archive.member(str(name)) for name in layers),
    )
