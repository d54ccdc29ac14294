"""What a launch added to the file system of its image."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Written:
    """Files that a launch wrote where the platform mounts nothing; sizes in bytes.

    ``files`` are paths as the container sees them, with their sizes, largest first. All such files
    have at least ``least_bytes`` and at most ``most_bytes``: an engine is asked for the sizes of a
    bounded number. ``paths`` are regular files of any size, as far as they were asked for, that are
    no logs and nothing of the engine's own.
    """

    files: tuple[tuple[str, int], ...]
    least_bytes: int
    most_bytes: int
    paths: tuple[str, ...] = ()
