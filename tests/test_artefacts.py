"""Odd things among the files that a training leaves are named; what is lawful is left alone."""

from __future__ import annotations

import pytest

from sm_conformance.observed.artefacts import larger_than_read, not_plain, size_text
from sm_conformance.observed.output import Entry, OutputTree


def link(name: str, target: str) -> Entry:
    return Entry(name=name, kind="symlink", size=0, target=target)


def odd(*entries: Entry, links_inside: bool = True) -> list[str]:
    return list(not_plain(OutputTree(entries=entries, whole=True), links_inside=links_inside))


def test_files_folders_and_hard_links_are_plain() -> None:
    plain = [Entry(name=kind, kind=kind, size=0) for kind in ("file", "folder", "hard link")]

    assert odd(*plain) == []


@pytest.mark.parametrize("kind", ["fifo", "device", "other"])
def test_every_other_kind_is_named(kind: str) -> None:
    assert odd(Entry(name="deep/x", kind=kind, size=0), links_inside=False) == [f"deep/x ({kind})"]


@pytest.mark.parametrize(
    ("name", "target", "away"),
    [
        ("a", "b", None),
        ("deep/a", "../b", None),
        ("deep/er/a", "../../b", None),
        ("a", "deep/../b", None),
        ("a", "...", None),
        ("a", "..b/c", None),
        ("a", "/opt/ml/model/b", "an absolute path"),
        ("a", "..", "out of the folder"),
        ("a", "../b", "out of the folder"),
        ("deep/a", "../../b", "out of the folder"),
        ("deep/a", "x/../../../b", "out of the folder"),
    ],
)
def test_where_a_link_leads_is_told(name: str, target: str, away: str | None) -> None:
    said = f"{name} (symlink to {target}{f', {away}' if away else ''})"

    assert odd(link(name, target)) == [said]
    assert odd(link(name, target), links_inside=False) == ([said] if away else [])


def test_hostile_names_are_escaped_and_cut() -> None:
    (said,) = odd(link("\x1b[2J\n" + "x" * 5000, "\r" * 5000))

    assert said.isprintable()
    assert len(said) < 500


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (1_100_000_000_000, "1.1 TB"),
     (10**9, "1.0 GB"), (10**30, "1000000000000.0 EB")],
)  # fmt: skip
def test_sizes_are_said_as_people_say_them(size: int, text: str) -> None:
    assert size_text(size) == text


def test_the_largest_file_of_a_cut_archive_is_named_with_what_it_would_need() -> None:
    files = (
        Entry(name="a", kind="file", size=5),
        Entry(name="huge.bin", kind="file", size=1_100_000_000_000),
        Entry(name="z", kind="folder", size=10**15),
    )

    said = larger_than_read(OutputTree(entries=files, whole=False), "model")

    assert "(model/huge.bin alone has 1.1 TB)" in said
    assert "declare `resources: {output: 1210g}`" in said


def test_an_archive_that_is_cut_before_its_first_file_is_no_puzzle() -> None:
    assert larger_than_read(OutputTree(entries=(), whole=False), "model") == (
        "what it left is larger than is read: declare `resources: {output: 20g}`"
    )
