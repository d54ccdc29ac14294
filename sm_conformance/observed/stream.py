"""Takes an answer that streams apart: into messages by its format, and by when its parts came."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from random import Random

from sseclient import SSEClient

from sm_conformance.observed.http import Reply, printable
from sm_conformance.observed.parts import spread_s

# So much of a stream is read as messages: some hundred of them, and a bound for what is hostile.
MOST_BYTES = 64 * 1024
# Parts of one write come within less, whatever the machine does beside it.
_APART_S = 0.02
# An answer in one piece, by the number of its messages: of so few nobody knows whether they could
# have come apart; of so many it is known, if they were waited for. Many that were written one by
# one may follow a long thought at the speed of the processor, so more of these are asked for.
_FEW = 5
MANY = 32
_WAITED_S = 0.1
_LONGEST_PIECE = 97
# A field (unknown ones are dropped by rule), or a comment.
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_-]*:|:|(?:data|event|id|retry)$")
_SHOWN = 60


class Unreadable(Exception):
    """A stream that cannot be read in its format; the text says why, in one printable line."""


class TooLong(Exception):
    """A stream whose messages are longer than what is read of it."""


def in_parts(reply: Reply) -> bool:
    """Whether the body came in parts that were apart in time."""
    return spread_s(reply.parts) >= _APART_S


def at_once(reply: Reply, form: str) -> bool:
    """Whether a body that came in one piece was surely whole before its first byte was sent.

    ``form`` is ``sse``, ``jsonlines`` or ``none``. False also where that cannot be known.
    """
    if in_parts(reply) or not reply.parts:
        return False
    count = _count(reply.body, form)
    if reply.framing == "length":  # which was known before the first byte
        return count >= _FEW
    waited = reply.parts[0].seconds >= _WAITED_S
    return waited and count >= (_FEW if len(reply.parts) == 1 else MANY)


def messages(body: bytes, form: str, *, seed: int = 0) -> tuple[str, ...]:
    """The messages of a stream in the form ``sse`` or ``jsonlines``.

    They are read from pieces of random lengths, as the platform may hand them on; at most
    ``MOST_BYTES``, up to the last message that is whole. Raises ``Unreadable`` and ``TooLong``.
    """
    text = _text(_bounded(body, form)).removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if form == "sse":
        _look_at(lines)
        pieces = _cut("\n".join(lines).encode(), seed=seed)
        found = tuple(event.data for event in SSEClient(pieces).events())
    else:
        found = tuple(line for line in lines if line.strip())
        for line in found:
            if not _is_json(line):
                raise Unreadable(f"the line '{_excerpt(line)}' is not JSON")
    if not found:
        raise Unreadable("no message is in it")
    return found


def _cut(content: bytes, *, seed: int) -> Iterator[bytes]:
    random, at = Random(seed), 0
    while at < len(content):
        length = random.randint(1, _LONGEST_PIECE)
        yield content[at : at + length]
        at += length


def _bounded(body: bytes, form: str) -> bytes:
    if len(body) <= MOST_BYTES:
        return body
    head = body[:MOST_BYTES]
    ends = (b"\n\n", b"\r\r", b"\r\n\r\n") if form == "sse" else (b"\n", b"\r")
    last = max(head.rfind(end) + len(end) if end in head else 0 for end in ends)
    if last == 0:
        raise TooLong(f"no message ends within its first {MOST_BYTES // 1024} KiB")
    return head[:last]


def _look_at(lines: list[str]) -> None:
    """Raises ``Unreadable`` for server-sent events whose lines lose or join messages."""
    for line in lines:
        if line and not _FIELD.match(line):
            raise Unreadable(f"the line '{_excerpt(line)}' belongs to no field, so clients drop it")
    blocks = [list(block) for filled, block in groupby(lines, key=bool) if filled]
    if blocks and "" not in lines[:-1]:
        raise Unreadable("no empty line ends an event, so a client waits for its end for ever")
    for block in blocks:
        data = [line.removeprefix("data:") for line in block if line.startswith("data:")]
        if len(data) > 1 and all(map(_is_json, data)) and not _is_json("\n".join(data)):
            said = _excerpt(data[0].strip())
            raise Unreadable(f"no empty line stands between '{said}' and the next message")


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8 (byte {error.start})") from error


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _count(body: bytes, form: str) -> int:
    """How many messages there are; of what is not made of messages, how many words."""
    try:
        if form != "none":
            return len(messages(body, form))
    except (Unreadable, TooLong):
        pass
    return len(body[:MOST_BYTES].split())


def _excerpt(text: str) -> str:
    return printable(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
