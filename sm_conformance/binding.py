"""Ties a test of the suite to its clause. Knows no pytest: it only hangs a record on the function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sm_conformance.observed.run import Stage

_Test = TypeVar("_Test", bound=Callable[..., None])
_ATTRIBUTE = "sm_conformance_binding"


@dataclass(frozen=True, slots=True)
class Binding:
    """What a test judges: one clause, on what a scenario left, once it came to a stage.

    With several scenarios the test is run on each that the claims allow.
    """

    key: str
    given: tuple[str, ...]
    needs: Stage


def clause(
    number: str, name: str, *, given: str | tuple[str, ...] = (), needs: Stage = Stage.GOOD
) -> Callable[[_Test], _Test]:
    """Says which clause the decorated test judges, on which scenario, and how far that must have come.

    A test without a scenario looks at the images alone.
    """

    def decorate(test: _Test) -> _Test:
        scenarios = (given,) if isinstance(given, str) else given
        binding = Binding(key=f"{number} {name}", given=scenarios, needs=needs)
        setattr(test, _ATTRIBUTE, binding)
        return test

    return decorate


def binding_of(test: object) -> Binding | None:
    """The binding of a test function, None when it judges no clause."""
    found = getattr(test, _ATTRIBUTE, None)
    return found if isinstance(found, Binding) else None
