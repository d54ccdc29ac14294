"""What the user sees: our words, and the logs of the containers as they are written.

The candidate is hostile: each line of a log stands behind the name of its launch, escaped, so that it
can neither move a cursor nor pass for a line of ours.
"""

from __future__ import annotations

import re
import sys
import threading
from queue import Empty, SimpleQueue

from sm_conformance.engine.protocol import Container, Launch
from sm_conformance.observed.http import printable
from sm_conformance.secrecy.mask import Mask

# Of each stream, at one look; who writes more than a terminal takes is not waited for.
_MOST_BYTES = 64 * 1024
# A line that does not end is shown in pieces of this length.
_LONGEST_LINE = 16 * 1024
# A carriage return begins a line anew; a program that shows its progress ends lines with it.
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


class Desk:
    """Shows from one thread what several threads say, and what containers write."""

    def __init__(self, command: str) -> None:
        self._name = f"sm-conformance {command}"
        self._said: SimpleQueue[str] = SimpleQueue()
        self._lock = threading.Lock()
        self._followed: list[_Followed] = []
        self._mask = Mask()

    def hide(self, mask: Mask) -> None:
        """From now on nothing is shown of the secrets that ``mask`` knows."""
        self._mask = mask

    def follow(self, launch: Launch, container: Container) -> None:
        """From now on what the container writes is shown."""
        with self._lock:
            self._followed.append(_Followed(launch.name, container, self._mask))

    def say(self, text: str) -> None:
        """Hands over words of ours; they are shown with the next look, below the logs so far.

        Lines after the first are indented and bare, so that commands can be copied.
        """
        text = self._mask.text(text)
        self._said.put(f"{self._name}: {text}".replace("\n", "\n  "))

    def show(self, *, last: bool = False) -> None:
        """Shows what is new; the ``last`` time also lines that have not ended."""
        with self._lock:
            followed = list(self._followed)
        words = []
        while True:  # said before the logs are read, so that these come first
            try:
                words.append(self._said.get_nowait())
            except Empty:
                break
        shown = [line for one in followed for line in one.lines(last=last)]
        _write([*shown, *words])


class _Followed:
    """The log of one container, as far as it was shown."""

    def __init__(self, name: str, container: Container, mask: Mask) -> None:
        self._name = name
        self._container = container
        self._mask = mask
        self._seen = (0, 0)
        self._held = [b"", b""]

    def lines(self, *, last: bool) -> list[str]:
        """What came since the last look, line by line."""
        found = self._container.log.after(self._seen)
        shown = []
        for stream, (piece, lost) in enumerate(found):
            cut = max(0, len(piece) - _MOST_BYTES)
            if lost + cut:
                shown += [*self._taken(stream, b"", last=True), f"[{lost + cut} bytes not shown]"]
            shown += self._taken(stream, piece[cut:], last=last)
        (stdout, no_stdout), (stderr, no_stderr) = found
        self._seen = (
            self._seen[0] + no_stdout + len(stdout),
            self._seen[1] + no_stderr + len(stderr),
        )
        return [f"{self._name} | {line}" for line in shown]

    def _taken(self, stream: int, piece: bytes, *, last: bool) -> list[str]:
        # No secret has the end of a line in it, and none is cut before it was seen whole.
        longest = _LONGEST_LINE + self._mask.longest
        *lines, rest = _LINE_END.split(self._mask.content(self._held[stream] + piece))
        while len(rest) > longest or (last and rest):
            lines.append(rest[:_LONGEST_LINE])
            rest = rest[_LONGEST_LINE:]
        self._held[stream] = rest
        return [_shown(line) for line in lines]


def _shown(line: bytes) -> str:
    return printable(line.decode("utf-8", "backslashreplace").expandtabs().rstrip())


def _write(lines: list[str]) -> None:
    if not lines:
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    text = "".join(f"{line}\n" for line in lines)
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()
