"""A server that is ended while it works, or that loses the process which serves."""

from __future__ import annotations

import time

from sm_conformance.inputs.requests import invocation
from sm_conformance.laboratory import repeating, stopping
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.observed.bereft import Bereft
from sm_conformance.observed.facts import NotKilled
from sm_conformance.observed.http import Reply, printable

# For a server to take a request up, and to do after SIGTERM what would cut it.
_TAKEN_UP_S = 0.1
_APART_S = 0.25
_POLL_S = 0.05
_LONGEST_POLL_S = 1.0
_CONNECT_S = 1.0
# A request may be lost with the process; it is given up for another one then.
_LOST_S = 5.0
_SLOWER = 3.0


def in_flight(talk: Conversation) -> None:
    """A request half of which has come when SIGTERM does; before it, one in halves and no signal.

    Whether it is answered is one question, whether the server then ends is another.
    """
    request = invocation(talk.sample, name="in-halves")
    if not request.body or talk.container.pause(0.0):
        return
    known = talk.ask_in_halves(
        request,
        between=lambda: talk.container.pause(_TAKEN_UP_S),
        limit_s=talk.reply_limit_s,
    )
    if not known.ok or talk.container.pause(0.0):
        return
    request = invocation(talk.sample, name="in-flight")
    limit_s = talk.bench.limits.hosting_stop_limit_s
    told: list[stopping.Told] = []

    def stop() -> None:
        if not talk.container.pause(_TAKEN_UP_S):
            told.append(stopping.tell(talk.container))
            talk.container.pause(_APART_S)

    talk.ask_in_halves(request, between=stop, limit_s=limit_s)
    talk.curls[request.name] = repeating.repeat_in_flight(
        talk.folder.name,
        request=request.name,
        headers=request.headers,
        body_bytes=len(request.body),
        waits_s=(_TAKEN_UP_S, _APART_S),
    )
    talk.curls["outlived"] = repeating.repeat_outlived(talk.curls[request.name], limit_s=limit_s)
    if told:
        talk.stop = stopping.stopped(talk.bench, told[0], limit_s=limit_s)


def kill_server(talk: Conversation) -> None:
    """Kills the child that serves, from outside, and looks what becomes of it."""
    if talk.container.pause(0.0) or not talk.recovered("before-kill").ok:
        return
    killing = talk.container.kill_server()
    if isinstance(killing, NotKilled):
        talk.bereft = Bereft(why_not=killing)
        return
    talk.bereft = _what_becomes_of_it(talk, killing.command)
    talk.curls["kill"] = repeating.repeat_kill(printable(killing.command))


def _what_becomes_of_it(talk: Conversation, command: str) -> Bereft:
    """Looks until it has ended, refuses pings, or answers a good request; at most for its time."""
    began, limits = time.monotonic(), talk.bench.limits
    usual = talk.replies["before-kill"]
    ping: Reply | None = None
    reply: Reply | None = None
    pause_s, refused = _POLL_S, 0
    while True:
        ended = talk.container.pause(pause_s)
        if not ended:
            ping = talk.ping(connect_limit_s=_CONNECT_S)
            healthy = ping.status == 200
            refused = 0 if healthy else refused + 1
            if healthy:
                request = invocation(talk.sample, name="after-kill")
                reply = talk.ask(request, limit_s=max(_LOST_S, _SLOWER * usual.elapsed_s))
        seconds = time.monotonic() - began
        told = refused >= limits.unhealthy_after or (reply is not None and reply.ok)
        if ended or told or seconds > limits.server_recovery_s:
            return Bereft(
                command=printable(command)[:120],
                seconds=seconds,
                exit=talk.container.wait(_POLL_S),
                ping=ping,
                reply=reply,
            )
        pause_s = min(_LONGEST_POLL_S, pause_s * 1.5)
