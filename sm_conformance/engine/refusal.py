"""Tells whose fault it is that an engine started nothing, by its own words."""

from __future__ import annotations

import re

from docker.errors import APIError

from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.facts import StartProblem

# The engine's words for "this program cannot be started", in the order they are looked for.
_KINDS = (
    ("wrong-format", r"exec format error"),
    ("not-executable", r"permission denied"),
    ("no-user", r"unable to find (user|group)|no matching entries in (passwd|group) file"),
    ("not-found", r"executable file (`.*` )?not found|no such file or directory"),
)
# Nobody's fault, and a value all the same: the launch needs what is not here.
_NO_GPU = re.compile(
    r"could not select device driver|nvidia-container|unresolvable CDI", re.IGNORECASE
)
_CANDIDATES_FAULT = re.compile(
    r"OCI runtime|shim task|runc|crun|unable to find (user|group)|exec format error|"
    r"No command specified|no command or entrypoint",
    re.IGNORECASE,
)


def start_problem(error: APIError) -> StartProblem:
    """The candidate's fault as a value; anything else is the engine's trouble and raises."""
    text = str(error.explanation or error)
    if _NO_GPU.search(text):
        return StartProblem(text=text, kind="no-gpu")
    if not _CANDIDATES_FAULT.search(text):
        raise HarnessTrouble(f"the engine cannot start a container: {text}") from error
    for kind, pattern in _KINDS:
        if re.search(pattern, text, re.IGNORECASE):
            return StartProblem(text=text, kind=kind)
    return StartProblem(text=text, kind="other")
