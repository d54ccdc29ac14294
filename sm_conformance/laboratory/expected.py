"""Compares a reply with what the owner declared that it must be."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sm_conformance.declaration.patterns import compiled, unkept
from sm_conformance.declaration.values import Expectation
from sm_conformance.observed.http import Reply, printable
from sm_conformance.observed.labels import media_type

# What a pattern looks at: it is the user's own, and so is the time it takes.
MOST_BYTES = 1 << 20
# What is held against a schema; each MiB of numbers may take some seconds.
MOST_JSON_BYTES = 10 << 20
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Unmet:
    """What was expected and what came instead, in one printable line each."""

    expected: str
    actual: str


class CannotTell(Exception):
    """The reply cannot be held against the declaration; the text says why."""


def unmet(expect: Expectation, reply: Reply) -> Unmet | None:
    """Where a complete reply is another than ``expect`` says; None where it is that one.

    A line end at the end of the body may differ. Raises ``CannotTell``.
    """
    if expect.content_type is not None:
        kind = reply.header("content-type")
        if kind is None or media_type(kind) != media_type(expect.content_type):
            said = f"Content-Type {_shown(kind)}" if kind is not None else "no Content-Type"
            return Unmet(f"Content-Type {expect.content_type}", said)
    if expect.body is not None and _without_line_end(reply.body) != _without_line_end(expect.body):
        return Unmet(f"the body '{_excerpt(expect.body)}'", _body(reply))
    if expect.pattern is not None:
        return _without(expect.pattern, reply)
    if expect.schema is not None:
        return _held_against(expect, reply)
    return None


def _without(pattern: str, reply: Reply) -> Unmet | None:
    text = reply.body[:MOST_BYTES].decode("utf-8", "replace")
    if compiled(pattern).search(text):
        return None
    if len(reply.body) > MOST_BYTES:
        raise CannotTell(
            "the pattern is not in the first MiB of the reply, and no more is looked at"
        )
    return Unmet(f"a body in which '{_shown(pattern)}' is found", _body(reply))


def _held_against(expect: Expectation, reply: Reply) -> Unmet | None:
    assert expect.schema is not None
    if len(reply.body) > MOST_JSON_BYTES:
        raise CannotTell(
            f"the reply is larger than {MOST_JSON_BYTES >> 20} MiB, and is not held against a schema; "
            "say `matches` of it instead"
        )
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return Unmet("JSON that keeps the declared schema", f"no JSON: {_body(reply)}")
    try:
        wrong = unkept(expect.schema, value)
    except Exception as error:
        kind = type(error).__name__
        raise CannotTell(f"the declared schema cannot be followed on the reply ({kind})") from error
    if wrong is None:
        return None
    return Unmet("JSON that keeps the declared schema", f"{_shown(wrong)}; {_body(reply)}")


def _without_line_end(body: bytes) -> bytes:
    return body.removesuffix(b"\n").removesuffix(b"\r")


def _body(reply: Reply) -> str:
    return f"the body '{_excerpt(reply.body)}'" if reply.body else "no body"


def _excerpt(body: bytes) -> str:
    # A character of UTF-8 has at most four bytes.
    return _shown(body[: 4 * _SHOWN + 4].decode("utf-8", "backslashreplace"))


def _shown(text: str) -> str:
    return printable(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
