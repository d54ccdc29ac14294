"""Servers that several callers at once bring to light, and lawful ones that look like them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from itertools import count

from miniatures.container import Miniature
from miniatures.declared import REQUESTS, SERVES
from miniatures.inside import Answer, Inside, Program
from miniatures.lawful import afresh, invocation, lawful_but, ping, serving
from miniatures.sins import Sin

_WORK_S = 0.004
_AGES_S = 30.0
_MOMENT_S = 0.5
_LONG_S = 1.7
_IDLE_S = 0.2
# A request that is badly framed may keep a worker while the next one is sent.
_FEW = 2


class _Desk:
    """Who is being served, and whether it was several at once, now or a moment ago.

    The moment bridges the gaps between requests that a busy machine makes, so that none slips in.
    """

    def __init__(self) -> None:
        self._counting = threading.Lock()
        self._busy = 0
        self._crowded_until = 0.0

    @contextmanager
    def served(self) -> Iterator[int]:
        """Counts a request in; how many there are with it."""
        with self._counting:
            self._busy += 1
            now = self._busy
            self._mark()
        try:
            yield now
        finally:
            with self._counting:
                self._mark()
                self._busy -= 1

    def _mark(self) -> None:
        if self._busy > 1:
            self._crowded_until = time.monotonic() + _MOMENT_S

    def quiet(self) -> None:
        """Waits until no two have been served at once for a moment."""
        while (left := self._crowded_until - time.monotonic()) > 0:
            time.sleep(left)

    @property
    def crowded(self) -> bool:
        return time.monotonic() < self._crowded_until


def _working(desk: _Desk) -> Callable[[Message, bytes], Answer]:
    def answer(headers: Message, body: bytes) -> Answer:
        with desk.served():
            time.sleep(_WORK_S)
            return invocation(headers, body)

    return answer


def _keeps_the_request_in_a_global() -> Program:
    last: dict[str, tuple[Message, bytes]] = {}

    def answer(headers: Message, body: bytes) -> Answer:
        last["request"] = headers, body
        time.sleep(_WORK_S)
        return invocation(*last["request"])

    return serving(invocation=answer)


def _adds_callers_up() -> Program:
    desk = _Desk()

    def answer(headers: Message, body: bytes) -> Answer:
        with desk.served() as now:
            time.sleep(_WORK_S)
            status, kind, text = invocation(headers, body)
            return status, kind, text.replace(b"0", b"31") if now > 1 else text

    return serving(invocation=answer)


def _pings_when_idle() -> Program:
    desk = _Desk()

    def waiting(headers: Message) -> int:
        desk.quiet()
        return 200

    return serving(ping=waiting, invocation=_working(desk))


def _sick_when_busy() -> Program:
    desk = _Desk()
    return serving(ping=lambda headers: 503 if desk.crowded else 200, invocation=_working(desk))


def _stays_sick() -> Program:
    desk = _Desk()
    sick: list[bool] = []

    def ill(headers: Message) -> int:
        return 503 if sick else 200

    def answer(headers: Message, body: bytes) -> Answer:
        with desk.served() as now:
            time.sleep(_WORK_S)
            if now > _FEW:
                sick.append(True)
            return invocation(headers, body)

    return serving(ping=ill, invocation=answer)


def _breaks_when_busy() -> Program:
    desk = _Desk()

    def answer(headers: Message, body: bytes) -> Answer:
        with desk.served() as now:
            time.sleep(_WORK_S)
            return (500, "text/plain", b"oh\n") if now > 1 else invocation(headers, body)

    return serving(invocation=answer)


def _locks_up() -> Program:
    """Two locks, taken in the order in which a request names them."""
    locks = threading.Lock(), threading.Lock()

    def answer(headers: Message, body: bytes) -> Answer:
        first, second = locks if "json" in (headers["Content-Type"] or "") else locks[::-1]
        with first:
            time.sleep(_WORK_S)
            if not second.acquire(timeout=_AGES_S):
                return 500, "text/plain", b"stuck\n"
            second.release()
        return invocation(headers, body)

    return serving(invocation=answer)


def _ends_when_busy() -> Program:
    desk = _Desk()
    held: list[Inside] = []

    def answer(headers: Message, body: bytes) -> Answer:
        with desk.served() as now:
            time.sleep(_WORK_S)
            if now > _FEW:
                held[0].asked_to_stop.set()
            return invocation(headers, body)

    return serving(before=held.append, invocation=answer)


def _ends_when_idle() -> Program:
    """Who is only pinged, now and then, is not wanted any more."""
    held: list[Inside] = []
    pinged: list[float] = []

    def counting(headers: Message) -> int:
        now = time.monotonic()
        if pinged and now - pinged[-1] < _IDLE_S:
            pinged.clear()
        pinged.append(now)
        if len(pinged) > _FEW:
            held[0].asked_to_stop.set()
        return ping(headers)

    def answer(headers: Message, body: bytes) -> Answer:
        pinged.clear()
        return invocation(headers, body)

    def begin(inside: Inside) -> None:
        pinged.clear()
        held[:] = [inside]

    return serving(before=begin, ping=counting, invocation=answer)


def _one_after_another() -> Program:
    """As single-threaded servers do: pings wait behind requests, and are answered in time."""
    desk = threading.Lock()

    def waiting(headers: Message) -> int:
        with desk:
            return ping(headers)

    def answer(headers: Message, body: bytes) -> Answer:
        with desk:
            time.sleep(_WORK_S)
            return invocation(headers, body)

    return serving(ping=waiting, invocation=answer)


def _numbered() -> Program:
    """An answer that no other is like, as with a time or a random number in it."""
    numbers = count()

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        number = str(next(numbers)).encode()
        return status, kind, number if kind == "application/json" else text + number

    return serving(invocation=answer)


def _differs_in_batches() -> Program:
    """What is worked on together differs in its last digits from what is worked on alone."""
    desk = _Desk()

    def answer(headers: Message, body: bytes) -> Answer:
        with desk.served() as now:
            time.sleep(_WORK_S)
            status, kind, text = invocation(headers, body)
            return status, kind, text.replace(b"0", f"0.{'0' * now}1".encode())

    return serving(invocation=answer)


def _moody() -> Program:
    """Now and then it answers as if it had been asked something else, also who asks alone."""
    numbers = count()

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        moody = status == 200 and next(numbers) % 7 == 6
        return (200, kind, b"[0]" if text == b"0\n" else b"0\n") if moody else (status, kind, text)

    return serving(invocation=answer)


def _thinks(*, gives_up_s: float | None = None) -> Program:
    """Takes its time for three rows, or gives up."""

    def answer(headers: Message, body: bytes) -> Answer:
        if body.count(b"\n") == 3:
            time.sleep(gives_up_s or _LONG_S)
            if gives_up_s is not None:
                return 504, "text/plain", b"took too long\n"
        return invocation(headers, body)

    return serving(invocation=answer)


def _like(story: str, make: Callable[[], Program]) -> Miniature:
    return lawful_but(story, serve=afresh(make))


MINIATURES: dict[str, Miniature] = {
    "keeps-the-request-in-a-global": _like(
        "Its callers get each other's answers.", _keeps_the_request_in_a_global
    ),
    "adds-callers-up": _like("What it answers is made of all callers' rows.", _adds_callers_up),
    "pings-when-idle": _like("Pings wait until it has been quiet for a moment.", _pings_when_idle),
    "sick-when-busy": _like("Its ping fails while it is busy.", _sick_when_busy),
    "stays-sick": _like("Its ping fails for ever once it was busy.", _stays_sick),
    "breaks-when-busy": _like("It cannot do two things at once.", _breaks_when_busy),
    "locks-up": _like("Two of its requests wait for each other for ever.", _locks_up),
    "ends-when-busy": _like("Two requests at once end it.", _ends_when_busy),
    "one-after-another": _like("It serves one after another.", _one_after_another),
    "ends-when-idle": _like("It ends by itself when nobody asks it anything.", _ends_when_idle),
    "numbered": _like("No two of its answers are alike.", _numbered),
    "differs-in-batches": _like("It answers batches with other digits.", _differs_in_batches),
    "thinks": _like("It takes its time for three rows.", _thinks),
    "gives-up-thinking": _like("It gives up early.", lambda: _thinks(gives_up_s=0.3)),
    "fails-at-once": _like("It has no time for three rows.", lambda: _thinks(gives_up_s=1e-6)),
    "moody": _like("It mixes answers up, whoever asks.", _moody),
}
SLOW = {
    **SERVES,
    "hosting": {
        **SERVES["hosting"],
        "requests": [
            *REQUESTS,
            {"name": "rows", "content_type": "text/csv", "body": "1\n2\n3\n", "takes_s": 50},
        ],
    },
}
SERVING_SINS = [
    Sin("keeps-the-request-in-a-global", "HOST-012 own-answers",
        says="got another answer, for instance alone-"),
    Sin("gives-up-thinking", "HOST-011 own-timeouts", "advice", says="was cut twice after the same",
        declaration=SLOW, limits={"invocation_limit_s": 1}),
    Sin("breaks-when-busy", "HOST-012 concurrent", "advice", says="of 4 callers failed: 500"),
    Sin("locks-up", "HOST-012 concurrent", "advice", says="then one alone: no complete answer",
        limits={"invocation_limit_s": 1, "hosting_stop_limit_s": 0.3}),
    Sin("ends-when-busy", "HOST-012 concurrent", "advice", says="the server ended with 0"),
    Sin("pings-when-idle", "HOST-004 ping-under-load", "advice", says="beside 4 callers a ping",
        limits={"ping_limit_s": 0.3, "sample_requests": 2}),
    Sin("sick-when-busy", "HOST-006 healthy-under-load", "advice", says="pings failed: 503"),
    Sin("stays-sick", "HOST-006 healthy-under-load", "advice", says="all callers had gone: 503"),
]  # fmt: skip
