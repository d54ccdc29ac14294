"""Several callers at once: nobody is left out, everybody gets the own answer, pings go on."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun, demand
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed import timing
from sm_conformance.observed.http import Reply
from sm_conformance.observed.load import UNDECLARED, Call, Load, Round
from sm_conformance.observed.run import Server, Stage

_CONCURRENT = "HOST-012 concurrent"
# A slow request shows a time limit of a server only if it lasts longer than that.
_LONG_SHARE = 5 / 6
# An error that comes sooner than this share of the platform's time is no time limit.
_AT_ONCE_SHARE = 1 / 60
# Two times that differ by no more than this share are one time limit.
_ALIKE_SHARE = 0.1
_REFUSAL = range(400, 500)


@clause("HOST-012", "concurrent", given="serve-plain", needs=Stage.ANSWERED)
def test_concurrent(server: Server, limits: Limits, bench: Bench) -> None:
    """Parallel invocations are all answered, and afterwards the server is as well as before."""
    load = _load(server, limits, bench)
    first = load.rounds[0]
    told = f"{len(first.failed())} of {len(first.calls)} requests of {first.callers} callers failed"
    if not load.survived:
        code = f" with {server.exit.code}" if server.exit is not None else ""
        seen = f"the server ended{code}" if load.ended else f"then one alone: {_said(load.after)}"
        raise Broken(
            expected="a server that goes on after several requests at once",
            actual=f"{told}; {seen}",
            repeat=server.curl("load"),
        )
    demand(
        not load.each(Round.failed),
        expected="2xx to every good request, as to each alone",
        actual=f"{told}: {_worst(first.failed())}; in a second round "
        f"{len(load.rounds[-1].failed())} of {len(load.rounds[-1].calls)}",
        repeat=server.curl("load"),
    )


@clause("HOST-012", "own-answers", given="serve-plain", needs=Stage.ANSWERED)
def test_own_answers(server: Server, limits: Limits, bench: Bench) -> None:
    """Each of several parallel invocations is answered with the answer to its own request."""
    load = _survived(server, limits, bench)
    swapped = load.rounds[0].swapped()
    if not swapped or not load.steady:
        if load.not_compared:
            raise NotRun(load.not_compared, excused=True)
        if swapped and load.steady is False:
            why = "answers were mixed up now and then, but also when nothing else was asked"
            raise NotRun(why, excused=True)
        if load.each(Round.swapped):
            why = (
                "answers were mixed up now and then, and the server is too slow to ask it alone as "
                "often as would tell whether it does that for whoever asks"
            )
            raise NotRun(why, excused=True)
        return
    one = swapped[0]
    got = "none that is declared" if one.got == UNDECLARED else f"that to {one.got}"
    raise Broken(
        expected="the answer that the same request gets alone",
        actual=f"{len(swapped)} of {len(load.rounds[0].calls)} requests of "
        f"{load.rounds[0].callers} callers got another answer, for instance "
        f"{one.request} {got}; in a second round {len(load.rounds[-1].swapped())} of "
        f"{len(load.rounds[-1].calls)}; never when they came one after another",
        repeat=server.curl("load"),
    )


@clause("HOST-004", "ping-under-load", given="serve-plain", needs=Stage.ANSWERED)
def test_ping_under_load(server: Server, limits: Limits, bench: Bench) -> None:
    """Every ping is answered within 2 seconds while invocations are being worked on."""
    load = _survived(server, limits, bench)

    def slow(one: Round) -> tuple[Call, ...]:
        return one.slow_pings(limit_s=limits.ping_limit_s)

    slowest = max((ping.elapsed_s for one in load.rounds for ping in slow(one)), default=0.0)
    demand(
        not load.each(slow),
        expected=f"each ping within {limits.ping_limit_s:g} s",
        actual=f"beside {load.rounds[0].callers} callers a ping took {slowest:.2f} s; pings were "
        "slow in two rounds",
        repeat=server.curl("load"),
    )


@clause("HOST-006", "healthy-under-load", given="serve-plain", needs=Stage.ANSWERED)
def test_healthy_under_load(server: Server, limits: Limits, bench: Bench) -> None:
    """A server that became ready keeps answering /ping with status 200 under load."""
    load = _survived(server, limits, bench)
    after = load.ping_after
    demand(
        after is None or after.status == 200,
        expected="200 to a ping after the load",
        actual=f"when all callers had gone: {_said(after)}",
        repeat=server.curl("load"),
    )
    first, again = load.rounds[0].sick_pings(), load.rounds[-1].sick_pings()
    demand(
        not load.each(Round.sick_pings),
        expected="200 to every ping",
        actual=f"beside {load.rounds[0].callers} callers {len(first)} of "
        f"{len(load.rounds[0].pings)} pings failed: {_worst(first)}; in a second round "
        f"{len(again)} of {len(load.rounds[-1].pings)}",
        repeat=server.curl("load"),
    )


@clause("HOST-009", "connect-under-load", given="serve-plain", needs=Stage.ANSWERED)
def test_connect_under_load(server: Server, limits: Limits, bench: Bench) -> None:
    """A busy server accepts a new TCP connection within 250 milliseconds."""
    if not server.direct:
        raise NotRun("the engine's proxy accepts connections for the server here", excused=True)
    load = _survived(server, limits, bench)
    first = load.rounds[0]
    slow = first.slow_connects(limit_ms=limits.connect_limit_ms)
    demand(
        not load.each(
            lambda one: one.connects_slowly(
                limit_ms=limits.connect_limit_ms, at_least=limits.unhealthy_after
            )
        ),
        expected=f"connections accepted within {limits.connect_limit_ms:g} ms",
        actual=f"with {first.callers} callers {len(slow)} of {len(first.calls) + len(first.pings)} "
        f"connections took longer or failed, {_slowest_connect(slow)}; so in a second round",
        repeat=server.curl("load"),
    )


@clause("HOST-011", "own-timeouts", given="serve-plain", needs=Stage.ANSWERED)
def test_own_timeouts(server: Server, limits: Limits) -> None:
    """No proxy or worker timeout inside the image is shorter than the platform's 60 seconds."""
    limit_s = limits.invocation_limit_s
    reply, again = server.replies.get("slow"), server.replies.get("slow-again")
    if reply is None:
        raise NotApplicable("no slow request is declared (`takes_s` of a request)")
    if reply.ok and reply.elapsed_s <= limit_s:
        if reply.elapsed_s < _LONG_SHARE * limit_s:
            raise NotRun(
                f"the slow request took {reply.elapsed_s:.1f} s; to see limits up to "
                f"{limit_s:g} s, declare one with takes_s: {limit_s * 11 / 12:g}",
                excused=True,
            )
        return
    cut = [one for one in (reply, again) if one is not None and _is_cut(one, limit_s)]
    if len(cut) < 2 or abs(cut[0].elapsed_s - cut[1].elapsed_s) > _ALIKE_SHARE * limit_s:
        second = f"; again: {again.describe()}" if again is not None else ""
        raise NotRun(f"the slow request did not succeed: {reply.describe()}{second}", excused=True)
    raise Broken(
        expected=f"an answer to a request that takes less than {limit_s:g} s",
        actual=f"the slow request was cut twice after the same time: {reply.describe()}",
        repeat=server.curl("slow"),
    )


