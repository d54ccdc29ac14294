"""Hides known secrets in what goes out, also where they are encoded or cut."""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

from sm_conformance.secrecy.shapes import Secret

_STAR = b"*"
# A candidate chooses how many secrets there are to be looked for.
_MOST_VALUES = 200
_SHORTEST_CUT = 12
# What is left of a secret that was cut counts as one when it has so much of it.
_MUCH = 0.6
_FEWEST_DIGITS = 2
# Of text in base64, which stands in lines of 64 or 76 characters.
_PART, _APART = 24, 32
_DIGIT = re.compile(rb"[0-9]")
_NO_LETTERS = re.compile(rb"[^A-Za-z]+")


@dataclass(frozen=True, slots=True)
class _Needle:
    """One form of a secret; whoever holds one of ``parts``, by their places in it, holds much of it."""

    whole: bytes
    parts: tuple[tuple[int, bytes], ...]

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        for place, part in self.parts:
            at = data.find(part)
            while at >= 0:
                begin, end = at, at + len(part)
                start = at - place  # where the whole would begin
                while begin > max(start, 0) and data[begin - 1] == self.whole[begin - 1 - start]:
                    begin -= 1
                last = min(start + len(self.whole), len(data))
                while end < last and data[end] == self.whole[end - start]:
                    end += 1
                yield begin, end
                at = data.find(part, end)


class Mask:
    """Hides ``secrets`` behind as many stars as they have bytes, so that files keep their form.

    ``longest`` is how many bytes the longest form of one has.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        values = list(dict.fromkeys(value for one in secrets for value in one.values))
        values = values[:_MOST_VALUES]
        needles = {form: _needle(form) for value in values for form in _forms(value)}
        needles |= {form: _in_lines(form) for value in values for form in _in_base64(value)}
        forms = sorted(needles, key=lambda form: -len(form))
        self._needles = tuple(needles[form] for form in forms)
        self.longest = max((len(form) for form in forms), default=0)

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._needles)

    def text(self, text: str) -> str:
        """The text without the secrets."""
        data = text.encode("utf-8", "surrogatepass")
        hidden = self.content(data)
        return text if hidden is data else hidden.decode("utf-8", "replace")

    def content(self, data: bytes) -> bytes:
        """The bytes without the secrets, as many as they were."""
        return _covered(data, self._spans(data))

    def tells(self, pieces: Iterable[bytes]) -> bool:
        """Whether a secret stands in bytes that come in pieces."""
        held = b""
        for piece in pieces:
            held += piece
            if self._spans(held):
                return True
            held = held[max(0, len(held) - self.longest) :]
        return False

    def data(self, data: Any) -> Any:
        """JSON data with the secrets hidden in its texts and its keys."""
        match data:
            case str():
                return self.text(data)
            case dict():
                return {self.data(key): self.data(value) for key, value in data.items()}
            case list() | tuple():
                return [self.data(value) for value in data]
        return data

    def stream(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same bytes in pieces, also where a secret lies in two of them."""
        held, begun = b"", 0  # so many bytes of what is held end a secret whose beginning is out
        for piece in pieces:
            held += piece
            cut = len(held) - self.longest
            if cut <= 0:
                continue
            spans = [(0, begun), *self._spans(held)]
            yield _covered(held[:cut], spans)
            begun = max((end - cut for begin, end in spans if begin < cut < end), default=0)
            held = held[cut:]
        yield _covered(held, [(0, begun), *self._spans(held)])

    def _spans(self, data: bytes) -> list[tuple[int, int]]:
        return [span for needle in self._needles for span in needle.spans(data)]


def _covered(data: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    inside = [(begin, min(end, len(data))) for begin, end in spans if begin < min(end, len(data))]
    if not inside:
        return data
    hidden = bytearray(data)
    for begin, end in inside:
        hidden[begin:end] = _STAR * (end - begin)
    return bytes(hidden)


def _needle(form: bytes) -> _Needle:
    size = len(form) if len(form) < _SHORTEST_CUT else math.ceil(len(form) * _MUCH)
    head, tail = form[:size], form[-size:]
    # A part that is made of words stands in texts that have nothing to do with the secret.
    parts = [(0, form) if _is_words(head) else (0, head)]
    parts += [] if _is_words(tail) else [(len(form) - size, tail)]
    return _Needle(whole=form, parts=tuple(dict.fromkeys(parts)))


def _in_lines(form: bytes) -> _Needle:
    """For text in base64, which is broken into lines anywhere: each line holds a part."""
    if len(form) < 2 * _PART:
        return _needle(form)
    places = (*range(0, len(form) - _PART, _APART), len(form) - _PART)
    return _Needle(whole=form, parts=tuple((at, form[at : at + _PART]) for at in places))


def _is_words(part: bytes) -> bool:
    small = all(run[1:].islower() for run in _NO_LETTERS.split(part) if run[1:])
    return small and len(_DIGIT.findall(part)) < _FEWEST_DIGITS


def _forms(value: str) -> Iterator[bytes]:
    """The value as texts, URLs, JSON and pages have it."""
    in_json = json.dumps(value)[1:-1]
    written = json.dumps(value, ensure_ascii=False)[1:-1]
    for text in (
        value, quote(value, safe=""), quote(value), quote_plus(value), in_json, written,
        in_json.replace("/", "\\/"), html.escape(value), value.encode("utf-8", "replace").hex(),
    ):  # fmt: skip
        yield text.encode("utf-8", "replace")


def _in_base64(value: str) -> Iterator[bytes]:
    plain = value.encode("utf-8", "replace")
    for before in range(3):
        # Only the characters that do not depend on what stands around the value.
        begin, end = math.ceil(8 * before / 6), 8 * (before + len(plain)) // 6
        encoded = base64.b64encode(bytes(before) + plain)[begin:end]
        if len(encoded) >= _SHORTEST_CUT:
            yield encoded
            yield encoded.translate(bytes.maketrans(b"+/", b"-_"))
