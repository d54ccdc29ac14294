"""A real registry for a test: Debian's docker-registry on a free port of this machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from handmade import Made, described, digest

from sm_conformance.observed.manifest import DOCKER_MANIFEST, OCI_INDEX
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import Manifest

ROOT = Path(__file__).resolve().parent.parent
# "sesame", hashed with bcrypt.
PASSWORD_FILE = "we:$2a$05$EkaElHn/7Pice.jYj5k6aOJCasitZvUiT/ck6s7uVMbmGvExrMVMy\n"
PROGRAM = shutil.which("docker-registry", path=f"{ROOT}/.tox/registry/usr/bin:{os.environ['PATH']}")


@contextmanager
def registry(folder: Path, *, closed: bool = False) -> Iterator[str]:
    """Debian's docker-registry on a free port; its host and port."""
    if PROGRAM is None:
        pytest.skip("there is no docker-registry, which `make test` brings")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    said: dict[str, Any] = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": host},
    }
    if closed:
        (folder / "passwords").write_text(PASSWORD_FILE, "utf-8")
        said["auth"] = {"htpasswd": {"realm": "here", "path": str(folder / "passwords")}}
    (folder / "registry.yml").write_text(json.dumps(said), "utf-8")
    with (folder / "registry.log").open("wb") as log:
        running = subprocess.Popen(
            [PROGRAM, "serve", str(folder / "registry.yml")], stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                requests.get(f"http://{host}/v2/", timeout=5)
                break
            except requests.ConnectionError:
                assert running.poll() is None, (folder / "registry.log").read_text("utf-8")
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield host
    finally:
        running.terminate()
        running.wait(30)


def catalogue(host: str) -> list[str]:
    """The repositories of a registry."""
    named: list[str] = requests.get(f"http://{host}/v2/_catalog", timeout=5).json()["repositories"]
    return named


def pushed(reference: str, made: Made, *, media_type: str = DOCKER_MANIFEST) -> Manifest:
    """Puts an image into a registry; its manifest as it lies there."""
    repository = Repository(reference, credentials=lambda _: None)
    for blob in made.blobs.values():
        repository.put_blob(blob)
    raw = made.manifest(media_type)
    repository.put_manifest(raw, media_type, repository.tag)
    found = repository.manifest()
    assert found is not None
    assert found.digest == digest(raw)
    return found


def pushed_index(reference: str, index: bytes, *parts: tuple[Made, str]) -> None:
    """Puts an index into a registry, and the images that it names."""
    repository = Repository(reference, credentials=lambda _: None)
    for made, media_type in parts:
        pushed(f"{repository.name}:part", made, media_type=media_type)
    repository.put_manifest(index, OCI_INDEX, repository.tag)


def named(made: Made, media_type: str, **more: Any) -> dict[str, Any]:
    """How an index names the manifest of an image."""
    return described(media_type, made.manifest(media_type), **more)
