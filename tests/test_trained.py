"""A trained model is packed as the platform packs it, when a server wants it and not before."""

from __future__ import annotations

import io
import tarfile
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sm_conformance.laboratory.trained import model_archive
from sm_conformance.observed.output import NOTHING, Entry, OutputTree
from sm_conformance.observed.run import Ending

ONE_FILE = OutputTree(entries=(Entry(name="a", kind="file", size=1),), whole=True)


def left(folder: Path, *, ending: Ending = Ending.EXITED, model: OutputTree = ONE_FILE) -> Any:
    """A training that left a file, a link to it and one in a folder, as an engine archives them."""
    with tarfile.open(folder / "model.tar", "w") as archive:
        for name, kind in (("model", tarfile.DIRTYPE), ("model/deep", tarfile.DIRTYPE)):
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
        for name in ("model/a", "model/deep/b"):
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
        member = tarfile.TarInfo("model/c")
        member.type, member.linkname = tarfile.LNKTYPE, "model/a"
        archive.addfile(member)
    return SimpleNamespace(ending=ending, model=model, evidence=folder)


def test_names_in_the_archive_are_relative_to_the_folder(tmp_path: Path) -> None:
    archive = model_archive(left(tmp_path))

    assert archive == tmp_path / "model.tar.gz"
    with tarfile.open(archive) as opened:
        assert opened.getnames() == ["deep", "a", "deep/b", "c"]
        assert (opened.getmember("c").islnk(), opened.getmember("c").linkname) == (True, "a")


def test_it_is_packed_once_and_nothing_else_is_left(tmp_path: Path) -> None:
    run = left(tmp_path)
    first = model_archive(run)
    assert first is not None
    made = first.stat().st_mtime_ns

    assert model_archive(run) == first
    assert first.stat().st_mtime_ns == made
    assert {path.name for path in tmp_path.iterdir()} == {"model.tar", "model.tar.gz"}


def test_servers_that_ask_at_once_are_all_given_a_whole_one(tmp_path: Path) -> None:
    run = left(tmp_path)
    names: list[list[str]] = []

    def ask() -> None:
        archive = model_archive(run)
        assert archive is not None
        with tarfile.open(archive) as opened:
            names.append(opened.getnames())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert names == [["deep", "a", "deep/b", "c"]] * 8


@pytest.mark.parametrize(
    "how",
    [
        {"ending": Ending.STOPPED},
        {"model": NOTHING},
        {"model": OutputTree(entries=ONE_FILE.entries, whole=False)},
    ],
)
def test_what_is_no_trained_model_is_not_packed(tmp_path: Path, how: dict[str, Any]) -> None:
    assert model_archive(left(tmp_path, **how)) is None
    assert not (tmp_path / "model.tar.gz").exists()
