"""Values of declared hyperparameters: those within what is declared, and those outside of it.

They lie on lines. A lawful line leads from the good value to an end of the range, a bad one leads away
from it, so that an example is the simpler the fewer steps it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from itertools import zip_longest
from typing import TypeAlias

from sm_conformance.declaration.ranges import number_of
from sm_conformance.declaration.values import Hyperparameter, Training

_NONSENSE = "sm-conformance-no-such-value"
# A continuous range is gone through in at least so many steps, each a short decimal number.
_LEAST_STEPS = 1000
_BAD_STEPS = 1000
# A declared number has at most 400 digits, and any number of zeros behind its point.
_EXACT = Context(prec=2000)
_MOST_PLAIN_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Numbers:
    """``count`` numbers, each ``unit`` further than the one before; ``last`` is how the end is written."""

    name: str
    start: Decimal
    unit: Decimal
    count: int
    last: str | None = None

    def at(self, step: int) -> str:
        """The number at ``step``, 1 to ``count``."""
        if step == self.count and self.last is not None:
            return self.last
        with localcontext(_EXACT):
            return _text(self.start + step * self.unit)


@dataclass(frozen=True, slots=True)
class Texts:
    """Values without an order."""

    name: str
    texts: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.texts)

    def at(self, step: int) -> str:
        """The value at ``step``, 1 to ``count``."""
        return self.texts[step - 1]


Line: TypeAlias = Numbers | Texts
# Lines of which an example takes a step on one at most.
Lines: TypeAlias = tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """Values to merge over the good ones: how many steps are taken on which lines."""

    steps: tuple[tuple[Line, int], ...] = ()

    @property
    def values(self) -> Mapping[str, str]:
        """The hyperparameters that differ from the good ones."""
        return {line.name: line.at(step) for line, step in self.steps}

    @property
    def key(self) -> frozenset[tuple[str, str]]:
        """Equal for examples of equal values."""
        return frozenset(self.values.items())


def lawful_lines(training: Training, good: Mapping[str, str]) -> tuple[Lines, ...]:
    """The lines within the declared ranges, those of one hyperparameter together.

    A hyperparameter that the good training does without is left alone, unless it is tunable.
    """
    lines = [
        _within(spec, good.get(spec.name))
        for spec in training.hyperparameter_specs
        if spec.name in good or spec.tunable
    ]
    return tuple(found for found in lines if found)


def lawful_ends(lines: Sequence[Lines]) -> tuple[Example, Example]:
    """Everything at its least value, and everything at its greatest."""
    least = tuple((found[0], _first(found[0])) for found in lines if not _rises(found[0]))
    greatest = tuple((found[-1], found[-1].count) for found in lines if not _falls(found[-1]))
    return Example(least), Example(greatest)


def bad_lines(training: Training) -> tuple[Line, ...]:
    """The lines outside of what is declared; first of all the nearest ones of each hyperparameter."""
    of_each = [list(_outside(spec)) for spec in training.hyperparameter_specs]
    return tuple(line for row in zip_longest(*of_each) for line in row if line is not None)


def _within(spec: Hyperparameter, good: str | None) -> Lines:
    """Down from the good value first, then up."""
    if spec.values:
        others = tuple(value for value in spec.values if value != good)
        return (Texts(spec.name, others),) if others else ()
    low, high = spec.low, spec.high
    if good is None:
        ends = tuple(text for text in (low, high) if text is not None)
        if low is None or high is None:
            return (Texts(spec.name, ends),) if ends else ()
        return (Texts(spec.name, (low,)), *_between(spec, low, high))
    return (
        *(_between(spec, good, low) if low is not None else ()),
        *(_between(spec, good, high) if high is not None else ()),
    )


def _between(spec: Hyperparameter, start: str, end: str) -> Lines:
    """The values behind ``start`` up to ``end``; nothing where they are equal."""
    with localcontext(_EXACT):
        here, there = Decimal(start), Decimal(end)
        width = abs(there - here)
        if not width:
            return ()
        unit = Decimal(1)
        while not _whole(spec) and width < _LEAST_STEPS * unit:
            unit /= 10
        rises = there > here
        nearest, furthest = (ROUND_FLOOR, ROUND_CEILING) if rises else (ROUND_CEILING, ROUND_FLOOR)
        first = (here / unit).to_integral_value(nearest)
        last = (there / unit).to_integral_value(furthest)
        step = unit if rises else -unit
        return (Numbers(spec.name, first * unit, step, int(abs(last - first)), end),)


def _outside(spec: Hyperparameter) -> Iterator[Line]:
    if spec.values:
        if _NONSENSE not in spec.values:
            yield Texts(spec.name, (_NONSENSE,))
        return
    if spec.kind not in ("integer", "continuous") and spec.low is None and spec.high is None:
        return
    for bound, direction in ((spec.low, -1), (spec.high, 1)):
        line = None if bound is None else _beyond(spec, bound, direction)
        if line is not None:
            yield line
    yield Texts(spec.name, (_NONSENSE,))
    if spec.kind == "integer":
        near = spec.good or spec.low or spec.high or "1"
        yield Texts(spec.name, (f"{int(near)}.5",))


def _beyond(spec: Hyperparameter, bound: str, direction: int) -> Line | None:
    """Numbers that lie clearly outside; None where the next one is too large for a number."""
    with localcontext(_EXACT):
        start = Decimal(bound)
        unit = direction * (Decimal(1) if _whole(spec) else max(Decimal(1), abs(start)))
    for count in (_BAD_STEPS, 1):
        line = Numbers(spec.name, start, unit, count)
        if number_of(line.at(count), spec.kind) is not None:
            return line
    return None


def _whole(spec: Hyperparameter) -> bool:
    """Whether all values are whole numbers; so it is, too, where only whole numbers were said."""
    if spec.kind is not None:
        return spec.kind == "integer"
    said = (spec.low, spec.high, spec.good)
    return all(text is None or number_of(text, "integer") is not None for text in said)


def _rises(line: Line) -> bool:
    return isinstance(line, Numbers) and line.unit > 0


def _falls(line: Line) -> bool:
    return isinstance(line, Numbers) and line.unit < 0


def _first(line: Line) -> int:
    """The step to the least value of a line that does not rise."""
    return line.count if isinstance(line, Numbers) else 1


def _text(number: Decimal) -> str:
    """A plain decimal number, unless that has too many digits to be read."""
    plain = format(number.normalize(), "f")
    return plain if len(plain) <= _MOST_PLAIN_DIGITS else str(number.normalize())
