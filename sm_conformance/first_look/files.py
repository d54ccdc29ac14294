"""Reads an image's own program as text, without starting it: bounded, by way of the engine alone."""

from __future__ import annotations

import posixpath
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sm_conformance.engine.protocol import Engine
from sm_conformance.observed.facts import ImageFacts

_MOST_FOLDER_BYTES = 16 << 20
_MOST_FILE_BYTES = 64 << 10
_MOST_TEXT_BYTES = 1 << 20
_MOST_MEMBERS = 5000
_MOST_FOLDERS = 6

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Folders in which images built after the published examples keep their program.
_USUAL_FOLDERS = (
    "/opt/program", "/opt/ml/code", "/opt/ml", "/opt/algorithm", "/app", "/code", "/src",
)  # fmt: skip
# These hold a whole system; a program among it is read by itself.
_SYSTEM_FOLDERS = re.compile(
    r"/|/(?:bin|sbin|lib|lib64|usr|etc|proc|sys|dev)(?:/.*)?|"
    r"/(?:boot|home|media|mnt|opt|root|run|srv|tmp|var)"
)
_LIBRARIES = re.compile(r"(?:^|/)(?:site-packages|dist-packages|node_modules|\.git|__pycache__)/")
_CODE = re.compile(
    r"\.(?:py|r|sh|js|ts|jl|pl|rb|lua|java|scala|go|conf|toml|ya?ml)$", re.IGNORECASE
)
_USABLE_PATH = re.compile(r"[ -~]{1,1024}")
# Words of an ENTRYPOINT that start another program, which is the one to read.
_STARTERS = re.compile(
    r"(?:tini|dumb-init|env|exec|sh|bash|dash|node|java|perl|Rscript|R|python[0-9.]*|pypy[0-9.]*)"
)


@dataclass(frozen=True, slots=True)
class TextFile:
    """The first part of a text file, by its absolute path in the image."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Program:
    """What of the program could be read.

    ``missing`` are those of the words ``train`` and ``serve`` that lead nowhere: there is neither an
    ENTRYPOINT that is told them nor a program of that name on PATH.
    """

    texts: tuple[TextFile, ...]
    missing: frozenset[str]


def read_program(engine: Engine, image: ImageFacts, *, folder: Path) -> Program:
    """The text files near the program; ``folder`` takes what is copied out, for a moment.

    Raises HarnessTrouble when the engine fails.
    """
    found: dict[str, str] = {}
    missing: set[str] = set()
    named = [word for word in image.entrypoint if _USABLE_PATH.fullmatch(word)]
    paths = [_absolute(image, word) for word in named if _is_path(word)]
    if all(_STARTERS.fullmatch(posixpath.basename(word)) or word[:1] == "-" for word in named):
        for word in ("train", "serve"):
            if not _on_path(engine, image, word, found) and not image.entrypoint:
                missing.add(word)
    elif named and not _is_path(named[0]):
        _on_path(engine, image, named[0], found)
    for path in dict.fromkeys(paths):
        _take(found, path, engine.file_head(image.reference, path, _MOST_FILE_BYTES))
    for place in _folders(image, tuple(found)):
        archive = folder / "looked-at.tar"
        try:
            engine.copy_out(image.reference, place, archive, _MOST_FOLDER_BYTES)
            for name, content in _texts(archive):
                _take(found, posixpath.join(posixpath.dirname(place), name), content)
        finally:
            archive.unlink(missing_ok=True)
    texts = tuple(TextFile(path=path, text=text) for path, text in found.items())
    return Program(texts=texts, missing=frozenset(missing))


def _is_path(word: str) -> bool:
    return "/" in word or bool(_CODE.search(word))


def _absolute(image: ImageFacts, word: str) -> str:
    return posixpath.normpath(posixpath.join(image.working_directory, word))


def _on_path(engine: Engine, image: ImageFacts, word: str, found: dict[str, str]) -> bool:
    """Whether there is such a program on PATH; its text is kept."""
    for place in image.environment.get("PATH", _DEFAULT_PATH).split(":")[:20]:
        path = posixpath.normpath(posixpath.join(image.working_directory, place, word))
        if not _USABLE_PATH.fullmatch(path):
            continue
        head = engine.file_head(image.reference, path, _MOST_FILE_BYTES)
        if head is not None:
            _take(found, path, head)
            return True
    return False


def _take(found: dict[str, str], path: str, content: bytes | None) -> None:
    """Keeps a file that is text, as long as all of them together are few."""
    held = sum(len(text) for text in found.values())
    if content is None or b"\0" in content or path in found or held > _MOST_TEXT_BYTES:
        return
    found[path] = content.decode("utf-8", "replace")


def _folders(image: ImageFacts, files: tuple[str, ...]) -> list[str]:
    """The folders to read: those of the program's files, the working one, the usual ones."""
    told = image.environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "/")
    wanted = [*map(posixpath.dirname, files), image.working_directory, told, *_USUAL_FOLDERS]
    chosen: list[str] = []
    for place in map(posixpath.normpath, wanted):
        apart = place.startswith("/") and _USABLE_PATH.fullmatch(place)
        if not apart or _SYSTEM_FOLDERS.fullmatch(place):
            continue
        if not any(f"{place}/".startswith(f"{other}/") for other in chosen):
            chosen.append(place)
    return chosen[:_MOST_FOLDERS]


def _texts(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The code files of a folder's archive, as far as it goes: it may have been cut."""
    try:
        with tarfile.open(archive, mode="r:") as opened:
            for count, member in enumerate(opened):
                if count >= _MOST_MEMBERS:
                    return
                if not member.isreg() or _LIBRARIES.search(member.name):
                    continue
                held = opened.extractfile(member)
                head = held.read(_MOST_FILE_BYTES) if held else b""
                if _CODE.search(member.name) or head[:2] == b"#!":
                    yield posixpath.normpath(member.name).lstrip("/"), head
    except (tarfile.TarError, OSError):
        return
