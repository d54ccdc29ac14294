"""What is wrong with a program that could not be executed is named, each by its name, with a fix."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from miniatures.candidates import MINIATURES
from miniatures.engine import MiniatureEngine
from miniatures.lawful import LAWFUL

from sm_conformance.laboratory import elf
from sm_conformance.laboratory.image import places_of
from sm_conformance.laboratory.startable import Hindrance, hindrance

SCRIPT = b"#!/bin/sh\nexec python3 train.py\n"
MAIN = "/program/main"
TRAIN = "/usr/local/bin/train"


def program(
    loader: bytes = b"", *, wide: bool = True, order: str = "<", cut: int = 1 << 16
) -> bytes:
    """The head of an ELF file for amd64 (for 386 when not ``wide``), with the loader that it names."""
    head_size, entry = (64, 56) if wide else (52, 32)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    rest = struct.pack(f"{order}HHI", 2, 62 if wide else 3, 1)
    places = struct.pack(f"{order}QQQ" if wide else f"{order}III", 0, head_size, 0)
    sizes = struct.pack(f"{order}IHHHHHH", 0, head_size, entry, 2, 0, 0, 0)
    at, length = head_size + 2 * entry, len(loader) + 1
    first = struct.pack(f"{order}I", 1).ljust(entry, b"\0")
    kind = 3 if loader else 1
    if wide:
        second = struct.pack(f"{order}IIQQQQQQ", kind, 4, at, 0, 0, length, length, 1)
    else:
        second = struct.pack(f"{order}IIIIIIII", kind, at, 0, 0, length, length, 4, 1)
    return (ident + rest + places + sizes + first + second + loader + b"\0")[:cut]


GLIBC = "/lib64/ld-linux-x86-64.so.2"


@dataclass(frozen=True)
class Case:
    """An image, what is seen of it, and a word of the fix."""

    name: str
    seen: str
    fix: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = (MAIN,)
    how: Mapping[str, Any] = field(default_factory=dict)


def looked_at(
    monkeypatch: pytest.MonkeyPatch,
    files: Mapping[str, bytes],
    entrypoint: tuple[str, ...] = (MAIN,),
    **how: Any,
) -> Hindrance | None:
    """What is found in an image of these files."""
    made = replace(LAWFUL, entrypoint=(), files=files, **how)
    monkeypatch.setitem(MINIATURES, "looked-at", made)
    engine = MiniatureEngine()
    facts = engine.image("looked-at")
    return hindrance(engine, replace(facts, entrypoint=entrypoint), "train")


CASES = [
    Case("nowhere on PATH", "no folder of PATH holds a file named train (PATH is /usr/local/sbin:",
         "/usr/local/bin", entrypoint=()),
    Case("in the WORKDIR only", "/opt/program/train is there, which is not looked for",
         "on PATH", {"/opt/program/train": SCRIPT}, (), {"working_directory": "/opt/program"}),
    Case("with the name of its source", "/usr/local/bin/train.py is there", "on PATH",
         {"/usr/local/bin/train.py": SCRIPT}, ()),
    Case("on another PATH", "(PATH is /bin:/tools)", "on PATH", {TRAIN: SCRIPT}, (),
         {"environment": {"PATH": "/bin:/tools"}}),
    Case("an ENTRYPOINT that is not there", "the image has no file /program/main", "ENTRYPOINT"),
    Case("an ENTRYPOINT by name", "holds a file named python", "on PATH",
         {"/usr/bin/python3": program()}, ("python", "train.py")),
    Case("no execute bit", "/program/main has the mode 0644", "chmod +x", {MAIN: SCRIPT},
         how={"modes": {MAIN: 0o644}}),
    Case("only its owner may execute it", "mode 0744, and the image sets USER 1000", "chmod 0755",
         {MAIN: SCRIPT}, how={"modes": {MAIN: 0o744}, "user": "1000"}),
    Case("a folder", "/program/main is a folder", "not its folder", {f"{MAIN}/x": SCRIPT}),
    Case("an empty file", "/program/main is empty", "Copy", {MAIN: b""}),
    Case("text", "text whose first line names no interpreter", "#!/bin/sh",
         {MAIN: b"import sys\nsys.exit(0)\n"}),
    Case("a byte order mark", "byte order mark", "byte order mark",
         {MAIN: b"\xef\xbb\xbf" + SCRIPT}),
    Case("UTF-16", "UTF-16", "plain text", {MAIN: b"\xff\xfe#\0!\0"}),
    Case("a program for Windows", "a program for Windows", "for Linux", {MAIN: b"MZ\x90\0\0"}),
    Case("a program for macOS", "a program for macOS", "for Linux",
         {MAIN: b"\xcf\xfa\xed\xfe\x07\0\0\1"}),
    Case("some bytes", "neither a script nor a program", "for Linux", {MAIN: b"\0\1\2\3"}),
    Case("line ends of Windows", "a carriage return is part of the name", "LF line ends",
         {MAIN: b"#!/bin/sh\r\nexit 0\r\n", "/bin/sh": program()}),
    Case("line ends of Windows behind env", "carriage return", "LF line ends",
         {MAIN: b"#!/usr/bin/env python3\r\n", "/usr/bin/env": program()}),
    Case("no interpreter behind the mark", "no interpreter behind `#!`", "#!/bin/sh",
         {MAIN: b"#! \nexit 0\n"}),
    Case("an interpreter that is not there", "names the interpreter /bin/bash, which the image",
         "Install /bin/bash", {MAIN: b"#!/bin/bash -e\n"}),
    Case("an interpreter by name", "names the interpreter python3, which", "Install python3",
         {MAIN: b"#!python3\n", "/usr/bin/python3": program()}),
    Case("an interpreter that env does not find",
         "names the interpreter python3, asking /usr/bin/env for it, which the image does not have on",
         "Install python3", {MAIN: b"#!/usr/bin/env python3\n", "/usr/bin/env": program()}),
    Case("env is not there", "names the interpreter /usr/bin/env, which", "Install /usr/bin/env",
         {MAIN: b"#!/usr/bin/env python3\n", "/usr/bin/python3": program()}),
    Case("an interpreter without an execute bit", "/bin/sh has the mode 0644", "chmod",
         {MAIN: SCRIPT, "/bin/sh": program()}, how={"modes": {"/bin/sh": 0o644}}),
    Case("the loader is not there", f"needs the loader {GLIBC}, which", "base image",
         {MAIN: program(GLIBC.encode())}),
    Case("a loader of another C library", "for musl, as on Alpine", "statically",
         {MAIN: program(b"/lib/ld-musl-x86_64.so.1")}),
    Case("the loader of the interpreter is not there", f"/bin/sh needs the loader {GLIBC}",
         "base image", {MAIN: SCRIPT, "/bin/sh": program(GLIBC.encode())}),
    Case("a link that leads nowhere", "a link leads to /build/main, which the image does not have",
         "in the image", how={"links": {MAIN: "/build/main"}}),
    Case("behind an init program", "holds a file named train", "on PATH",
         {"/sbin/tini": program()}, ("/sbin/tini", "-g", "--")),
    Case("behind an init program with a program", "the image has no file /program/main", "there",
         {"/sbin/tini": program()}, ("/sbin/tini", "--", MAIN)),
    Case("a channel's file", "comes with the input", "ContainerEntrypoint",
         entrypoint=("/opt/ml/input/data/code/run.sh",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_wrong_is_named(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked_at(monkeypatch, case.files, case.entrypoint, **case.how)

    assert found is not None
    assert case.seen in found.seen
    assert case.fix in found.fix


SOUND: dict[str, tuple[Mapping[str, bytes], tuple[str, ...], Mapping[str, Any]]] = {
    "a static program": ({MAIN: program()}, (MAIN,), {}),
    "a program and its loader": ({MAIN: program(GLIBC.encode()), GLIBC: program()}, (MAIN,), {}),
    "a program whose loader is named far behind": (
        {MAIN: program(GLIBC.encode(), cut=180)}, (MAIN,), {},
    ),
    "a script": ({MAIN: SCRIPT, "/bin/sh": program()}, (MAIN,), {}),
    "a script that asks env": (
        {MAIN: b"#!/usr/bin/env perl\n", "/usr/bin/env": program(), "/usr/bin/perl": program()},
        (MAIN,), {},
    ),
    "a script that asks env with options": (
        {MAIN: b"#!/usr/bin/env -S node --jitless\n", "/usr/bin/env": program()}, (MAIN,), {},
    ),
    "a relative program": ({MAIN: program()}, ("./main",), {"working_directory": "/program"}),
    "a link to a program": ({"/p": program()}, (MAIN,), {"links": {MAIN: "/p"}}),
    "a later folder of PATH": (
        {TRAIN: b"", "/bin/train": program()}, (), {"modes": {TRAIN: 0o644}},
    ),
    "only its owner, who is root": ({MAIN: program()}, (MAIN,), {"modes": {MAIN: 0o700}}),
    "an init program whose options have values": (
        {"/sbin/tini": program()}, ("/sbin/tini", "-e", "143", "--"), {},
    ),
    "scripts that interpret each other": ({MAIN: b"#!/program/main\n"}, (MAIN,), {}),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_where_nothing_is_wrong_nothing_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    files, entrypoint, how = SOUND[name]

    assert looked_at(monkeypatch, files, entrypoint, **how) is None


def test_what_an_image_wrote_is_safe_to_print(monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked_at(monkeypatch, {MAIN: b"#!/bin/\x1b[31mred" + b"x" * 4000 + b"\n"})

    assert found is not None
    assert "\x1b" not in found.seen + found.fix
    assert len(found.seen) < 1000


def test_endless_folders_of_path_are_not_all_looked_through() -> None:
    facts = MiniatureEngine().image("lawful")
    many = ":".join(f"/folder-{number}" for number in range(10_000))

    assert len(places_of(replace(facts, environment={"PATH": many}), "train")) == 64


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_machine_and_loader_are_read_from_the_head(wide: bool, order: str) -> None:
    head = program(b"/lib/ld.so", wide=wide, order=order)

    assert elf.machine(head) == ("amd64" if wide else "386")
    assert elf.loader(head) == "/lib/ld.so"
    assert elf.loader(program(wide=wide, order=order)) is None


@pytest.mark.parametrize("length", range(0, 190, 7))
def test_a_head_that_is_cut_off_names_no_loader(length: int) -> None:
    assert elf.loader(program(GLIBC.encode(), cut=length)) is None


def test_a_head_of_nonsense_names_no_loader() -> None:
    assert elf.loader(b"\x7fELF\x02\x01" + b"\xff" * 500) is None
    assert elf.machine(b"\x7fELF\x02\x01" + b"\xff" * 500) == "machine 65535"
