"""Pushes one image, named by its digest, to where a registry will have it."""

from __future__ import annotations

from typing import Any

from docker.errors import DockerException
from urllib3.exceptions import HTTPError

from sm_conformance.engine.client import EngineClient
from sm_conformance.engine.credentials import AMISS
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.http import printable


def push(api: EngineClient, image: str, *, repository: str, tag: str) -> str:
    """Pushes the image ``image`` (a config digest); the digest of the manifest that the engine wrote.

    Raises :class:`HarnessTrouble` when the registry refuses it, or is not there.
    """
    target = f"{repository}:{tag}"
    try:
        api.tag(image, repository, tag, force=True)
        events: Any = api.push(repository, tag=tag, stream=True, decode=True)
        digest = None
        for event in events:
            if "error" in event:
                raise HarnessTrouble(f"pushing {target}: {printable(str(event['error']))[:500]}")
            aux = event.get("aux") or {}
            digest = aux.get("Digest") or digest
    except (DockerException, HTTPError, *AMISS) as error:  # or the stream of events breaks off
        said = printable(str(error))[:500]
        raise HarnessTrouble(f"the engine cannot push {target}: {said}") from error
    if digest is None:
        raise HarnessTrouble(f"the engine pushed {target} and told no digest")
    return str(digest)
