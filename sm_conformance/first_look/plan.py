"""What one training is tried with, and the section of a declaration that says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from sm_conformance.first_look.data import PLAIN, Table

# The channel and the program that stand in for a user's, for an image that runs one.
_PROGRAM_CHANNEL = "code"
_PROGRAM_FILE = "train.py"
PROGRAM_NAME = "sagemaker_program"
_PROGRAM = """\
# Stands in for your program: it reads its channels and leaves a model.
import os
for folder, _, names in os.walk("/opt/ml/input/data"):
    print(folder, sorted(names), flush=True)
with open("/opt/ml/model/model.txt", "w") as file:
    file.write("model")
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Channels that all hold ``table``, the last ``optional`` of them in vain; hyperparameters.

    ``file`` is the name that a program wants its data under. ``program``: with a small program in
    the place of the user's, as the toolkits of AWS take it.
    """

    channels: tuple[str, ...] = ()
    table: Table = PLAIN
    file: str | None = None
    values: tuple[tuple[str, str], ...] = ()
    optional: int = 0
    program: bool = False

    def section(self) -> dict[str, Any]:
        """The section ``training`` of a declaration."""
        needed = len(self.channels) - self.optional
        channels = {
            name: {**self.table.channel(self.file), **({} if nth < needed else {"required": False})}
            for nth, name in enumerate(self.channels)
        }
        values = dict(self.values)
        if self.program:
            channels[_PROGRAM_CHANNEL] = {"file": _PROGRAM_FILE, "data": _PROGRAM}
            where = f"/opt/ml/input/data/{_PROGRAM_CHANNEL}"
            told = {PROGRAM_NAME: _PROGRAM_FILE, "sagemaker_submit_directory": where}
            values = {**told, **values}
        section: dict[str, Any] = {}
        if values:
            section["hyperparameters"] = values
        if channels:
            section["channels"] = channels
        return section

    def with_value(self, name: str, value: str) -> Self:
        """The plan with that value of one hyperparameter."""
        return replace(self, values=(*((n, v) for n, v in self.values if n != name), (name, value)))
