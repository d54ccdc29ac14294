"""Lists what a launch wrote where the platform mounts nothing: what would fill the root volume."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from sm_conformance.engine.protocol import Container
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.http import printable
from sm_conformance.observed.written import Written

_LIST = "written.txt"
# Where scratch files belong; the first three are of every Linux, the last is the job's own.
_MEANT = ("/tmp", "/var/tmp", "/dev/shm", "/opt/ml")  # noqa: S108 - only compared with
# Naming the files costs an engine up to a second: not for caches of bytecode.
_WORTH_A_LIST = 0.01
# Each size is a question of some milliseconds.
_MOST_SIZES = 200
# What programs of every kind write and nobody misses: logs, numbers of processes, bytecode; and
# what engines put into a container themselves.
_HARMLESS = ("/var/log/", "/run/", "/var/run/", "/dev/", "/proc/", "/sys/")
_BYTECODE = "/__pycache__/"
_OF_THE_ENGINE = frozenset(
    {"/.dockerenv", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab"}
)
_MOST_PATHS = 20


def what_was_written(
    bench: Bench, container: Container, folder: Path, *, named: bool = False
) -> Written | None:
    """What a container wrote outside of the places that are meant for it; None when not told.

    Lists the files in ``written.txt`` of the launch's evidence, unless all of them are small and
    need not be ``named``.
    """
    total = container.added_bytes()
    if total is None:
        return None
    if total < bench.limits.scratch_bytes * _WORTH_A_LIST and not (named and total):
        return Written(files=(), least_bytes=0, most_bytes=total)
    paths = container.added_paths()
    if paths is None:
        return Written(files=(), least_bytes=0, most_bytes=total)
    files = _no_folders(paths)
    aside = [path for path in files if not _meant(path)]
    found = _sizes(container, aside)
    least = sum(found.values())
    if len(aside) <= _MOST_SIZES:
        most = least
    else:  # what is elsewhere for certain is not here
        most = total - sum(_sizes(container, (path for path in files if _meant(path))).values())
    largest = tuple(sorted(found.items(), key=lambda item: (-item[1], item[0])))
    paths = _scattered(container, aside) if named else ()
    written = Written(files=largest, least_bytes=least, most_bytes=max(least, most), paths=paths)
    if largest:
        lines = [f"{size:>15} {printable(path)}" for path, size in largest]
        if len(aside) > len(largest):
            lines.append(f"and {len(aside) - len(largest)} more, whose sizes were not asked for")
        (folder / _LIST).write_text("\n".join([*lines, ""]), "utf-8")
    return written


def _scattered(container: Container, aside: Iterable[str]) -> tuple[str, ...]:
    """The first regular files among the paths ``aside`` that somebody may miss or mind."""
    asked = [
        path
        for path in aside
        if not path.startswith(_HARMLESS) and _BYTECODE not in path and path not in _OF_THE_ENGINE
    ][:_MOST_SIZES]
    found = (path for path in asked if container.file_bytes(path) is not None)
    return tuple(islice(found, _MOST_PATHS))


def _meant(path: str) -> bool:
    return path.startswith(tuple(f"{place}/" for place in _MEANT))


def _no_folders(paths: Iterable[str]) -> list[str]:
    """The paths that no other one lies below."""
    paths = sorted(set(paths))
    folders = {path.rpartition("/")[0] for path in paths}
    return [path for path in paths if path not in folders]


def _sizes(container: Container, paths: Iterable[str]) -> dict[str, int]:
    """The sizes of the first regular files among ``paths``."""
    found: dict[str, int] = {}
    for asked, path in enumerate(paths):
        if asked == _MOST_SIZES:
            break
        size = container.file_bytes(path)
        if size:
            found[path] = size
    return found
