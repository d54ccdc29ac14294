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
