"""Says what is wrong with a program that could not be executed, by looking at it in the image."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from sm_conformance.engine.protocol import Engine
from sm_conformance.laboratory import elf
from sm_conformance.laboratory.image import INIT_PROGRAMS, places_of
from sm_conformance.observed.facts import FileFacts, ImageFacts
from sm_conformance.observed.http import printable

_HEAD_BYTES = 8192
_DEEPEST = 3  # a script may be the interpreter of a script
_MOST_CHARS = 200
_HANDED_OVER = "/opt/ml/input/"
# What programs are called in sources, before they are given the name that is asked for.
_SUFFIXES = ("", ".py", ".sh", ".R", ".pl", ".js")
# Options of init programs without a value; after any other it is not known which word is the program.
_PLAIN_OPTIONS = frozenset({"-g", "-s", "-v", "-w", "-c", "--"})
_FOREIGN = {
    b"\xef\xbb\xbf": "begins with a byte order mark, so its first line names no interpreter",
    b"\xff\xfe": "is text in UTF-16, so its first line names no interpreter",
    b"\xfe\xff": "is text in UTF-16, so its first line names no interpreter",
    b"MZ": "is a program for Windows",
    b"\xcf\xfa\xed\xfe": "is a program for macOS",
}
_NO_SHEBANG = "is text whose first line names no interpreter"


@dataclass(frozen=True, slots=True)
class Hindrance:
    """What keeps a program from being executed, and what to do about it; both safe to print."""

    seen: str
    fix: str


@dataclass(frozen=True, slots=True)
class _Look:
    """The image that is looked at."""

    engine: Engine
    image: ImageFacts

    def chosen(self, program: str) -> FileFacts | None:
        """What executing ``program`` meets: of all that PATH leads to the first executable file."""
        there = self.engine.stat(self.image.reference, places_of(self.image, program))
        runs = (one for one in there.values() if one.kind == "file" and one.mode & 0o111)
        return next(runs, next(iter(there.values()), None))


def hindrance(engine: Engine, facts: ImageFacts, word: str) -> Hindrance | None:
    """What is wrong with the program that starting the image runs; None where nothing is seen.

    ``word`` is "train" or "serve", which is the program where there is no ENTRYPOINT. An init
    program in front of it is looked at, and then what it starts.
    """
    look = _Look(engine, facts)
    first, *rest = (*facts.entrypoint, word)
    found = _of_program(look, first)
    plain = {one for one in rest if one.startswith("-")} <= _PLAIN_OPTIONS
    if found is None and posixpath.basename(first) in INIT_PROGRAMS and plain:
        started = next((one for one in rest if not one.startswith("-")), None)
        return _of_program(look, started) if started else None
    return found


def _of_program(look: _Look, program: str) -> Hindrance | None:
    places = places_of(look.image, program)
    if places[0].startswith(_HANDED_OVER):
        return Hindrance(
            f"{_name(places[0])} comes with the input, whose files have no execute bit",
            "Name an interpreter in front of it, such as `/bin/sh`, in the ContainerEntrypoint.",
        )
    found = look.chosen(program)
    if found is None:
        return _absent(look, program)
    return _of_file(look, found) or _of_content(look, found, depth=0)


def _absent(look: _Look, program: str) -> Hindrance:
    """There is nothing of that name where it is looked for; perhaps it is next to it."""
    places = places_of(look.image, program)
    base = posixpath.basename(program)
    elsewhere = [posixpath.join(look.image.working_directory, base), *places]
    near = look.engine.stat(
        look.image.reference, [f"{path}{suffix}" for path in elsewhere for suffix in _SUFFIXES]
    )
    there = next((path for path, facts in near.items() if facts.kind == "file"), None)
    if "/" in program:
        seen = f"the image has no file {_name(places[0])}"
        fix = "Copy the program there, or name in the ENTRYPOINT the path where it lies."
    else:
        folders = ":".join(posixpath.dirname(path) for path in places)
        seen = f"no folder of PATH holds a file named {_name(program)} (PATH is {_name(folders)})"
        fix = (
            f"Copy an executable named `{_name(program)}` into a folder on PATH, such as "
            "/usr/local/bin, or set an ENTRYPOINT that names a program by its path."
        )
    if there is not None:
        seen += f"; {_name(there)} is there, which is not looked for"
    return Hindrance(seen, fix)


def _of_file(look: _Look, found: FileFacts) -> Hindrance | None:
    name = _name(found.path)
    if found.kind == "link":
        return Hindrance(
            f"a link leads to {name}, which the image does not have",
            "Let the link lead to a file that is in the image; a file outside the build context "
            "is not copied with a link to it.",
        )
    if found.kind == "folder":
        return Hindrance(f"{name} is a folder", "Name the program itself, not its folder.")
    if found.kind != "file":
        return Hindrance(f"{name} is no regular file", "Put the program itself in its place.")
    if not found.mode & 0o111:
        return Hindrance(
            f"{name} has the mode {found.mode:04o}, without an execute bit",
            f"Set it in the Dockerfile: `RUN chmod +x {name}`, or `COPY --chmod=0755`.",
        )
    if not found.mode & 0o001 and not look.image.runs_as_root:
        user = _name(look.image.user)
        return Hindrance(
            f"{name} has the mode {found.mode:04o}, and the image sets USER {user}",
            f"Let every user execute it: `RUN chmod 0755 {name}`.",
        )
    if not found.size_bytes:
        return Hindrance(f"{name} is empty", "Copy the program itself into the image.")
    return None


def _of_content(look: _Look, found: FileFacts, *, depth: int) -> Hindrance | None:
    head = look.engine.file_head(look.image.reference, found.path, _HEAD_BYTES)
    if not head or depth > _DEEPEST:
        return None
    name = _name(found.path)
    if head[:2] == b"#!":
        return _of_script(look, name, head, depth=depth)
    if head[:4] == elf.MAGIC:
        return _of_elf(look, name, head)
    foreign = next((words for mark, words in _FOREIGN.items() if head.startswith(mark)), None)
    if foreign is None and b"\0" not in head:
        foreign = _NO_SHEBANG
    return Hindrance(
        f"{name} {foreign or 'is neither a script nor a program for Linux'}",
        "Begin the script with a line that names its interpreter, such as `#!/bin/sh`, as plain "
        "text without a byte order mark; or build the program for Linux.",
    )


def _of_script(look: _Look, name: str, head: bytes, *, depth: int) -> Hindrance | None:
    line = head.partition(b"\n")[0]
    if line.endswith(b"\r"):
        return Hindrance(
            f"{name} has the line ends of Windows, so that a carriage return is part of the name "
            "of its interpreter",
            "Save the script with LF line ends, and keep git from changing them with a line "
            "`* text eol=lf` in .gitattributes.",
        )
    words = line[2:].decode("utf-8", "replace").split()
    if not words:
        return Hindrance(
            f"{name} names no interpreter behind `#!`",
            "Write the interpreter behind it, such as `#!/bin/sh`.",
        )
    interpreter, asked_by = words[0], ""
    if posixpath.basename(words[0]) == "env" and len(words) > 1 and look.chosen(words[0]):
        if words[1].startswith("-") or "=" in words[1]:
            return None
        interpreter, asked_by = words[1], f", asking {_name(words[0])} for it"
    # Unlike a shell, the kernel looks for an interpreter at its path alone.
    found = look.chosen(interpreter if asked_by else posixpath.join("./", interpreter))
    if found is None:
        return Hindrance(
            f"{name} names the interpreter {_name(interpreter)}{asked_by}, which the image does "
            "not have" + (" on PATH" if asked_by else ""),
            f"Install {_name(interpreter)} in the image, or name an interpreter that is there.",
        )
    return _of_file(look, found) or _of_content(look, found, depth=depth + 1)


def _of_elf(look: _Look, name: str, head: bytes) -> Hindrance | None:
    loader = elf.loader(head)
    if loader is None or look.chosen(posixpath.join("./", loader)):
        return None
    made_for = "for musl, as on Alpine" if "ld-musl" in loader else "for another system"
    if "ld-linux" in loader or "ld64" in loader:
        made_for = "for glibc, as on Debian"
    return Hindrance(
        f"{name} needs the loader {_name(loader)}, which the image does not have: it was built "
        f"{made_for}",
        "Build the program on the base image that it runs on, link it statically, or take a base "
        "image with that C library.",
    )


def _name(text: str) -> str:
    return printable(text)[:_MOST_CHARS]
