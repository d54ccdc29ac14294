"""Little liars whose server is not reached, not ready, not well, or gives no answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from email.message import Message
from itertools import count
from typing import Any

from miniatures import manners
from miniatures.container import Miniature
from miniatures.declared import BOTH, REQUESTS, SERVES
from miniatures.inside import Answer, Inside, Ping
from miniatures.lawful import afresh, invocation, lawful_but, serves, serving
from miniatures.sins import HASTE, UNSTOPPABLE, Sin
from sm_conformance.observed.facts import Listener
from sm_conformance.observed.http import MAX_REPLY_BYTES


def _never_listens(inside: Inside) -> int:
    inside.say("server starts")
    inside.until_stopped()
    return 0


def _listens(host: str, port: int) -> Callable[[Inside], int]:
    def serve(inside: Inside) -> int:
        inside.listeners.append(Listener(host=host, port=port))
        return _never_listens(inside)

    return serve


def _gives_up(inside: Inside) -> int:
    inside.complain("no licence found")
    return 3


def ping_500(headers: Message) -> int:
    return 500


def _ping_404(headers: Message) -> int:
    return 404


def _ping_local_only(headers: Message) -> int:
    return 200 if headers.get("Host", "").startswith("localhost") else 400


def _slow_ping(headers: Message) -> int:
    time.sleep(0.1)
    return 200


def _slow_now_and_then() -> Ping:
    seen = count(1)

    def slow(headers: Message) -> int:
        if next(seen) % 9 == 0:
            time.sleep(0.3)
        return 200

    return slow


def _falls_ill() -> Ping:
    seen = count()
    return lambda headers: 200 if next(seen) < 16 else 503


def _refuses(headers: Message, body: bytes) -> Answer:
    return 400, "text/plain", b"not this\n"


def _floods(headers: Message, body: bytes) -> Answer:
    return 200, "text/csv", bytes(MAX_REPLY_BYTES + 1)


def breaks(headers: Message, body: bytes) -> Answer:
    return 500, "text/plain", b"oh\n"


def _thinks_too_long() -> Callable[[Message, bytes], Answer]:
    seen = count()

    def answer(headers: Message, body: bytes) -> Answer:
        if next(seen) == 0:
            time.sleep(0.9)
        return invocation(headers, body)

    return answer


def _warms_up() -> Callable[[Message, bytes], Answer]:
    seen = count()

    def answer(headers: Message, body: bytes) -> Answer:
        return (503, "text/plain", b"") if next(seen) == 0 else invocation(headers, body)

    return answer


def _only_local_requests(headers: Message, body: bytes) -> Answer:
    if not headers.get("Host", "").startswith("localhost"):
        return 400, "text/plain", b"Bad Request (400)\n"
    return invocation(headers, body)


def _ping_401(headers: Message) -> int:
    return 401


def _unpacks_beside_the_model(inside: Inside) -> None:
    if "/opt/ml/model" in inside.read_only:
        raise PermissionError("read-only file system: /opt/ml/model/cache")


def _late(inside: Inside) -> None:
    inside.sleep(0.4)


MINIATURES: dict[str, Miniature] = {
    "never-listens": lawful_but("Its server never listens.", serve=_never_listens),
    "loopback": lawful_but("It listens on loopback alone.", serve=_listens("127.0.0.1", 8080)),
    "port-5000": lawful_but("It listens on another port.", serve=_listens("0.0.0.0", 5000)),
    "gives-up": lawful_but("Its server ends at once.", serve=_gives_up),
    "ping-500": serves("Its ping says 500.", ping=ping_500),
    "localhost-only": serves("It answers clients that call it localhost.", ping=_ping_local_only),
    "slow-ping": serves("Its ping is slow.", ping=_slow_ping),
    "slow-now-and-then": lawful_but(
        "Every ninth ping is slow.", serve=afresh(lambda: serving(ping=_slow_now_and_then()))
    ),
    "sick-later": lawful_but(
        "It falls ill after sixteen pings.",
        serve=afresh(lambda: serving(ping=_falls_ill())),
    ),
    "late": serves("It is ready too late.", before=_late),
    "refuses": serves("It refuses every request.", invocation=_refuses),
    "ping-404": serves("It knows no ping.", ping=_ping_404),
    "floods": serves("Its replies are larger than is read.", invocation=_floods),
    "breaks": serves("Every request breaks it.", invocation=breaks),
    "slow": lawful_but(
        "It thinks too long.",
        serve=afresh(lambda: serving(invocation=_thinks_too_long())),
    ),
    "warms-up": lawful_but(
        "It says it is ready before it is.",
        serve=afresh(lambda: serving(invocation=_warms_up())),
    ),
    "ping-hangs": serves("Its ping is never answered.", manners=manners.NeverAnswersPings),
    "speaks-tls": serves("It wants TLS.", manners=manners.SpeaksTls),
    "ping-401": serves("Its ping wants a password.", ping=_ping_401),
    "only-local-requests": serves(
        "It predicts for who calls it localhost.", invocation=_only_local_requests
    ),
    "writes-beside-model": serves("It writes to its model.", before=_unpacks_beside_the_model),
    "deaf-server": lawful_but("Its server ignores SIGTERM.", catches_sigterm=False),
}


def expecting(row: Mapping[str, Any] | None = None, json: Mapping[str, Any] | None = None) -> Any:
    """A declaration with what the replies to the two requests must be."""
    requests = [
        {**request, **({"expect": expect} if expect else {})}
        for request, expect in zip(REQUESTS, (row, json), strict=True)
    ]
    return {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}


SERVING_SINS = [
    Sin("never-listens", "HOST-001 listens", says="connection refused", limits=HASTE),
    Sin("loopback", "HOST-001 listens", says="of the loopback interface only", limits=HASTE),
    Sin("port-5000", "HOST-001 listens", says="it listens on port 5000 instead", limits=HASTE),
    Sin("gives-up", "HOST-002 ping", says="exited with 3", limits=HASTE),
    Sin("ping-500", "HOST-002 ping", says="GET /ping: 500", limits=HASTE),
    Sin("localhost-only", "HOST-002 ping", says="Host header", limits=HASTE),
    Sin("slow-ping", "HOST-004 ping-in-time", says="took longer", limits={"ping_limit_s": 0.05,
        "ping_spacing_s": 0.02, "sample_requests": 2}),
    Sin("slow-now-and-then", "HOST-004 ping-in-time", "advice", says="slow now and then: ",
        limits={"ping_limit_s": 0.25, "ping_spacing_s": 0.02, "sample_requests": 30}),
    Sin("lawful", "HOST-010 expected-response", says="sample: the body '0\\n'",
        declaration=expecting({"body": "1\n"})),
    Sin("lawful", "HOST-010 expected-response", says="sample: Content-Type text/csv",
        declaration=expecting({"content_type": "application/json"})),
    Sin("lawful", "HOST-010 expected-response", says="request-json: the body '[0]'",
        declaration=expecting({"body": "0"}, {"matches": "^\\[1"})),
    Sin("lawful", "HOST-010 expected-response", says="request-json: $[0]: 0 is not of type",
        declaration=expecting(json={"schema": {"items": {"type": "string"}}})),
    Sin("late", "HOST-005 startup-window", says="the first 200 came after",
        limits={"startup_limit_s": 0.2, "startup_grace_s": 5}),
    Sin("sick-later", "HOST-006 stays-healthy", says="503"),
    Sin("warms-up", "HOST-007 ready-means-ready", "advice", says="503"),
    Sin("refuses", "HOST-010 invocation", says="sample request: 400", limits=HASTE,
        repeat='requests/sample "http://$at/invocations"'),
    Sin("breaks", "HOST-010 invocation", says="sample request: 500", limits=HASTE),
    Sin("slow", "HOST-010 invocation", says="200", limits={"invocation_limit_s": 0.8}),
    Sin("ping-hangs", "HOST-002 ping", says="although the connection is accepted",
        limits={**HASTE, "ping_limit_s": 0.05}),
    Sin("speaks-tls", "HOST-002 ping", says="may want TLS", limits=HASTE),
    Sin("ping-401", "HOST-002 ping", says="the platform sends none", limits=HASTE),
    Sin("only-local-requests", "HOST-010 invocation",
        says="Host header (model.aws.local:8080) alone makes it refuse", limits=HASTE,
        repeat='requests/local-host "http://$at/invocations"'),
    Sin("writes-beside-model", "HOST-030 read-only-model", says="as soon as this is lifted",
        declaration=BOTH),
    Sin("deaf-server", "HOST-060 stops-in-time", "advice", says="it did not end",
        limits=UNSTOPPABLE),
]  # fmt: skip
