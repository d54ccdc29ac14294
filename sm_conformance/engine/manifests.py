"""In which form an engine pushes an image, where it tells that for certain."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sm_conformance.observed.manifest import DOCKER_MANIFEST, OCI_INDEX, ManifestForm, Place

# Stores that keep layers and no manifests: at the push they write Docker's own form, and no other.
_CLASSIC = frozenset({"overlay2", "btrfs", "zfs", "vfs", "fuse-overlayfs"})
_CONTAINERD = "io.containerd.snapshotter"
_OCI = "application/vnd.oci."


def pushed_form(
    inspected: Mapping[str, Any],
    *,
    info: Callable[[], Mapping[str, Any]],
    parts: Callable[[], object],
) -> ManifestForm | None:
    """The form in which the inspected image will be pushed; None where that cannot be told.

    ``info`` gives what Docker says of itself (nothing of another engine), ``parts`` the manifests
    that an index of the image names, as Docker lists them (API 1.48). Only an engine that keeps
    images as they were built has a ``Descriptor``.
    """
    described = inspected.get("Descriptor")
    if not isinstance(described, Mapping):
        return ManifestForm(DOCKER_MANIFEST, Place.ENGINE) if _is_classic(info()) else None
    media_type = str(described.get("mediaType", ""))
    if media_type == OCI_INDEX:
        return _index(parts())
    if media_type == DOCKER_MANIFEST or media_type.startswith(_OCI):
        return ManifestForm(media_type, Place.ENGINE)
    # Of an index of Docker's, one manifest may be pushed alone, which is lawful.
    return None


def _index(parts: object) -> ManifestForm | None:
    """Of an index that is not all there, the one image that is there is pushed alone."""
    listed = [one for one in parts if isinstance(one, Mapping)] if isinstance(parts, list) else []
    there = [one for one in listed if one.get("Available")]
    images = [one for one in there if one.get("Kind") == "image"]
    types = [str((one.get("Descriptor") or {}).get("mediaType", "")) for one in images]
    if not types or not all(kind.startswith(_OCI) for kind in types):
        return None
    if len(there) < len(listed):
        return ManifestForm(types[0], Place.ENGINE)
    return ManifestForm(
        media_type=OCI_INDEX,
        place=Place.ENGINE,
        platforms=tuple(_platform(one) for one in images),
        attestations=sum(one.get("Kind") == "attestation" for one in there),
    )


def _platform(part: Mapping[str, Any]) -> str:
    told = (part.get("ImageData") or {}).get("Platform") or {}
    return "/".join(str(told[name])[:50] for name in ("os", "architecture") if told.get(name))


def _is_classic(info: Mapping[str, Any]) -> bool:
    status = info.get("DriverStatus") or []
    kinds = [str(row[1]) for row in status if isinstance(row, list) and len(row) > 1]
    kept = any(kind.startswith(_CONTAINERD) for kind in kinds)
    return not kept and str(info.get("Driver", "")) in _CLASSIC
