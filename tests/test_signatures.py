"""Shapes of times are seen where they are scripted, and not in ordinary noise."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from sm_conformance.observed import signatures
from sm_conformance.observed.latency import Summary, summarise
from sm_conformance.observed.paced import Paced

RUNS = 100


def alone(times_ms: Sequence[float], *, tails_ms: Sequence[float] = ()) -> Summary:
    return summarise(times_ms, failures=0, seconds=1, tails_ms=tails_ms)


def at_rate(rate_per_s: float, times_ms: Sequence[float]) -> Paced:
    return Paced(
        rate_per_s=rate_per_s, times=alone(times_ms), late=alone([0.1]), most_under_way=1,
        complete=True,
    )  # fmt: skip


def queue(services_ms: Sequence[float], *, rate_per_s: float, workers: int = 1) -> list[float]:
    """The times of requests that ``workers`` work off in their order, waiting included."""
    free = [0.0] * workers
    times = []
    for n, service in enumerate(services_ms):
        due = n * 1000 / rate_per_s
        begins = max(due, min(free))
        free[free.index(min(free))] = begins + service
        times.append(begins + service - due)
    return times


def lognormal(chance: random.Random, *, middle: float, spread: float, count: int) -> list[float]:
    return [middle * chance.lognormvariate(0, spread) for _ in range(count)]


# -- what must be seen ----------------------------------------------------------------------------


def test_a_slow_first_request_is_a_cold_start() -> None:
    said = signatures.cold_start(alone([4.0] * 100), first_ms=812.0)

    assert said is not None
    assert "took 812 ms, later ones 4.0 ms" in said


def test_pieces_40_ms_apart_are_a_delayed_acknowledgement() -> None:
    times = alone([44.0] * 100, tails_ms=[40.0 + n % 5 for n in range(100)])

    said = signatures.delayed_acknowledgement(times)

    assert said is not None
    assert "100 of 100 answers came in two pieces, 42 ms apart" in said


def test_a_step_of_40_ms_is_a_delayed_acknowledgement_within() -> None:
    times = alone([3.0 + n % 3 for n in range(90)] + [44.0, 45.0] * 5)

    said = signatures.delayed_acknowledgement(times)

    assert said is not None
    assert "10 of 100 requests took 42 ms more than the quick ones (3.0 ms)" in said


@pytest.mark.parametrize("spread", [0, 0.1, 0.3])
def test_one_worker_is_seen_by_the_pace_at_which_waiting_requests_end(spread: float) -> None:
    chance = random.Random(1)
    services = lognormal(chance, middle=20, spread=spread, count=300)

    said = signatures.one_at_a_time(
        alone(services[:100]), at_rate(60, queue(services, rate_per_s=60))
    )

    assert said is not None
    assert said.startswith("One request at a time: while others waited")
    assert "and one alone takes 2" in said or "and one alone takes 1" in said


def test_a_rate_that_is_too_high_is_seen_by_times_that_grow() -> None:
    said = signatures.beyond_capacity(at_rate(60, queue([20.0] * 200, rate_per_s=60)))

    assert said is not None
    assert said.startswith("60 requests a second are more than it answers: the times grew from ")


def test_several_workers_that_are_too_few_are_seen_by_the_median() -> None:
    services = lognormal(random.Random(2), middle=100, spread=0.5, count=400)
    load = at_rate(30, queue(services, rate_per_s=30, workers=3))

    assert signatures.one_at_a_time(alone(services[:100]), load) is None
    said = signatures.grows_with_the_rate(alone(services[:100]), load)
    assert said is not None
    assert said.startswith("Times grow with the rate: ")


@pytest.mark.parametrize("every", [12, 40])
def test_a_pause_after_so_many_requests_is_periodic(every: int) -> None:
    times = [4.0 + 0.1 * (n % 7) + (60.0 if n % every == every - 1 else 0) for n in range(400)]

    said = signatures.pauses(times, starts_ms=[20.0 * n for n in range(400)])

    assert said is not None
    assert f"one in {every} requests" in said
    assert "took about 64 ms, the median 4.3 ms" in said


def test_a_pause_every_so_often_is_periodic_though_its_requests_are_not_evenly_counted() -> None:
    chance = random.Random(3)
    starts, times, now = [], [], 0.0
    while len(times) < 400:
        now += chance.uniform(1, 39)
        paused = int(now // 800) > int((starts[-1] if starts else 0.0) // 800)
        starts.append(now)
        times.append(70.0 if paused else 4.0)

    said = signatures.pauses(times, starts_ms=starts)

    assert said is not None
    assert "every 0.8 s" in said


def test_what_is_seen_is_told_together_and_each_thing_once() -> None:
    services = [20.0] * 200
    said = signatures.all_of(
        alone(services[:100]),
        first_ms=900.0,
        under_load=at_rate(60, queue(services, rate_per_s=60)),
    )

    assert [text.split()[0] for text in said] == ["The", "One", "60"]


# -- what must not be seen ------------------------------------------------------------------------


def _quick(chance: random.Random) -> list[float]:
    return lognormal(chance, middle=1.2, spread=0.4, count=100)


def _heavy_tail(chance: random.Random) -> list[float]:
    return [2 + 0.5 * chance.paretovariate(1.3) for _ in range(400)]


def _rare_outliers(chance: random.Random) -> list[float]:
    return [3.0 + chance.random() + (50 if chance.random() < 0.03 else 0) for _ in range(400)]


def _compute_of_forty_ms(chance: random.Random) -> list[float]:
    return [chance.gauss(42, 1) for _ in range(100)]


def _busy_machine(chance: random.Random) -> list[float]:
    return [1 + chance.expovariate(1) + (chance.random() < 0.2) * chance.uniform(0, 30)
            for _ in range(200)]  # fmt: skip


@pytest.mark.parametrize(
    "noise", [_quick, _heavy_tail, _rare_outliers, _compute_of_forty_ms, _busy_machine]
)
def test_ordinary_noise_looks_like_nothing(noise: Callable[[random.Random], list[float]]) -> None:
    seen = []
    for seed in range(RUNS):
        chance = random.Random(seed)
        times = noise(chance)
        usual = alone(times, tails_ms=[chance.expovariate(5) for _ in times])
        # Each in time before the next is due, and the same times again.
        load = at_rate(1000 / (4 * usual.p50_ms), noise(chance))
        first_ms = chance.choice(times) + 20
        seen += signatures.all_of(usual, first_ms=first_ms, under_load=load)

    # Five evenly spaced ones among a few outliers do happen, though hardly ever.
    assert len(seen) <= RUNS / 100, seen[:3]


def test_requests_that_overlap_because_they_differ_are_not_one_at_a_time() -> None:
    for seed in range(RUNS):
        chance = random.Random(seed)
        times = lognormal(chance, middle=50, spread=0.5, count=300)
        for rate in (10, 20, 40, 100):
            said = signatures.one_at_a_time(alone(times[:100]), at_rate(rate, times))
            assert said is None, (seed, rate)


def test_a_worker_for_each_request_does_not_grow_with_the_rate() -> None:
    times = lognormal(random.Random(4), middle=50, spread=0.3, count=300)
    load = at_rate(100, times)

    assert signatures.grows_with_the_rate(alone(times[:100]), load) is None
    assert signatures.beyond_capacity(load) is None


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_samples_say_nothing(count: int) -> None:
    few = [500.0, 1.0, 41.0, 900.0, 42.0][:count]

    assert signatures.all_of(
        alone(few, tails_ms=few), first_ms=5000.0, under_load=at_rate(10, few)
    ) in ([],)  # fmt: skip
