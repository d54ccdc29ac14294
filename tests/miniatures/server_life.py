"""Little liars under another name, stopped at work, or bereft of the process that serves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import Message

from miniatures import manners
from miniatures.container import Miniature
from miniatures.inside import Answer, Inside, Program
from miniatures.lawful import LAWFUL, invocation, lawful_but, serves, serving
from miniatures.sins import Sin


def _deaf_at_work(inside: Inside) -> int:
    """Forgets a SIGTERM that comes while a request is on its way."""
    own = replace(inside, asked_to_stop=threading.Event())
    at_work: list[object] = []

    class AtWork(manners.Handler):
        def do_POST(self) -> None:  # noqa: N802
            at_work.append(self)
            try:
                super().do_POST()
            finally:
                at_work.remove(self)

    def listen() -> None:
        inside.asked_to_stop.wait()
        if at_work:
            inside.killed.wait()
        own.asked_to_stop.set()

    threading.Thread(target=listen, daemon=True).start()
    return serving(manners=AtWork)(own)


def _minds_its_name(inside: Inside) -> None:
    if inside.hostname and not inside.hostname.islower():
        raise ValueError(f"no configuration for the host {inside.hostname}")


def _cuts_off(inside: Inside) -> int:
    """Who is still sending when it is told to stop gets no answer."""

    def answer(headers: Message, body: bytes) -> Answer:
        if inside.asked_to_stop.is_set():
            raise ConnectionAbortedError
        return invocation(headers, body)

    return serving(invocation=answer)(inside)


def _bereft(
    *,
    answers: Callable[[float], int] = lambda _: 500,
    pings: Callable[[float], int] = lambda _: 200,
) -> Program:
    """What it answers when the process behind it has been dead for so many seconds."""

    def serve(inside: Inside) -> int:
        died: list[float] = []

        def dead_s() -> float | None:
            if not inside.child_killed.is_set():
                return None
            died.append(time.monotonic())
            return time.monotonic() - died[0]

        def pinged(headers: Message) -> int:
            dead = dead_s()
            return 200 if dead is None else pings(dead)

        def asked(headers: Message, body: bytes) -> Answer:
            dead = dead_s()
            status = 200 if dead is None else answers(dead)
            return invocation(headers, body) if status == 200 else (status, "text/plain", b"")

        return serving(ping=pinged, invocation=asked)(inside)

    return serve


def _dies_with_its_child(inside: Inside) -> int:
    def watch() -> None:
        inside.child_killed.wait()
        inside.asked_to_stop.set()

    threading.Thread(target=watch, daemon=True).start()
    return LAWFUL.serve(inside)


MINIATURES: dict[str, Miniature] = {
    "minds-its-name": serves("It knows its host by name.", before=_minds_its_name),
    "cuts-off": lawful_but("It cuts off who is still sending.", serve=_cuts_off),
    "hides-a-dead-child": lawful_but(
        "It says it is healthy when its server is dead.", serve=_bereft(), child="python model.py"
    ),
    "ends-with-its-child": lawful_but(
        "It ends with its server.", serve=_dies_with_its_child, child="python model.py"
    ),
    "ill-without-its-child": lawful_but(
        "Its pings fail when its server is dead.",
        serve=_bereft(pings=lambda _: 503),
        child="python model.py",
    ),
    "starts-its-child-again": lawful_but(
        "It starts its server again.",
        serve=_bereft(answers=lambda dead: 200 if dead > 0.3 else 503),
        child="python model.py",
    ),
    "writes-beside-its-program": lawful_but(
        "It keeps its cache beside its program.",
        adds={
            "/opt/program/cache.db": 10,
            "/var/log/server.log": 5,
            "/tmp/scratch": 3,
            "/opt/program/__pycache__/serve.pyc": 9,
            "/run/server.pid": 2,
        },
    ),
    "writes-logs": lawful_but(
        "It writes a log and the number of its process.",
        adds={"/var/log/server.log": 5, "/run/server.pid": 2},
    ),
    "deaf-at-work": lawful_but("It hears no SIGTERM while it works.", serve=_deaf_at_work),
}
SERVING_SINS = [
    Sin("minds-its-name", "HOST-036 container-hostname", "advice",
        says="as soon as this is lifted: the host has an unusual name"),
    Sin("cuts-off", "HOST-061 finishes-requests", "advice",
        says="connection closed before the answer was complete"),
    Sin("hides-a-dead-child", "HOST-062 dies-with-server", "advice",
        says="after `python model.py` was killed: ping 200", limits={"server_recovery_s": 0.2}),
    Sin("writes-beside-its-program", "IMG-024 writes-to-tmp-only", "advice",
        says="it wrote /opt/program/cache.db"),
]  # fmt: skip
