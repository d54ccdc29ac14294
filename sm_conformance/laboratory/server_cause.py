"""Names the cause when a server that should have become ready and answered did not.

As of a training: one condition is lifted at a time, and where nobody can be blamed, the cause says why.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sm_conformance.declaration.values import SampleRequest
from sm_conformance.inputs.scenario import Conditions, Scenario
from sm_conformance.laboratory import refused
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.lifting import liftable, slug
from sm_conformance.laboratory.serving import serve
from sm_conformance.laboratory.startable import Hindrance
from sm_conformance.laboratory.wording import (
    bound_reached,
    lifted,
    nobody,
    refusal,
    remedy,
    silence,
    too_big,
    unexplained,
)
from sm_conformance.observed.archive import flaw_of
from sm_conformance.observed.http import Reply
from sm_conformance.observed.run import Cause, Ending, Server, Stage
from sm_conformance.observed.sought import Sought, merged

# Of a server in a launch that only looks for a cause; the first launch was given the whole time.
_LIFTED_PATIENCE_S = 10.0
_LIFTED_REPLY_S = 30.0
_ASKED = "POST /invocations with the sample request"


def of_server(
    bench: Bench, scenario: Scenario, server: Server, *, model: Path | None
) -> Cause | None:
    """Why the ordinary server did not become ready or did not answer; None when all went well."""
    wrong: Hindrance | None = None
    if server.ready:
        sample = server.replies.get("sample")
        if sample is None or sample.ok:
            return None
        if sample.problem == "too-big":
            return too_big(bench.candidate, f"{_ASKED}: {sample.describe()}")
        missed, blames = Stage.ANSWERED, "HOST-010 invocation"
        expected = "a good request to /invocations is answered with 2xx"
        if sample.accepted and _streams(bench):
            blames, expected = _of_stream(sample)
        story = f"{_ASKED}: {sample.describe()}{refusal(sample, server.replies.get('local-host'))}"
    else:
        if server.problem is not None and server.problem.kind == "archive":
            given = bench.given_model
            if given is not None and flaw_of(given).text is not None:
                return Cause(
                    missed=Stage.STARTED,
                    blames="HOST-031 model-archive",
                    expected="an archive that can be unpacked",
                    actual=server.story(),
                    ordinary=False,
                )
            return nobody(
                Stage.STARTED, f"{server.story()}; give a model with hosting: {{model: …}}"
            )
        if server.problem is not None:
            return refused.cause(bench, "hosting", server.problem, server.story())
        missed, expected = Stage.GOOD, "GET /ping on port 8080 answers 200"
        blames, story = silence(server)
        if refused.found_no_program(server.exit, server.seconds):
            missed, blames = Stage.STARTED, "IMG-002 serve-starts"
            expected = refused.starts_with("serve")
            wrong = refused.found_wrong(bench, "hosting")
            story = f"{story}; {wrong.seen}" if wrong else story
        if blames == "HOST-001 listens" and server.listeners:
            return Cause(missed=missed, blames=blames, expected=expected, actual=story)
    if server.limits_reached:
        return bound_reached(missed, story, server.limits_reached)
    # No request can keep a server from becoming ready.
    guessed = server.guessed + (server.guessed_request if missed is Stage.ANSWERED else ())
    sought = [server.sought]

    def asked_again(conditions: Conditions, name: str) -> bool:
        return comes_so_far(
            bench, scenario, server, conditions, missed, model=model, name=name, sought=sought
        )

    for lift in scenario.lifts:
        if not liftable(bench, lift, bench.candidate.hosting):
            continue
        if model is None and lift.conditions.writable_model:
            continue
        if server.ending is Ending.PATIENCE:
            break  # it was given its whole window; another one for each condition is too long
        if asked_again(lift.conditions, slug(lift)):
            unstable = asked_again(scenario.conditions, "again")
            return lifted(missed, lift, story, merged(sought), unstable=unstable)
    last = server.replies.get("sample") or server.last_ping
    # No missing network makes a server redirect, refuse a request or break an answer off.
    own_fault = last is not None and (
        (last.status is not None and 300 <= last.status < 500)
        or last.problem in ("closed", "garbage")
    )
    cause = unexplained(
        bench.candidate,
        missed,
        blames,
        expected,
        story,
        server.logs,
        guessed,
        merged(sought),
        own_fault=own_fault,
    )
    if cause.blames == "HOST-002 ping" and (known := remedy(server)) is not None:
        return replace(cause, fix=known)
    return replace(cause, fix=wrong.fix) if wrong and cause.blames == blames else cause


def of_another_server(
    bench: Bench, scenario: Scenario, server: Server, *, model: Path | None
) -> Cause | None:
    """Why a further server did not become ready or answer although the ordinary one did."""
    sample = server.replies.get("sample")
    if server.ready and sample is not None and sample.ok:
        if sample.elapsed_s <= server.answer_limit_s:
            return None
        # Nothing more was asked of it.
        return Cause(
            missed=Stage.ANSWERED,
            blames="HOST-010 invocation",
            expected=f"an answer within {server.answer_limit_s:g} s",
            actual=sample.describe(),
        )
    if server.ready and sample is None:
        return None
    missed, story = Stage.STARTED, f"a second launch did not become ready: {server.story()}"
    if sample is not None:
        missed = Stage.ANSWERED
        story = f"a second launch did not answer the sample request: {sample.describe()}"

    def asked_again(conditions: Conditions, name: str) -> bool:
        return comes_so_far(bench, scenario, server, conditions, missed, model=model, name=name)

    # One that was given its whole window is not given another one for each condition.
    for lift in scenario.lifts if server.ending is not Ending.PATIENCE else ():
        if asked_again(lift.conditions, slug(lift)):
            unstable = asked_again(scenario.conditions, "again")
            cause = lifted(missed, lift, story, server.sought, unstable=unstable)
            return replace(cause, ordinary=False)
    return nobody(missed, story)


def comes_so_far(
    bench: Bench,
    scenario: Scenario,
    server: Server,
    conditions: Conditions,
    missed: Stage,
    *,
    model: Path | None,
    name: str,
    sought: list[Sought] | None = None,
    first: SampleRequest | None = None,
) -> bool:
    """Whether a further launch under ``conditions`` comes to the stage that ``server`` missed.

    What it tried to reach is added to ``sought``, where that is asked for; ``first`` as in ``serve``.
    """
    found = serve(
        bench,
        replace(scenario, steps=("first-invocation", "invocation")),
        conditions,
        model=model,
        name=f"{scenario.name}-{name}",
        patience_s=max(10.0, 3 * server.seconds),
        answer_patience_s=_LIFTED_PATIENCE_S,
        reply_limit_s=min(_LIFTED_REPLY_S, bench.limits.invocation_limit_s),
        watched=sought is not None,
        first=first,
    )
    if sought is not None:
        sought.append(found.sought)
    sample = found.replies.get("sample")
    return found.ready and (missed < Stage.ANSWERED or (sample is not None and sample.ok))


def _streams(bench: Bench) -> bool:
    """Whether the answer to the sample request streams."""
    hosting = bench.candidate.declaration.hosting
    return hosting is not None and bool(hosting.requests) and hosting.requests[0].stream is not None


def _of_stream(sample: Reply) -> tuple[str, str]:
    """Which clause a stream broke that had begun well, and what was expected of it."""
    if sample.problem == "timeout":
        return "HOST-071 stream-length", "the stream that answers a good request ends in time"
    return "HOST-073 orderly-stream-end", "the stream that answers a good request ends as it should"
