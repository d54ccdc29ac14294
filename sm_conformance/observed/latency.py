"""Measures how long a warm server takes to answer, one request after another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from sm_conformance.observed.http import Address, Session


@dataclass(frozen=True, slots=True)
class Summary:
    """The times of ``count`` requests in milliseconds; all 0 when there are none.

    Percentiles are exact: the nearest rank among all samples, no interpolation. With fewer than
    100 samples that rank is the last, so ``p99_ms`` is the maximum and ``p99_is_max`` says so.
    ``failures`` counts the samples that were not a complete answer with a status of 200 to 299;
    their times are among the samples. ``seconds`` is what the sampling took.
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

    def as_report(self) -> dict[str, int | float | bool]:
        """The entry of ``latency`` in ``report.json``, times rounded to a microsecond."""
        return {
            "count": self.count,
            "p50_ms": round(self.p50_ms, 3),
            "p90_ms": round(self.p90_ms, 3),
            "p99_ms": round(self.p99_ms, 3),
            "max_ms": round(self.max_ms, 3),
            "p99_is_max": self.p99_is_max,
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
) -> Summary:
    """Sends one request after another and times each from its first byte to the last of its answer.

    One connection is kept while the server keeps it; connecting is not part of any time. The first
    ``warmup`` requests do not count. Sampling ends after ``samples`` requests, or with the first
    that ends after ``budget_s`` seconds; warming up has the same budget for itself. No single
    request outlives ``limit_s``. Raises what ``http.exchange`` raises.
    """
    times_ms: list[float] = []
    failures = 0
    with Session(address) as session:

        def send() -> tuple[float, bool]:
            reply = session.exchange(
                method=method, path=path, headers=headers, body=body, limit_s=limit_s
            )
            return reply.elapsed_s * 1000, reply.ok

        started = perf_counter()
        for _ in range(warmup):
            send()
            if perf_counter() - started >= budget_s:
                break
        started = perf_counter()
        for _ in range(samples):
            time_ms, ok = send()
            times_ms.append(time_ms)
            failures += not ok
            if perf_counter() - started >= budget_s:
                break
        seconds = perf_counter() - started
    return summarise(times_ms, failures=failures, seconds=seconds)


def summarise(samples_ms: Sequence[float], *, failures: int, seconds: float) -> Summary:
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
    )


def _nearest_rank(ordered: Sequence[float], *, percent: int) -> float:
    # Whole numbers, because 0.99 * 100 in floating point may be just above 99.
    rank = math.ceil(percent * len(ordered) / 100)
    return ordered[rank - 1] if ordered else 0.0
