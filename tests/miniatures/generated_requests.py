"""Little liars that requests bring to light which are made up."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message
from itertools import count

from miniatures.container import Miniature
from miniatures.inside import Answer, Inside, Program
from miniatures.lawful import afresh, invocation, lawful_but, ping, serves, serving
from miniatures.sins import Sin


def _tires(after: int) -> Program:
    """Ends when it has answered so many requests, whatever they are."""

    def serve(inside: Inside) -> int:
        seen = count(1)

        def tired() -> None:
            if next(seen) >= after:
                inside.asked_to_stop.set()

        def pinged(headers: Message) -> int:
            tired()
            return ping(headers)

        def asked(headers: Message, body: bytes) -> Answer:
            tired()
            return invocation(headers, body)

        return serving(ping=pinged, invocation=asked)(inside)

    return serve


def _breaks_on_nan(headers: Message, body: bytes) -> Answer:
    if b"NaN" in body:
        return 500, "text/plain", b"out of range\n"
    return invocation(headers, body)


def _takes_one_row(headers: Message, body: bytes) -> Answer:
    """Of JSON, that is."""
    status, kind, text = invocation(headers, body)
    many = kind == "application/json" and b"," in text
    return (400, "text/plain", b"one row, please\n") if many else (status, kind, text)


def _answers_with_text(headers: Message, body: bytes) -> Answer:
    status, kind, text = invocation(headers, body)
    return status, kind, b'["none"]' if text == b"[0, 0]" else text


def _mixes_callers_up() -> Callable[[Message, bytes], Answer]:
    """What one caller was refused for is the answer to the next."""
    left_over: list[bytes] = []

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        if b"sm-conformance" in body:
            left_over.append(b"7\n")
        elif status == 200 and left_over:
            text = left_over.pop()
        return status, kind, text

    return answer


def _learns() -> Callable[[Message, bytes], Answer]:
    """A text in a request changes its answers for good."""
    learned: list[bytes] = []

    def answer(headers: Message, body: bytes) -> Answer:
        if b",sm-conformance" in body:
            learned.append(body)
        status, kind, text = invocation(headers, body)
        return status, kind, b"9\n" if learned and status == 200 else text

    return answer


def _counts() -> Callable[[Message, bytes], Answer]:
    seen = count()

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        return status, kind, f"{next(seen)}\n".encode() if status == 200 else text

    return answer


def _two_workers() -> Callable[[Message, bytes], Answer]:
    """Each has an answer of its own, and the second comes seldom."""
    seen = count()

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        return status, kind, b"1\n" if status == 200 and next(seen) % 13 == 12 else text

    return answer


MINIATURES: dict[str, Miniature] = {
    "tires": lawful_but("It ends after some number of requests.", serve=_tires(180)),
    "starves": lawful_but(
        "It ends when what it keeps of each request has filled its memory.",
        serve=_tires(180),
        memory_killed=True,
    ),
    "breaks-on-nan": serves("NaN makes it say 500.", invocation=_breaks_on_nan),
    "takes-one-row": serves("It refuses several rows of JSON.", invocation=_takes_one_row),
    "answers-with-text": serves(
        "To two rows it answers with a text.", invocation=_answers_with_text
    ),
    "mixes-callers-up": lawful_but(
        "It answers with what is left of another request.",
        serve=afresh(lambda: serving(invocation=_mixes_callers_up())),
    ),
    "learns": lawful_but(
        "It learns from whatever it is sent.",
        serve=afresh(lambda: serving(invocation=_learns())),
    ),
    "numbers-its-answers": lawful_but(
        "It numbers its answers.", serve=afresh(lambda: serving(invocation=_counts()))
    ),
    "two-workers": lawful_but(
        "Its workers do not agree.", serve=afresh(lambda: serving(invocation=_two_workers()))
    ),
}
SERVING_SINS = [
    Sin("breaks-on-nan", "HOST-025 mutilated-requests", "advice",
        says="NaN in the place of cell 1: 500 Internal Server Error"),
    Sin("mixes-callers-up", "HOST-029 survives-mutilated-requests", "advice",
        says="sm-conformance\\n': a good request gets '7\\n', and got '0\\n' before"),
    Sin("learns", "HOST-029 survives-mutilated-requests", "advice",
        says="a text in the place of cell 4, '5.1,3.5,1.4,sm-conformance\\n': a good request"),
]  # fmt: skip
