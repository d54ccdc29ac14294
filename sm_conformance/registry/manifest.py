"""A manifest as a registry hands it over, and which image it is of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sm_conformance.observed.manifest import INDEXES, ManifestForm, Place, entries, form_of

# What a manifest leads to. A reader that minds no case, or the last of two, sees another image in it.
_LEADING = frozenset({"config", "digest", "layers", "manifests", "mediatype"})


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as the registry hands it over; ``digest`` is that of its bytes.

    ``config_digest`` is None for what names several images, or may be read as if it did.
    """

    digest: str
    media_type: str
    config_digest: str | None
    raw: bytes

    @property
    def form(self) -> ManifestForm:
        """Its form, as the platform that pulls it meets it."""
        return form_of(self.media_type, self.raw, Place.REGISTRY)


def digests_of(found: Manifest) -> tuple[str, ...]:
    """The digests by which a certificate may name an image: of its configuration, of its manifest."""
    digests = (found.config_digest, found.digest)
    return tuple(digest for digest in digests if digest is not None)


def several(found: Manifest) -> bool:
    """Whether it is an index of more than one image, of which nobody has judged more than one."""
    return sum(not one.attestation for one in entries(found.raw)) > 1


def manifest_of(raw: bytes, content_type: str) -> Manifest:
    """The manifest that came as ``raw``, with the type that the registry gave it."""
    said = _read(raw)
    # The registry's word decides, as it does for the platform; an OCI manifest need not have its own.
    media_type = content_type.partition(";")[0].strip() or str(said.get("mediaType", ""))
    config = said.get("config")
    is_index = media_type in INDEXES or any(name.casefold() == "manifests" for name in said)
    return Manifest(
        digest=f"sha256:{hashlib.sha256(raw).hexdigest()}",
        media_type=media_type,
        config_digest=str(config["digest"])
        if not is_index and isinstance(config, Mapping) and "digest" in config
        else None,
        raw=raw,
    )


def _read(raw: bytes) -> Mapping[str, Any]:
    """What a manifest says; nothing where it says a thing twice, for then it says two things."""
    try:
        said = json.loads(raw, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, Mapping) else {}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    leading = [name.casefold() for name, _ in pairs if name.casefold() in _LEADING]
    if len(leading) > len(set(leading)):
        raise ValueError("said twice")
    return dict(pairs)
