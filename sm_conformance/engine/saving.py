"""Writes an archive stream of the engine down, no more of it than a bound allows."""

from __future__ import annotations

import contextlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from requests.exceptions import RequestException

from sm_conformance.errors import HarnessTrouble

_BLOCK_BYTES = 1 << 16


class _Full(Exception):
    """The bound is reached."""


class _Copy:
    """A stream that is written to a file as far as it is read."""

    def __init__(self, stream: Iterator[bytes], file: BinaryIO, limit_bytes: int) -> None:
        self._stream = stream
        self._file = file
        self._held = bytearray()
        self.left = limit_bytes

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, none at the end. Raises ``_Full``."""
        while len(self._held) < size and (chunk := next(self._stream, b"")):
            self._held += chunk
        piece = bytes(self._held[:size])
        if len(piece) > self.left:
            raise _Full
        del self._held[: len(piece)]
        self.left -= len(piece)
        self._file.write(piece)
        return piece


def write_bounded(stream: Any, to: Path, limit_bytes: int, *, name: str) -> bool:
    """Writes a tar stream of the engine into ``to``; False when it was cut at the limit.

    An entry that is larger than what is left is not waited for: its head, which tells the size, is
    the last that is written.
    """
    try:
        with contextlib.closing(stream), to.open("wb") as file:
            copy = _Copy(iter(stream), file, limit_bytes)
            with contextlib.suppress(tarfile.TarError):  # not ours to judge, only to write down
                _copy_entries(copy)
            while copy.read(_BLOCK_BYTES):
                pass
    except _Full:
        return False
    except (RequestException, OSError) as error:
        raise HarnessTrouble(f"{name} could not be read or written down: {error}") from error
    return True


def _copy_entries(copy: _Copy) -> None:
    with tarfile.open(fileobj=copy, mode="r|", bufsize=_BLOCK_BYTES) as archive:  # type: ignore[call-overload]
        while (member := archive.next()) is not None:
            archive.members.clear()  # a hostile archive has millions
            # Of the content, a block may have been read with the head.
            if member.size - _BLOCK_BYTES > copy.left:
                raise _Full
