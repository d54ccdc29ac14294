"""The form of the manifest by which an image is pulled: what registries keep and platforms accept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sm_conformance.observed.http import printable

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
INDEXES = (DOCKER_LIST, OCI_INDEX)
_MOST_NAMED = 5
_MOST_ENTRIES = 1000


class Place(StrEnum):
    """Where a manifest is known from."""

    REGISTRY = "registry"  # it is what a platform will pull
    ENGINE = "engine"  # it is what the engine will push
    ARCHIVE = "archive"  # it is what lies there; what pushes it may write another one


@dataclass(frozen=True, slots=True)
class ManifestForm:
    """The media type of a manifest, and what it names where it is an index.

    ``platforms`` are such as ``linux/amd64``; ``attestations`` counts manifests that say how an
    image was built instead of being one.
    """

    media_type: str
    place: Place
    platforms: tuple[str, ...] = ()
    attestations: int = 0

    @property
    def accepted(self) -> bool:
        """Whether models can be made of it: one manifest of Docker's own form, of one platform."""
        return self.media_type == DOCKER_MANIFEST

    def describe(self) -> str:
        """The form in words."""
        kind = "an index" if self.media_type in INDEXES else "a manifest"
        text = f"{kind} of the type {printable(self.media_type)[:200] or 'that nobody names'}"
        parts = [printable(name)[:50] for name in self.platforms[:_MOST_NAMED]]
        if len(self.platforms) > _MOST_NAMED:
            parts.append(f"{len(self.platforms) - _MOST_NAMED} more")
        if self.attestations:
            many = "s" if self.attestations > 1 else ""
            parts.append(f"{self.attestations} build attestation{many}")
        return f"{text} ({', '.join(parts)})" if parts else text


@dataclass(frozen=True, slots=True)
class Entry:
    """What an index says of one manifest that it names. ``size`` is None where it does not say."""

    digest: str
    media_type: str
    size: int | None
    platform: str
    attestation: bool
    annotations: Mapping[str, str]


def form_of(media_type: str, raw: bytes, place: Place) -> ManifestForm:
    """The form of the manifest or index ``raw``; what is no JSON names nothing."""
    named = entries(raw)
    return ManifestForm(
        media_type=media_type,
        place=place,
        platforms=tuple(one.platform for one in named if not one.attestation and one.platform),
        attestations=sum(one.attestation for one in named),
    )


def entries(raw: bytes) -> tuple[Entry, ...]:
    """The manifests that an index names, a bounded number of them; none where it is no index."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        return ()
    named = said.get("manifests") if isinstance(said, Mapping) else None
    listed = named[:_MOST_ENTRIES] if isinstance(named, list) else ()
    return tuple(_entry(one) for one in listed if isinstance(one, Mapping))


def _entry(said: Mapping[str, Any]) -> Entry:
    platform, noted, size = said.get("platform"), said.get("annotations"), said.get("size")
    platform = platform if isinstance(platform, Mapping) else {}
    words = [platform.get(name) for name in ("os", "architecture", "variant")]
    notes = noted if isinstance(noted, Mapping) else {}
    return Entry(
        digest=str(said.get("digest", "")),
        media_type=str(said.get("mediaType", "")),
        size=size if isinstance(size, int) and not isinstance(size, bool) else None,
        platform="/".join(str(word)[:50] for word in words if word),
        attestation=notes.get("vnd.docker.reference.type") == "attestation-manifest",
        annotations={str(name): str(text) for name, text in notes.items()},
    )
