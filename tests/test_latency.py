"""Percentiles that can be checked by hand, and servers whose time is scripted."""

from __future__ import annotations

import math
import random
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

import pytest

from sm_conformance.observed import sending, signatures
from sm_conformance.observed.floor import echo_server
from sm_conformance.observed.http import Address, exchange
from sm_conformance.observed.lanes import Lanes
from sm_conformance.observed.latency import Summary, measure, ranks_of_p99, summarise

KEPT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSED = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
BROKEN = b"HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno"


class Scripted:
    """Answers request number n with ``answers[n]`` after ``delays_s[n]``; the last ones repeat."""

    def __init__(self, *, answers: list[bytes], delays_s: list[float]) -> None:
        self._answers = answers
        self._delays_s = delays_s
        self.requests: list[bytes] = []
        self.connections = 0
        self.address = Address("127.0.0.1", 0)

    def handle(self, handler: socketserver.StreamRequestHandler) -> None:
        self.connections += 1
        while head := b"".join(iter(handler.rfile.readline, b"\r\n") if self._has(handler) else ()):
            length = next(
                (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.startswith(b"Content-L")),
                0,
            )
            self.requests.append(head + handler.rfile.read(length))
            number = len(self.requests) - 1
            sleep(self._delays_s[min(number, len(self._delays_s) - 1)])
            answer = self._answers[min(number, len(self._answers) - 1)]
            handler.wfile.write(answer)
            if answer == CLOSED:
                return

    @staticmethod
    def _has(handler: socketserver.StreamRequestHandler) -> bool:
        return bool(handler.rfile.peek(1))  # type: ignore[attr-defined]


class Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def listening(handler: type[socketserver.BaseRequestHandler]) -> Iterator[Address]:
    with Listener(("127.0.0.1", 0), handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield Address("127.0.0.1", listener.server_address[1])
        finally:
            listener.shutdown()
            thread.join()


@contextmanager
def scripted(*, answers: list[bytes], delays_s: list[float]) -> Iterator[Scripted]:
    script = Scripted(answers=answers, delays_s=delays_s)

    class Handler(socketserver.StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            script.handle(self)

    with listening(Handler) as script.address:
        yield script


def measured(
    script: Scripted,
    *,
    samples: int = 100,
    budget_s: float = 30,
    warmup: int = 3,
    limit_s: float = 5,
    connections: int = 1,
) -> Summary:
    return measure(
        script.address,
        method="POST",
        path="/invocations",
        headers={"Content-Type": "text/csv"},
        body=b"1,2",
        limit_s=limit_s,
        samples=samples,
        budget_s=budget_s,
        warmup=warmup,
        connections=connections,
    )


def test_percentiles_are_the_nearest_ranks_of_all_samples() -> None:
    samples = [float(n) for n in range(200, 0, -1)]

    summary = summarise(samples, failures=2, seconds=1.5)

    assert (summary.p50_ms, summary.p90_ms, summary.p99_ms, summary.max_ms) == (100, 180, 198, 200)
    assert (summary.count, summary.failures, summary.seconds) == (200, 2, 1.5)
    assert not summary.p99_is_max
    assert summary.samples_ms == tuple(samples)


def test_a_hundred_samples_have_a_99th() -> None:
    summary = summarise([float(n) for n in range(1, 101)], failures=0, seconds=1)

    assert (summary.p50_ms, summary.p90_ms, summary.p99_ms, summary.max_ms) == (50, 90, 99, 100)
    assert not summary.p99_is_max


def test_with_fewer_than_a_hundred_samples_the_maximum_stands_for_p99() -> None:
    summary = summarise([float(n) for n in range(1, 100)], failures=0, seconds=1)

    assert (summary.p99_ms, summary.max_ms, summary.p99_is_max) == (99, 99, True)
    assert summarise([7.0], failures=0, seconds=1).p50_ms == 7


def test_no_samples_are_all_zero() -> None:
    assert summarise([], failures=0, seconds=0.0).as_report() == {
        "count": 0,
        "p50_ms": 0,
        "p90_ms": 0,
        "p99_ms": 0,
        "max_ms": 0,
        "p99_is_max": True,
        "p99_low_ms": None,
        "p99_high_ms": None,
        "failures": 0,
    }


def exact_ranks(count: int) -> tuple[int | None, int | None]:
    """The same by whole numbers: chances of k samples above the percentile, times 100 ** count."""
    ways = [math.comb(count, k) * 99 ** (count - k) for k in range(count + 1)]
    whole = 100**count
    high = [count - k for k in range(count + 1) if 40 * sum(ways[: k + 1]) <= whole]
    low = [count - k + 1 for k in range(1, count + 1) if 40 * sum(ways[k:]) <= whole]
    return (max(low) if low else None, min(high) if high else None)


@pytest.mark.parametrize("count", [0, 1, 2, 50, 100, 367, 368, 369, 500, 1000])
def test_the_ranks_between_which_p99_lies_are_those_of_whole_numbers(count: int) -> None:
    assert ranks_of_p99(count) == exact_ranks(count)


def test_an_upper_end_of_p99_takes_368_samples() -> None:
    assert ranks_of_p99(367)[1] is None
    assert ranks_of_p99(368) == (360, 368)
    low, high = ranks_of_p99(20_000)
    assert low is not None
    assert high is not None
    assert 19_765 < low < 19_800 < high < 19_835


def test_p99_lies_between_the_ends_as_often_as_is_said() -> None:
    chance = random.Random(5)
    true_p99 = -math.log(0.01)
    inside = 0
    for _ in range(400):
        found = summarise([chance.expovariate(1) for _ in range(500)], failures=0, seconds=1)
        low, high = found.p99_between_ms
        assert low is not None
        assert high is not None
        inside += low <= true_p99 <= high

    assert inside >= 0.93 * 400


def test_the_report_rounds_to_a_microsecond() -> None:
    report = summarise([1.23456789], failures=1, seconds=1).as_report()

    assert report == {
        "count": 1,
        "p50_ms": 1.235,
        "p90_ms": 1.235,
        "p99_ms": 1.235,
        "max_ms": 1.235,
        "p99_is_max": True,
        "p99_low_ms": 1.235,
        "p99_high_ms": None,
        "failures": 1,
    }


def test_the_median_is_the_time_that_the_server_takes() -> None:
    with scripted(answers=[KEPT], delays_s=[0.02]) as script:
        summary = measured(script, samples=30)

    assert summary.count == 30
    assert 20 <= summary.p50_ms < 40
    assert summary.p50_ms <= summary.p90_ms <= summary.p99_ms == summary.max_ms
    assert summary.failures == 0
    assert summary.seconds >= 0.6


def test_a_fast_server_is_not_charged_with_a_delayed_acknowledgement() -> None:
    with scripted(answers=[KEPT], delays_s=[0]) as script:
        summary = measured(script)

    assert summary.count == 100
    assert summary.p50_ms < 20
    assert script.connections == 1


def test_warming_up_does_not_count() -> None:
    with scripted(answers=[BROKEN, KEPT], delays_s=[0.3, 0]) as script:
        summary = measured(script, samples=5, warmup=1)

    assert len(script.requests) == 6
    assert summary.count == 5
    assert summary.failures == 0
    assert summary.max_ms < 300


def test_without_warming_up_the_first_request_counts() -> None:
    with scripted(answers=[BROKEN, KEPT], delays_s=[0.2, 0]) as script:
        summary = measured(script, samples=5, warmup=0)

    assert (summary.count, summary.failures) == (5, 1)
    assert summary.max_ms >= 200


def test_failures_are_counted_and_their_time_is_included() -> None:
    with scripted(answers=[BROKEN], delays_s=[0.02]) as script:
        summary = measured(script, samples=4)

    assert (summary.count, summary.failures) == (4, 4)
    assert min(summary.samples_ms) >= 20


def test_a_server_that_hangs_costs_one_limit_each_and_the_budget_ends_it() -> None:
    with scripted(answers=[KEPT], delays_s=[2]) as script:
        started = perf_counter()
        summary = measured(script, limit_s=0.1, budget_s=0.25)
        took = perf_counter() - started

    assert 1 <= summary.count <= 3
    assert summary.failures == summary.count
    assert summary.max_ms == pytest.approx(100, abs=80)
    assert took < 2


def test_a_spent_budget_still_leaves_one_sample() -> None:
    with scripted(answers=[KEPT], delays_s=[0.02]) as script:
        summary = measured(script, budget_s=0)

    assert summary.count == 1
    assert summary.p99_is_max
    assert len(script.requests) == 2


def test_a_server_that_closes_each_connection_is_measured_without_connecting() -> None:
    with scripted(answers=[CLOSED], delays_s=[0.01]) as script:
        summary = measured(script, samples=10)

    assert (summary.count, summary.failures) == (10, 0)
    assert script.connections == 13
    assert 10 <= summary.p50_ms < 40


def test_nobody_listening_is_all_failures() -> None:
    with scripted(answers=[KEPT], delays_s=[0]) as script:
        pass

    summary = measured(script, samples=5)

    assert (summary.count, summary.failures) == (5, 5)


def test_several_connections_have_one_request_each_under_way() -> None:
    with scripted(answers=[KEPT], delays_s=[0.05]) as script:
        summary = measured(script, samples=40, connections=4, warmup=0)

    assert (summary.count, summary.failures, script.connections) == (40, 0, 4)
    assert summary.p50_ms >= 50
    # One after another it would take two seconds.
    assert summary.seconds < 1.5


def test_the_next_request_is_under_way_before_the_reply_that_it_follows_is_handed_over() -> None:
    with scripted(answers=[KEPT], delays_s=[0.02]) as script:
        host, port = script.address.host, script.address.port
        request = sending.whole(host, port, "GET", "/ping", {}, None)
        with Lanes(script.address, request, method="GET", keep=True) as lanes:
            lanes.begin(0, deadline=perf_counter() + 5)
            follows = iter([1])
            first, second = lanes.pursue(
                lambda now: next(((number, now + 5) for number in follows), None)
            )

    assert (first.number, second.number) == (0, 1)
    assert (lanes.under_way, script.connections) == (0, 1)
    assert second.sent_at is not None
    # Within the same look at the connection; a server that is given time does not queue.
    assert 0 <= second.sent_at - first.ended_at < 0.01


def test_a_head_and_a_body_that_are_written_apart_show_in_how_long_a_reply_goes_on() -> None:
    """The kernel's own delay: a second small piece waits for the acknowledgement of the first."""

    class Apart(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while b"".join(iter(self.rfile.readline, b"\r\n")):
                self.wfile.write(KEPT[:-2])
                self.wfile.write(KEPT[-2:])

    with listening(Apart) as address:
        summary = measure(
            address, method="GET", path="/ping", headers={}, body=None, limit_s=5, samples=20
        )

    assert summary.failures == 0
    assert sum(tail > 30 for tail in summary.tails_ms) >= 15
    said = signatures.delayed_acknowledgement(summary)
    assert said is not None
    assert "came in two pieces" in said


def test_the_echo_server_gives_back_what_it_is_sent() -> None:
    body = bytes(range(256)) * 5000

    with echo_server() as address:
        reply = exchange(address, method="POST", path="/x", headers={}, body=body, limit_s=5)
        empty = exchange(address, method="GET", path="/ping", headers={}, body=None, limit_s=5)
        floor = measure(
            address, method="POST", path="/x", headers={}, body=b"1,2", limit_s=5, connections=3
        )

    assert (reply.status, reply.body == body) == (200, True)
    assert (empty.status, empty.body) == (200, b"")
    assert (floor.count, floor.failures) == (100, 0)
    gone = exchange(address, method="GET", path="/ping", headers={}, body=None, limit_s=5)
    assert gone.problem == "refused"


def test_the_same_request_is_sent_each_time() -> None:
    with scripted(answers=[KEPT], delays_s=[0]) as script:
        measured(script, samples=3)

    assert len(set(script.requests)) == 1
    assert script.requests[0].endswith(b"1,2")
    assert b"Content-Type: text/csv\r\n" in script.requests[0]
