"""What the platform shows of a failure file: its first characters, and whether they say enough."""

from __future__ import annotations

import re
from dataclasses import dataclass

# A character of UTF-8 has at most so many bytes.
_CHARACTER_BYTES = 4
# An error line that is cut after so many characters still says what went wrong.
_ENOUGH = 40


@dataclass(frozen=True, slots=True)
class _Trace:
    """How a language writes a trace: what it begins with, and what the error itself looks like.

    An error whose group ``said`` is empty does not say what happened. ``error_last``: the error
    stands behind its trace, never before.
    """

    language: str
    begins: re.Pattern[str]
    error: re.Pattern[str]
    error_last: bool


_TRACES = (
    _Trace(
        language="Python",
        begins=re.compile(r"^Traceback \(most recent call last\):", re.MULTILINE),
        error=re.compile(r"^(?P<said>[A-Za-z_][\w.]*(?::.*)?)$", re.MULTILINE),
        error_last=True,
    ),
    _Trace(
        language="Java",
        begins=re.compile(r"^[ \t]+at [\w.$/<>]+\(", re.MULTILINE),
        error=re.compile(
            r"^(?:Exception in thread \"[^\"\n]*\" |Caused by: )?"
            r"[\w.$]+(?:Exception|Error|Throwable)(?P<said>: .+)?$",
            re.MULTILINE,
        ),
        error_last=False,
    ),
    _Trace(
        language="R",
        begins=re.compile(r"^(?:\[\[1\]\]|Backtrace:|[0-9]+: .+\()", re.MULTILINE),
        error=re.compile(r"^(?:<simpleError\b|Error(?: in .*?)? ?:|! )(?P<said>.*)$", re.MULTILINE),
        error_last=False,
    ),
)


@dataclass(frozen=True, slots=True)
class Reason:
    """``shown`` is what FailureReason would be, ``wrong`` why that does not say what happened."""

    shown: str
    wrong: str | None


def says_something(content: bytes) -> bool:
    """Whether there is anything to be read in it: more than blanks and what nobody sees."""
    text = content.decode("utf-8", "replace")
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def reason(content: bytes, *, limit_chars: int) -> Reason:
    """What a failure file comes to on the platform, which shows its first ``limit_chars``."""
    head = content[: limit_chars * _CHARACTER_BYTES]
    text = content.decode("utf-8-sig", "replace")
    shown = text[:limit_chars]
    if not _is_utf8(head, limit_chars):
        return Reason(shown=shown, wrong="it is not UTF-8")
    if not says_something(shown.encode("utf-8", "replace")):
        return Reason(shown=shown, wrong=f"its first {limit_chars} characters are blank")
    cut = len(content) >= limit_chars and len(text) <= limit_chars
    return Reason(shown=shown, wrong=_buried(text, limit_chars, cut=cut))


def _is_utf8(head: bytes, limit_chars: int) -> bool:
    """Whether what is shown of ``head`` is UTF-8; at its end a character may be cut."""
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return True
        return len(head[: error.start].decode("utf-8")) >= limit_chars
    return True


def _buried(text: str, limit_chars: int, *, cut: bool) -> str | None:
    """Says that the error itself stands behind a trace, where nobody is shown it.

    ``cut``: the program itself kept no more than is shown.
    """
    for trace in _TRACES:
        began = trace.begins.search(text, 0, limit_chars)
        if began is None:
            continue
        if _own_words(trace, text[: began.start()]):
            return None
        errors = list(trace.error.finditer(text, began.end() if trace.error_last else 0))
        telling = [error for error in errors if error.group("said")]
        if any(_ends_in_time(error, limit_chars) for error in telling):
            return None
        if telling:
            last = telling[-1]
            if trace.error_last:  # a message may have many lines, of which the first is one
                latest = list(trace.begins.finditer(text))[-1].end()
                last = next((error for error in telling if error.start() > latest), last)
            return (
                f"they show a {trace.language} trace; the error itself, '{last.group()[:200]}', "
                f"begins at character {last.start() + 1}"
            )
        if trace.error_last and cut:
            return f"they show a {trace.language} trace that is cut before the error itself"
    return None


def _own_words(trace: _Trace, before: str) -> bool:
    """Whether the program says something before the trace; a heading alone says nothing."""
    lines = [line.strip() for line in before.splitlines() if line.strip()]
    if not trace.error_last:
        lines = [line for line in lines if not trace.error.fullmatch(line)]
    return any(not line.endswith(":") for line in lines)


def _ends_in_time(error: re.Match[str], limit_chars: int) -> bool:
    return error.start() + min(len(error.group()), _ENOUGH) <= limit_chars
