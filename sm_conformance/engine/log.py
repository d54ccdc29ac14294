"""Keeps what a container writes: the first and the last part of each stream, never more."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable

_HEAD_BYTES = 256 * 1024
_TAIL_BYTES = 1024 * 1024


class _Stream:
    """One stream, bounded: a head, a tail and a count of what fell between them."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.tail: deque[bytes] = deque()
        self.tail_bytes = 0
        self.total = 0

    def add(self, chunk: bytes) -> None:
        self.total += len(chunk)
        room = _HEAD_BYTES - len(self.head)
        if room > 0:
            self.head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self.tail.append(chunk)
            self.tail_bytes += len(chunk)
        while self.tail_bytes > _TAIL_BYTES and len(self.tail) > 1:
            self.tail_bytes -= len(self.tail.popleft())

    @property
    def lost(self) -> int:
        return self.total - len(self.head) - self.tail_bytes

    def text(self) -> bytes:
        gap = b"\n[... %d bytes not kept ...]\n" % self.lost if self.lost else b""
        return bytes(self.head) + gap + b"".join(self.tail)

    def after(self, seen: int) -> tuple[bytes, int]:
        """What came after the first ``seen`` bytes as far as it is kept, and how many are not."""
        begins = self.total - self.tail_bytes
        left = max(seen, len(self.head))
        lost = max(0, begins - left)
        wanted = self.total - left - lost
        pieces: list[bytes] = []
        for chunk in reversed(self.tail):
            if wanted <= 0:
                break
            pieces.append(chunk[-wanted:])
            wanted -= len(chunk)
        return bytes(self.head[seen:]) + b"".join(reversed(pieces)), lost


class LogCapture:
    """Reads the two streams of a container in a thread until they end."""

    def __init__(self, frames: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        self._streams = (_Stream(), _Stream())
        self._lock = threading.Lock()
        self._first_at: float | None = None
        self._last_at: float | None = None
        self._ended_at: float | None = None
        self._thread = threading.Thread(target=self._read, args=(frames,), daemon=True)
        self._thread.start()

    def _read(self, frames: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        try:
            for frame in frames:
                now = time.monotonic()
                with self._lock:
                    self._first_at = self._first_at or now
                    self._last_at = now
                    for stream, chunk in zip(self._streams, frame, strict=True):
                        if chunk:
                            stream.add(chunk)
        except (OSError, ValueError):
            # The connection went with the container or with the engine; what was read stays.
            return
        finally:
            self._ended_at = time.monotonic()
            close = getattr(frames, "close", None)
            if close is not None:
                with contextlib.suppress(OSError, AttributeError):
                    close()

    def finish(self, timeout_s: float) -> bool:
        """Waits until both streams have ended, at most ``timeout_s`` seconds; whether they have."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def stdout(self) -> bytes:
        with self._lock:
            return self._streams[0].text()

    def stderr(self) -> bytes:
        with self._lock:
            return self._streams[1].text()

    def after(self, seen: tuple[int, int]) -> tuple[tuple[bytes, int], tuple[bytes, int]]:
        """For each stream what came after so many bytes, and how many of these are not kept."""
        with self._lock:
            stdout, stderr = self._streams
            return stdout.after(seen[0]), stderr.after(seen[1])

    @property
    def total_bytes(self) -> int:
        with self._lock:
            return self._streams[0].total + self._streams[1].total

    @property
    def lost_bytes(self) -> int:
        """How much was written between the head and the tail that are kept."""
        with self._lock:
            return self._streams[0].lost + self._streams[1].lost

    @property
    def first_at(self) -> float | None:
        return self._first_at

    @property
    def last_at(self) -> float | None:
        return self._last_at

    @property
    def ended_at(self) -> float | None:
        """When both streams had ended; None while one is open."""
        return self._ended_at
