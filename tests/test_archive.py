"""A model archive is read once and never unpacked; lawful forms of it are many."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sm_conformance.inputs.archive import spoiled
from sm_conformance.observed import archive
from sm_conformance.observed.archive import flaw_of

CONTENT = b"weights"


def member(name: str, *, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    info.size = len(CONTENT) if kind == tarfile.REGTYPE else 0
    return info


def tar(*members: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=form) as made:
        for info in members:
            made.addfile(info, io.BytesIO(CONTENT) if info.isreg() else None)
    return held.getvalue()


def header(kind: bytes, size: int) -> bytes:
    """One header block that announces so many bytes."""
    info = tarfile.TarInfo("head")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.USTAR_FORMAT)


PLAIN = tar(member("model.bin"))
LARGE = tar(*(member(f"part-{number}") for number in range(40)))
LAWFUL: dict[str, bytes] = {
    "one file": gzip.compress(PLAIN),
    "names that begin with ./": gzip.compress(
        tar(member("./", kind=tarfile.DIRTYPE), member("./model.bin"))
    ),
    "a top folder": gzip.compress(tar(member("model", kind=tarfile.DIRTYPE), member("model/a"))),
    "a hard link": gzip.compress(tar(member("a"), member("b", kind=tarfile.LNKTYPE, target="a"))),
    "PAX headers": gzip.compress(tar(member(f"{'é' * 200}.bin"), form=tarfile.PAX_FORMAT)),
    "a long GNU name": gzip.compress(tar(member("n" * 300))),
    "two dots within a name": gzip.compress(tar(member("a..b/..c"))),
    "several gzip members": b"".join(
        gzip.compress(LARGE[at : at + 3000]) for at in range(0, len(LARGE), 3000)
    ),
    "no mark at its end": gzip.compress(PLAIN[:1024]),
    "zeros behind it": gzip.compress(PLAIN) + bytes(512),
    "something else behind it": gzip.compress(PLAIN) + b"signature",
}


@pytest.mark.parametrize("name", LAWFUL)
def test_a_lawful_archive_has_no_flaw(tmp_path: Path, name: str) -> None:
    file = tmp_path / "model.tar.gz"
    file.write_bytes(LAWFUL[name])

    found = flaw_of(file)

    assert (found.text, found.whole) == (None, True)


def damaged() -> bytes:
    packed = bytearray(gzip.compress(PLAIN))
    packed[-6] ^= 1  # of the checksum
    return bytes(packed)


NOISE = os.urandom(100_000)
FLAWED: dict[str, tuple[bytes, str]] = {
    "symlink": (
        gzip.compress(tar(member("model.bin"), member("l\n", kind=tarfile.SYMTYPE, target="x"))),
        "l\\n is a symbolic link to x",
    ),
    "absolute": (gzip.compress(tar(member("/opt/ml/a"))), "/opt/ml/a is an absolute name"),
    "parent": (gzip.compress(tar(member("a/../../b"))), "a/../../b leads out of its folder"),
    "cut": (
        gzip.compress(header(tarfile.REGTYPE, len(NOISE)) + NOISE)[:50_000],
        "it breaks off",
    ),
    "cut at its end": (gzip.compress(PLAIN)[:-4], "it breaks off"),
    "checksum": (damaged(), "CRC check failed"),
    "content that is missing": (gzip.compress(PLAIN[:514]), "unexpected end"),
    "no header where one is due": (
        gzip.compress(PLAIN[:1024] + b"x" * 512 + PLAIN[1024:]),
        "what follows model.bin is no member of a tar",
    ),
    "plain text": (gzip.compress(b"hello" * 200), "it cannot be unpacked"),
    "not gzip": (PLAIN, "Not a gzipped file"),
    "nothing": (b"", "it "),
}


@pytest.mark.parametrize("name", FLAWED)
def test_a_flawed_archive_is_told_with_its_flaw(tmp_path: Path, name: str) -> None:
    content, said = FLAWED[name]
    file = tmp_path / "model.tar.gz"
    file.write_bytes(content)

    found = flaw_of(file)

    assert found.text is not None
    assert said in found.text


def endless() -> bytes:
    return gzip.compress(header(tarfile.REGTYPE, 1 << 32) + bytes(1 << 24))


def many() -> bytes:
    return gzip.compress(LARGE)


def long_header() -> bytes:
    return gzip.compress(header(tarfile.XHDTYPE, 1 << 30) + bytes(1 << 20))


def chain() -> bytes:
    one = b"12 path=aaa\n"
    return gzip.compress((header(tarfile.XHDTYPE, len(one)) + one.ljust(512, b"\0")) * 2000)


@pytest.mark.parametrize("make", [endless, many, long_header, chain])
def test_of_a_hostile_archive_no_more_is_read_than_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes]
) -> None:
    monkeypatch.setattr(archive, "_MOST_ENTRIES", 30)
    monkeypatch.setattr(archive, "_MOST_BYTES", 1 << 23)
    file = tmp_path / "model.tar.gz"
    file.write_bytes(make())

    found = flaw_of(file)

    assert (found.text, found.whole) == (None, False)


# -- spoiled models --------------------------------------------------------------------------------


def files_of(packed: Path) -> dict[str, bytes]:
    with tarfile.open(packed, "r:gz") as opened:
        return {
            one.name: held.read() for one in opened if (held := opened.extractfile(one)) is not None
        }


@pytest.mark.parametrize("name", ["one file", "several gzip members", "PAX headers"])
def test_a_spoiled_model_has_the_same_files_and_holds_noise(tmp_path: Path, name: str) -> None:
    source = tmp_path / "model.tar.gz"
    source.write_bytes(LAWFUL[name])

    made = spoiled(source, to=tmp_path / "spoiled.tar.gz")

    assert made is not None
    before, after = files_of(source), files_of(made)
    assert before.keys() == after.keys()
    assert all(after[one] != before[one] for one in before)
    assert {len(content) for content in after.values()} == {len(CONTENT)}
    assert files_of(spoiled(source, to=tmp_path / "again.tar.gz") or source) == after


def test_code_that_comes_with_a_model_is_not_spoiled(tmp_path: Path) -> None:
    source = tmp_path / "model.tar.gz"
    source.write_bytes(gzip.compress(tar(member("./code/inference.py"), member("a"))))

    made = spoiled(source, to=tmp_path / "spoiled.tar.gz")

    assert made is not None
    assert files_of(made)["./code/inference.py"] == CONTENT
    assert files_of(made)["a"] != CONTENT


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(tar(member("code/inference.py"), member("a", kind=tarfile.DIRTYPE))),
        gzip.compress(PLAIN)[:-20],
        PLAIN,
    ],
    ids=["only code", "cut", "no gzip"],
)
def test_what_holds_nothing_to_spoil_is_left_alone(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "model.tar.gz"
    source.write_bytes(content)

    assert spoiled(source, to=tmp_path / "spoiled.tar.gz") is None
