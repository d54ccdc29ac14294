"""Known shapes of times, and what usually makes them: words for an owner, never a verdict.

Each function looks at times in milliseconds and returns a sentence or two, or None where it does
not see its shape. Each asks for so much that ordinary noise seldom looks like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median

from sm_conformance.observed import timing
from sm_conformance.observed.latency import Summary
from sm_conformance.observed.paced import Paced
from sm_conformance.observed.run import Server

# Linux acknowledges no later than this when it has nothing to send along (TCP_DELACK_MIN).
_ACKNOWLEDGED_MS = (38.0, 48.0)
# Between those that waited for it and the others there is next to nothing.
_STEP_BASE_MS = 20.0
_FEWEST, _SHARE = 3, 0.05
# The first request is asked while other things go on, so less than this may be their doing.
_COLD_TIMES, _COLD_MS = 5, 250.0
_FEWEST_WAITED = 10
_GROWN_TIMES, _GROWN_MS = 2, 5.0
# A pause is so many times the median and no longer ordinary; pauses are few and evenly spaced.
_PAUSE_TIMES, _PAUSE_MS = 3, 2.0
# So late a harness, in shares of the median of the times, sees no shapes but its own.
_BLUR = 0.2
_FEWEST_PAUSES, _MOST_PAUSES_SHARE, _EVEN = 5, 0.1, 0.15


def of_route(server: Server, route: str) -> list[str]:
    """What the times of one route of a server look like, in sentences; empty of ordinary ones."""
    alone = timing.one_after_another(server, route)
    if alone is None:
        return []
    # The first ping is told, but loads nothing that a later one would not.
    first_ms = timing.first_ms(server, route) if route != "/ping" else None
    return all_of(alone, first_ms=first_ms, under_load=server.paced.get(route))


def all_of(alone: Summary, *, first_ms: float | None, under_load: Paced | None) -> list[str]:
    """What the times of one route look like: one after another, the first of all, and at a rate."""
    acknowledged = delayed_acknowledgement(alone)
    found = [
        cold_start(alone, first_ms=first_ms),
        acknowledged,
        pauses(alone.samples_ms, starts_ms=_one_after_another(alone.samples_ms)),
    ]
    if under_load is not None and _is_blurred(under_load):
        found.append(
            f"At {under_load.rate_per_s:g} requests a second the harness itself was late by "
            f"{under_load.late.p50_ms:.1f} ms (median) and more: the machine was busy with other "
            "things, and these times say little of the server."
        )
    elif under_load is not None:
        times = under_load.times
        queueing = one_at_a_time(alone, under_load)
        beyond = beyond_capacity(under_load)
        found += [
            queueing,
            beyond,
            delayed_acknowledgement(times) if acknowledged is None else None,
        ]
        if queueing is None and beyond is None:
            due_ms = [n * 1000 / under_load.rate_per_s for n in range(times.count)]
            found += [
                grows_with_the_rate(alone, under_load),
                pauses(times.samples_ms, starts_ms=due_ms),
            ]
    return [text for text in found if text is not None]


def cold_start(alone: Summary, *, first_ms: float | None) -> str | None:
    """The first request of all took much longer than those after it."""
    if first_ms is None or alone.count < _FEWEST_WAITED:
        return None
    usual = alone.p50_ms
    if first_ms < max(_COLD_TIMES * usual, usual + _COLD_MS, 1.5 * alone.max_ms):
        return None
    return (
        f"The first request after the start took {first_ms:.0f} ms, later ones {usual:.1f} ms "
        "(median): something is loaded or compiled with the first one. Do that before /ping says "
        "200, or the first caller of each new instance waits for it."
    )


def delayed_acknowledgement(times: Summary) -> str | None:
    """Answers held back for 40 ms: in the midst, or as a step between the times of whole ones."""
    low, high = _ACKNOWLEDGED_MS
    held = [tail for tail in times.tails_ms if low <= tail <= high]
    if _enough(len(held), times.count):
        return (
            f"{len(held)} of {times.count} answers came in two pieces, {median(held):.0f} ms apart: "
            "head and body are written one by one, and the kernel holds the second back until the "
            "first is acknowledged (delayed acknowledgement against Nagle's algorithm). Write both "
            "at once, or set TCP_NODELAY."
        )
    ordered = sorted(times.samples_ms)
    base = ordered[len(ordered) // 10] if ordered else 0.0
    above = [time - base for time in ordered]
    steps = [more for more in above if low <= more <= high]
    between = sum(low / 4 < more < low for more in above)
    if base > _STEP_BASE_MS or not _enough(len(steps), times.count) or between > len(steps) / 10:
        return None
    return (
        f"{len(steps)} of {times.count} requests took {median(steps):.0f} ms more than the quick "
        f"ones ({base:.1f} ms), and next to none lies between: so long a delayed acknowledgement "
        "takes. Look for a hop within the container (a proxy, a worker's socket) that writes head "
        "and body one by one without TCP_NODELAY."
    )


def one_at_a_time(alone: Summary, under_load: Paced) -> str | None:
    """While requests waited, one was over whenever the time of a single one had passed."""
    times, usual = under_load.times.samples_ms, alone.p50_ms
    due_ms = [n * 1000 / under_load.rate_per_s for n in range(len(times))]
    over_ms = [due + time for due, time in zip(due_ms, times, strict=True)]
    # Of each that was due while the one before it was not over: its wait, and its time from then.
    waited = [
        (before - due, over - before, time - usual)
        for before, over, due, time in zip(
            over_ms, over_ms[1:], due_ms[1:], times[1:], strict=False
        )
        if before - due > usual / 4
    ]
    if not _enough(len(waited), len(times), fewest=_FEWEST_WAITED) or usual < 1:
        return None
    gaps = sorted(gap for _, gap, _ in waited)
    least, middle = sorted(alone.samples_ms)[alone.count // 10], median(gaps)
    # With several at a time some follow at once. Where times only differ by themselves, those that
    # overlap are no longer for it.
    paced = 0.7 * usual <= middle <= 1.4 * usual and gaps[len(gaps) // 10] >= 0.7 * least
    if not paced or median(more / wait for wait, _, more in waited) < 0.7:
        return None
    return (
        f"One request at a time: while others waited, one was answered every {middle:.1f} ms, and "
        f"one alone takes {usual:.1f} ms. At {under_load.rate_per_s:g} a second requests wait for "
        f"each other, and {1000 / usual:.0f} a second is all that it can do. More workers, or a "
        "lock less, would shorten the wait."
    )


def beyond_capacity(under_load: Paced) -> str | None:
    """The times grew for as long as the load went on."""
    times = under_load.times.samples_ms
    quarter = len(times) // 4
    if quarter < _FEWEST_WAITED // 2:
        return None
    parts = [median(times[n * quarter : (n + 1) * quarter]) for n in range(4)]
    steady = all(b > a for a, b in pairwise(parts))
    if not steady or parts[3] < 2 * parts[0] or parts[3] - parts[0] < 10 * _GROWN_MS:
        return None
    return (
        f"{under_load.rate_per_s:g} requests a second are more than it answers: the times grew from "
        f"{parts[0]:.0f} to {parts[3]:.0f} ms (medians of the first and the last quarter), and would "
        "have grown on."
    )


def grows_with_the_rate(alone: Summary, under_load: Paced) -> str | None:
    """The median at the rate is a multiple of that of requests one after another."""
    usual, loaded = alone.p50_ms, under_load.times.p50_ms
    few = min(alone.count, under_load.times.count) < _FEWEST_WAITED
    if few or loaded < _GROWN_TIMES * usual or loaded - usual < _GROWN_MS:
        return None
    return (
        f"Times grow with the rate: {usual:.1f} ms one after another, {loaded:.1f} ms at "
        f"{under_load.rate_per_s:g} a second (medians). Requests wait for workers, processors or "
        "each other."
    )


def pauses(times_ms: Sequence[float], *, starts_ms: Sequence[float]) -> str | None:
    """A few requests took a multiple of the median, one every so many, or every so often."""
    if not times_ms:
        return None
    ordered = sorted(times_ms)
    usual, ordinary = median(ordered), ordered[len(ordered) * 9 // 10 - 1]
    longer = max(_PAUSE_TIMES * usual, usual + _PAUSE_MS, 1.5 * ordinary)
    at = [n for n, time in enumerate(times_ms) if time > longer]
    # What waits behind a pause is the same pause.
    at = [n for k, n in enumerate(at) if not k or n - at[k - 1] > 1]
    if not _FEWEST_PAUSES <= len(at) <= _MOST_PAUSES_SHARE * len(times_ms):
        return None
    numbers = [b - a for a, b in pairwise(at)]
    spans = [starts_ms[b] - starts_ms[a] for a, b in pairwise(at)]
    if not (_is_even(numbers) or _is_even(spans)):
        return None
    return (
        f"{len(at)} of {len(times_ms)} requests took about {median(times_ms[n] for n in at):.0f} ms, "
        f"the median {usual:.1f} ms, and they are evenly spaced: one in {median(numbers):.0f} "
        f"requests, every {median(spans) / 1000:.1f} s. A garbage collector or another periodic job "
        "pauses the server."
    )


def _is_blurred(under_load: Paced) -> bool:
    late, times = under_load.late, under_load.times
    return late.p50_ms > _BLUR * times.p50_ms and late.p50_ms > 1


def _one_after_another(times_ms: Sequence[float]) -> list[float]:
    """When each began of requests that followed each other at once."""
    return list(accumulate(times_ms, initial=0.0))[:-1]


def _enough(hits: int, count: int, *, fewest: int = _FEWEST) -> bool:
    return hits >= max(fewest, _SHARE * count)


def _is_even(gaps: Sequence[float]) -> bool:
    middle = median(gaps)
    return all(abs(gap - middle) <= _EVEN * middle for gap in gaps)
