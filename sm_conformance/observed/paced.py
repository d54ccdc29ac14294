"""Asks a server at a fixed rate, whether or not it has answered: what its callers would see.

One that waits for each answer before it asks again waits longer where the server is slow, and so
asks least when it matters most. Here each request is due at its time, and its own time counts from
then on: what it waited for others is part of it, wherever it waited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter

from sm_conformance.observed import sending
from sm_conformance.observed.http import Address
from sm_conformance.observed.lane import Exchange
from sm_conformance.observed.lanes import Lanes
from sm_conformance.observed.latency import Summary, summarise, tail_ms, uncollected

# From the call to the first request that is due.
_LEAD_S = 0.02
# How often it is asked whether there is still a server and a run.
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Paced:
    """What came of requests that were due ``rate_per_s`` times a second.

    ``times`` count from when each was due to the last byte of its answer, connecting included, in
    the order in which they were due; one that is not over in time has failed then.

    ``late`` is how late each request went out for no other reason than that the harness was not
    there to send it, in milliseconds. The same tells how late answers were seen: one thread does
    both. ``most_under_way`` requests were unanswered at one time. ``complete``: none was left out.
    """

    rate_per_s: float
    times: Summary
    late: Summary
    most_under_way: int
    complete: bool


def paced(
    address: Address,
    *,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    rate_per_s: float,
    requests: int,
    limit_s: float,
    most_under_way: int,
    over: Callable[[], bool] = lambda: False,
) -> Paced:
    """Sends ``requests`` requests to a warm server, each when it is due.

    At most ``most_under_way`` are unanswered at one time; others that are due wait here, and their
    times go on. None outlives ``limit_s``, so this takes at most that and the time that the rate
    makes. ``over`` is asked now and then whether to break off. Raises what ``http.exchange`` raises.
    """
    request = sending.whole(address.host, address.port, method, path, headers, body)
    late_ms: list[float] = []
    ended: list[Exchange] = []
    begun = most = 0
    with Lanes(address, request, method=method, keep=False) as lanes, uncollected():
        first = room_since = look_at = perf_counter() + _LEAD_S

        def due(number: int) -> float:
            return first + number / rate_per_s

        while len(ended) < requests:
            if perf_counter() >= look_at:
                if over():
                    break
                look_at = perf_counter() + _LOOK_EVERY_S
            until = look_at
            while begun < requests and lanes.under_way < most_under_way:
                now = perf_counter()
                if now < due(begun):
                    until = min(until, due(begun))
                    break
                late_ms.append((now - max(due(begun), room_since)) * 1000)
                if now < due(begun) + limit_s:
                    lanes.begin(begun, deadline=due(begun) + limit_s)
                else:  # others took all its time
                    ended.append(Exchange(begun, now, None, None, ended_at=now, ok=False))
                begun += 1
            most = max(most, lanes.under_way)
            was_full = lanes.under_way >= most_under_way
            over_now = lanes.wait(until)
            if was_full and over_now:
                room_since = over_now[0].ended_at
            ended += over_now
        seconds = perf_counter() - first
    ended.sort(key=lambda one: one.number)
    return Paced(
        rate_per_s=rate_per_s,
        times=summarise(
            [(one.ended_at - due(one.number)) * 1000 for one in ended],
            failures=sum(not one.ok for one in ended),
            seconds=seconds,
            tails_ms=[tail_ms(one) for one in ended],
        ),
        late=summarise(late_ms, failures=0, seconds=seconds),
        most_under_way=most,
        complete=len(ended) == requests,
    )
