"""Finds shared libraries where the loader of an image looks for them, without starting it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from sm_conformance.engine.protocol import Engine
from sm_conformance.laboratory import elf
from sm_conformance.observed.facts import FileFacts, ImageFacts

_FOLDERS = (
    "/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/usr/local/lib",
    "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu", "/lib/aarch64-linux-gnu",
    "/usr/lib64", "/lib64", "/usr/lib", "/lib",
)  # fmt: skip
_MOST_FOLDERS = 32
# What ldconfig found in the folders that /etc/ld.so.conf names; the paths stand in it as C strings.
_CACHE = "/etc/ld.so.cache"
_MOST_CACHE_BYTES = 4 * 1024 * 1024
_CACHED = re.compile(rb"(?<![!-~])(/[!-~]{1,500})(?=\x00)")
_MOST_CACHED = 100


def search_path(facts: ImageFacts) -> tuple[str, ...]:
    """The folders that the loader looks through, those of LD_LIBRARY_PATH first."""
    said = facts.environment.get("LD_LIBRARY_PATH", "").split(":")
    named = [folder.rstrip("/") for folder in said if folder.startswith("/")]
    return tuple(dict.fromkeys([*named[:_MOST_FOLDERS], *_FOLDERS]))


def find(
    engine: Engine, facts: ImageFacts, names: Iterable[str], *, beside: Iterable[str] = ()
) -> Mapping[str, FileFacts]:
    """Where the libraries ``names`` lie, by the path that leads there; also in folders ``beside``."""
    wanted = tuple(names)
    folders = (*search_path(facts), *beside)
    paths = [f"{folder}/{name}" for name in wanted for folder in folders]
    paths += list(_cached(engine, facts, wanted))[:_MOST_CACHED]
    return engine.stat(facts.reference, dict.fromkeys(paths))


def _cached(engine: Engine, facts: ImageFacts, names: tuple[str, ...]) -> Iterator[str]:
    """Where the loader's own cache has libraries of these names."""
    held = engine.file_head(facts.reference, _CACHE, _MOST_CACHE_BYTES) or b""
    for found in _CACHED.finditer(held):
        path = found[1].decode("ascii")
        if path.endswith(tuple(f"/{name}" for name in names)):
            yield path


def is_program(engine: Engine, facts: ImageFacts, found: FileFacts) -> bool:
    """Whether a file is a real program or library: none is what committing a container leaves."""
    if found.kind != "file" or not found.size_bytes:
        return False
    return elf.machine(engine.file_head(facts.reference, found.path, 64) or b"") is not None
