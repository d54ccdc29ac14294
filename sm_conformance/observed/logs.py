"""What one launch wrote to its streams, and the line of it that says most."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sm_conformance.observed.http import printable

_READ_BYTES = 256 * 1024
_ERROR = re.compile(r"error|exception|fatal|panic|denied|cannot|no such file", re.IGNORECASE)
_REQUEST = re.compile(r"(GET|POST|HEAD) /(ping|invocations)")


@dataclass(frozen=True, slots=True)
class Logs:
    """What was written to both streams; bounded, see ``engine.log``."""

    stdout: bytes
    stderr: bytes
    total_bytes: int
    first_after_s: float | None
    # When the last piece came, and when both streams had ended; seconds after the start.
    last_after_s: float | None = None
    ended_after_s: float | None = None
    # What was written between the kept head and tail of a stream.
    lost_bytes: int = 0

    def tail(self, lines: int = 8, width: int = 200) -> tuple[str, ...]:
        """The last lines of stderr, or of stdout when stderr is empty, safe to print."""
        chosen = self.stderr if self.stderr.strip() else self.stdout
        text = chosen[-lines * 4096 :].decode("utf-8", "replace")
        return tuple(printable(line)[:width] for line in text.splitlines() if line.strip())[-lines:]

    def telling(self) -> str | None:
        """The line that most likely says what went wrong, safe to print; None of an empty log.

        That is the last one that names an error, else the last one; requests that were logged do
        not count.
        """
        lines = [
            line
            for stream in (self.stderr, self.stdout)
            for line in reversed(stream[-_READ_BYTES:].decode("utf-8", "replace").splitlines())
            if line.strip() and not _REQUEST.search(line)
        ]
        named = (line for line in lines if _ERROR.search(line))
        found = next(named, lines[0] if lines else None)
        return printable(found.strip())[:300] if found else None

    def mentions(self, *words: str) -> str | None:
        """The last line, safe to print, that holds one of ``words`` (case-blind); None if none does."""
        for stream in (self.stderr, self.stdout):
            for line in reversed(stream.decode("utf-8", "replace").splitlines()):
                if any(word.lower() in line.lower() for word in words):
                    return printable(line.strip())[:200]
        return None
