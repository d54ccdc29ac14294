"""Reads an unpacked stream forward only, so much at a time and so much in all."""

from __future__ import annotations

import gzip
from typing import Protocol

# One read of a header; lists of long names and attributes are far below.
_MOST_HEADER_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 20
# What the reader of gzip says of content that is not what was packed, rather than of a tail.
_DAMAGED = ("CRC check failed", "Incorrect length")


class Enough(Exception):
    """There is more than is read."""


class Source(Protocol):
    """What is read from."""

    def read(self, size: int, /) -> bytes: ...


class Forward:
    """An unpacked stream that is read once, so much at a time and so much in all; no more."""

    def __init__(self, source: Source, *, most_bytes: int) -> None:
        self._source = source
        self._most_bytes = most_bytes
        self._at = 0
        # What the last read of a header gave.
        self.last = b""

    def tell(self) -> int:
        return self._at

    def seek(self, to: int) -> None:
        """Forward only: a tar file is read in its order."""
        while self._at < to:
            if not self._take(min(_CHUNK_BYTES, to - self._at)):
                return

    def read(self, size: int) -> bytes:
        """As much as is asked for, less only at the end."""
        if size > _MOST_HEADER_BYTES:
            raise Enough
        self.last = self._take(size)
        return self.last

    def drain(self) -> None:
        """Reads what follows the archive's own end: whether all came as it was packed."""
        try:
            while self._take(_CHUNK_BYTES):
                pass
        except gzip.BadGzipFile as error:
            # Bytes behind the last member are ignored by all that unpack.
            if str(error).startswith(_DAMAGED):
                raise
        except Enough:
            return

    def _take(self, size: int) -> bytes:
        if self._at + size > self._most_bytes:
            raise Enough
        taken = self._source.read(size)
        self._at += len(taken)
        return taken
