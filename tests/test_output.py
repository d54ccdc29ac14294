"""What a candidate leaves is read from a tar file that may lie in every way a tar file can."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sm_conformance.observed import output
from sm_conformance.observed.output import Entry, OutputTree, read_file, read_tree


def member(
    name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


@pytest.fixture
def tar(tmp_path: Path) -> Callable[..., Path]:
    """Writes a tar file of members with their content."""

    def write(*members: tuple[tarfile.TarInfo, bytes]) -> Path:
        path = tmp_path / "out.tar"
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
            for info, content in members:
                info.size = len(content) or info.size
                archive.addfile(info, io.BytesIO(content))
        return path

    return write


def test_names_are_relative_to_the_folder_which_itself_is_no_entry(
    tar: Callable[..., Path],
) -> None:
    path = tar(
        (member("model/", kind=tarfile.DIRTYPE), b""), (member("model/deep/a"), b"abc"),
    )  # fmt: skip

    tree = read_tree(path, whole=True)

    assert tree == OutputTree(entries=(Entry(name="deep/a", kind="file", size=3),), whole=True)
    assert tree.entry("deep/a") == tree.files[0]
    assert tree.entry("model") is None


def test_only_regular_files_and_hard_links_are_files(tar: Callable[..., Path]) -> None:
    kinds = {
        "file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE,
        "hard link": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE,
    }  # fmt: skip
    path = tar(
        *[(member(f"m/{name}", kind=kind, link="m/file"), b"") for name, kind in kinds.items()]
    )

    tree = read_tree(path, whole=True)

    assert {entry.name: entry.kind for entry in tree.entries} == {name: name for name in kinds}
    assert {entry.name for entry in tree.files} == {"file", "hard link"}


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../../etc/passwd", "m/../../etc/passwd", "m//etc/passwd"]
)
def test_hostile_names_are_told_and_nothing_is_written(
    tar: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    path = tar((member(name), b"root::0:0"))
    before = sorted(tmp_path.rglob("*"))

    tree = read_tree(path, whole=True)

    assert len(tree.entries) == 1
    assert sorted(tmp_path.rglob("*")) == before
    assert Path("/etc/passwd").read_bytes() != b"root::0:0"


def test_a_link_that_leads_away_is_not_followed(tar: Callable[..., Path]) -> None:
    path = tar((member("output/failure", kind=tarfile.SYMTYPE, link="/etc/passwd"), b""))

    assert read_file(path, "failure", 100) is None


def test_a_hard_link_that_leads_away_is_not_followed(tar: Callable[..., Path]) -> None:
    path = tar((member("output/failure", kind=tarfile.LNKTYPE, link="/etc/passwd"), b""))

    assert read_file(path, "failure", 100) is None


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_what_is_no_file_has_no_content(tar: Callable[..., Path], kind: bytes) -> None:
    path = tar((member("output/failure", kind=kind), b""))

    assert read_file(path, "failure", 100) is None


def test_a_file_is_read_up_to_the_limit(tar: Callable[..., Path]) -> None:
    path = tar((member("output/failure"), b"x" * 5000))

    assert read_file(path, "failure", 100) == b"x" * 100
    assert read_file(path, "failure", 100_000) == b"x" * 5000
    assert read_file(path, "other", 100) is None


def test_a_cut_archive_gives_what_came_and_says_it_is_not_whole(
    tar: Callable[..., Path],
) -> None:
    path = tar((member("m/a"), b"1" * 600), (member("m/b"), b"2" * 6000))
    whole = path.read_bytes()
    path.write_bytes(whole[:2600])

    tree = read_tree(path, whole=False)

    assert tree.files[0] == Entry(name="a", kind="file", size=600)
    assert not tree.whole
    assert read_file(path, "a", 10) == b"1" * 10


def test_a_cut_file_is_seen_and_not_read(tar: Callable[..., Path]) -> None:
    path = tar((member("output/failure"), b"x" * 5000))
    path.write_bytes(path.read_bytes()[:1500])

    tree = read_tree(path, whole=True)

    assert tree == OutputTree(entries=(Entry(name="failure", kind="file", size=5000),), whole=False)
    assert read_file(path, "failure", 10_000) is None


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"no tar at all", b"\xff" * 10_000])
def test_what_is_no_archive_is_empty_and_not_whole(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "out.tar"
    path.write_bytes(content)

    assert read_tree(path, whole=True) == OutputTree(entries=(), whole=False)
    assert read_file(path, "failure", 10) is None


def test_the_end_mark_alone_is_an_empty_folder(tmp_path: Path) -> None:
    path = tmp_path / "out.tar"
    path.write_bytes(bytes(1024))

    assert read_tree(path, whole=True) == OutputTree(entries=(), whole=True)


def test_very_many_entries_do_not_fill_the_memory(
    tar: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "_MOST_ENTRIES", 10)
    path = tar(*[(member(f"m/{number}"), b"") for number in range(50)])

    assert len(read_tree(path, whole=True).entries) == 10


def test_a_name_that_is_no_text_does_not_end_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "out.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as archive:
        archive.addfile(member("m/\udcff\udcfe"), io.BytesIO())
        archive.addfile(member("m/after"), io.BytesIO())

    assert [entry.name for entry in read_tree(path, whole=True).entries][1] == "after"


@pytest.mark.parametrize("size", [10**11, 1 << 62])
def test_a_size_that_is_a_lie_makes_the_tree_not_whole(tmp_path: Path, size: int) -> None:
    header = member("m/huge", size=size).tobuf(tarfile.GNU_FORMAT)
    path = tmp_path / "out.tar"
    path.write_bytes(header + b"tiny")

    tree = read_tree(path, whole=True)

    assert tree == OutputTree(entries=(Entry(name="huge", kind="file", size=size),), whole=False)
    assert read_file(path, "huge", 100) is None
