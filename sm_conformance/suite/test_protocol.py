"""Lawful requests in all their forms, and whether replies are what they say."""

from __future__ import annotations

from collections.abc import Iterator

from sm_conformance.binding import clause
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, demand
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.expected import CannotTell, unmet
from sm_conformance.laboratory.steps.protocol import KEPT, REFUSED, lost_behind, unlike
from sm_conformance.laboratory.steps.strange import BAD
from sm_conformance.observed import timing
from sm_conformance.observed.http import Reply, printable
from sm_conformance.observed.labels import accepted, mislabelled
from sm_conformance.observed.run import Server, Stage
from sm_conformance.suite.asked import asked, plainly_well

_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_HTTP_1_0, _HTTP_1_1 = 10, 11
# How a server lawfully says that it takes no such request.
_DECLINED = {
    "two-parts": (),
    "lower-case": (),
    "chunked": (411, 501),
    "expect-continue": (417,),
}
_TOLD = {
    "lower-case": ", to the good request with the names of its headers in lower case",
    "two-parts": ", to the good request whose second half came a moment later",
}
_HOW_TO = {
    "lower-case": "Compare the names of headers without regard to case, as HTTP has it: proxies write "
    "them in lower case.",
    "two-parts": "Go on reading until as many bytes have come as Content-Length says: what one read "
    "returns is seldom the whole of a request, and never of a large one.",
}
# Of these HTTP/1.0 knows nothing.
_NEWER = ("chunked", "expect-continue")


@clause("HOST-003", "post-ping", given="serve-strange", needs=Stage.ANSWERED)
def test_post_ping(server: Server) -> None:
    """POST /ping is answered like GET /ping."""
    reply = asked(server, "post-ping")
    demand(
        reply.status == 200,
        expected="200 to POST /ping, as to GET",
        actual=reply.describe(),
        repeat=server.curl("post-ping"),
    )


@clause("HOST-014", "keep-alive", given="serve-strange", needs=Stage.ANSWERED)
def test_keep_alive(server: Server, bench: Bench) -> None:
    """Two requests succeed one after the other on one HTTP/1.1 connection, also with a pause between them."""
    plainly_well(server, "not-kept")
    asked(server, "kept-first")
    name = unlike(server.replies)
    if name is not None:
        raise Broken(
            expected="on one connection the same answers as on one for each request",
            actual=f"{name.removeprefix('kept-')} request: {server.replies[name].describe()}",
            repeat=server.curl("keep-alive"),
        )
    asked(server, "kept-idle")
    kept = [server.replies[one] for one in KEPT if one in server.replies]
    if all(reply.connect_s is not None for reply in kept):
        if not all(map(_promises_more, (reply for reply in kept if reply.ok))):
            raise NotApplicable("the server ends each connection after its answer, which is lawful")
        raise Broken(
            expected="a connection that stays open, or `Connection: close` in each HTTP/1.1 answer",
            actual=f"it ended each of {len(kept)} connections after one answer, which did not say "
            "so: a client that sends its next request before it sees the end gets a reset in the "
            "place of an answer, now and then",
            fix="Keep the connection open behind an answer, for a minute or more; or say `Connection: "
            "close` in each answer behind which it ends.",
            repeat=server.curl("keep-alive"),
        )
    for one in REFUSED:
        if lost_behind(server.replies, one):
            plainly_well(server, "not-refused")
            refused, after = server.replies[one], server.replies[REFUSED[one]]
            unasked = "further bytes, which nobody had asked for; then, " if refused.surplus else ""
            raise Broken(
                expected="the body of a refused request is read to its end, or the connection closed",
                actual=f"{one.removeprefix('refused-')} refused ({refused.describe()}), then on the "
                f"same connection {unasked}to a good request: {after.describe()}",
                repeat=server.curl(f"kept-{one}"),
            )
    for one in ("kept-second", "kept-idle"):
        other = _other_than_declared(server, bench, server.replies[one])
        if other is not None:
            raise Broken(
                expected="the declared response, as on a connection of its own",
                actual=f"{one.removeprefix('kept-')} request: {other}",
                repeat=server.curl("keep-alive"),
            )


@clause("HOST-014", "request-framing", given="serve-strange", needs=Stage.ANSWERED)
def test_request_framing(server: Server, bench: Bench) -> None:
    """A valid request succeeds as well in two parts, with header names in lower case, with its body in chunks, or held back until the server asks for it."""
    old = server.replies["sample"].version == _HTTP_1_0
    asked_in = [name for name in _DECLINED if name in server.replies]
    framed = [(name, server.replies[name]) for name in asked_in if not (old and name in _NEWER)]
    if not asked_in:
        raise NotApplicable("the sample request has no body")
    for name, reply in framed:
        if reply.ok:
            other = _other_than_declared(server, bench, reply)
            demand(
                other is None,
                expected="the declared response, as to the same body with its length",
                actual=f"{name}: {other}",
                repeat=server.curl(name),
            )
        elif reply.problem is not None or reply.status not in _DECLINED[name]:
            plainly_well(server, "not-framed")
            lawful = " or ".join(str(status) for status in _DECLINED[name])
            raise Broken(
                expected=f"2xx, or {lawful} where it takes no such request" if lawful else "2xx",
                actual=f"{name}: {reply.describe()}{_TOLD.get(name, '')}",
                fix=_HOW_TO.get(name),
                repeat=server.curl(name),
            )
    if old:
        raise NotApplicable("it speaks HTTP/1.0, which knows neither")


