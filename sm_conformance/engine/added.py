"""Asks an engine what a container has added to the file system of its image, within bounds."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from pathlib import Path

from docker import APIClient
from docker.utils import decode_json_header

from sm_conformance.engine.client import EngineSilent

_TIMEOUT_S = 60.0
# A list of some hundred thousand names; what a hostile container writes shall not fill our memory.
_MOST_LIST_BYTES = 32 << 20
# Of Go's file modes: folder, link, device, pipe, socket, character device, irregular.
_NOT_REGULAR = 1 << 31 | 1 << 27 | 1 << 26 | 1 << 25 | 1 << 24 | 1 << 21 | 1 << 19
_REMOVED = 2
_MOST_PATHS = 300_000


def added_bytes(api: APIClient, container: str) -> int | None:
    """The bytes of all files that it added or changed; None when the engine does not say."""
    try:
        answer = api.get(_at(api, container, "json"), params={"size": 1}, timeout=_TIMEOUT_S)
    except EngineSilent:
        return None
    found = answer.json() if answer.ok else {}
    size = found.get("SizeRw") if isinstance(found, dict) else None
    # Engines leave a size of nothing out.
    return int(size or 0) if "SizeRootFs" in found or size is not None else None


def added_paths(api: APIClient, container: str) -> tuple[str, ...] | None:
    """The paths that it added or changed, folders included; None when there are too many to list.

    Some engines compare the whole image for it, which takes seconds; where the layer itself can be
    seen from here, it is looked at instead.
    """
    layer = _layer(api, container)
    if layer is not None:
        return _below(layer)
    listed = bytearray()
    try:
        answer = api.get(_at(api, container, "changes"), stream=True, timeout=_TIMEOUT_S)
        with contextlib.closing(answer):
            if not answer.ok:
                return None
            for piece in answer.iter_content(1 << 16):
                listed += piece
                if len(listed) > _MOST_LIST_BYTES:
                    return None
    except (EngineSilent, OSError):  # what requests raises while it reads is an OSError too
        return None
    changes = json.loads(listed) or []
    return tuple(change["Path"] for change in changes if change["Kind"] != _REMOVED)


def _layer(api: APIClient, container: str) -> Path | None:
    """The folder with what it wrote, where an overlay has one on this host that may be read."""
    driver = api.inspect_container(container).get("GraphDriver") or {}
    told = (driver.get("Data") or {}).get("UpperDir") if driver.get("Name") == "overlay2" else None
    return Path(told) if told and os.access(told, os.R_OK | os.X_OK) else None


def _below(layer: Path) -> tuple[str, ...] | None:
    """All paths of a layer, as its container sees them; what it removed is left out."""
    found: list[str] = []
    for folder, folders, files in os.walk(layer, onerror=None):
        inside = folder[len(str(layer)) :]
        found += [f"{inside}/{name}" for name in folders]
        found += [f"{inside}/{name}" for name in files if not _is_removed(f"{folder}/{name}")]
        if len(found) > _MOST_PATHS:
            return None
    return tuple(found)


def _is_removed(path: str) -> bool:
    """Whether an overlay's mark says that what the image has there was removed."""
    try:
        found = os.lstat(path)
    except OSError:
        return True
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def file_bytes(api: APIClient, container: str, path: str) -> int | None:
    """The size of the regular file ``path``; None where there is none."""
    try:
        answer = api.head(_at(api, container, "archive"), params={"path": path}, timeout=_TIMEOUT_S)
    except EngineSilent:
        return None
    told = answer.headers.get("X-Docker-Container-Path-Stat") if answer.ok else None
    if told is None:
        return None
    facts = decode_json_header(told)
    return None if int(facts["mode"]) & _NOT_REGULAR else int(facts["size"])


def _at(api: APIClient, container: str, part: str) -> str:
    """Where the engine's API has something that the SDK has no call for."""
    url: str = api._url("/containers/{0}/" + part, container)  # type: ignore[attr-defined]
    return url
