"""The declaration that travels in an image, so that the image's digest covers it.

The label ``sm-conformance.declaration`` holds it, or names the folder or file of the image that does.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from sm_conformance.declaration.loading import load
from sm_conformance.declaration.values import Declaration
from sm_conformance.engine.protocol import Engine
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.facts import ImageFacts

LABEL = "sm-conformance.declaration"
FILE = "sm-conformance.yaml"

_MOST_BYTES = 256 * 1024 * 1024
_MOST_MEMBERS = 10_000


def carried(engine: Engine, images: Iterable[ImageFacts], *, folder: Path) -> Declaration | None:
    """The declaration of the images, unpacked below ``folder``; None where none carries one.

    Raises :class:`UsageProblem` where it cannot be used, or two images say different things.
    """
    labelled = {image.config_digest: image for image in images if image.labels.get(LABEL)}
    found = [
        _read(engine, image, folder / f"carried-{nth}")
        for nth, image in enumerate(labelled.values(), start=1)
    ]
    if len({one.sha256 for one in found}) > 1:
        names = " and ".join(image.reference for image in labelled.values())
        raise UsageProblem(f"{names} carry different declarations; name one with --sm-declaration")
    return found[0] if found else None


def _read(engine: Engine, image: ImageFacts, folder: Path) -> Declaration:
    folder.mkdir(parents=True, exist_ok=True)
    said = image.labels[LABEL]
    if not said.startswith("/"):
        (folder / FILE).write_text(said, encoding="utf-8")
        return _loaded(folder / FILE, image)
    archive = folder.with_suffix(".tar")
    whole = engine.copy_out(image.reference, said, archive, _MOST_BYTES)
    try:
        if whole is None:
            raise UsageProblem(f"{_named(image)}: the image has no {said}")
        if not whole:
            raise UsageProblem(f"{_named(image)}: {said} has more than {_MOST_BYTES >> 20} MiB")
        _unpack(archive, folder, image)
    finally:
        archive.unlink(missing_ok=True)
    place = folder / PurePosixPath(said).name
    return _loaded(place / FILE if place.is_dir() else place, image)


def _unpack(archive: Path, folder: Path, image: ImageFacts) -> None:
    """Unpacks what an image holds; what leads out of the folder or is no file is refused."""
    try:
        with tarfile.open(archive, mode="r:") as held:
            # Pythons before 3.11.4, such as Debian's, have no such thing: there we are stricter.
            lawful = getattr(tarfile, "data_filter", None)
            held.extraction_filter = lawful
            for count, member in enumerate(held):
                if count >= _MOST_MEMBERS:
                    raise UsageProblem(f"{_named(image)}: more than {_MOST_MEMBERS} files")
                if lawful is None:
                    _hold_back(member)
                held.extract(member, folder)
    except (tarfile.TarError, OSError) as error:
        raise UsageProblem(f"{_named(image)}: cannot be unpacked: {error}") from error


def _hold_back(member: tarfile.TarInfo) -> None:
    """Raises TarError for all but files and folders whose names stay below the folder."""
    name = PurePosixPath(member.name)
    if not (member.isreg() or member.isdir()) or name.is_absolute() or ".." in name.parts:
        raise tarfile.ExtractError(f"{member.name!r:.200} is no plain file or folder")


def _loaded(path: Path, image: ImageFacts) -> Declaration:
    try:
        return load(path, origin="image", confined=True)
    except UsageProblem as error:
        raise UsageProblem(f"{_named(image)}: {error}") from error


def _named(image: ImageFacts) -> str:
    return f"the declaration in {image.reference} (label {LABEL})"