def _is_cut(reply: Reply, limit_s: float) -> bool:
    """Whether an exchange ended without its answer in the way of a time limit."""
    refused = reply.status is not None and reply.status in _REFUSAL
    in_between = _AT_ONCE_SHARE * limit_s <= reply.elapsed_s < limit_s
    return not reply.ok and not refused and in_between and reply.connect_s is not None


def _load(server: Server, limits: Limits, bench: Bench) -> Load:
    """What load showed, where it can be held against the server."""
    load = server.load or (server.again.load if server.again is not None else None)
    if load is None:
        blamed = _without_load(server, limits)
        if blamed is not None:
            raise Blocked(blamed)
        raise NotRun("there was trouble before there was any load", excused=True)
    if not load.rounds:
        raise NotRun(load.why_not, excused=True)
    unbounded = bench.candidate.declaration.resources.memory_bytes is None
    if unbounded and server.exit is not None and server.exit.memory_killed:
        raise NotRun("memory ran out; declare `resources: {memory: 8g}`", excused=True)
    return load


def _survived(server: Server, limits: Limits, bench: Bench) -> Load:
    load = _load(server, limits, bench)
    if not load.survived:
        raise Blocked(_CONCURRENT)
    return load


def _without_load(server: Server, limits: Limits) -> str | None:
    """The clause that says what went badly without load; None where none is broken by it."""
    in_a_row = limits.unhealthy_after
    pings, calls = server.ping_latency, server.invocation_latency
    if timing.slow_pings(server, limit_s=limits.ping_limit_s, in_a_row=in_a_row):
        return "HOST-004 ping-in-time"
    if any(one.status != 200 for one in (*server.pings, *server.spaced_pings)) or (
        pings is not None and pings.failures
    ):
        return "HOST-006 stays-healthy"
    if timing.slow_connects(server, limit_ms=limits.connect_limit_ms, in_a_row=in_a_row):
        return "HOST-009 connect-in-time"
    if timing.unreliable(server) or (calls is not None and calls.failures):
        return "HOST-010 invocation"
    return None


def _worst(calls: tuple[Call, ...]) -> str:
    """What came instead of an answer, the longest wait first; "" where nothing is wrong."""
    return max(calls, key=lambda one: one.elapsed_s).said if calls else ""


def _slowest_connect(calls: tuple[Call, ...]) -> str:
    failed = [one for one in calls if one.connect_s is None]
    if failed:
        return f"{len(failed)} failed: {failed[0].said}"
    took = max((one.connect_s or 0.0 for one in calls), default=0.0)
    return f"{took * 1000:.0f} ms the slowest"


def _said(reply: Reply | None) -> str:
    return reply.describe() if reply is not None else "nothing was asked"
