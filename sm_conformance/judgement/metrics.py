"""Looks for declared metrics in the log of a training, as the platform does: line by line.

A pattern is the owner's own, and so is the time that it takes: each is tried in a process of its
own, which can be ended where :mod:`re` cannot be interrupted.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sm_conformance.declaration.patterns import is_foreign
from sm_conformance.declaration.values import Metric, Training
from sm_conformance.observed.http import printable
from sm_conformance.observed.logs import Logs

# Of one pattern, and of all of a declaration's.
_TIME_S = 5.0
_ALL_S = 20.0
_SHOWN = 100
# What runs in the other process: reads a pattern and texts, writes what their lines hold.
_SEARCH = """
import json, math, re, sys, warnings
warnings.simplefilter("ignore")
pattern, texts = json.load(sys.stdin)
pattern = re.compile(pattern)
number = other = None
for line in (line for text in texts for whole in text.split("\\n") for line in whole.split("\\r")):
    for found in pattern.finditer(line):
        try:
            held = float(found[1])
        except (TypeError, ValueError):
            held = math.nan
        if math.isfinite(held):
            number = found[1]
            break
        other = other or found[1] or ""
    if number is not None:
        break
json.dump({"number": number, "other": other}, sys.stdout)
"""


@dataclass(frozen=True, slots=True)
class Logged:
    """What a log holds of a metric: a ``number`` in the pattern's first group, or something else.

    ``unsure`` is why neither means anything; all three are None where no line matches.
    """

    metric: Metric
    number: str | None
    other: str | None
    unsure: str | None

    def describe(self) -> str:
        """What was found instead of a number, safe to print."""
        name, regex = printable(self.metric.name), printable(self.metric.regex)
        if self.unsure is not None:
            return f"{name}: {self.unsure}"
        if self.other is not None:
            held = printable(self.other[:_SHOWN])
            return f"{name}: the first group of '{regex}' holds '{held}', which is no number"
        return f"{name}: no line matches '{regex}'"


def objective(training: Training | None, claims: Collection[str]) -> Metric | None:
    """The metric that tuning is for; None where no tuning is claimed, or no objective is named."""
    if training is None or training.objective is None or "tuning" not in claims:
        return None
    wanted = training.objective.metric
    return next((metric for metric in training.metrics if metric.name == wanted), None)


def look_for(metrics: Sequence[Metric], logs: Logs) -> Iterator[Logged]:
    """What the log holds of each metric, in their order."""
    texts = [stream.decode("utf-8", "replace") for stream in (logs.stdout, logs.stderr)]
    began = time.monotonic()
    for metric in metrics:
        if is_foreign(metric.regex):
            why = f"'{printable(metric.regex)}' has escapes that are not Python's, and is not tried here"
            yield Logged(metric=metric, number=None, other=None, unsure=why)
            continue
        left_s = min(_TIME_S, began + _ALL_S - time.monotonic())
        found = _search(metric.regex, texts, timeout_s=left_s) if left_s > 0 else None
        if found is None:
            why = f"'{printable(metric.regex)}' takes too long on this log"
            yield Logged(metric=metric, number=None, other=None, unsure=why)
            continue
        unsure = None
        if found["number"] is None and logs.lost_bytes:
            why = "of this log only the first 256 KiB and the last MiB of each stream are kept"
            unsure = f"{why}, and no number is in them"
        yield Logged(metric=metric, number=found["number"], other=found["other"], unsure=unsure)


def _search(
    pattern: str, texts: Sequence[str], *, timeout_s: float
) -> dict[str, str | None] | None:
    """What the lines of ``texts`` hold; None when that was not known in time."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words; what is foreign goes to its stdin
            [sys.executable, "-I", "-S", "-c", _SEARCH],
            input=json.dumps([pattern, texts]).encode(),
            capture_output=True,
            timeout=timeout_s,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return None
    found: dict[str, str | None] = json.loads(done.stdout)
    return found
