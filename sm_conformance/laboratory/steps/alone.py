"""What each sample request is answered with nothing beside it, and whether always the same."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from time import perf_counter

from sm_conformance.declaration.values import Expectation, SampleRequest
from sm_conformance.inputs.requests import Request, invocation, with_last_row_again
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.expected import CannotTell, unmet
from sm_conformance.observed.http import Reply, Session

_MOST_REQUESTS = 8
# Further sample requests are left out once asking has taken so long.
_BUDGET_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that succeeded alone: its answer where it was twice the same, how long it took.

    ``expect`` is the response that is declared of it, where it was that one.
    """

    request: Request
    answer: bytes | None
    seconds: float
    expect: Expectation | None


@dataclass(frozen=True, slots=True)
class Repeated:
    """The requests, and why their answers cannot be told apart ("" where at least two can).

    Without requests, and with a reason, the server has ended of what was asked of it here.
    """

    asked: tuple[Asked, ...]
    not_compared: str


def ask_alone(talk: Conversation) -> Repeated:
    """Asks the sample requests that succeeded before once more, none where the first fails now.

    Where their answers are alike, the first is also asked with its last row twice.
    """
    began = perf_counter()
    asked: list[Asked] = []
    for at, sample in enumerate(talk.samples[:_MOST_REQUESTS]):
        before = talk.replies.get("sample" if at == 0 else f"request-{sample.name}")
        if before is not None and before.ok:
            one = _ask(talk, sample, before=before.body)
            if one is not None:
                asked.append(one)
            elif at == 0:
                return Repeated(asked=(), not_compared="")
        if perf_counter() - began > _BUDGET_S:
            break
    if len(_answers(asked)) == 1 and perf_counter() - began < _BUDGET_S:
        longer = _longer(talk)
        if longer is not None:
            asked.append(longer)
        elif talk.container.pause(0.0):
            why = "the server ended by itself when it was sent the sample with its last row twice"
            return Repeated(asked=(), not_compared=why)
    return Repeated(asked=tuple(asked), not_compared=_not_compared(asked))


def ask_on(talk: Conversation, alone: Repeated, *, times: int, enough: int) -> bool | None:
    """Whether the answers stay the same for ``times`` further requests, one after another.

    None where time was up before ``enough`` of them.
    """
    known = [one for one in alone.asked if one.answer is not None or one.expect is not None]
    if not known:
        return None
    began = perf_counter()
    with Session(talk.address) as session:
        for asked, one in enumerate(islice(cycle(known), max(times, enough)), start=1):
            talk.bench.check()
            reply = session.exchange(
                method="POST",
                path="/invocations",
                headers=one.request.headers,
                body=one.request.body,
                limit_s=talk.bench.limits.invocation_limit_s,
            )
            changed = one.answer is not None and reply.body != one.answer
            if not reply.ok or changed or (one.expect and not _is_kept(one.expect, reply)):
                return False
            if perf_counter() - began > _BUDGET_S:
                return True if asked >= enough else None
    return True


def _ask(talk: Conversation, sample: SampleRequest, *, before: bytes) -> Asked | None:
    request = invocation(sample, name=f"alone-{sample.name}")
    reply = talk.ask(request)
    if not reply.ok:
        return None
    answer = reply.body if reply.body == before and not reply.truncated else None
    expect = sample.expect if _is_kept(sample.expect, reply) else None
    return Asked(request=request, answer=answer, seconds=reply.elapsed_s, expect=expect)


def _is_kept(expect: Expectation | None, reply: Reply) -> bool:
    try:
        return expect is not None and unmet(expect, reply) is None
    except CannotTell:
        return False


def _longer(talk: Conversation) -> Asked | None:
    sample = with_last_row_again(talk.sample)
    if sample is None:
        return None
    first = talk.ask(invocation(sample, name=f"alone-{sample.name}"))
    if not first.ok:
        if not talk.container.pause(0.0):
            talk.recovered("after-alone")
        return None
    return _ask(talk, sample, before=first.body)


def _answers(asked: list[Asked]) -> set[bytes]:
    return {one.answer for one in asked if one.answer is not None}


def _not_compared(asked: list[Asked]) -> str:
    answers = _answers(asked)
    if len(answers) > 1:
        return ""
    if not answers:
        return "the same request is answered differently each time, also alone"
    return (
        "all sample requests have the same answer, so nobody could tell one from another; declare "
        "a further request that is answered differently (`hosting: {requests: …}`)"
    )
