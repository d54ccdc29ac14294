"""Finds shared libraries where the loader of an image looks for them, without starting it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

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


def search_path(facts: ImageFacts) -> tuple[str, ...]:
    """The folders that the loader looks through, those of LD_LIBRARY_PATH first."""
    said = facts.environment.get("LD_LIBRARY_PATH", "").split(":")
    named = [folder.rstrip("/") for folder in said if folder.startswith("/")]
    return tuple(dict.fromkeys([*named[:_MOST_FOLDERS], *_FOLDERS]))


def find(
    engine: Engine, facts: ImageFacts, names: Iterable[str], *, beside: Iterable[str] = ()
) -> Mapping[str, FileFacts]:
    """Where the libraries ``names`` lie, by the path that leads there; also in folders ``beside``."""
    folders = (*search_path(facts), *beside)
    return engine.stat(
        facts.reference, [f"{folder}/{name}" for name in names for folder in folders]
    )


def is_program(engine: Engine, facts: ImageFacts, found: FileFacts) -> bool:
    """Whether a file is a real program or library: none is what committing a container leaves."""
    if found.kind != "file" or not found.size_bytes:
        return False
    return elf.machine(engine.file_head(facts.reference, found.path, 64) or b"") is not None
