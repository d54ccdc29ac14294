"""Attaches a file to an image in its registry, and finds it again by the image's digest.

As the OCI image and distribution specifications have it, version 1.1: a manifest that names the
image as its subject. Registries that keep no index of these have it under a tag made of the digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.manifest import OCI_INDEX, OCI_MANIFEST
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import Manifest

CERTIFICATE = "application/vnd.sm-conformance.certificate.v1+json"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_EMPTY = b"{}"
# More than anybody attaches, and more than we put into one; what is beyond is not looked at.
_MOST_REFERRERS = 100
_MOST_FILES = 4


def attach(repository: Repository, subject: Manifest, content: bytes) -> str:
    """Attaches ``content`` as a certificate to the image ``subject``; the digest of its manifest.

    Raises :class:`HarnessTrouble` when the registry refuses it.
    """
    config, layer = repository.put_blob(_EMPTY), repository.put_blob(content)
    raw = _encoded(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": CERTIFICATE,
            "config": _descriptor(_EMPTY_TYPE, config, _EMPTY),
            "layers": [_descriptor(CERTIFICATE, layer, content)],
            "subject": _descriptor(subject.media_type, subject.digest, subject.raw),
        }
    )
    digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
    if not repository.put_manifest(raw, OCI_MANIFEST, digest):
        _list(repository, subject, _descriptor(OCI_MANIFEST, digest, raw))
    return digest


def attached(repository: Repository, subject: Manifest, *, limit_bytes: int) -> Iterator[bytes]:
    """The certificates that are attached to the image ``subject``, each of at most ``limit_bytes``.

    One that cannot be had keeps none of the others back: that is raised when all have been handed over.
    Raises :class:`HarnessTrouble` when the registry does not hand them over.
    """
    trouble = None
    entries = [
        one for one in _entries(repository, subject) if one.get("artifactType") == CERTIFICATE
    ]
    for entry in entries[:_MOST_REFERRERS]:
        try:
            found = [*_contents(repository, str(entry.get("digest")), limit_bytes=limit_bytes)]
        except HarnessTrouble as error:
            trouble = trouble or error
        else:
            yield from found
    if trouble is not None:
        raise trouble


def _contents(repository: Repository, digest: str, *, limit_bytes: int) -> Iterator[bytes]:
    found = repository.manifest(digest)
    layers = _read(found.raw).get("layers") if found else None
    for layer in layers[:_MOST_FILES] if isinstance(layers, list) else ():
        if isinstance(layer, dict) and layer.get("mediaType") == CERTIFICATE:
            yield repository.blob(str(layer.get("digest")), limit_bytes=limit_bytes)


def _list(repository: Repository, subject: Manifest, entry: dict[str, Any]) -> None:
    """Adds an entry to the index that stands under a tag."""
    entries = [one for one in _tagged(repository, subject) if one.get("digest") != entry["digest"]]
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [*entries, {**entry, "artifactType": CERTIFICATE}],
    }
    repository.put_manifest(_encoded(index), OCI_INDEX, _tag(subject))


def _entries(repository: Repository, subject: Manifest) -> list[dict[str, Any]]:
    told = repository.referrers(subject.digest, artifact_type=CERTIFICATE)
    if told is None:
        return _tagged(repository, subject)
    return [entry for page in told for entry in _manifests(page)]


def _tagged(repository: Repository, subject: Manifest) -> list[dict[str, Any]]:
    found = repository.manifest(_tag(subject))
    return _manifests(found.raw) if found is not None else []


def _tag(subject: Manifest) -> str:
    return subject.digest.replace(":", "-")


def _manifests(raw: bytes) -> list[dict[str, Any]]:
    entries = _read(raw).get("manifests")
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _read(raw: bytes) -> dict[str, Any]:
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise HarnessTrouble("the registry keeps an index that is no JSON") from error
    return said if isinstance(said, dict) else {}


def _descriptor(media_type: str, digest: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _encoded(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":")).encode()