@clause("HOST-020", "unknown-headers", given="serve-plain", needs=Stage.ANSWERED)
def test_unknown_headers(server: Server) -> None:
    """Request headers that the server does not know do not stop a valid request from succeeding."""
    reply = asked(server, "unknown-headers")
    if timing.unreliable(server):
        raise Blocked("HOST-010 invocation")
    plainly_well(server, "known-headers")
    demand(
        reply.ok,
        expected="2xx, as without those headers",
        actual=reply.describe(),
        repeat=server.curl("unknown-headers"),
    )
    api = asked(server, "api-headers")
    plainly_well(server, "no-api-headers")
    # Who understands a header may refuse its value: there is no such model, variant or session.
    if api.problem is not None or api.status is None or api.status >= 500:
        raise Broken(
            expected="2xx, or a 4xx status where it knows one of them and refuses its value",
            actual=f"with the headers of the invoke APIs: {api.describe()}",
            repeat=server.curl("api-headers"),
            only_advice=True,
        )


@clause("HOST-022", "response-type", given="serve-plain", needs=Stage.ANSWERED)
def test_response_type(server: Server, bench: Bench) -> None:
    """Every successful reply to an invocation names its Content-Type, and the body is of that type."""
    for name, reply, accept in _answered(server, bench):
        kind = reply.header("content-type")
        demand(
            bool(kind),
            expected="a Content-Type header",
            actual=f"{name}: none; {reply.describe()}",
            repeat=server.curl(name),
        )
        wrong = mislabelled(reply)
        demand(
            wrong is None,
            expected="a Content-Type that tells what the body is",
            actual=f"{name}: {wrong}",
            repeat=server.curl(name),
        )
        demand(
            accept is None or accepted(accept, kind or ""),
            expected=f"a reply of the type that the request accepts, {accept}",
            actual=f"{name}: Content-Type {printable((kind or '')[:80])}",
            repeat=server.curl(name),
        )


@clause("HOST-023", "returned-attributes", given="serve-plain", needs=Stage.ANSWERED)
def test_returned_attributes(server: Server, limits: Limits) -> None:
    """An X-Amzn-SageMaker-Custom-Attributes header of a reply has at most 1024 visible ASCII characters."""
    for name in ("sample", "unknown-headers", "api-headers"):
        value = asked(server, name).header(_ATTRIBUTES)
        if value is None:
            continue
        strange = sorted({char for char in value if not (" " <= char <= "~" or char == "\t")})
        shown = printable("".join(strange[:5]))
        demand(
            len(value) <= limits.custom_attributes_chars and not strange,
            expected=f"at most {limits.custom_attributes_chars} visible ASCII characters",
            actual=f"{name}: {len(value)} characters" + (f", among them {shown}" if shown else ""),
            repeat=server.curl(name),
        )


@clause("HOST-026", "error-text", given="serve-strange", needs=Stage.ANSWERED)
def test_error_text(server: Server, limits: Limits) -> None:
    """A 4xx reply has a short body that says what was wrong."""
    refused = [
        (name, reply)
        for name, reply in server.replies.items()
        if name in BAD and reply.status is not None and 400 <= reply.status < 500
    ]
    if not refused:
        raise NotApplicable("no bad request was answered with a 4xx status")
    seen = limits.error_message_chars
    for name, reply in refused:
        # A character of UTF-8 has at most four bytes.
        text = reply.body[: 4 * seen].decode("utf-8", "replace")
        demand(
            any(char.isalpha() for char in text[:seen]),
            expected=f"words in the first {seen} characters, which are what the caller sees",
            actual=f"{name}: {reply.describe()}",
            repeat=server.curl(name),
        )


@clause("HOST-028", "unknown-paths", given="serve-strange", needs=Stage.ANSWERED)
def test_unknown_paths(server: Server) -> None:
    """A path that the server does not offer is answered with 404."""
    reply = asked(server, "unknown-path")
    # Whoever refuses it in other words says as well that there is nothing.
    refused = reply.status is not None and (400 <= reply.status < 500 or reply.status == 501)
    demand(
        refused,
        expected="404",
        actual=f"GET {reply.path}: {reply.describe()}",
        repeat=server.curl("unknown-path"),
    )


def _answered(server: Server, bench: Bench) -> Iterator[tuple[str, Reply, str | None]]:
    """Each declared request that was answered with 2xx and a body, and the types that it accepts.

    None for these where nothing is said, or where the declared response names a type.
    """
    hosting = bench.candidate.declaration.hosting
    declared = {one.name: one for one in hosting.requests} if hosting else {}
    first = hosting.requests[0] if hosting and hosting.requests else None
    for name, reply in server.replies.items():
        if reply.ok and reply.body and (name == "sample" or name.startswith("request-")):
            sample = first if name == "sample" else declared.get(name.removeprefix("request-"))
            expect = sample.expect if sample else None
            named = expect is not None and expect.content_type is not None
            yield name, reply, None if sample is None or named else sample.accept


def _promises_more(reply: Reply) -> bool:
    """Whether it leaves its client to believe that the connection stays open.

    HTTP/1.1 means so where the answer does not say otherwise, and does not end with the connection.
    """
    said = (reply.header("connection") or "").lower()
    ended_by_us = reply.surplus
    ends_with_it = reply.framing == "close" or "close" in said
    return reply.version == _HTTP_1_1 and not ends_with_it and not ended_by_us


def _other_than_declared(server: Server, bench: Bench, reply: Reply) -> str | None:
    """How a reply to the first sample request is not what is declared, where the ordinary one was."""
    hosting = bench.candidate.declaration.hosting
    expect = hosting.requests[0].expect if hosting and hosting.requests else None
    if expect is None:
        return None
    try:
        wrong = unmet(expect, reply)
        if wrong is None or unmet(expect, server.replies["sample"]) is not None:
            return None
    except CannotTell:
        return None
    return wrong.actual
