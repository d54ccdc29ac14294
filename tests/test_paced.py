"""The open loop against servers whose queue can be worked out: waiting counts from the due time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from statistics import median
from typing import Any

import pytest

from sm_conformance.observed.http import Address
from sm_conformance.observed.paced import Paced, paced

CLOSES = b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"
KEEPS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.0 200 OK\r\n\r\nok"
FAILS = b"HTTP/1.0 503 Busy\r\nContent-Length: 0\r\n\r\n"


class OneWorker:
    """One thread: it takes the next connection when it is through with the last one.

    Request number n takes ``services_s[n]``; the last one repeats. Where the answer keeps the
    connection, it asks for a further request on it until the client goes.
    """

    def __init__(self, services_s: Sequence[float], *, answer: bytes = CLOSES) -> None:
        self._services_s = services_s
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = Address("127.0.0.1", self._listener.getsockname()[1])
        self.served = 0

    def run(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock:
                while self._heard(sock):
                    service_s = self._services_s[min(self.served, len(self._services_s) - 1)]
                    time.sleep(service_s)
                    self.served += 1
                    sock.sendall(self._answer)
                    if b"HTTP/1.0" in self._answer:
                        break

    @staticmethod
    def _heard(sock: socket.socket) -> bool:
        heard = b""
        while not heard.endswith(b"\r\n\r\n"):
            try:
                part = sock.recv(4096)
            except OSError:
                return False
            if not part:
                return False
            heard += part
        return True

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def one_worker(services_s: Sequence[float], **how: Any) -> Iterator[OneWorker]:
    server = OneWorker(services_s, **how)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


def loaded(
    address: Address,
    *,
    rate_per_s: float,
    requests: int,
    limit_s: float = 10,
    most_under_way: int = 64,
    over: Callable[[], bool] = lambda: False,
) -> Paced:
    return paced(
        address, method="GET", path="/ping", headers={}, body=None, rate_per_s=rate_per_s,
        requests=requests, limit_s=limit_s, most_under_way=most_under_way, over=over,
    )  # fmt: skip


def lindley(services_s: Sequence[float], *, interval_s: float) -> list[float]:
    """How long each of evenly spaced requests waits for one worker, in seconds.

    Lindley's recursion: what is left of the wait and the service before it, when it is due.
    """
    return list(
        accumulate(
            services_s[:-1],
            lambda wait, service: max(0.0, wait + service - interval_s),
            initial=0.0,
        )
    )


def test_the_recursion_itself() -> None:
    waits = lindley([0.02, 0.12, 0.02, 0.02, 0.02, 0.02], interval_s=0.05)

    assert waits == pytest.approx([0, 0, 0.07, 0.04, 0.01, 0])


# One in eight takes as long as nearly four are apart, and others wait behind it.
SERVICES_S = [0.02, 0.3, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02] * 3
INTERVAL_S = 0.08


def test_the_waits_are_those_that_the_recursion_gives() -> None:
    waits = lindley(SERVICES_S, interval_s=INTERVAL_S)
    expected_ms = [(wait + service) * 1000 for wait, service in zip(waits, SERVICES_S, strict=True)]
    assert sum(waits) > sum(SERVICES_S)
    too_long_ms = []
    for _ in range(5):
        with one_worker(SERVICES_S) as server:
            found = loaded(server.address, rate_per_s=1 / INTERVAL_S, requests=len(SERVICES_S))
        assert (found.times.count, found.times.failures, found.complete) == (24, 0, True)
        assert found.most_under_way >= 3
        more_ms = [
            measured - expected
            for measured, expected in zip(found.times.samples_ms, expected_ms, strict=True)
        ]
        # The server sleeps no shorter than it is told, so nothing can be quicker than worked out, on
        # whatever machine; without the waits, which are more than half, most would be.
        assert min(more_ms) > -1
        # A busy machine adds to all of them, and the more the longer the queue: it may try again.
        too_long_ms.append(
            median(more for more, wait in zip(more_ms, waits, strict=True) if wait > 0)
        )
        if too_long_ms[-1] < 30:
            break
    # If it waited twice, each would take longer by its wait once more.
    assert min(too_long_ms) < 0.8 * 1000 * median(wait for wait in waits if wait > 0)


def test_a_slow_answer_does_not_put_off_the_requests_after_it() -> None:
    with one_worker([0.6, 0.0]) as server:
        found = loaded(server.address, rate_per_s=50, requests=20)

    # The closed loop would see one slow request of twenty; callers see twenty that wait.
    assert found.times.p50_ms > 300
    assert found.times.samples_ms[0] >= 600
    assert found.most_under_way >= 15


def test_one_worker_that_attends_to_kept_connections_lets_nobody_starve() -> None:
    with one_worker([0.02], answer=KEEPS) as server:
        found = loaded(server.address, rate_per_s=40, requests=40)

    assert found.times.failures == 0
    assert found.times.p50_ms < 2000
    assert server.served == 40


@pytest.mark.parametrize("answer", [CHUNKED, UNTIL_CLOSE], ids=["chunked", "until close"])
def test_answers_without_a_length_are_whole_at_their_end(answer: bytes) -> None:
    with one_worker([0.0], answer=answer) as server:
        found = loaded(server.address, rate_per_s=100, requests=20)

    assert found.times.failures == 0


def test_refusals_are_failures_and_their_times_count() -> None:
    with one_worker([0.01], answer=FAILS) as server:
        found = loaded(server.address, rate_per_s=50, requests=10)

    assert (found.times.count, found.times.failures) == (10, 10)
    assert min(found.times.samples_ms) >= 10


def test_nobody_listening_is_all_failures() -> None:
    with one_worker([0.0]) as server:
        pass

    found = loaded(server.address, rate_per_s=100, requests=10)

    assert (found.times.count, found.times.failures) == (10, 10)


def test_no_request_outlives_its_limit_however_long_the_server_is_silent() -> None:
    with one_worker([1.0]) as server:
        began = time.perf_counter()
        found = loaded(server.address, rate_per_s=50, requests=20, limit_s=0.3)
        took = time.perf_counter() - began

    assert (found.times.count, found.times.failures) == (20, 20)
    assert min(found.times.samples_ms) >= 299
    assert took < 2.5


def test_at_most_so_many_are_under_way_and_the_wait_for_room_counts() -> None:
    with one_worker([0.05]) as server:
        found = loaded(server.address, rate_per_s=100, requests=20, most_under_way=2)

    assert found.most_under_way == 2
    assert found.times.failures == 0
    # The last one was due at 0.19 s and had 19 others before it.
    assert found.times.samples_ms[-1] > 20 * 50 - 190 - 1
    # Waiting for room is the server's doing, not ours.
    assert found.late.p50_ms < 100


def test_a_harness_that_is_not_there_in_time_says_how_late_it_was() -> None:
    asked = 0

    def sleepy() -> bool:
        nonlocal asked
        asked += 1
        time.sleep(0.1 if asked > 1 else 0)
        return False

    with one_worker([0.0]) as server:
        found = loaded(server.address, rate_per_s=100, requests=40, over=sleepy)

    assert found.late.max_ms > 50
    assert found.times.failures == 0
    assert found.late.p50_ms > 5


def test_a_load_is_broken_off_when_there_is_no_server_left_to_ask() -> None:
    with one_worker([0.0]) as server:
        began = time.perf_counter()
        found = loaded(
            server.address, rate_per_s=10, requests=100,
            over=lambda: time.perf_counter() > began + 0.3,
        )  # fmt: skip

    assert not found.complete
    assert 1 <= found.times.count < 10
    assert time.perf_counter() - began < 3


def test_requests_go_out_when_they_are_due() -> None:
    with one_worker([0.0]) as server:
        found = loaded(server.address, rate_per_s=100, requests=50)

    assert found.late.count == 50
    assert min(found.late.samples_ms) >= 0
    assert found.late.p50_ms < 100
    assert found.times.seconds >= 0.49
