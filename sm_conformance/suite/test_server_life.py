"""What becomes of a server under another name, when it is stopped at work, and when its child dies."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun, demand
from sm_conformance.laboratory.steps.strange import survived
from sm_conformance.observed import timing
from sm_conformance.observed.facts import NotKilled
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import Server, Stage
from sm_conformance.suite.test_generated_requests import HARMFUL

_FEW = 5


@clause("HOST-036", "container-hostname", given="serve-named", needs=Stage.ANSWERED)
def test_container_hostname(server: Server) -> None:
    """The server starts under any host name."""
    demand(
        server.replies["sample"].ok,
        expected="it starts and answers under another host name as well",
        actual=server.story(),
    )


@clause("HOST-061", "finishes-requests", given="serve-named", needs=Stage.ANSWERED)
def test_finishes_requests(server: Server) -> None:
    """A request in flight when SIGTERM arrives is answered in full."""
    known, reply = server.replies.get("in-halves"), server.replies.get("in-flight")
    if known is not None and not known.ok:
        raise NotRun(
            "a request that comes in two halves is not answered well, and none was told to stop: "
            f"{known.describe()}",
            excused=True,
        )
    if known is None:
        raise NotRun("the sample request has no body to be sent in two halves", excused=True)
    if reply is None or reply.connect_s is None:
        raise NotRun("the server ended before it could be told to", excused=True)
    demand(
        not (timing.cut_in_flight(server) and _again_or_gone(server.again)),
        expected="an answer to the request that came in part before SIGTERM",
        actual=f"{reply.describe()}, in two launches; the head and the first half of the request had come before",
        repeat=server.curl("in-flight"),
    )


def _again_or_gone(again: Server | None) -> bool:
    return again is None or timing.cut_in_flight(again)


@clause("HOST-062", "dies-with-server", given="serve-strange", needs=Stage.ANSWERED)
def test_dies_with_server(server: Server, limits: Limits) -> None:
    """When the server process dies, the container ends, stops answering pings or has the server back within a minute."""
    found = server.bereft
    if found is None:
        if not survived(server.replies):
            raise Blocked("HOST-029 survives-bad-input")
        for step, key in HARMFUL.items():
            if step in server.tried and server.tried[step].harm is not None:
                raise Blocked(key)
        raise NotRun("the server did not work any more when its process was due", excused=True)
    if found.why_not is NotKilled.ALONE:
        raise NotApplicable("its server is the first process of the container, and alone")
    if found.why_not is not None:
        raise NotRun(
            "the process that serves cannot be killed from here: that takes root on the machine of "
            "the engine",
            excused=True,
        )
    ping, reply = found.ping, found.reply
    demand(
        not found.hides_it,
        expected=f"it ends, pings fail or good requests succeed within {limits.server_recovery_s:g} s",
        actual=f"{found.seconds:.0f} s after `{found.command}` was killed: ping "
        f"{ping.describe() if ping else ''}; good request {reply.describe() if reply else ''}",
        repeat=f"{server.curl('kill')}\n{server.curls.get('after-kill', '')}",
    )


@clause("IMG-024", "writes-to-tmp-only", given="serve-plain")
def test_writes_to_tmp_only(server: Server) -> None:
    """A server writes nothing outside of `/tmp`, but for logs and what names its processes."""
    written = server.written
    if written is None:
        raise NotRun("the engine does not say what a container wrote", excused=True)
    if written.paths:
        named = ", ".join(printable(path)[:200] for path in written.paths[:_FEW])
        more = len(written.paths) - _FEW
        raise Broken(
            expected="nothing outside of /tmp",
            actual=f"it wrote {named}{f' and {more} more' if more > 0 else ''}",
            repeat=f"{server.curl('sample')}\ndocker diff sm-repeat",
        )
