"""Asks an earlier image the same as the candidate, as a shadow test before a rollout does.

Both servers have the same model and live at the same time, and each request goes to one and the
other in turn: what the machine does meanwhile befalls both.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sm_conformance.declaration.values import SampleRequest
from sm_conformance.inputs.requests import Request, invocation
from sm_conformance.inputs.scenario import PLAIN_SERVER
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.laboratory import evidence, servers
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.observation import Observe
from sm_conformance.laboratory.serving import serve
from sm_conformance.laboratory.wording import silence
from sm_conformance.observed.http import Reply, Session
from sm_conformance.observed.run import Cause, Server
from sm_conformance.observed.shadow import Answer, Asked, Shadow, answer_of

CANDIDATE = "serve-beside-baseline"
BASELINE = "serve-baseline"
# How often each request is sent to see whether an answer differs from itself.
_ROUNDS = 5
_LEAST_ROUNDS = 2
# After so many seconds with one sample fewer rounds are enough; after so many with all, no further.
_LONG_S = 10.0
_LONGEST_S = 300.0
_TIMED = 60


def compare(bench: Bench, others: Observe) -> Shadow:
    """What the candidate and ``bench.baseline`` answer to every sample request.

    ``others`` gives the ordinary server, which is waited for, and the model that it had. Raises
    HarnessTrouble when the engine fails, ``Cancelled`` when the run is over.
    """
    assert bench.baseline is not None, "it is compared with an image that was named"
    ordinary = others(PLAIN_SERVER)
    model = servers.model_to_serve(bench, others)
    if isinstance(model, Cause):
        return Shadow(model="none", why=f"there is no model to serve: {model.actual}")
    told = _model_text(bench, model[0])
    if isinstance(ordinary, Cause):
        return Shadow(model=told, why=f"the candidate was not served: {ordinary.actual}")
    assert isinstance(ordinary, Server), "the ordinary server is a server"
    if not ordinary.ready:
        return Shadow(model=told, why=f"the candidate did not become ready: {_silence(ordinary)}")
    return _both(bench, model[0], model[1], told)


def _both(bench: Bench, archive: Path | None, guessed: tuple[str, ...], told: str) -> Shadow:
    earlier = replace(bench, candidate=replace(bench.candidate, hosting=bench.baseline))
    scenario = replace(load_scenario(PLAIN_SERVER), steps=(), lifts=())
    found: list[Shadow] = []

    def with_candidate(candidate: Conversation) -> None:
        def with_both(baseline: Conversation) -> None:
            found.append(_compared(candidate, baseline, told))

        other = serve(
            earlier, scenario, scenario.conditions,
            model=archive, guessed=guessed, name=BASELINE, further=with_both,
        )  # fmt: skip
        if not other.ready:
            why = f"the baseline did not become ready: {_silence(other)}"
            found.append(Shadow(model=told, why=why))

    candidate = serve(
        bench, scenario, scenario.conditions,
        model=archive, guessed=guessed, name=CANDIDATE, further=with_candidate,
    )  # fmt: skip
    if found:
        return found[0]
    why = f"the candidate did not become ready a second time: {_silence(candidate)}"
    return Shadow(model=told, why=why)


def _silence(server: Server) -> str:
    return server.story() if server.problem is not None else silence(server)[1]


def _model_text(bench: Bench, archive: Path | None) -> str:
    """Which model both are given: the one that the judgement was made with."""
    hosting = bench.candidate.declaration.hosting
    if archive is None:
        return "no model"
    if archive == bench.model:
        return "the model data that was named"
    if hosting is not None and archive == hosting.model:
        return "the declared model"
    return "the model that the candidate's own training left"


def _compared(candidate: Conversation, baseline: Conversation, told: str) -> Shadow:
    for talk in (candidate, baseline):
        with talk.bench.quiet.busy():  # it may still be loading
            talk.until_good("first", patience_s=talk.answer_patience_s)
    asked: list[Asked] = []
    began = time.monotonic()
    why: str | None = None
    for sample in candidate.samples:
        for talk, name in ((candidate, "candidate"), (baseline, "baseline")):
            if talk.container.pause(0.0):
                why = f"the {name} ended by itself"
        if why is None and time.monotonic() - began > _LONGEST_S:
            why = f"asking took longer than {_LONGEST_S:.0f} s"
        if why is not None:
            break
        asked.append(_asked(candidate, baseline, sample))
    unasked = tuple(sample.name for sample in candidate.samples[len(asked) :])
    return Shadow(model=told, asked=tuple(asked), unasked=unasked, why=why)


def _asked(candidate: Conversation, baseline: Conversation, sample: SampleRequest) -> Asked:
    """One sample request, sent to both until it is known whether their answers stay the same."""
    request = invocation(sample, name=f"request-{sample.name}")
    talks = (candidate, baseline)
    answers: tuple[list[Answer], list[Answer]] = ([], [])
    times: tuple[list[float], list[float]] = ([], [])
    with Session(candidate.address) as to_candidate, Session(baseline.address) as to_baseline:
        sessions = (to_candidate, to_baseline)

        def send(side: int) -> Reply:
            return _send(talks[side], sessions[side], request)

        began = time.monotonic()
        for turn in range(_ROUNDS):
            if turn >= _LEAST_ROUNDS and time.monotonic() - began > _LONG_S:
                break
            with candidate.bench.quiet.busy():
                for side in _in_turn(turn):
                    reply = send(side)
                    answers[side].append(answer_of(reply))
                    if turn == 0:
                        evidence.write_reply(talks[side].folder, request.name, reply)
        if all(answer.ok for side in answers for answer in side):
            with candidate.bench.quiet.alone():
                _take_times(candidate.bench, send, times, share=len(candidate.samples))
    return Asked(
        name=sample.name,
        content_type=sample.content_type,
        candidate=tuple(answers[0]),
        baseline=tuple(answers[1]),
        candidate_ms=tuple(times[0]),
        baseline_ms=tuple(times[1]),
    )


def _send(talk: Conversation, session: Session, request: Request) -> Reply:
    talk.bench.check()
    return session.exchange(
        method="POST",
        path="/invocations",
        headers=request.headers,
        body=request.body,
        limit_s=talk.reply_limit_s,
    )


def _in_turn(turn: int) -> tuple[int, int]:
    """The sides in the order of a turn; who comes first has it neither better nor worse."""
    return (0, 1) if turn % 2 == 0 else (1, 0)


def _take_times(
    bench: Bench,
    send: Callable[[int], Reply],
    times: tuple[list[float], list[float]],
    *,
    share: int,
) -> None:
    """Times further requests to both; each of ``share`` samples has its part of the budget.

    An answer that fails takes another time than a good one: then there are none.
    """
    ends = time.monotonic() + bench.limits.latency_budget_s / share
    for turn in range(_TIMED):
        for side in _in_turn(turn):
            reply = send(side)
            if not reply.ok:
                times[0].clear()
                times[1].clear()
                return
            times[side].append(reply.elapsed_s * 1000)
        if time.monotonic() > ends:
            return
