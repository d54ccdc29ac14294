"""Puts a signed statement where cosign looks for it: beside the image, under a tag of its digest.

As cosign's attestation specification has it: a manifest of which each layer is one DSSE envelope. What
others have put there stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.manifest import OCI_MANIFEST
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import Manifest

ENVELOPE = "application/vnd.dsse.envelope.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
# cosign reads no more of them.
_MOST_LAYERS = 1000


def attest(
    repository: Repository, subject: Manifest, envelope: bytes, *, predicate_type: str
) -> None:
    """Puts ``envelope`` beside the image ``subject``; twice is once.

    Raises :class:`HarnessTrouble` when the registry refuses it.
    """
    layer = {
        "mediaType": ENVELOPE,
        "digest": repository.put_blob(envelope),
        "size": len(envelope),
        # An attestation has its signature inside; the note has to be there all the same.
        "annotations": {"dev.cosignproject.cosign/signature": "", "predicateType": predicate_type},
    }
    others = [one for one in _layers(repository, subject) if one.get("digest") != layer["digest"]]
    layers = [*others, layer]
    if len(layers) > _MOST_LAYERS:
        raise HarnessTrouble(f"{repository.name} holds {len(others)} attestations of this image")
    config = _encoded(
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [one["digest"] for one in layers]},
        }
    )
    raw = _encoded(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": _CONFIG,
                "digest": repository.put_blob(config),
                "size": len(config),
            },
            "layers": layers,
        }
    )
    repository.put_manifest(raw, OCI_MANIFEST, tag_of(subject))


def attestations(
    repository: Repository, subject: Manifest, *, limit_bytes: int
) -> Iterator[tuple[dict[str, str], bytes]]:
    """The notes and the envelope of each attestation beside an image."""
    for layer in _layers(repository, subject):
        if layer.get("mediaType") == ENVELOPE:
            content = repository.blob(str(layer.get("digest")), limit_bytes=limit_bytes)
            yield dict(layer.get("annotations") or {}), content


def tag_of(subject: Manifest) -> str:
    """The tag under which the attestations of an image lie."""
    return f"{subject.digest.replace(':', '-')}.att"


def _layers(repository: Repository, subject: Manifest) -> list[dict[str, Any]]:
    found = repository.manifest(tag_of(subject))
    if found is None:
        return []
    try:
        said = json.loads(found.raw)
    except (ValueError, RecursionError) as error:
        raise HarnessTrouble(f"{tag_of(subject)} of {repository.name} is no JSON") from error
    layers = said.get("layers") if isinstance(said, dict) else None
    if not isinstance(layers, list) or not all(
        isinstance(one, dict) and isinstance(one.get("digest"), str) for one in layers
    ):
        raise HarnessTrouble(f"{tag_of(subject)} of {repository.name} is no manifest")
    return layers


def _encoded(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()
