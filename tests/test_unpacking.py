"""What a candidate left is unpacked on the user's disk: nothing of it comes to lie anywhere else."""

from __future__ import annotations

import errno
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sm_conformance.errors import HarnessTrouble
from sm_conformance.hold_open import unpacking
from sm_conformance.hold_open.unpacking import Unpacked, unpack

MIB = 1 << 20
SPECIAL = {"fifo": tarfile.FIFOTYPE, "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE}


def entry(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    """A regular file, or what ``type=`` says."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def link(name: str, target: str, *, hard: bool = False) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.LNKTYPE if hard else tarfile.SYMTYPE, linkname=target)


def folder(name: str) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.DIRTYPE)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A file that nothing may touch, beside the folder that is unpacked to."""
    held = tmp_path / "secret"
    held.write_text("mine", "utf-8")
    before = {path.name for path in tmp_path.iterdir()} | {"it.tar", "model"}
    yield held
    assert held.read_text("utf-8") == "mine"
    assert {path.name for path in tmp_path.iterdir()} <= before


def unpacked(
    tmp_path: Path, *entries: tuple[tarfile.TarInfo, bytes], limit_bytes: int = MIB, cut: int = 0
) -> Unpacked:
    archive = tmp_path / "it.tar"
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as made:
        for info, content in entries:
            made.addfile(info, io.BytesIO(content))
    if cut:
        archive.write_bytes(archive.read_bytes()[:cut])
    return unpack(archive, tmp_path / "model", limit_bytes=limit_bytes)


def tree(tmp_path: Path) -> dict[str, str]:
    """What lies in the folder: files with their content, links with where they lead."""
    root = tmp_path / "model"
    return {
        str(path.relative_to(root)): f"-> {path.readlink()}"
        if path.is_symlink()
        else "/"
        if path.is_dir()
        else path.read_text("utf-8")
        for path in sorted(root.rglob("*"))
    }


def test_files_folders_and_links_inside_are_handed_over(tmp_path: Path) -> None:
    found = unpacked(
        tmp_path,
        folder("model"),
        folder("model/empty"),
        entry("model/a/weights", b"12"),
        link("model/a/latest", "weights"),
        link("model/b/up", "../a/weights"),
        link("model/root", "."),
        link("model/a/same", "model/a/weights", hard=True),
    )

    assert tree(tmp_path) == {
        "a": "/",
        "a/latest": "-> weights",
        "a/same": "12",
        "a/weights": "12",
        "b": "/",
        "b/up": "-> ../a/weights",
        "empty": "/",
        "root": "-> .",
    }
    assert (found.files, found.size) == (2, 2)
    assert (tmp_path / "model/b/up").read_text("utf-8") == "12"


@pytest.mark.parametrize(
    "name", ["/etc/model", "model/../../secret", "../secret", "model/a/../../../secret"]
)
def test_a_name_that_leads_outside_is_left_out(tmp_path: Path, outside: Path, name: str) -> None:
    found = unpacked(tmp_path, entry(name, b"evil"), entry("model/good", b"1"))

    assert tree(tmp_path) == {"good": "1"}
    assert found.left_out == [f"{name}: its name leads outside"]


@pytest.mark.parametrize(
    "target",
    [
        "/etc/passwd",
        "../secret",
        "..",
        "a/../../secret",
        "a/..",
        "../model/good",
        "./../secret",
        "",
    ],
)
def test_a_link_that_leads_outside_or_may_is_left_out(
    tmp_path: Path, outside: Path, target: str
) -> None:
    found = unpacked(tmp_path, entry("model/good", b"1"), link("model/bad", target))

    assert tree(tmp_path) == {"good": "1"}
    assert found.left_out == [f"bad: it is a link to {target}, which leads outside"]


def test_no_chain_of_links_leads_a_file_or_a_link_outside(tmp_path: Path, outside: Path) -> None:
    found = unpacked(
        tmp_path,
        link("model/p/q/r/top", "../../.."),  # the folder itself, and lawful
        link("model/out", "p/q/r/top/../secret"),  # inside by its letters, outside by its way
        link("model/here", "p/q"),
        entry("model/here/file", b"1"),  # behind a link, would it have been made by then
        link("model/here/deeper", "r"),
        link("model/p/q/r/there", "top/p"),
        entry("model/p/q/r/there/x", b"2"),
    )

    root = (tmp_path / "model").resolve()
    links = [path for path in root.rglob("*") if path.is_symlink()]
    assert links
    assert all(path.resolve().is_relative_to(root) for path in links)
    assert any(line.startswith("out: ") for line in found.left_out)


def test_what_lies_behind_a_link_is_not_made_through_it(tmp_path: Path, outside: Path) -> None:
    found = unpacked(
        tmp_path, folder("model/a"), link("model/b", "a"), link("model/b/c", "x"),
    )  # fmt: skip

    assert tree(tmp_path) == {"a": "/", "b": "-> a"}
    assert found.left_out == ["b/c: it lies behind a link"]


@pytest.mark.parametrize("kind", SPECIAL)
def test_devices_and_pipes_are_left_out(tmp_path: Path, kind: str) -> None:
    found = unpacked(tmp_path, entry(f"model/{kind}", type=SPECIAL[kind]), entry("model/good"))

    assert tree(tmp_path) == {"good": ""}
    assert found.left_out == [f"model/{kind}: it is neither a file nor a folder nor a link"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "model/none", "model", "model/a/"])
def test_a_hard_link_is_made_only_to_a_file_that_was_unpacked(
    tmp_path: Path, outside: Path, target: str
) -> None:
    found = unpacked(tmp_path, folder("model/a"), link("model/bad", target, hard=True))

    assert tree(tmp_path) == {"a": "/"}
    assert found.left_out == ["model/bad: it is a hard link to what is not here"]


def test_no_file_has_special_bits_or_more_rights_than_it_needs(tmp_path: Path) -> None:
    unpacked(tmp_path, entry("model/tool", mode=0o6777), entry("model/data", mode=0o000))

    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "model").iterdir()
    }
    assert modes == {"tool": 0o755, "data": 0o644}


