"""Talks to one live server and keeps what was said: for the clauses, and as evidence."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sm_conformance.declaration.values import SampleRequest
from sm_conformance.engine.protocol import Container
from sm_conformance.inputs.malformed_http import RawRequest
from sm_conformance.inputs.requests import PLATFORM_HEADERS, Request, invocation
from sm_conformance.laboratory import evidence
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.http import Address, Reply, exchange
from sm_conformance.observed.latency import Summary
from sm_conformance.observed.run import Stop
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


@dataclass(slots=True)
class Conversation:
    """The harness's side of one server's life. Frozen into a ``Server`` when it is over."""

    bench: Bench
    container: Container
    folder: Path
    samples: tuple[SampleRequest, ...]
    # How long a good request that is not answered well is asked again, seconds.
    answer_patience_s: float
    # How long one reply is waited for, seconds.
    reply_limit_s: float
    pings: list[Reply] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)
    curls: dict[str, str] = field(default_factory=dict)
    connects_ms: list[float | None] = field(default_factory=list)
    spaced_pings: list[Reply] = field(default_factory=list)
    spaced_replies: list[Reply] = field(default_factory=list)
    ping_latency: Summary | None = None
    invocation_latency: Summary | None = None
    stop: Stop | None = None
    written: Written | None = None
    tried: dict[str, Tried] = field(default_factory=dict)

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

    def ping(
        self,
        headers: Mapping[str, str] = PLATFORM_HEADERS,
        *,
        connect_limit_s: float | None = None,
    ) -> Reply:
        """One ``GET /ping``, given longer than the platform gives it."""
        self.bench.check()
        return exchange(
            self.address,
            method="GET",
            path="/ping",
            headers=headers,
            body=None,
            limit_s=self.bench.limits.ping_limit_s * _PING_PATIENCE,
            connect_limit_s=connect_limit_s,
        )

    def good(self, name: str) -> Reply:
        """The first sample request, kept under ``name``."""
        return self.ask(invocation(self.sample, name=name))

    def ask(self, request: Request, *, limit_s: float | None = None) -> Reply:
        """One ``POST /invocations``; the reply is kept under the request's name."""
        reply = self.send(request, limit_s=limit_s)
        self.keep(request, reply)
        return reply

    def send(self, request: Request, *, limit_s: float | None = None) -> Reply:
        """One ``POST /invocations``, of which nothing is kept."""
        self.bench.check()
        return exchange(
            self.address,
            method="POST",
            path="/invocations",
            headers=request.headers,
            body=request.body,
            limit_s=limit_s or self.reply_limit_s,
            connect_limit_s=_CONNECT_S,
        )

    def keep(self, request: Request, reply: Reply) -> None:
        """Keeps a reply under the request's name, with what is needed to send the request again."""
        self.replies[request.name] = reply
        evidence.write_reply(self.folder, request.name, reply)
        # A large body is worth its room only where somebody will want to send it again.
        kept = len(request.body) <= _LARGEST_KEPT_BODY or not reply.ok
        if kept:
            evidence.write_request(self.folder, request.name, request.body)
        self.curls[request.name] = evidence.repeat_request(
            self.folder.name,
            request=request.name,
            method="POST",
            path="/invocations",
            headers=request.headers,
            body=kept,
        )

    def keep_raw(self, request: RawRequest) -> None:
        """Keeps bytes that are no proper request, with what is needed to send them again."""
        evidence.write_request(self.folder, request.name, request.data)
        self.curls[request.name] = evidence.repeat_raw(self.folder.name, request)

    def until_good(self, name: str, *, patience_s: float) -> Reply:
        """The first sample request, asked again while it fails, for ``patience_s`` seconds.

        A refusal (4xx) is no sign of loading and is soon believed.
        """
        began = time.monotonic()
        pause_s = 0.05
        while True:
            reply = self.good(name)
            waited = time.monotonic() - began
            refused = reply.status is not None and reply.status < 500
            enough_s = min(_REFUSAL_PATIENCE_S, patience_s) if refused else patience_s
            if reply.ok or waited > enough_s:
                return reply
            if reply.problem == "timeout" or self.container.pause(pause_s):
                return reply
            pause_s = min(1.0, pause_s * 1.5)

    def recovered(self, name: str) -> Reply:
        """The first sample request after one that a worker may not have survived."""
        return self.until_good(name, patience_s=_RECOVERY_S)
