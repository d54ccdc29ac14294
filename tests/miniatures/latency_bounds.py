"""Servers at a rate: what refuses or waits, and is quick alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from email.message import Message
from typing import Any

from miniatures.container import Miniature
from miniatures.declared import SERVES
from miniatures.inside import Answer, Ping
from miniatures.lawful import afresh, invocation, lawful_but, ping, serves, serving
from miniatures.sins import Sin


def _too_fast() -> Callable[[], bool]:
    """Whether a call comes within 5 ms of the one before, beyond a burst of thirty."""
    seen = {"last": 0.0, "fast": 0.0}

    def too_fast() -> bool:
        now = time.monotonic()
        seen["fast"] = seen["fast"] + 1 if now - seen["last"] < 0.005 else 0
        seen["last"] = now
        return seen["fast"] > 30

    return too_fast


def _limited(answer: Ping, refusal: int) -> Ping:
    too_fast = _too_fast()
    return lambda headers: refusal if too_fast() else answer(headers)


def _limited_requests() -> Callable[[Message, bytes], Answer]:
    too_fast = _too_fast()

    def answer(headers: Message, body: bytes) -> Answer:
        return (429, "text/plain", b"") if too_fast() else invocation(headers, body)

    return answer


def _one_at_a_time(work_s: float) -> Callable[[Message, bytes], Answer]:
    lock = threading.Lock()

    def answer(headers: Message, body: bytes) -> Answer:
        with lock:
            time.sleep(work_s)
        return invocation(headers, body)

    return answer


MINIATURES: dict[str, Miniature] = {
    "rate-limited": lawful_but(
        "It refuses what comes too fast, as proxies do.",
        serve=afresh(lambda: serving(ping=_limited(ping, 429), invocation=_limited_requests())),
    ),
    "one-at-a-time": serves(
        "It is quick, and does one thing at a time.", invocation=_one_at_a_time(0.03)
    ),
}


def at_rate(rate_per_s: float = 60, **bounds: float) -> dict[str, Any]:
    """A declaration of bounds that hold at a rate."""
    return {**SERVES, "latency": {"rate_per_s": rate_per_s, "seconds": 1, **bounds}}


SERVING_SINS = [
    Sin("lawful", "HOST-004 ping-bound", says="p99", options=("--sm-max-ping-p99-ms=0.001",)),
    Sin("lawful", "HOST-010 invocation-bound", options=("--sm-max-invocation-p99-ms=0.001",)),
    Sin("one-at-a-time", "HOST-010 invocation-bound", says="at 60 a second, waiting included",
        declaration=at_rate(invocation_p99_ms=200), limits={"sample_requests": 20}),
]  # fmt: skip
