"""The model that a training left, packed as the platform hands it on to a server."""

from __future__ import annotations

import gzip
import tarfile
import tempfile
from pathlib import Path

from sm_conformance.observed.run import Ending, TrainRun

_ARCHIVE = "model.tar.gz"


def model_archive(run: TrainRun) -> Path | None:
    """Its model.tar.gz, made when it is first asked for: a model of many files takes long to pack.

    None where the training did not end by itself, left no file, or more than was read.
    """
    if run.ending is not Ending.EXITED or not run.model.whole or not run.model.files:
        return None
    target = run.evidence / _ARCHIVE
    if not target.exists():
        # Two servers may ask at once: each packs for itself, and either archive is as good.
        with tempfile.NamedTemporaryFile(dir=run.evidence, suffix=_ARCHIVE, delete=False) as file:
            made = Path(file.name)
        _pack(run.evidence / "model.tar", made)
        made.replace(target)
    return target


def _pack(folder: Path, archive: Path) -> None:
    """Names are relative to the folder; the engine's tar file holds the folder as its first name."""
    with (
        tarfile.open(folder, mode="r:") as source,
        gzip.open(archive, "wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as made,
    ):
        for member in source:
            name = member.name.partition("/")[2]
            if not name:
                continue
            member.name = name
            if member.islnk():
                member.linkname = member.linkname.partition("/")[2]
            made.addfile(member, source.extractfile(member) if member.isreg() else None)
