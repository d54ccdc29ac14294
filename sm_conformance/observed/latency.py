"""Measures how long a warm server takes to answer, one request after another."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from sm_conformance.observed import sending
from sm_conformance.observed.http import Address
from sm_conformance.observed.lane import Exchange
from sm_conformance.observed.lanes import Lanes

# How sure the interval of a percentile is; half of the rest lies on either side of it.
CONFIDENCE = 0.95
_FEW_PIECES = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """The times of ``count`` requests in milliseconds; all 0 when there are none.

    Percentiles are exact: the nearest rank among all samples, no interpolation. With fewer than
    100 samples that rank is the last, so ``p99_ms`` is the maximum and ``p99_is_max`` says so.
    ``failures`` counts the samples that were not a complete answer with a status of 200 to 299;
    their times are among the samples. ``seconds`` is what the sampling took.

    ``samples_ms`` are in the order in which the requests began, ``tails_ms`` beside them how long
    each reply in a few pieces went on after its first byte, and 0 for any other.
    """

    count: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    max_ms: float
    p99_is_max: bool
    failures: int
    seconds: float
    samples_ms: tuple[float, ...]
    tails_ms: tuple[float, ...] = ()

    @property
    def p99_between_ms(self) -> tuple[float | None, float | None]:
        """Where the true 99th percentile lies, as sure as ``CONFIDENCE``; None: not known."""
        low, high = ranks_of_p99(self.count)
        ordered = sorted(self.samples_ms)
        return (ordered[low - 1] if low else None, ordered[high - 1] if high else None)

    def as_report(self) -> dict[str, int | float | bool | None]:
        """The entry of ``latency`` in ``report.json``, times rounded to a microsecond."""
        low, high = self.p99_between_ms
        return {
            "count": self.count,
            "p50_ms": round(self.p50_ms, 3),
            "p90_ms": round(self.p90_ms, 3),
            "p99_ms": round(self.p99_ms, 3),
            "max_ms": round(self.max_ms, 3),
            "p99_is_max": self.p99_is_max,
            "p99_low_ms": None if low is None else round(low, 3),
            "p99_high_ms": None if high is None else round(high, 3),
            "failures": self.failures,
        }


def measure(
    address: Address,
    *,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    limit_s: float,
    samples: int = 100,
    budget_s: float = 30.0,
    warmup: int = 3,
    connections: int = 1,
) -> Summary:
    """Sends one request after another and times each from its first byte to the last of its answer.

    Each of the ``connections`` is kept while the server keeps it, and has one request under way;
    connecting is not part of any time. The first ``warmup`` requests do not count. Sampling ends
    after ``samples`` requests, or with the first that ends after ``budget_s`` seconds; warming up
    has the same budget for itself. No single request outlives ``limit_s``. Raises what
    ``http.exchange`` raises.
    """
    request = sending.whole(address.host, address.port, method, path, headers, body)
    with Lanes(address, request, method=method, keep=True) as lanes, uncollected():
        for count, wanted in ((warmup, False), (samples, True)):
            started = perf_counter()
            over = _one_after_another(
                lanes, count=count, connections=connections, limit_s=limit_s, budget_s=budget_s
            )
            seconds = perf_counter() - started
            if wanted:
                return summarise(
                    [(one.ended_at - (one.sent_at or one.began_at)) * 1000 for one in over],
                    failures=sum(not one.ok for one in over),
                    seconds=seconds,
                    tails_ms=[tail_ms(one) for one in over],
                )
    raise AssertionError("the samples are the last")


def _one_after_another(
    lanes: Lanes, *, count: int, connections: int, limit_s: float, budget_s: float
) -> list[Exchange]:
    """``count`` exchanges over as many connections, in the order in which they began."""
    over: list[Exchange] = []
    begun = 0
    started = perf_counter()

    def following(now: float) -> tuple[int, float] | None:
        nonlocal begun
        if begun == count or (begun >= connections and now - started >= budget_s):
            return None
        begun += 1
        return begun - 1, now + limit_s

    while True:
        while lanes.under_way < connections:
            first = following(perf_counter())
            if first is None:
                break
            lanes.begin(first[0], deadline=first[1])
        going = lanes.under_way
        over.extend(lanes.pursue(following))
        if not going:
            return sorted(over, key=lambda one: one.number)


def tail_ms(one: Exchange) -> float:
    """How long a reply in a few pieces went on after its first byte, milliseconds; 0 of any other.

    One in many pieces is long, or made little by little.
    """
    if one.first_byte_at is None or one.pieces > _FEW_PIECES:
        return 0.0
    return (one.ended_at - one.first_byte_at) * 1000


@contextmanager
def uncollected() -> Iterator[None]:
    """Puts Python's own garbage collector off: its pauses would be taken for the server's."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def summarise(
    samples_ms: Sequence[float],
    *,
    failures: int,
    seconds: float,
    tails_ms: Sequence[float] = (),
) -> Summary:
    """The summary of times that were measured elsewhere; their order is kept."""
    ordered = sorted(samples_ms)
    return Summary(
        count=len(ordered),
        p50_ms=_nearest_rank(ordered, percent=50),
        p90_ms=_nearest_rank(ordered, percent=90),
        p99_ms=_nearest_rank(ordered, percent=99),
        max_ms=_nearest_rank(ordered, percent=100),
        p99_is_max=len(ordered) < 100,
        failures=failures,
        seconds=seconds,
        samples_ms=tuple(samples_ms),
        tails_ms=tuple(tails_ms),
    )


def ranks_of_p99(count: int) -> tuple[int | None, int | None]:
    """The ranks (1 is the least) of two samples between which the true 99th percentile lies.

    The number of samples above that percentile is binomial with 1 in 100, whatever the times are
    distributed like, as long as they do not depend on each other. Of each side that has too few
    samples for ``CONFIDENCE`` the rank is None.
    """
    beyond = (1 - CONFIDENCE) / 2
    high = None
    # The chance of exactly `above` samples above the percentile, and of fewer.
    chance, fewer = 0.99**count, 0.0
    for above in range(count + 1):
        if 1 - fewer <= beyond:
            return count - above + 1, high
        fewer += chance
        if fewer <= beyond:
            high = count - above
        chance *= (count - above) / (above + 1) * 0.01 / 0.99
    return None, None


def _nearest_rank(ordered: Sequence[float], *, percent: int) -> float:
    # Whole numbers, because 0.99 * 100 in floating point may be just above 99.
    rank = math.ceil(percent * len(ordered) / 100)
    return ordered[rank - 1] if ordered else 0.0
