"""Talks to one live server and keeps what was said: for the clauses, and as evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from sm_conformance.declaration.values import SampleRequest
from sm_conformance.engine.protocol import Container
from sm_conformance.inputs.malformed_http import RawRequest
from sm_conformance.inputs.requests import PLATFORM_HEADERS, Request, invocation
from sm_conformance.laboratory import evidence, repeating
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.bereft import Bereft
from sm_conformance.observed.http import Address, Reply, Session, exchange
from sm_conformance.observed.latency import Summary
from sm_conformance.observed.load import Load
from sm_conformance.observed.paced import Paced
from sm_conformance.observed.parted import PartedRequest
from sm_conformance.observed.run import Stop
from sm_conformance.observed.sending import in_chunks
from sm_conformance.observed.transformed import Transformed
from sm_conformance.observed.tried import Tried
from sm_conformance.observed.written import Written

# A ping is given this many times the platform's limit, to tell slow from silent.
_PING_PATIENCE = 5
_LARGEST_KEPT_BODY = 1024 * 1024
# Enough for a lost SYN or two. Nobody answers for the address of a server that has just ended.
_CONNECT_S = 5.0
# A refusal (4xx) of a good request soon after the start is asked again for this long.
_REFUSAL_PATIENCE_S = 5.0
# How long a worker may take to come back after a request that it did not survive.
_RECOVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Suspect:
    """The request after which a server had ended or failed, and how any server is sent it.

    It was the last of so many that were ``asked``, pings among them.
    """

    name: str
    asked: int
    send: Callable[[Conversation], object]


@dataclass(slots=True)
class Conversation:
    """The harness's side of one server's life. Frozen into a ``Server`` when it is over."""

    bench: Bench
    container: Container
    folder: Path
    samples: tuple[SampleRequest, ...]
    # How long a good request that is not answered well is asked again, seconds.
    answer_patience_s: float
    # How long one reply is waited for, and one that streams, seconds.
    reply_limit_s: float
    stream_limit_s: float
    pings: list[Reply] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)
    # Of each request whose answer streams, by the name that its owner gave it.
    streams: dict[str, tuple[Reply, ...]] = field(default_factory=dict)
    curls: dict[str, str] = field(default_factory=dict)
    connects_ms: list[float | None] = field(default_factory=list)
    spaced_pings: list[Reply] = field(default_factory=list)
    spaced_replies: list[Reply] = field(default_factory=list)
    ping_latency: Summary | None = None
    invocation_latency: Summary | None = None
    # By route: at the declared rate, and what the harness's own echo server took for the same.
    paced: dict[str, Paced] = field(default_factory=dict)
    floors: dict[str, Summary] = field(default_factory=dict)
    paced_floors: dict[str, Summary] = field(default_factory=dict)
    stop: Stop | None = None
    bereft: Bereft | None = None
    written: Written | None = None
    load: Load | None = None
    transformed: Transformed | None = None
    tried: dict[str, Tried] = field(default_factory=dict)
    # How many requests were sent, pings among them.
    asked: int = 0
    suspect: Suspect | None = None

    @property
    def address(self) -> Address:
        """Where the server answers."""
        found = self.container.address
        assert found is not None, "a server is launched on a network"
        return found

    @property
    def sample(self) -> SampleRequest:
        """The request that promises are judged with."""
        return self.samples[0]

    @property
    def ping_patience_s(self) -> float:
        """How long a ping is waited for, seconds."""
        return self.bench.limits.ping_limit_s * _PING_PATIENCE

    @property
    def answer_limit_s(self) -> float:
        """How long the platform waits for the answer to that request, in seconds."""
        limits = self.bench.limits
        return limits.invocation_limit_s if self.sample.stream is None else limits.stream_limit_s

    def begin(self) -> None:
        """Counts one more request; raises :class:`Cancelled` when the run is over."""
        self.bench.check()
        self.asked += 1

    def ping(
        self,
        headers: Mapping[str, str] = PLATFORM_HEADERS,
        *,
        connect_limit_s: float | None = None,
    ) -> Reply:
        """One ``GET /ping``, given longer than the platform gives it."""
        self.begin()
        return exchange(
            self.address,
            method="GET",
            path="/ping",
            headers=headers,
            body=None,
            limit_s=self.ping_patience_s,
            connect_limit_s=connect_limit_s,
        )

    def good(self, name: str) -> Reply:
        """The first sample request, kept under ``name``."""
        return self.ask(invocation(self.sample, name=name))

    def ask(
        self, request: Request, *, limit_s: float | None = None, session: Session | None = None
    ) -> Reply:
        """One request, on a connection of its own or of ``session``; the reply is kept by its name."""
        reply = self.send(request, limit_s=limit_s, session=session)
        self.keep(request, reply)
        return reply

    def send(
        self, request: Request, *, limit_s: float | None = None, session: Session | None = None
    ) -> Reply:
        """The same, and nothing of it is kept."""
        self.begin()
        body = in_chunks(request.body) if request.chunked else request.body
        with nullcontext(session) if session else Session(self.address) as connection:
            return connection.exchange(
                method=request.method,
                path=request.path,
                headers=request.headers,
                body=body if request.method == "POST" else None,
                limit_s=limit_s or (self.stream_limit_s if request.streams else self.reply_limit_s),
                connect_limit_s=_CONNECT_S,
            )

    def keep(self, request: Request, reply: Reply) -> None:
        """Keeps a reply under the request's name, with what is needed to send the request again."""
        self.replies[request.name] = reply
        evidence.write_reply(self.folder, request.name, reply)
        # A large body is worth its room only where somebody will want to send it again.
        small = len(request.body) <= _LARGEST_KEPT_BODY or not reply.ok
        kept = small and request.method == "POST"
        if kept:
            evidence.write_request(self.folder, request.name, request.body)
        self.curls[request.name] = repeating.repeat_request(
            self.folder.name,
            request=request.name,
            method=request.method,
            path=request.path,
            headers=request.headers,
            body=kept,
            longest_s=self.stream_limit_s if request.streams else None,
        )

    def keep_raw(self, request: RawRequest) -> None:
        """Keeps bytes that are no proper request, with what is needed to send them again."""
        evidence.write_request(self.folder, request.name, request.data)
        self.curls[request.name] = repeating.repeat_raw(self.folder.name, request)

    def ask_in_halves(
        self, request: Request, *, between: Callable[[], object], limit_s: float
    ) -> Reply:
        """The same with ``between`` called when the head and half the body have been sent.

        The answer is waited for ``limit_s`` seconds from the second half on.
        """
        self.begin()
        with PartedRequest(
            self.address,
            path="/invocations",
            headers=request.headers,
            body=request.body,
            limit_s=_CONNECT_S,
        ) as parted:
            if parted.begun:
                between()
            reply = parted.finish(limit_s=limit_s)
        self.keep(request, reply)
        return reply

    def until_good(self, name: str, *, patience_s: float, limit_s: float | None = None) -> Reply:
        """The first sample request, asked again while it fails, for ``patience_s`` seconds.

        A refusal (4xx) is no sign of loading and is soon believed; so is no answer in ``limit_s``.
        """
        began = time.monotonic()
        pause_s = 0.05
        while True:
            reply = self.ask(invocation(self.sample, name=name), limit_s=limit_s)
            waited = time.monotonic() - began
            refused = reply.status is not None and reply.status < 500
            enough_s = min(_REFUSAL_PATIENCE_S, patience_s) if refused else patience_s
            if reply.ok or waited > enough_s:
                return reply
            if reply.problem == "timeout" or self.container.pause(pause_s):
                return reply
            pause_s = min(1.0, pause_s * 1.5)

    def recovered(self, name: str, *, limit_s: float | None = None) -> Reply:
        """The first sample request after one that a worker may not have survived."""
        return self.until_good(name, patience_s=_RECOVERY_S, limit_s=limit_s)
