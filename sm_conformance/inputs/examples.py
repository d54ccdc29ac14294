"""Chooses examples of hyperparameter values with Hypothesis, and makes those that fail simpler.

Nothing is launched from within Hypothesis: it seeds Python's random numbers for everybody while it runs a
test. It is asked anew after each launch and, as it always draws the same, comes to the same place.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import islice
from random import Random
from typing import TYPE_CHECKING

from sm_conformance.inputs.generated import SEED
from sm_conformance.inputs.ranges import Example, Line, Lines, Numbers, Texts

if TYPE_CHECKING:
    from hypothesis import Phase, settings
    from hypothesis.strategies import SearchStrategy

_Key = frozenset[tuple[str, str]]
_one_at_a_time = threading.Lock()


class _Unknown(BaseException):
    """Leaves Hypothesis, which takes every Exception for a failing test."""

    def __init__(self, example: Example) -> None:
        super().__init__()
        self.example = example


_DRAWS = 100
_DRAWS_EACH = 5
# Hypothesis begins with the simplest ones, which lie next to the good values and tell the least.
_TOO_SIMPLE = 16
# An example that is made simpler has to be drawn as it is now and then, also one of many values.
_RELUCTANCE = 3
_MANY = 8
# The most places on a line that an example may take; both ends are among them.
_PLACES = 32


def draw(lines: Sequence[Lines], count: int) -> tuple[Example, ...]:
    """Different examples, those that tell most first; about ``count``, fewer where few are lawful."""
    from hypothesis import Phase, find
    from hypothesis.errors import NoSuchExample

    drawn: dict[_Key, Example] = {}

    def enough(example: Example) -> bool:
        drawn.setdefault(example.key, example)
        return len(drawn) >= count + _TOO_SIMPLE

    with _one_at_a_time, suppress(NoSuchExample):
        find(
            examples(lines),
            enough,
            settings=_settings((Phase.generate,), draws=_DRAWS + _DRAWS_EACH * count),
            random=Random(SEED),
        )
    return tuple(reversed(drawn.values()))


def simplest(example: Example, known: Mapping[_Key, bool]) -> tuple[Example, Example | None]:
    """The simplest example that is ``known`` to fail, and one to learn about before asking again.

    ``known`` says of examples whether they fail, of ``example`` itself that it does. Without a second
    one there is nothing left to learn.
    """
    from hypothesis import Phase, find
    from hypothesis.errors import NoSuchExample

    found = [example]

    def fails(drawn: Example) -> bool:
        seen = len(found) > 1
        if seen and drawn.key not in known:
            raise _Unknown(drawn)
        failed = known.get(drawn.key, False)
        if failed:
            found.append(drawn)
        return failed

    with _one_at_a_time:
        try:
            simpler = find(
                examples(
                    [(_up_to(line, step),) for line, step in example.steps],
                    reluctance=_RELUCTANCE + (len(example.steps) // _MANY).bit_length(),
                ),
                fails,
                settings=_settings((Phase.generate, Phase.shrink), draws=_DRAWS),
                random=Random(SEED),
            )
        except NoSuchExample:
            return example, None
        except _Unknown as unknown:
            return found[-1], unknown.example
    return simpler, None


def examples(lines: Sequence[Lines], *, reluctance: int = 1) -> SearchStrategy[Example]:
    """Steps on some of the lines. The greater ``reluctance``, the more of them, and the further.

    It is made of booleans alone: to draw numbers, Hypothesis reads constants in the modules of the
    project that it runs in, writes what it found to a folder of its own there, and draws them too.
    """
    from hypothesis import strategies as st

    widths = [_widths(found) for found in lines]
    count = reluctance * sum(map(sum, widths))

    def taken(drawn: tuple[bool, ...]) -> Example:
        bits = (any(drawn[at : at + reluctance]) for at in range(0, count, reluctance))
        steps = [
            _step(found, tuple(islice(bits, which)), tuple(islice(bits, far)))
            for found, (which, far) in zip(lines, widths, strict=True)
        ]
        return Example(tuple(step for step in steps if step is not None))

    return st.tuples(*[st.booleans()] * count).map(taken)


def _widths(lines: Lines) -> tuple[int, int]:
    """How many booleans say which line is taken, and how many how far."""
    furthest = min(_PLACES, max(line.count for line in lines))
    return (len(lines) - 1).bit_length(), furthest.bit_length()


def _step(lines: Lines, which: Sequence[bool], far: Sequence[bool]) -> tuple[Line, int] | None:
    line = lines[min(_number(which), len(lines) - 1)]
    places = min(_PLACES, line.count)
    place = min(_number(far), places)
    return (line, -(-line.count * place // places)) if place else None


def _number(bits: Sequence[bool]) -> int:
    return sum(bit << place for place, bit in enumerate(reversed(bits)))


def _up_to(line: Line, step: int) -> Line:
    """The part of a line that ends at ``step``."""
    if isinstance(line, Texts):
        return Texts(line.name, (line.at(step),))
    return Numbers(line.name, line.start, line.unit, step, line.at(step))


def _settings(phases: tuple[Phase, ...], *, draws: int) -> settings:
    """All that a profile of the user's could change is said here."""
    from hypothesis import Verbosity, settings

    return settings(
        backend="hypothesis",
        database=None,
        deadline=None,
        derandomize=True,
        max_examples=draws,
        phases=phases,
        print_blob=False,
        verbosity=Verbosity.quiet,
    )
