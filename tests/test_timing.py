"""Timings are read off a server in one way, and measured while nothing of ours is busy."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.observed import timing
from sm_conformance.observed.http import Reply
from sm_conformance.observed.latency import Summary
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.paced import Paced
from sm_conformance.observed.run import Ending, Server

PING = Reply(
    method="GET", path="/ping", status=200, reason="OK", headers=(), body=b"", truncated=False,
    connect_s=None, first_byte_s=0.0, elapsed_s=0.01, problem=None,
)  # fmt: skip
SERVER = Server(
    scenario="serve-plain", ending=Ending.STOPPED, exit=None, problem=None, address=None,
    direct=True, seconds=1.0, ready_after_s=0.5, window_s=480, with_model=True, last_ping=PING,
    answered=True, pings=(), replies={}, streams={}, answer_limit_s=60,
    curls={}, connects_ms=(), ping_latency=None,
    invocation_latency=None, spaced_pings=(), spaced_replies=(), foreign_host=None,
    logs=Logs(stdout=b"", stderr=b"", total_bytes=0, first_after_s=None), stop=None,
    guessed=(), guessed_request=(),
    limits_reached=(), listeners=(), repeat="", evidence=Path("evidence"),
)  # fmt: skip


def pinged(*seconds: float, status: int = 200) -> Server:
    pings = tuple(replace(PING, elapsed_s=took, status=status) for took in seconds)
    return replace(SERVER, spaced_pings=pings)


@pytest.mark.parametrize(
    ("after_s", "late"), [(None, False), (0.0, False), (480.0, False), (480.1, True)]
)
def test_late_is_after_the_window(after_s: float | None, late: bool) -> None:
    assert timing.late(replace(SERVER, ready_after_s=after_s)) is late


@pytest.mark.parametrize(
    ("seconds", "slow"),
    [
        ((), False),
        ((3, 3), False),
        ((2, 2, 2), False),
        ((3, 3, 3), True),
        ((3, 3, 1, 3, 3), False),
        ((1, 3, 3, 3, 1), True),
    ],
)
def test_slow_is_three_slow_pings_in_a_row(seconds: Sequence[float], slow: bool) -> None:
    assert timing.slow_pings(pinged(*seconds), limit_s=2, in_a_row=3) is slow


def test_unhealthy_is_three_bad_pings_in_a_row() -> None:
    bad, good = pinged(0, 0, status=503).spaced_pings, pinged(0).spaced_pings
    silent = (replace(PING, status=None, problem="timeout"),)

    assert not timing.unhealthy(replace(SERVER, spaced_pings=bad + good + bad), in_a_row=3)
    assert timing.unhealthy(replace(SERVER, spaced_pings=good + bad + silent), in_a_row=3)


@pytest.mark.parametrize(
    ("connects", "slow"),
    [
        ((), False),
        ((251.0, 251.0), False),
        ((250.0,) * 5, False),
        ((251.0, None, 300.0), True),
        ((251.0, 1.0, None, None), False),
    ],
)
def test_slow_connects_are_late_or_failed_ones_in_a_row(
    connects: tuple[float | None, ...], slow: bool
) -> None:
    server = replace(SERVER, connects_ms=connects)

    assert timing.slow_connects(server, limit_ms=250, in_a_row=3) is slow


def summary(p99_ms: float, failures: int = 0) -> Summary:
    return Summary(
        count=100, p50_ms=1, p90_ms=1, p99_ms=p99_ms, max_ms=p99_ms, p99_is_max=False,
        failures=failures, seconds=1, samples_ms=(),
    )  # fmt: skip


def test_over_a_bound_is_a_later_percentile() -> None:
    def breaks(measured: Summary | None, bound_ms: float | None) -> bool:
        server = replace(SERVER, invocation_latency=measured)
        return timing.breaks(server, "/invocations", bound_ms)

    assert not breaks(None, 5)
    assert not breaks(summary(9), None)
    assert not breaks(summary(5), 5)
    assert breaks(summary(5.001), 5)


def test_a_request_that_is_refused_breaks_a_bound_only_at_the_declared_rate() -> None:
    unpaced = replace(SERVER, invocation_latency=summary(1, failures=92))
    paced = replace(unpaced, paced={"/invocations": at_rate(1, late_ms=0, failures=1)})

    assert not timing.breaks(unpaced, "/invocations", 5)
    assert timing.breaks(paced, "/invocations", 5)


def at_rate(p99_ms: float, *, late_ms: float, failures: int = 0) -> Paced:
    return Paced(
        rate_per_s=10, times=summary(p99_ms, failures), late=summary(late_ms), most_under_way=1,
        complete=True,
    )  # fmt: skip


def test_a_bound_is_held_against_the_load_where_there_is_one() -> None:
    quick = replace(SERVER, ping_latency=summary(1), invocation_latency=summary(2))
    loaded = replace(quick, paced={"/invocations": at_rate(80, late_ms=0)})

    assert timing.as_bounded(quick, "/invocations") == summary(2)
    assert timing.as_bounded(loaded, "/invocations") == summary(80)
    assert timing.as_bounded(loaded, "/ping") == summary(1)
    assert not timing.breaks(quick, "/invocations", 50)
    assert timing.breaks(loaded, "/invocations", 50)
    assert not timing.breaks(loaded, "/ping", 50)
    assert timing.as_bounded(SERVER, "/ping") is None


@pytest.mark.parametrize(
    ("p99_ms", "late_ms", "failures", "ours"),
    [
        (100, 0.2, 0, False),
        (100, 9, 0, False),  # a tenth of what was measured, at most
        (60, 7, 0, True),
        (700, 72, 0, False),  # more than a tenth, and no reason for so much
        (30, 4.9, 0, True),  # without it the bound of 26 would be kept
        (32, 4.9, 0, False),
        (32, 5.1, 0, True),  # more than the least that counts, and than a tenth
        (10, 0.2, 3, False),  # refused, and not for lateness
        (10, 6, 3, True),
    ],
)
def test_a_load_that_the_harness_sent_late_shows_nothing(
    p99_ms: float, late_ms: float, failures: int, ours: bool
) -> None:
    load = at_rate(p99_ms, late_ms=late_ms, failures=failures)

    assert timing.was_late(load, bound_ms=26, most_ms=5, percent=10) is ours


def test_the_first_request_is_the_first_that_was_answered_well() -> None:
    first = replace(PING, elapsed_s=0.5)
    ready = replace(SERVER, last_ping=PING, replies={"first": first})

    assert timing.first_ms(ready, "/ping") == 10
    assert timing.first_ms(ready, "/invocations") == 500
    refused = replace(ready, replies={"first": replace(first, status=503)})
    assert timing.first_ms(refused, "/invocations") is None
    assert timing.first_ms(replace(ready, ready_after_s=None), "/ping") is None


def test_requests_that_follow_each_other_at_once_are_load_and_never_judged_alone() -> None:
    under_load = replace(
        SERVER,
        ping_latency=summary(1, failures=99),
        invocation_latency=summary(1, failures=99),
        spaced_pings=(PING, PING, PING),
        spaced_replies=(PING,) * 10,
    )

    assert timing.failing(under_load.ping_latency)
    assert not timing.unreliable(under_load)
    assert not timing.unhealthy(under_load, in_a_row=3)


def test_one_in_ten_requests_that_fails_though_they_are_apart_is_unreliable() -> None:
    bad = replace(PING, status=500)

    assert timing.unreliable(replace(SERVER, spaced_replies=(bad, *(PING,) * 9)))
    assert not timing.unreliable(replace(SERVER, spaced_replies=()))


# -- quiet -----------------------------------------------------------------------------------------


def test_busy_work_shares(tmp_path: Path) -> None:
    quiet = Quiet(tmp_path / ".lock")
    together = threading.Barrier(2)

    def work() -> None:
        with quiet.busy():
            together.wait(5)

    other = threading.Thread(target=work)
    other.start()
    work()
    other.join(5)

    assert not together.broken


def test_a_measurement_is_alone(tmp_path: Path) -> None:
    quiet = Quiet(tmp_path / ".lock")
    alone, release = threading.Event(), threading.Event()
    said: list[str] = []

    def measure() -> None:
        with quiet.alone():
            alone.set()
            release.wait(5)
            said.append("measured")

    def work() -> None:
        with quiet.busy():
            said.append("worked")

    threads = [threading.Thread(target=measure), threading.Thread(target=work)]
    threads[0].start()
    assert alone.wait(5)
    threads[1].start()
    threads[1].join(0.05)
    assert said == []
    release.set()
    for thread in threads:
        thread.join(5)

    assert said == ["measured", "worked"]


def test_two_of_one_file_keep_away_from_each_other_also_when_one_fails(tmp_path: Path) -> None:
    first, second = Quiet(tmp_path / ".lock"), Quiet(tmp_path / ".lock")

    with pytest.raises(RuntimeError), first.alone():
        raise RuntimeError
    with second.alone():
        pass
    with first.busy(), second.busy():
        pass
