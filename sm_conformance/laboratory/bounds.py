"""Which bounds of the harness's own a launch reached that its declaration does not set."""

from __future__ import annotations

from sm_conformance.declaration.values import Resources
from sm_conformance.observed.facts import Exit
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.output import OutputTree

_BUS_ERROR = 128 + 7  # SIGBUS
# How programs say that they cannot have one more process or thread: an engine does not tell.
_NO_MORE_PROCESSES = (
    "start new thread", "create native thread", "create new native thread", "new os thread",
    "thread creation failed", "pthread_create", "cannot fork", "fork: ", "can't fork",
    "unable to fork", "blockingioerror: [errno 11]",
)  # fmt: skip


def reached(said: Resources, found: Exit | None, logs: Logs, *trees: OutputTree) -> tuple[str, ...]:
    """The lines of a declaration that would lift them; ``found`` is None where it did not end.

    A launch that ended with 0 missed nothing but what was cut off of its ``trees``.
    """
    lines = []
    if found is not None and found.code != 0:
        if found.memory_killed and said.memory_bytes is None:
            lines.append("resources: {memory: 8g}")
        if said.shm_bytes is None and _wants_shared_memory(found, logs):
            lines.append("resources: {shm: 1g}")
    if (
        (found is None or found.code != 0)
        and said.pids is None
        and logs.mentions(*_NO_MORE_PROCESSES)
    ):
        lines.append("resources: {pids: 30000}")
    if not all(tree.whole for tree in trees) and said.output_bytes is None:
        lines.append("resources: {output: 20g}")
    return tuple(lines)


def _wants_shared_memory(found: Exit, logs: Logs) -> bool:
    """Whether it ended for want of shared memory, of which engines give 64 MB (IMG-025)."""
    full = logs.mentions("/dev/shm") or ""  # noqa: S108 - only looked for
    told = logs.mentions("bus error") is not None or "space" in full
    return told or found.code == _BUS_ERROR
