"""An image as it lies in an archive or a registry: configuration, layers, the form of its manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sm_conformance.at_rest.parts import Content, Find, document, is_digest, listed, mapped, text
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.http import printable
from sm_conformance.observed.manifest import (
    DOCKER_MANIFEST,
    INDEXES,
    OCI_MANIFEST,
    Entry,
    ManifestForm,
    entries,
)

MOST_LAYERS = 1000
# Of several platforms that one is judged which most instances have.
_PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm64/v8")
_DEEPEST = 3


@dataclass(frozen=True, slots=True)
class Stored:
    """One image. ``config`` and ``layers`` are still packed as they lie; all were held against
    their digests but for layers that have none, which the configuration names unpacked.

    ``names`` are those that it was given there, perhaps none.
    """

    names: tuple[str, ...]
    config: Content
    config_digest: str
    layers: tuple[Content, ...]
    manifest_digest: str | None = None
    form: ManifestForm | None = None

    def is_called(self, name: str) -> bool:
        """Whether ``name`` means this image: a name of it, or the begin of one of its digests."""
        if plain(name) in {plain(own) for own in self.names}:
            return True
        digits = name.removeprefix("sha256:")
        known = [digest or "" for digest in (self.config_digest, self.manifest_digest)]
        return len(digits) >= 12 and any(one.startswith(f"sha256:{digits}") for one in known)


def plain(name: str) -> str:
    """An image's name as engines show it: without Docker's own registry, with its tag."""
    for front in ("docker.io/library/", "docker.io/"):
        name = name.removeprefix(front)
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"


def of_manifest(
    raw: bytes, find: Find, *, names: tuple[str, ...], digest: str, form: ManifestForm | None
) -> Stored:
    """The image of a manifest. Raises :class:`UsageProblem` where it is none, or a part is missing."""
    what = f"the manifest {digest}"
    said = document(raw, what)
    config_digest, config = _part(mapped(said, "config", what), find, what)
    layers = listed(said, "layers", what, most=MOST_LAYERS)
    return Stored(
        names=names,
        config=config,
        config_digest=config_digest,
        layers=tuple(_part(layer, find, what)[1] for layer in layers),
        manifest_digest=digest,
        form=form,
    )


def image_of(
    entry: Entry, find: Find, *, there: Callable[[str], bool] = lambda _: True
) -> tuple[Entry, bytes]:
    """The manifest of an image that ``entry`` leads to, through indexes; and its bytes.

    Engines write down indexes of which they hold a part: ``there`` tells which digests there are.
    Raises :class:`UsageProblem` where it leads to none.
    """
    for _ in range(_DEEPEST):
        raw = find(entry.digest, entry.size).small(f"the manifest {printable(entry.digest)[:80]}")
        if entry.media_type not in INDEXES and not (entry.media_type == "" and entries(raw)):
            return entry, raw
        named = entries(raw)
        held = [one for one in named if there(one.digest)]
        entry = best(held or named, of=entry.digest)
    raise UsageProblem("indexes name indexes and so on: no engine follows that")


def best(named: Sequence[Entry], *, of: str) -> Entry:
    """The manifest of an index that is judged. Raises :class:`UsageProblem` where there is none."""
    images = [
        one
        for one in named
        if not one.attestation and one.media_type in ("", DOCKER_MANIFEST, OCI_MANIFEST, *INDEXES)
    ]
    if not images:
        raise UsageProblem(f"the index {printable(of)[:80]} names no image")
    ranked = {platform: place for place, platform in enumerate(_PLATFORMS)}
    return min(images, key=lambda one: ranked.get(one.platform, len(ranked)))


def _part(said: object, find: Find, what: str) -> tuple[str, Content]:
    if not isinstance(said, dict):
        raise UsageProblem(f"{what} does not say where its parts are")
    digest, size = text(said, "digest", what), said.get("size")
    if not is_digest(digest):
        raise UsageProblem(f"{what} names {printable(digest)[:80]!r}, which is no digest")
    return digest, find(digest, size if isinstance(size, int) else None)
