"""An archive stream is written down within its bound, and an entry that exceeds it is not waited for."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from requests.exceptions import ConnectionError as Broken

from sm_conformance.engine.saving import write_bounded
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.output import read_tree

KIB = 1024


def tar(*files: tuple[str, int]) -> bytes:
    """A tar file of zeros."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, size in files:
            info = tarfile.TarInfo(name)
            info.size = size
            archive.addfile(info, io.BytesIO(bytes(size)))
    return held.getvalue()


class Stream:
    """What an engine sends, in pieces; counts how much of it was taken."""

    def __init__(self, data: bytes, piece: int = 7000) -> None:
        self._pieces = (data[at : at + piece] for at in range(0, len(data), piece))
        self.taken = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.taken += len(piece)
            yield piece

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("piece", [1, 511, 7000, 1 << 22])
def test_what_fits_is_written_to_the_last_byte(tmp_path: Path, piece: int) -> None:
    data = tar(("m/a", 3), ("m/b", 200 * KIB), ("m/c", 0))
    stream = Stream(data, piece)

    assert write_bounded(stream, tmp_path / "out", len(data), name="x")
    assert (tmp_path / "out").read_bytes() == data
    assert stream.closed


def test_one_byte_too_many_is_too_many(tmp_path: Path) -> None:
    data = tar(("m/a", 3))
    stream = Stream(data)

    assert not write_bounded(stream, tmp_path / "out", len(data) - 1, name="x")
    assert (tmp_path / "out").stat().st_size < len(data)
    assert stream.closed


def test_an_entry_that_cannot_fit_is_named_and_not_waited_for(tmp_path: Path) -> None:
    head = tarfile.TarInfo("m/huge.bin")
    head.size = 1_100_000_000_000
    stream = Stream(tar(("m/a", 3))[:1024] + head.tobuf(tarfile.GNU_FORMAT) + bytes(4 << 20))

    assert not write_bounded(stream, tmp_path / "out", 1 << 30, name="x")

    tree = read_tree(tmp_path / "out", whole=False)
    assert [(entry.name, entry.size) for entry in tree.files] == [
        ("a", 3), ("huge.bin", 1_100_000_000_000),
    ]  # fmt: skip
    assert stream.taken < 200 * KIB


def test_many_entries_together_reach_the_bound_as_well(tmp_path: Path) -> None:
    data = tar(*[(f"m/{n}", 40 * KIB) for n in range(50)])

    assert not write_bounded(Stream(data), tmp_path / "out", 1 << 20, name="x")
    assert (1 << 20) - (100 * KIB) < (tmp_path / "out").stat().st_size <= 1 << 20


@pytest.mark.parametrize("data", [b"", b"no tar at all" * 1000, bytes(10_240), b"\xff" * 70_000])
def test_what_is_no_archive_is_written_down_all_the_same(tmp_path: Path, data: bytes) -> None:
    assert write_bounded(Stream(data), tmp_path / "out", 1 << 20, name="x")
    assert (tmp_path / "out").read_bytes() == data


@pytest.mark.parametrize("after", [0, 600, 100_000])
def test_an_engine_that_goes_away_is_trouble_of_the_harness(tmp_path: Path, after: int) -> None:
    class Cut(Stream):
        def __iter__(self) -> Iterator[bytes]:
            yield from super().__iter__()
            raise Broken("gone")

    stream = Cut(tar(("m/a", 300 * KIB))[:after])

    with pytest.raises(HarnessTrouble, match="/opt/ml/model could not be read"):
        write_bounded(stream, tmp_path / "out", 1 << 20, name="/opt/ml/model")
    assert stream.closed
