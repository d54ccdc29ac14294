"""What is odd about the files that a training leaves: links, devices, sizes that nobody reads."""

from __future__ import annotations

import math
import posixpath
from collections.abc import Iterator

from sm_conformance.observed.http import printable
from sm_conformance.observed.output import Entry, OutputTree

_PLAIN = ("file", "hard link", "folder")
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
# What is said to declare where no entry asks for more.
_LEAST_OUTPUT_GB = 20


def size_text(size: int) -> str:
    """A number of bytes as people say it: 1.1 TB."""
    power = 0
    while size >= 1000 ** (power + 1) and power + 1 < len(_UNITS):
        power += 1
    return f"{size / 1000**power:.{1 if power else 0}f} {_UNITS[power]}"


def not_plain(tree: OutputTree, *, links_inside: bool) -> Iterator[str]:
    """The entries that are neither files nor folders, each with its kind and where it leads.

    Symbolic links that stay in the folder are left out unless ``links_inside``.
    """
    for entry in tree.entries:
        if entry.kind in _PLAIN:
            continue
        name = printable(entry.name)[:200]
        if entry.kind != "symlink":
            yield f"{name} ({entry.kind})"
            continue
        away = leads_away(entry)
        if links_inside or away is not None:
            target = printable(entry.target)[:200]
            yield f"{name} (symlink to {target}{f', {away}' if away else ''})"


def leads_away(link: Entry) -> str | None:
    """How a symbolic link leaves its folder; None where it stays inside."""
    if link.target.startswith("/"):
        return "an absolute path"
    reached = posixpath.normpath(posixpath.join(posixpath.dirname(link.name), link.target))
    return "out of the folder" if reached.split("/")[0] == ".." else None


def larger_than_read(tree: OutputTree, folder: str) -> str:
    """Says of a tree that was cut at the output bound what to declare, and which file is to blame.

    ``folder`` is ``model`` or ``output``. The head of a file tells its size before it is read.
    """
    largest = max(tree.files, key=lambda entry: entry.size, default=None)
    gigabytes, alone = _LEAST_OUTPUT_GB, ""
    if largest is not None and largest.size:
        gigabytes = max(gigabytes, math.ceil(largest.size / 1000**3 * 1.1))
        name = printable(largest.name)[:200]
        alone = f" ({folder}/{name} alone has {size_text(largest.size)})"
    return (
        f"what it left is larger than is read{alone}: declare `resources: {{output: {gigabytes}g}}`"
    )
