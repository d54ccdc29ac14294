"""Writes what was handed over and seen into the folder of a launch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from sm_conformance.engine.protocol import Container
from sm_conformance.inputs.archive import OPEN_MODE, file_mode
from sm_conformance.observed.http import Reply
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.sought import Sought


def write_inputs(
    folder: Path, files: Mapping[str, bytes | None], *, open_folders: frozenset[str]
) -> None:
    """The tree that a training was handed, below ``folder/opt/ml``, as plain files.

    Folders of ``open_folders`` are writable for every user, as in the launch itself. Only our own
    and the owner's data come here; what a candidate wrote is never unpacked.
    """
    root = folder / "opt" / "ml"
    for name, content in files.items():
        target = root / PurePosixPath(name)
        if content is None:
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(file_mode(name))
    for folder_name in open_folders & files.keys():
        (root / folder_name).chmod(OPEN_MODE)


def write_logs(folder: Path, container: Container) -> Logs:
    """Both streams as ``stdout.log`` and ``stderr.log``; the same as a value."""
    log = container.log
    stdout, stderr = log.stdout(), log.stderr()
    (folder / "stdout.log").write_bytes(stdout)
    (folder / "stderr.log").write_bytes(stderr)

    def after(moment: float | None) -> float | None:
        return None if moment is None else moment - container.started_at

    return Logs(
        stdout=stdout,
        stderr=stderr,
        total_bytes=log.total_bytes,
        first_after_s=after(log.first_at),
        last_after_s=after(log.last_at),
        ended_after_s=after(log.ended_at),
        lost_bytes=log.lost_bytes,
    )


def write_sought(folder: Path, sought: Sought) -> None:
    """What was tried to reach as ``tried-to-reach.txt``, a name or an address in each line, if any was."""
    if sought:
        lines = [*sought.names, *sought.addresses]
        (folder / "tried-to-reach.txt").write_text("\n".join(lines) + "\n", "utf-8")


def write_reply(folder: Path, name: str, reply: Reply) -> None:
    """One reply as ``replies/<name>.txt``: the status line, the headers, the body as received."""
    target = folder / "replies"
    target.mkdir(exist_ok=True)
    head = [reply.describe(), *(f"{key}: {value}" for key, value in reply.headers), "", ""]
    (target / f"{name}.txt").write_bytes("\n".join(head).encode("utf-8", "replace") + reply.body)


def write_request(folder: Path, name: str, content: bytes) -> None:
    """What was sent as ``requests/<name>``: a body, or a whole request where it is no proper one."""
    target = folder / "requests"
    target.mkdir(exist_ok=True)
    (target / name).write_bytes(content)
