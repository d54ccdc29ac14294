"""How a server did with several callers at once, as frozen values."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sm_conformance.observed.http import Reply

# Pings of 2.01 to 2.3 s were seen beside load on two busy processors, of images that work.
_PING_MARGIN = 1.25
# Fewer slow connections than this share of the calls are an overflow or two of a short queue, which is lawful.
_SLOW_SHARE = 0.1
# What a call got whose answer is not the one that is declared of it, nor that to another request.
UNDECLARED = "undeclared"
_NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_MOST_COMPARED = 64 * 1024
_DIGITS = 1e-3


@dataclass(frozen=True, slots=True)
class Call:
    """One request among others, its body forgotten.

    ``connect_s`` is None where no connection was made; then ``elapsed_s`` is what trying took, else
    what the answer took after it. ``got`` is the request whose answer came: its own name, that of
    another request, ``UNDECLARED``, or "" where that cannot be told.
    """

    request: str
    status: int | None
    ok: bool
    problem: str | None
    connect_s: float | None
    elapsed_s: float
    said: str
    got: str = ""

    @property
    def connected(self) -> bool:
        """Whether the server's side took the connection."""
        return self.connect_s is not None


def call_of(request: str, reply: Reply, *, got: str = "") -> Call:
    """What is kept of a reply."""
    return Call(
        request=request,
        status=reply.status,
        ok=reply.ok,
        problem=reply.problem,
        connect_s=reply.connect_s,
        elapsed_s=reply.elapsed_s,
        said=reply.describe(),
        got=got,
    )


@dataclass(frozen=True, slots=True)
class Round:
    """One bout of load: what callers asked at once, each on a new connection, and pings beside it.

    ``seconds`` is the time from the start to the last answer that a caller got.
    """

    callers: int
    seconds: float
    calls: tuple[Call, ...]
    pings: tuple[Call, ...]

    def failed(self) -> tuple[Call, ...]:
        """Calls that were connected and not answered with 2xx."""
        return tuple(one for one in self.calls if one.connected and not one.ok)

    def swapped(self) -> tuple[Call, ...]:
        """Calls that got the answer to another request."""
        return tuple(one for one in self.calls if one.got not in ("", one.request))

    def slow_pings(self, *, limit_s: float) -> tuple[Call, ...]:
        """Pings that waited clearly longer than ``limit_s`` for their 200, or in vain."""
        return tuple(
            one
            for one in self.pings
            if one.connected
            and one.elapsed_s > judged_ping_s(limit_s)
            and (one.status == 200 or one.problem == "timeout")
        )

    def sick_pings(self) -> tuple[Call, ...]:
        """Pings that were answered with something else than 200, or cut."""
        return tuple(
            one
            for one in self.pings
            if one.connected and one.status != 200 and one.problem != "timeout"
        )

    def slow_connects(self, *, limit_ms: float) -> tuple[Call, ...]:
        """Calls and pings whose connection took longer than ``limit_ms`` or failed."""
        return tuple(
            one
            for one in (*self.calls, *self.pings)
            if one.connect_s is None or one.connect_s * 1000 > limit_ms
        )

    def connects_slowly(self, *, limit_ms: float, at_least: int) -> bool:
        """Whether ``at_least`` connections, and more than one for ten calls, were slow or failed."""
        slow = len(self.slow_connects(limit_ms=limit_ms))
        return slow >= at_least and slow > _SLOW_SHARE * len(self.calls)


@dataclass(frozen=True, slots=True)
class Load:
    """What load showed. A second round is there only where the first showed something bad.

    ``why_not`` says why there was none, ``not_compared`` why answers could not be told apart.
    ``steady``: the answers stayed the same when as many requests came one after another; None where
    nobody asked, or not often enough to tell. ``after`` and ``ping_after`` came when all was quiet
    again; ``ended``: the server had ended by itself then.
    """

    rounds: tuple[Round, ...] = ()
    why_not: str = ""
    not_compared: str = ""
    steady: bool | None = None
    after: Reply | None = None
    ping_after: Reply | None = None
    ended: bool = False

    @property
    def survived(self) -> bool:
        """Whether a good request succeeded afterwards."""
        return not self.ended and (self.after is None or self.after.ok)

    @property
    def well(self) -> bool:
        """Whether a ping succeeded afterwards too."""
        return self.survived and (self.ping_after is None or self.ping_after.status == 200)

    def each(self, bad: Callable[[Round], object]) -> bool:
        """Whether both rounds were ``bad``: one alone is no verdict."""
        return len(self.rounds) > 1 and all(bad(one) for one in self.rounds)

    def as_report(self, *, direct: bool) -> dict[str, int | float | None] | None:
        """The entry ``load`` of ``report.json``, by the first round; None where there was none.

        ``direct``: the connections were accepted by the server itself.
        """
        if not self.rounds:
            return None
        one = self.rounds[0]
        connects = [call.connect_s for call in (*one.calls, *one.pings) if call.connect_s]
        return {
            "callers": one.callers,
            "requests": len(one.calls),
            "failed": sum(not call.ok for call in one.calls),
            "swapped": len(one.swapped()),
            "seconds": round(one.seconds, 3),
            "per_second": round(len(one.calls) / one.seconds, 1) if one.seconds else 0.0,
            "slowest_ms": _slowest_ms(call.elapsed_s for call in one.calls),
            "pings": len(one.pings),
            "pings_failed": sum(ping.status != 200 for ping in one.pings),
            "slowest_ping_ms": _slowest_ms(ping.elapsed_s for ping in one.pings),
            "slowest_connect_ms": _slowest_ms(connects) if direct and connects else None,
        }


def judged_ping_s(limit_s: float) -> float:
    """How long a ping beside load may take before it is told, in seconds."""
    return limit_s * _PING_MARGIN


def _slowest_ms(times_s: Iterable[float]) -> float:
    return round(max(times_s, default=0.0) * 1000, 3)


def alike_but_for_digits(one: bytes, other: bytes) -> bool:
    """Whether two answers differ in nothing but the last digits of numbers, as they may in batches.

    Also where they are too long to be compared.
    """
    if max(len(one), len(other)) > _MOST_COMPARED:
        return True
    if _NUMBER.sub(b"0", one) != _NUMBER.sub(b"0", other):
        return False
    numbers = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(
        math.isclose(float(a), float(b), rel_tol=_DIGITS, abs_tol=_DIGITS) for a, b in numbers
    )
