"""Judges for which processor an image is made: by its metadata and by the program it starts."""

from __future__ import annotations

import posixpath

from sm_conformance.engine.protocol import Engine
from sm_conformance.laboratory import elf
from sm_conformance.observed.facts import ImageFacts

INIT_PROGRAMS = ("tini", "tini-static", "docker-init", "dumb-init")
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HEAD_BYTES = 512
_MOST_INTERPRETERS = 4
_MOST_FOLDERS = 64


def lawful_architectures(claims: frozenset[str]) -> frozenset[str]:
    """Architectures for which the platform has instances, given what the image claims.

    No Graviton family trains or transforms; hosting has some (BC instance type enums).
    """
    return frozenset({"amd64", "arm64"}) if claims <= {"hosting"} else frozenset({"amd64"})


def mismatch(engine: Engine, facts: ImageFacts, claims: frozenset[str]) -> str | None:
    """What is wrong with the image's architecture, or None.

    The metadata alone proves nothing: it is often wrong over right programs, so the program that is
    started must be of a foreign machine too.
    """
    lawful = lawful_architectures(claims)
    if facts.os != "linux":
        return f"the image is for {facts.os}/{facts.architecture}"
    if facts.architecture in lawful:
        return None
    machine = program_machine(engine, facts, "train" if "training" in claims else "serve")
    if machine is None or machine in lawful:
        return None
    return (
        f"the image says linux/{facts.architecture} and its program is for {machine}; "
        f"needed: {' or '.join(f'linux/{name}' for name in sorted(lawful))}"
    )


def program_machine(engine: Engine, facts: ImageFacts, word: str) -> str | None:
    """The machine of the program that starting the image runs; None where it cannot be read.

    ``word`` is "train" or "serve": the program itself where the image has no ENTRYPOINT. Scripts
    are followed to their interpreter.
    """
    program = facts.entrypoint[0] if facts.entrypoint else word
    for _ in range(_MOST_INTERPRETERS):
        head = _head(engine, facts, program)
        if head is None:
            return None
        made_for = elf.machine(head)
        if made_for is not None:
            return made_for
        if head[:2] != b"#!":
            return None
        words = head[2:].splitlines()[0].decode("utf-8", "replace").split()
        if not words:
            return None
        by_name = posixpath.basename(words[0]) == "env" and len(words) > 1
        program = words[1] if by_name and not words[1].startswith("-") else words[0]
    return None


def places_of(facts: ImageFacts, program: str) -> tuple[str, ...]:
    """The paths at which ``program`` is looked for, the first one first, as an engine does it."""
    folders = [""]
    if "/" not in program:
        folders = facts.environment.get("PATH", _DEFAULT_PATH).split(":")[:_MOST_FOLDERS]
    return tuple(
        posixpath.normpath(posixpath.join(facts.working_directory, folder, program))
        for folder in folders
    )


def _head(engine: Engine, facts: ImageFacts, program: str) -> bytes | None:
    for path in places_of(facts, program):
        head = engine.file_head(facts.reference, path, _HEAD_BYTES)
        if head is not None:
            return head
    return None
