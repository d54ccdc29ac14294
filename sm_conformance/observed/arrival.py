"""When the lines of a log came: held back until the end, or after the failure file."""

from __future__ import annotations

from sm_conformance.observed.run import TrainRun

# What is written at the end, all at once: flushed by the end of the program rather than by it.
_AT_THE_END_S = 0.5
# How long the engine may take to see a container end whose streams have ended.
_CLOSING_S = 5.0
# Engines tell the time of a file in whole seconds.
_ROUNDED_S = 2.0
# A quiet program may close with a few lines.
_SEVERAL = 5


def held_back(run: TrainRun, *, delay_s: float) -> str | None:
    """How the lines came where all of them came at the end of a run of ``delay_s`` or longer."""
    logs = run.logs
    if logs.first_after_s is None or logs.ended_after_s is None:
        return None
    lines = sum(bool(line.strip()) for line in (logs.stdout + b"\n" + logs.stderr).splitlines())
    # A program may close its streams and go on: then its end is not the log's.
    went_on_s = run.seconds - logs.ended_after_s
    at_once = logs.ended_after_s - logs.first_after_s <= _AT_THE_END_S
    at_the_end = at_once and went_on_s <= _CLOSING_S
    if logs.first_after_s < delay_s or not at_the_end or lines < _SEVERAL:
        return None
    return (
        f"nothing for {logs.first_after_s:.1f} s, then {lines} lines at once as the program ended"
    )


def said_after_failure_file(run: TrainRun) -> float | None:
    """How long after the failure file the last line came, in seconds; None where nobody knows.

    The engine tells when the file was written and when the container ended, we know when the last
    line came and when it ended: no two clocks are compared.
    """
    entry = run.output.entry("failure")
    finished_at = run.exit.finished_at if run.exit else None
    last_after_s = run.logs.last_after_s
    if entry is None or finished_at is None or last_after_s is None:
        return None
    before_the_end_s = finished_at - entry.modified
    if before_the_end_s > run.seconds + _ROUNDED_S:
        return None  # older than the run: copied with the time of another file
    return before_the_end_s - (run.seconds - last_after_s)
