"""Requests that are made up: by a declared schema, from the sample mutilated, and no proper HTTP."""

from __future__ import annotations

from typing import NoReturn

from sm_conformance.binding import clause
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.steadiness import UNWELL
from sm_conformance.laboratory.steps.generated import FATAL, LAWFUL, MUTILATED, NO_EXAMPLES
from sm_conformance.laboratory.steps.malformed_http import MALFORMED, PIPELINED
from sm_conformance.laboratory.steps.protocol import unlike
from sm_conformance.laboratory.steps.strange import MALFORMED as MALFORMED_BODIES
from sm_conformance.laboratory.steps.strange import survived
from sm_conformance.observed.run import Server, Stage
from sm_conformance.observed.tried import Tried
from sm_conformance.suite.blamed import blame
from sm_conformance.suite.test_strange_requests import SURVIVES

# Steps that may harm a server so that those after them tell nothing, and their clauses.
HARMFUL = {
    LAWFUL: "HOST-010 lawful-requests",
    MUTILATED: "HOST-029 survives-mutilated-requests",
    MALFORMED: "HOST-029 survives-malformed-http",
}


@clause("HOST-010", "lawful-requests", given="serve-strange", needs=Stage.ANSWERED)
def test_lawful_requests(server: Server, bench: Bench) -> None:
    """A request that keeps the declared schema is answered with a 2xx status, as declared."""
    hosting = bench.candidate.declaration.hosting
    if not any(sample.schema for sample in (hosting.requests if hosting else ())):
        raise NotApplicable(
            "the declaration says of no request what others are lawful: "
            "`hosting: {requests: [{…, schema: {…}}]}`"
        )
    tried = _tried(server, LAWFUL, bench)
    expected = "2xx to every request that keeps the declared schema, and the declared reply"
    if tried.found is not None:
        raise Broken(
            expected=expected,
            actual=_counted(tried.found, tried),
            repeat=server.curl(LAWFUL),
        )
    if tried.harm is not None:
        _blame(server, LAWFUL, tried, f"{tried.harmful}: {tried.harm}", expected=expected)


@clause("HOST-014", "pipelined-requests", given="serve-strange", needs=Stage.ANSWERED)
def test_pipelined_requests(server: Server) -> None:
    """Of two requests sent at once on one connection neither gets the answer to the other."""
    tried = _tried(server, PIPELINED)
    if unlike(server.replies) is not None:
        raise Blocked("HOST-014 keep-alive")
    if tried.found is not None:
        raise Broken(
            expected="each its own answer, in the order of the requests",
            actual=tried.found,
            repeat=server.curl(PIPELINED),
        )


@clause("HOST-025", "mutilated-requests", given="serve-strange", needs=Stage.ANSWERED)
def test_mutilated_requests(server: Server, bench: Bench) -> None:
    """A request body that is the sample mutilated does not get a 5xx status."""
    tried = _tried(server, MUTILATED, bench)
    malformed = (server.replies.get(name) for name in MALFORMED_BODIES)
    statuses = [reply.status for reply in malformed if reply is not None]
    if any(status is None or status >= 500 for status in statuses):
        raise Blocked("HOST-025 malformed-body")
    if tried.harm is not None:
        raise Blocked(HARMFUL[MUTILATED])
    if tried.found is not None:
        raise Broken(
            expected="a 4xx status, or an answer if it makes sense",
            actual=_counted(tried.found, tried),
            repeat=server.curl(MUTILATED),
        )


@clause("HOST-029", "survives-mutilated-requests", given="serve-strange", needs=Stage.ANSWERED)
def test_survives_mutilated_requests(server: Server, bench: Bench) -> None:
    """Valid requests still succeed, and get the same answer, after mutilated ones."""
    _survived(server, MUTILATED, _tried(server, MUTILATED, bench))


@clause("HOST-029", "survives-malformed-http", given="serve-strange", needs=Stage.ANSWERED)
def test_survives_malformed_http(server: Server) -> None:
    """Valid requests still succeed, and get the same answer, after malformed, slow and broken-off HTTP."""
    _survived(server, MALFORMED, _tried(server, MALFORMED))


def _survived(server: Server, step: str, tried: Tried) -> None:
    if tried.harm is not None:
        said = f"after {tried.harmful}: {tried.harm}"
        expected = "a ping and a good request succeed afterwards, with the answer as before"
        _blame(server, step, tried, said, expected=expected)


def _tried(server: Server, step: str, bench: Bench | None = None) -> Tried:
    """What was tried. Raises Blocked where the server was no longer what it should be, else NotRun."""
    if bench is not None and not bench.examples:
        raise NotRun(NO_EXAMPLES, excused=True)
    if "undeclared-type" not in server.replies or not survived(server.replies):
        raise Blocked(SURVIVES)
    tried = server.tried.get(step, Tried(why_not="no request was made up"))
    if tried.why_not is None and len(tried.unknown) < max(1, tried.tried):
        return tried
    for earlier, key in HARMFUL.items():
        if earlier != step and server.tried.get(earlier, Tried()).harm is not None:
            raise Blocked(key)
    if tried.why_not == UNWELL:
        raise Blocked("HOST-006 stays-healthy")
    said = tried.why_not or f"nothing is known: {'; '.join(dict.fromkeys(tried.unknown))}"
    raise NotRun(said, excused=True)


def _counted(said: str, tried: Tried) -> str:
    unknown = f", of which {len(tried.unknown)} tell nothing" if tried.unknown else ""
    return f"{said}; requests tried: {tried.tried}{unknown}"


def _blame(server: Server, step: str, tried: Tried, said: str, *, expected: str) -> NoReturn:
    """Raises what follows from the harm that one of the requests did."""
    after = f"after-{step}"
    blame(
        server,
        _counted(said, tried),
        expected=expected,
        request=step + FATAL,
        after=after if after in server.curls else "sample",
    )
