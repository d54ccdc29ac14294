"""The table of what is done about every rule, for ``clauses --coverage``."""

from __future__ import annotations

import importlib
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from sm_conformance.binding import Binding, binding_of
from sm_conformance.contract.clause import Clause, Contract, Disposition

_SUITE = Path(__file__).resolve().parent / "suite"
_WORDS: Mapping[Disposition, str] = {
    Disposition.ASSERTED: "asserted",
    Disposition.EMULATED: "emulated",
    Disposition.DECLARATION: "on requests",
    Disposition.UNOBSERVABLE: "unobservable",
    Disposition.NOT_YET: "not yet",
}


def table(contract: Contract) -> str:
    """A line for each clause, in the order of the contract; then how many of each chapter are what.

    An asserted clause is followed by the scenarios that it looks at and the module of its test, an
    emulated one by the scenarios that hand it over, any other by the reason.
    """
    judged = {binding.key: (binding, module) for binding, module in bindings()}
    lines = [
        f"{one.number:<10} {one.name:<26} {one.level:<7} {_WORDS[one.disposition]:<13} "
        f"{_how(one, judged)}"
        for one in contract.clauses
    ]
    return "\n".join([*lines, "", *_counts(contract)])


def bindings() -> Iterator[tuple[Binding, str]]:
    """What each test of the suite judges, and the name of its module."""
    for path in sorted(_SUITE.glob("test_*.py")):
        module = importlib.import_module(f"sm_conformance.suite.{path.stem}")
        for _, test in inspect.getmembers(module, inspect.isfunction):
            binding = binding_of(test)
            if binding is not None:
                yield binding, path.stem


def _how(one: Clause, judged: Mapping[str, tuple[Binding, str]]) -> str:
    if one.key in judged:
        binding, module = judged[one.key]
        without = "requests to AWS" if one.on_requests else "the image as it lies"
        return f"{', '.join(binding.given) or without}: {module}"
    return ": ".join([*filter(None, [", ".join(one.scenarios)]), one.because or ""])


def _counts(contract: Contract) -> Iterator[str]:
    chapters = dict.fromkeys(one.chapter for one in contract.clauses)
    yield f"{'chapter':<10}{'rules':>7}{'clauses':>9}" + "".join(
        f"{word:>14}" for word in _WORDS.values()
    )
    for chapter in (*chapters, None):
        of_it = [one for one in contract.clauses if chapter in (None, one.chapter)]
        done = Counter(one.disposition for one in of_it)
        yield f"{chapter or 'all':<10}{len({one.number for one in of_it}):>7}{len(of_it):>9}" + (
            "".join(f"{done[kind]:>14}" for kind in _WORDS)
        )
