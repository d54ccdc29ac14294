"""Recognises a program that could not be executed where the engine learns of it too late to say so.

runc executes the program after it has told the engine that the container runs. When the kernel then
refuses, for want of the interpreter or for a foreign format, runc writes one line in the
container's name, and that line is all there is.
"""

from __future__ import annotations

import re

from sm_conformance.observed.facts import Exit, StartProblem
from sm_conformance.observed.logs import Logs

# "exec /path: reason"; older ones "standard_init_linux.go:228: exec user process caused: reason".
_REFUSED = re.compile(
    r"(?:standard_init_linux\.go:\d+: exec user process caused:? \"?|exec /.*: )"
    r"(exec format error|no such file or directory|permission denied)\"?"
)
_KINDS = {
    "exec format error": "wrong-format",
    "no such file or directory": "not-found",
    "permission denied": "not-executable",
}
_LONGEST_LINE = 8192


def told_late(found: Exit | None, logs: Logs) -> StartProblem | None:
    """Why the program of a container that has ended was never executed; None where it was."""
    if found is None or found.code == 0 or logs.stdout or len(logs.stderr) > _LONGEST_LINE:
        return None
    line = logs.stderr.decode("utf-8", "replace").strip()
    refused = _REFUSED.fullmatch(line)
    return StartProblem(text=line, kind=_KINDS[refused[1]]) if refused else None
