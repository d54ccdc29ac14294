"""How a clause says what it found. A clause that says nothing has been kept.

Outcome
├── Broken          the candidate broke the clause
├── NotRun          it could not be judged, and why
├── Blocked         another broken clause prevented it
└── NotApplicable   the declaration says that it does not apply
"""

from __future__ import annotations


class Outcome(Exception):
    """What a clause says instead of passing."""


class Broken(Outcome, AssertionError):
    """The candidate broke the clause: what was expected, what was seen instead."""

    def __init__(
        self,
        *,
        expected: str,
        actual: str,
        fix: str | None = None,
        repeat: str | None = None,
        caused_promise: bool = False,
        only_advice: bool = False,
    ) -> None:
        super().__init__(f"expected: {expected}\n  actual: {actual}")
        self.expected = expected
        self.actual = actual
        self.fix = fix
        # The commands that show this very thing, where those of the launch alone do not.
        self.repeat = repeat
        # Breaking this clause broke a promise, so it weighs as much as the promise.
        self.caused_promise = caused_promise
        # Judged, and worth telling, but never a reason to fail the image.
        self.only_advice = only_advice


class NotRun(Outcome):
    """The clause could not be judged. ``excused`` ones do not make a run inconclusive."""

    def __init__(self, reason: str, *, excused: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.excused = excused


class Blocked(Outcome):
    """A broken clause or condition prevented this one; ``by`` names it."""

    def __init__(self, by: str) -> None:
        super().__init__(f"blocked by {by}")
        self.by = by


class NotApplicable(Outcome):
    """The declaration says that the clause does not apply."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def demand(
    kept: bool, *, expected: str, actual: str, fix: str | None = None, repeat: str | None = None
) -> None:
    """Says that the clause is broken unless ``kept``. Unlike ``assert`` it survives ``python -O``."""
    if not kept:
        raise Broken(expected=expected, actual=actual, fix=fix, repeat=repeat)
