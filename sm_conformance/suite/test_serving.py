"""A server and its health: that it is reached, becomes ready, stays so and answers."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun, demand
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.expected import CannotTell, unmet
from sm_conformance.laboratory.steadiness import how_it_ended
from sm_conformance.observed import timing
from sm_conformance.observed.run import Server, Stage
from sm_conformance.suite.asked import asked
from sm_conformance.suite.blamed import not_by_our_bounds


@clause("HOST-001", "listens", given="serve-plain", needs=Stage.STARTED)
def test_listens(server: Server) -> None:
    """The server accepts TCP connections on port 8080 from outside its container."""
    if not server.answered and server.cause is not None:
        if server.cause.blames is None:
            raise NotRun(server.cause.actual)
        raise Blocked(server.cause.blames)
    demand(server.answered, expected="an HTTP answer on port 8080", actual=server.story())


@clause("HOST-002", "ping", given="serve-plain")
def test_ping(server: Server) -> None:
    """GET /ping is answered with status 200 once the server is ready."""
    demand(server.ready, expected="status 200", actual=server.story())


@clause("HOST-005", "startup-window", given="serve-plain")
def test_startup_window(server: Server) -> None:
    """Pings succeed within 8 minutes of the start, or within the declared limit."""
    demand(
        not _twice(server, timing.late(server), server.again and timing.late(server.again)),
        expected=f"the first 200 within {server.window_s:.0f} s",
        actual=f"the first 200 came after {server.ready_after_s or 0:.1f} s, twice",
    )


@clause("HOST-004", "ping-in-time", given="serve-plain")
def test_ping_in_time(server: Server, limits: Limits) -> None:
    """Every ping of a ready, idle server is answered within 2 seconds."""

    def slow(one: Server) -> bool:
        return timing.slow_pings(one, limit_s=limits.ping_limit_s, in_a_row=limits.unhealthy_after)

    slowest = max((ping.elapsed_s for ping in server.pings), default=0.0)
    demand(
        not _twice(server, slow(server), server.again and slow(server.again)),
        expected=f"each ping within {limits.ping_limit_s:g} s",
        actual=f"{limits.unhealthy_after} pings in a row took longer, {slowest:.2f} s the slowest, "
        "in two launches",
    )
    now_and_then = timing.slow_now_and_then(server, limit_s=limits.ping_limit_s)
    if now_and_then > 1:
        raise Broken(
            expected=f"each ping within {limits.ping_limit_s:g} s",
            actual=f"pings to an idle server are slow now and then: {now_and_then} took longer",
            only_advice=True,
        )


@clause("HOST-006", "stays-healthy", given="serve-plain")
def test_stays_healthy(server: Server, limits: Limits) -> None:
    """A server that became ready keeps answering /ping with status 200 while it is idle."""

    def sick(one: Server) -> bool:
        return timing.died(one) or timing.unhealthy(one, in_a_row=limits.unhealthy_after)

    ended = timing.died(server) and _twice(server, True, server.again and sick(server.again))
    if ended:
        not_by_our_bounds(server, f"the server {how_it_ended(server.exit)}")
    demand(
        not ended,
        expected="it serves until it is told to stop",
        actual=f"it {how_it_ended(server.exit)} by itself, in two launches, although nothing had told "
        "it to",
    )
    apart = server.spaced_pings
    bad = [ping for ping in apart if ping.status != 200]
    demand(
        not _twice(server, sick(server), server.again and sick(server.again)),
        expected="200 to every ping after the first 200",
        actual=f"{len(bad)} of {len(apart)} pings failed, {limits.ping_spacing_s:g} s apart: "
        f"{bad[0].describe() if bad else ''}, in two launches",
    )
    measured = server.ping_latency
    in_a_burst = [ping for ping in server.pings if ping.status != 200]
    if in_a_burst or bad or (measured is not None and measured.failures):
        failures, count = (measured.failures, measured.count) if measured else (0, 0)
        raise Broken(
            expected="200 to every ping after the first 200",
            actual=f"pings fail now and then: {len(in_a_burst) + failures} of "
            f"{len(server.pings) + count} one after another without a pause, {len(bad)} of "
            f"{len(apart)} {limits.ping_spacing_s:g} s apart",
            only_advice=True,
        )


@clause("HOST-007", "ready-means-ready", given="serve-plain", needs=Stage.ANSWERED)
def test_ready_means_ready(server: Server) -> None:
    """The first valid request after the first successful ping is answered with a 2xx status."""
    first = server.replies["first"]
    demand(
        first.ok,
        expected="2xx to the first good request",
        actual=f"right after the first 200 of /ping: {first.describe()}",
        repeat=server.curl("first"),
    )


@clause("HOST-009", "connect-in-time", given="serve-plain")
def test_connect_in_time(server: Server, limits: Limits) -> None:
    """An idle server accepts a new TCP connection within 250 milliseconds."""
    if not server.direct:
        raise NotRun("the engine's proxy accepts connections for the server here", excused=True)

    def slow(one: Server) -> bool:
        return timing.slow_connects(
            one, limit_ms=limits.connect_limit_ms, in_a_row=limits.unhealthy_after
        )

    last = [f"{took:.0f} ms" if took is not None else "failed" for took in server.connects_ms[-3:]]
    demand(
        not _twice(server, slow(server), server.again and slow(server.again)),
        expected=f"connections accepted within {limits.connect_limit_ms:g} ms",
        actual=f"{limits.unhealthy_after} connections in a row took longer ({', '.join(last)}), "
        "in two launches",
    )


@clause("HOST-010", "invocation", given="serve-plain", needs=Stage.ANSWERED)
def test_invocation(server: Server) -> None:
    """A valid POST /invocations is answered with a 2xx status within 60 seconds."""

    def late(one: Server) -> bool:
        reply = one.replies.get("sample")
        return reply is None or reply.elapsed_s > one.answer_limit_s

    def fails(one: Server) -> bool:
        return timing.unreliable(one)

    apart = server.spaced_replies
    bad = [reply for reply in apart if not reply.ok]
    demand(
        not _twice(server, fails(server), server.again and fails(server.again)),
        expected="2xx to every good request",
        actual=f"{len(bad)} of {len(apart)} good requests to an idle server failed, with pauses "
        f"between them: {bad[0].describe() if bad else ''}, in two launches",
        repeat=server.curl_often("spaced", len(apart)),
    )
    reply = server.replies["sample"]
    demand(
        not _twice(server, late(server), server.again and late(server.again)),
        expected=f"an answer within {server.answer_limit_s:g} s",
        actual=f"{reply.describe()}, in two launches",
        repeat=server.curl("sample"),
    )
    measured = server.invocation_latency
    if measured is not None and measured.failures:
        raise Broken(
            expected="2xx to every good request",
            actual=f"{measured.failures} of {measured.count} failed, one after another without a pause",
            repeat=server.curl_often("sample", measured.count, apart_s=0),
            only_advice=True,
        )
    if reply.surplus:
        raise Broken(
            expected="a reply as long as its head says",
            actual=f"{reply.describe()}, and then further bytes: its caller gets the reply cut short",
            repeat=server.curl("sample"),
            only_advice=True,
        )


@clause("HOST-010", "expected-response", given="serve-plain", needs=Stage.ANSWERED)
def test_expected_response(server: Server, bench: Bench) -> None:
    """Every request for which a response is declared is answered with that response."""
    hosting = bench.candidate.declaration.hosting
    quick = [one for one in hosting.requests if one.takes_s is None] if hosting else []
    names = ["sample", *(f"request-{one.name}" for one in quick[1:])]
    declared = [
        (name, one.expect)
        for name, one in zip(names, quick, strict=False)
        if one.expect is not None
    ]
    if not declared:
        raise NotApplicable("no response is declared (`expect` of a request)")
    if timing.unreliable(server):
        raise Blocked("HOST-010 invocation")
    for name, expect in declared:
        reply = asked(server, name)
        if reply.accepted and not reply.ok and name.removeprefix("request-") in server.streams:
            late = reply.problem == "timeout"
            raise Blocked("HOST-071 stream-length" if late else "HOST-073 orderly-stream-end")
        demand(
            reply.ok,
            expected="the declared response",
            actual=f"{name}: {reply.describe()}",
            repeat=server.curl(name),
        )
        try:
            wrong = unmet(expect, reply)
        except CannotTell as error:
            raise NotRun(f"{name}: {error}") from error
        if wrong is not None:
            raise Broken(
                expected=wrong.expected,
                actual=f"{name}: {wrong.actual}",
                repeat=server.curl(name),
            )


@clause("HOST-030", "read-only-model", given="serve-plain", needs=Stage.ANSWERED)
def test_read_only_model(server: Server) -> None:
    """The server starts and answers a valid request while /opt/ml/model is read-only."""
    if not server.with_model:
        raise NotApplicable("it serves without model data")
    demand(server.replies["sample"].ok, expected="it works", actual=server.story())


@clause("HOST-060", "stops-in-time", given=("serve-plain", "serve-named"))
def test_stops_in_time(given: str, server: Server) -> None:
    """The server ends within 30 seconds of SIGTERM, without SIGKILL."""
    stop = server.stop
    if given == "serve-named":
        if stop is None or not stop.sent or stop.dropped:
            # What the kernel throws away is thrown away of an idle server too.
            raise NotApplicable("it heard no SIGTERM while a request was on its way")
        answer = server.replies["in-flight"]
        demand(
            stop.obeyed,
            expected=f"it ends within {stop.limit_s:.0f} s of SIGTERM, also when it comes while a "
            "request is on its way",
            actual=f"half of a request had come when SIGTERM went to `{stop.first_process}`; the "
            f"request: {answer.describe()}; it did not end afterwards",
            repeat=server.curl("outlived"),
        )
        return
    if server.load is not None and not server.load.survived and not (stop and stop.obeyed):
        raise Blocked("HOST-012 concurrent")
    if stop is None or not stop.sent:
        raise NotRun("the server ended before it could be stopped")
    why = ", which neither catches nor awaits it" if stop.dropped else ""
    left = f"; behind it: {', '.join(stop.others[:5])}" if stop.others else ""
    demand(
        stop.obeyed,
        expected=f"it ends within {stop.limit_s:.0f} s of SIGTERM",
        actual=f"it did not end; SIGTERM went to `{stop.first_process}`{why}{left}",
        repeat=server.curl("stop"),
    )


def _twice(server: Server, once: bool, again: bool | Server | None) -> bool:
    """Whether a timing was bad in both launches; a second one that never became ready was bad too."""
    if not once:
        return False
    return bool(again) or (server.again is not None and not server.again.ready)
