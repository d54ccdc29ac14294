"""Says of a reply that comes in pieces when it is whole, without waiting for any of them."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sm_conformance.observed.answer import Answer

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_END_OF_HEAD = re.compile(rb"\n\r?\n")
# A server that puts the time or a number into each head makes a new one each time.
_MOST_HEADS = 64
# Bytes of a reply that is looked up as a whole.
_SHORT = 4096


@dataclass(frozen=True, slots=True)
class Whole:
    """A reply that is over: whether it is complete with 2xx, and whether another may follow."""

    ok: bool
    keeps_alive: bool


_BROKEN = Whole(ok=False, keeps_alive=False)


@dataclass(frozen=True, slots=True)
class _Known:
    """What ``http.client`` made of a head: the length of the body behind it."""

    length: int
    whole: Whole


class Heads:
    """Heads of replies that were read before: equal requests have equal ones, or nearly so.

    And short replies that came in one piece: of an equal one there is nothing to be asked.
    """

    def __init__(self) -> None:
        self._known: dict[bytes, _Known] = {}
        self._short: dict[bytes, Whole] = {}

    def whole(self, part: bytes) -> Whole | None:
        """What is known of a reply of which ``part`` came first, where that was all, byte for byte."""
        return self._short.get(part)

    def keep_short(self, part: bytes, whole: Whole) -> None:
        """Remembers a reply that was all in its first piece, if it is short; of many only the newest."""
        if len(part) > _SHORT:
            return
        if len(self._short) >= _MOST_HEADS:
            self._short.clear()
        self._short[part] = whole

    def find(self, head: bytes) -> _Known | None:
        """What is known of a head, byte for byte."""
        return self._known.get(head)

    def keep(self, head: bytes, known: _Known) -> None:
        """Remembers a head; of very many only the newest."""
        if len(self._known) >= _MOST_HEADS:
            self._known.clear()
        self._known[head] = known


class Incoming:
    """One reply; each piece of it goes to :meth:`feed` until that says that it is whole.

    What is a head, a length and a chunk is for ``http.client`` to say, as everywhere in
    ``observed``; here it is only decided when asking it is worth the time. ``bound`` is how many
    bytes are kept; a reply with more is broken.
    """

    def __init__(self, *, method: str, heads: Heads, bound: int) -> None:
        self._method = method
        self._heads = heads
        self._bound = bound
        self._heard = bytearray()
        self._head: bytes | None = None
        # Bytes still to come of a reply whose head is known; None where it is not.
        self._left: int | None = None
        self._known: _Known | None = None
        # Asking again is in vain before so many bytes are there, or (chunked) such an end.
        self._needed = 0
        self._chunked = False

    @property
    def held(self) -> int:
        """How many bytes are kept in memory."""
        return len(self._heard)

    @property
    def began(self) -> bool:
        """Whether anything came."""
        return bool(self._heard) or self._left is not None

    def feed(self, part: bytes) -> Whole | None:
        """Takes the next piece; None while more is to come."""
        if self.began:
            return self._more(part)
        whole = self._heads.whole(part)
        if whole is None:
            whole = self._more(part)
            if whole is not None:
                self._heads.keep_short(part, whole)
        return whole

    def _more(self, part: bytes) -> Whole | None:
        if self._left is not None:
            return self._count(len(part))
        self._heard += part
        if len(self._heard) > self._bound:
            return _BROKEN
        if self._head is None and not self._found_head():
            return None
        if self._known is not None:
            assert self._head is not None
            self._left = self._known.length
            body = len(self._heard) - len(self._head)
            self._heard.clear()
            return self._count(body)
        if len(self._heard) < self._needed:
            return None
        if self._chunked and not self._heard.endswith((b"\n\r\n", b"\n\n")):
            return None
        return self._read(ended=False)

    def end(self) -> Whole:
        """The server has closed: what came is all there is."""
        if self._left is not None:
            return _BROKEN
        return self._read(ended=True) or _BROKEN

    def _found_head(self) -> bool:
        found = _END_OF_HEAD.search(self._heard)
        if found is None:
            return False
        self._head = bytes(self._heard[: found.end()])
        self._known = self._heads.find(self._head)
        return True

    def _count(self, came: int) -> Whole | None:
        assert self._left is not None
        assert self._known is not None
        self._left -= came
        if self._left > 0:
            return None
        whole = self._known.whole
        return whole if self._left == 0 else Whole(ok=whole.ok, keeps_alive=False)

    def _read(self, *, ended: bool) -> Whole | None:
        replay = _Replay(bytes(self._heard), ended=ended)
        answer = Answer(replay, method=self._method, bound=self._bound)
        try:
            problem, _ = answer.fetch()
        except _UnfinishedError:
            self._chunked = answer.is_chunked
            # A body without a length ends with its connection.
            missing = self._bound if answer.missing is None else answer.missing
            self._needed = len(self._heard) + missing
            return None
        good = problem is None and answer.status is not None and 200 <= answer.status < 300
        surplus = answer.has_surplus()
        whole = Whole(ok=good, keeps_alive=problem is None and answer.keeps_alive and not surplus)
        counted = whole.keeps_alive and not answer.is_chunked and not ended
        # Behind an interim answer (1xx) stands another head.
        if counted and self._head is not None and self._head[9:10] != b"1":
            self._heads.keep(self._head, _Known(len(self._heard) - len(self._head), whole))
        return whole


class _UnfinishedError(Exception):
    """More is to be read than came by now."""


class _Replay(io.RawIOBase):
    """What came of a reply, as the stream that an ``Answer`` is read from."""

    def __init__(self, data: bytes, *, ended: bool) -> None:
        self._data = memoryview(data)
        self._ended = ended
        self.first_byte_at: float | None = None
        self.at_end = False
        self.unsent = 0
        self.broken = False
        self.over = False

    def readable(self) -> bool:
        """Always; ``io.BufferedReader`` asks."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Gives what there is; at its end it raises, unless nothing more will come."""
        if not self._data and not (self._ended or self.over):
            raise _UnfinishedError
        room = memoryview(buffer)
        count = min(room.nbytes, len(self._data))
        room[:count] = self._data[:count]
        self._data = self._data[count:]
        self.at_end = count == 0
        return count
