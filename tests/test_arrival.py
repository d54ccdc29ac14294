"""When lines came is told by durations: held back until the end, or after the failure file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sm_conformance.observed.arrival import held_back, said_after_failure_file
from sm_conformance.observed.facts import Exit
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.output import NOTHING, Entry, OutputTree
from sm_conformance.observed.run import Ending, TrainRun

LINES = b"1\n2\n3\n4\n5\n"


def run(
    *,
    seconds: float = 30.0,
    first: float | None = 29.9,
    last: float | None = 29.95,
    ended: float | None = 30.0,
    stdout: bytes = LINES,
    stderr: bytes = b"",
    finished_at: float | None = None,
    failure_at: float | None = None,
) -> TrainRun:
    """A training whose moments are seconds after its start; ``*_at`` are the engine's clock."""
    failure = () if failure_at is None else (
        Entry(name="failure", kind="file", size=1, modified=failure_at),
    )  # fmt: skip
    return TrainRun(
        scenario="train-plain", ending=Ending.EXITED,
        exit=Exit(code=0, memory_killed=False, finished_at=finished_at),
        problem=None, seconds=seconds,
        logs=Logs(
            stdout=stdout, stderr=stderr, total_bytes=len(stdout + stderr), first_after_s=first,
            last_after_s=last, ended_after_s=ended,
        ),
        model=NOTHING, output=OutputTree(entries=failure, whole=True), failure=None, guessed=(),
        fault=None, stop=None, limits_reached=(), repeat="", evidence=Path("evidence"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "held",
    [
        run(),
        run(first=10.0, last=10.1, ended=10.2, seconds=10.3),
        run(stdout=b"1\n2\n\n", stderr=b"3\n4\n5"),
        run(first=29.5, ended=30.0, seconds=34.9),
    ],
)
def test_lines_that_come_together_at_the_end_were_held_back(held: TrainRun) -> None:
    said = held_back(held, delay_s=10)

    assert said is not None
    assert "then 5 lines at once as the program ended" in said


@pytest.mark.parametrize(
    "lawful",
    [
        run(stdout=b"", first=None, last=None, ended=None),
        run(stdout=b"", first=None, last=None),
        run(stdout=b"done\n"),
        run(stdout=b"1\n2\n3\n4\n\n\n\n"),
        run(first=0.1),
        run(first=9.9, last=9.9, ended=10.0, seconds=10.0),
        run(first=29.4),
        run(ended=None),
        run(first=12.0, last=12.0, ended=12.1, seconds=300.0),
    ],
)
def test_whoever_is_quiet_or_brief_or_goes_on_holds_nothing_back(lawful: TrainRun) -> None:
    assert held_back(lawful, delay_s=10) is None


@pytest.mark.parametrize(
    ("finished_at", "failure_at", "last", "after_s"),
    [
        (1000.0, 999.0, 29.9, 0.9),
        (1000.0, 990.0, 29.9, 9.9),
        (1000.0, 990.0, 20.0, 0.0),
        (1000.0, 1001.0, 29.9, -1.1),
        (1000.0, 968.5, 30.0, 31.5),
    ],
)
def test_lines_after_the_failure_file_are_told_in_seconds(
    finished_at: float, failure_at: float, last: float, after_s: float
) -> None:
    seen = run(finished_at=finished_at, failure_at=failure_at, last=last)

    assert said_after_failure_file(seen) == pytest.approx(after_s)


@pytest.mark.parametrize(
    "unknown",
    [
        run(finished_at=None, failure_at=990.0),
        run(finished_at=1000.0, failure_at=None),
        run(finished_at=1000.0, failure_at=990.0, last=None),
        # Copied with the time of a file of the image.
        run(finished_at=1000.0, failure_at=0.0),
        run(finished_at=1000.0, failure_at=967.0),
    ],
)
def test_times_that_are_not_told_or_older_than_the_run_tell_nothing(unknown: TrainRun) -> None:
    assert said_after_failure_file(unknown) is None