def test_no_more_bytes_are_written_than_the_bound(tmp_path: Path) -> None:
    found = unpacked(
        tmp_path, entry("model/a", b"x" * 60), entry("model/b", b"x" * 60), entry("model/c", b"x"),
        limit_bytes=100,
    )  # fmt: skip

    assert set(tree(tmp_path)) == {"a", "c"}
    assert found.size == 61
    assert found.left_out == ["model/b: with its 60 bytes it is more than is taken over"]


@pytest.mark.parametrize("size", [2 * MIB, 1 << 50, 1 << 62])
def test_a_size_that_is_only_claimed_is_not_believed(tmp_path: Path, size: int) -> None:
    info, content = entry("model/good", b"1")
    head = tarfile.TarInfo("model/huge")
    head.size = size
    archive = tmp_path / "it.tar"
    with tarfile.open(archive, "w") as made:
        made.addfile(info, io.BytesIO(content))
    archive.write_bytes(archive.read_bytes()[:1024] + head.tobuf(tarfile.GNU_FORMAT))

    found = unpack(archive, tmp_path / "model", limit_bytes=MIB)

    assert tree(tmp_path) == {"good": "1"}
    assert found.left_out[0].startswith(f"model/huge: with its {size} bytes")
    assert found.left_out[1].startswith("the rest: the archive is cut or damaged")


@pytest.mark.parametrize("cut", [700, 1100, 1500])
def test_of_an_archive_that_is_cut_only_whole_files_are_handed_over(
    tmp_path: Path, cut: int
) -> None:
    found = unpacked(tmp_path, entry("model/a", b"1" * 400), entry("model/b", b"2" * 400), cut=cut)

    assert set(tree(tmp_path).values()) <= {"1" * 400, "2" * 400}
    assert found.files == len(tree(tmp_path)) < 2


def test_more_entries_than_anybody_wants_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "MOST_ENTRIES", 3)

    found = unpacked(tmp_path, *(entry(f"model/{number}") for number in range(9)))

    assert set(tree(tmp_path)) == {"0", "1", "2"}
    assert found.left_out == ["the rest: there are more than 3 entries"]


def test_names_are_told_escaped_and_not_all_of_them(tmp_path: Path) -> None:
    found = unpacked(
        tmp_path, *(entry(f"model/\x1b[2J{number}", type=tarfile.FIFOTYPE) for number in range(30))
    )

    assert len(found.left_out) == 20
    assert found.more == 10
    assert "".join(found.left_out).isprintable()


@pytest.mark.parametrize("name", ["model/" + "x" * 300, "model/" + "d/" * 150 + "file"])
def test_a_name_that_no_file_system_has_is_left_out(tmp_path: Path, name: str) -> None:
    found = unpacked(tmp_path, entry(name, b"1"), entry("model/good", b"1"))

    assert tree(tmp_path) == {"good": "1"}
    assert len(found.left_out) == 1


def test_a_file_in_the_place_of_a_folder_and_a_second_file_of_one_name_are_left_out(
    tmp_path: Path,
) -> None:
    found = unpacked(
        tmp_path, entry("model/a", b"1"), entry("model/a/b", b"2"), entry("model/a", b"3"),
        folder("model/a"), link("model/a", "x"),
    )  # fmt: skip

    assert tree(tmp_path) == {"a": "1"}
    assert len(found.left_out) == 4


def test_an_empty_archive_leaves_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "it.tar").write_bytes(bytes(1024))

    found = unpack(tmp_path / "it.tar", tmp_path / "model", limit_bytes=MIB)

    assert tree(tmp_path) == {}
    assert (found.files, found.left_out) == (0, [])


def test_a_full_disk_is_the_harness_s_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(unpacking, "_write", full)

    with pytest.raises(HarnessTrouble, match="No space left"):
        unpacked(tmp_path, entry("model/a", b"1"))


def test_a_folder_that_is_there_is_not_unpacked_into(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()

    with pytest.raises(HarnessTrouble, match="cannot be made"):
        unpacked(tmp_path, entry("model/a", b"1"))
