"""Requests that no well-meaning client sends, and large ones: what a server should make of them."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.judgement.outcome import Blocked, Broken, NotRun, demand
from sm_conformance.laboratory.steadiness import how_it_ended
from sm_conformance.laboratory.steps.strange import (
    BAD,
    MALFORMED,
    refused_for_size,
    survived,
    works_after,
)
from sm_conformance.observed.run import Server, Stage
from sm_conformance.suite.asked import asked, plainly_well
from sm_conformance.suite.blamed import blame

SURVIVES = "HOST-029 survives-bad-input"
# Malformed for every sample; the others are sent where a sample lends itself to it.
_ALWAYS = ("empty-body", "noise", "cut")


@clause("HOST-021", "content-types", given=("serve-plain", "serve-strange"), needs=Stage.ANSWERED)
def test_content_types(given: str, server: Server) -> None:
    """Declared content types get a 2xx status, and an unknown content type gets a 4xx status."""
    if given == "serve-plain":
        _takes_what_is_declared(server)
        return
    reply = asked(server, "undeclared-type")
    if _ended_by(server, "undeclared-type"):
        raise Blocked(SURVIVES)
    demand(
        reply.status is not None and 400 <= reply.status < 500,
        expected="a 4xx status, 415 for choice",
        actual=f"a type that nobody declared: {reply.describe()}",
        repeat=server.curl("undeclared-type"),
    )
    untyped = server.replies.get("no-type")
    if untyped is not None and _ended_by(server, "no-type"):
        raise Blocked(SURVIVES)
    demand(
        untyped is None or (untyped.status is not None and untyped.status < 500),
        expected="a type taken for granted, or a 4xx status",
        actual=f"no Content-Type: {untyped.describe() if untyped else ''}",
        repeat=server.curl("no-type"),
    )


@clause("HOST-025", "malformed-body", given="serve-strange", needs=Stage.ANSWERED)
def test_malformed_body(server: Server) -> None:
    """A malformed request body does not get a 5xx status."""
    asked(server, "undeclared-type")
    for name in MALFORMED:
        reply = server.replies.get(name)
        if reply is None and name not in _ALWAYS:
            continue
        if reply is None or _ended_by(server, name):
            raise Blocked(SURVIVES)
        # A 2xx is no breach: what is malformed for one model is lawful input for another.
        demand(
            reply.status is not None and reply.status < 500,
            expected="a 4xx status",
            actual=f"{name}: {reply.describe()}",
            repeat=server.curl(name),
        )


@clause("HOST-029", "survives-bad-input", given="serve-strange", needs=Stage.ANSWERED)
def test_survives_bad_input(server: Server) -> None:
    """Valid requests still succeed after empty, random, truncated and wrongly typed ones."""
    asked(server, BAD[0])
    for name in BAD:
        if name not in server.replies:
            continue
        after, ping = server.replies.get(f"after-{name}"), server.replies.get(f"ping-after-{name}")
        if after is None or ping is None:
            said = f"after {name} the server {how_it_ended(server.exit)}"
            blame(server, said, expected="it goes on", request=name, after="sample")
        if not works_after(server.replies, name):
            said = f"after {name}: good request {after.describe()}; ping {ping.describe()}"
            expected = "a good request and a ping succeed afterwards"
            blame(server, said, expected=expected, request=name, after=f"after-{name}")


@clause("HOST-013", "body-6-mib", given="serve-strange", needs=Stage.ANSWERED)
def test_body_6_mib(server: Server) -> None:
    """A request body of just under 6 MiB is accepted."""
    smaller = [
        f"; just below {size}: {server.replies[name].describe()}"
        for name, size in (("body-5-mib", "5 MiB"), ("body-1-mib", "1 MiB"))
        if name in server.replies
    ]
    _accepted(server, "body-6-mib", "".join(smaller))


@clause("HOST-013", "body-25-mb", given="serve-strange", needs=Stage.ANSWERED)
def test_body_25_mb(server: Server) -> None:
    """A request body of just under 25 MB is accepted."""
    smaller = server.replies.get("body-6-mib")
    if smaller is not None and refused_for_size(smaller):
        raise Blocked("HOST-013 body-6-mib")
    _accepted(server, "body-25-mb")


def _ended_by(server: Server, name: str) -> bool:
    """Whether the request ``name`` got no answer and no good one after it did."""
    return server.replies[name].status is None and not works_after(server.replies, name)


def _takes_what_is_declared(server: Server) -> None:
    for name, reply in server.replies.items():
        if name.startswith("request-"):
            # How a stream goes on is another clause's matter.
            streams = name.removeprefix("request-") in server.streams
            demand(
                reply.accepted if streams else reply.ok,
                expected="2xx to every declared request",
                actual=f"{name}: {reply.describe()}",
                repeat=server.curl(name),
            )
    for name, reply in server.replies.items():
        if name.startswith("charset-") and not reply.ok:
            plainly_well(server, "without-charset")
            raise Broken(
                expected="2xx, as to the same type without `; charset=utf-8`",
                actual=f"{name}: {reply.describe()}",
                repeat=server.curl(name),
            )


def _accepted(server: Server, name: str, further: str = "") -> None:
    reply = server.replies.get(name)
    if reply is None or reply.connect_s is None:
        if not survived(server.replies):
            raise Blocked(SURVIVES)
        raise NotRun("the server was gone, or still at work, when a large body was due")
    if reply.status is None and reply.problem == "timeout":
        raise NotRun(f"no answer in time, so nobody knows: {reply.describe()}", excused=True)
    demand(
        not refused_for_size(reply),
        expected="the body is read; whether it makes sense is another matter",
        actual=f"{reply.describe()}{further}",
        repeat=server.curl(name),
    )
