"""Request bodies that are a sample request mutilated: what is done, and where, are steps on lines.

What is malformed for one model is lawful input for another: of such a body nothing is known but
what was done to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from sm_conformance.inputs.ranges import Example, Line, Lines, Numbers
from sm_conformance.inputs.taken_apart import TakenApart, take_apart

_CUT = "cut after byte"
_NESTED = "pairs of brackets around it:"
_OPENED = "brackets before it that nobody closes:"
_INSERTED: Mapping[str, bytes] = {
    "a NUL byte before byte": b"\x00",
    "two bytes that are no UTF-8 before byte": b"\xc3\x28",
    "a quote before byte": b'"',
}
# Parsers that call themselves for each bracket give up at a thousand, or die at ten thousands.
_BRACKETS, _MOST_BRACKETS = 500, 100_000
_DEPTHS = (500, 1_000, 10_000, _MOST_BRACKETS)


def lines_of(body: bytes, content_type: str | None) -> tuple[Lines, ...]:
    """What can be done to a body; one step at most is taken on the lines of one entry."""
    apart = take_apart(body, content_type)
    found: tuple[list[Line], ...] = (
        [*_replacing(apart), *_bracketing(apart)],
        [_counted(name, len(body) + 1) for name in _INSERTED],
        [_counted(_CUT, len(body) - 1)],
    )
    longer = (tuple(line for line in lines if line.count > 0) for lines in found)
    return tuple(lines for lines in longer if lines)


def each_alone(lines: tuple[Lines, ...]) -> tuple[Example, ...]:
    """One thing done at a time: brackets the fewest first, else at the last place and at the first."""
    return tuple(
        Example(((line, step),)) for found in lines for line in found for step in _telling(line)
    )


def mutilated(body: bytes, content_type: str | None, done: Mapping[str, str]) -> bytes:
    """The body with ``done`` to it, the values of an example of its lines."""
    apart = take_apart(body, content_type)
    for name, text in done.items():
        at = int(text)
        if name in (_NESTED, _OPENED):
            body = b"[" * at + body + (b"]" * at if name == _NESTED else b"")
        elif name in _INSERTED:
            body = body[: at - 1] + _INSERTED[name] + body[at - 1 :]
        elif name == _CUT:
            body = body[:at]
        else:
            assert apart is not None, "only what can be taken apart has such a line"
            body = apart.changed(name, at)
    return body


def _replacing(apart: TakenApart | None) -> list[Line]:
    counts = apart.changes if apart is not None else {}
    return [_counted(name, count) for name, count in counts.items()]


def _bracketing(apart: TakenApart | None) -> list[Line]:
    if apart is None or not apart.has_brackets:
        return []
    count = _MOST_BRACKETS // _BRACKETS
    return [Numbers(name, Decimal(0), Decimal(_BRACKETS), count) for name in (_NESTED, _OPENED)]


def _telling(line: Line) -> tuple[int, ...]:
    """The steps that are taken whatever is drawn besides."""
    if line.name in (_NESTED, _OPENED):
        return tuple(depth // _BRACKETS for depth in _DEPTHS)
    return tuple(dict.fromkeys((line.count, 1)))


def _counted(name: str, count: int) -> Numbers:
    """The numbers 1 to ``count``."""
    return Numbers(name, Decimal(0), Decimal(1), count)
