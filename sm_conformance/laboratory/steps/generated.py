"""Requests that are made up: lawful by the schema that was declared, or the sample mutilated."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from sm_conformance.declaration.values import Expectation, SampleRequest
from sm_conformance.inputs import lawful
from sm_conformance.inputs.mutations import each_alone, lines_of, mutilated
from sm_conformance.inputs.ranges import Example
from sm_conformance.inputs.requests import Request, invocation
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.expected import CannotTell, unmet
from sm_conformance.laboratory.searching import Search
from sm_conformance.laboratory.steadiness import Steadiness, shown
from sm_conformance.observed.http import Reply
from sm_conformance.observed.tried import Tried

LAWFUL, MUTILATED = "lawful-requests", "mutilated-requests"
FATAL = "-fatal"
NO_EXAMPLES = "no examples are wanted: --sm-examples=0"
# A made-up request is waited for no longer, and those of one kind end after so long, seconds.
_LIMIT_S = 10.0
SEARCH_S = 5.0
_SCHEMA_S = 30.0
# Requests are cheap, trainings are not: so many lawful ones for each example that is wanted.
_EACH = 8
_MOST_SIMPLER = 40
_MOST_SAMPLES = 3
MOST_BODY_BYTES = 1 << 20
LARGE = "the sample request has more than 1 MiB"


def lawful_requests(talk: Conversation) -> None:
    """JSON that keeps the schemas of the samples; the first that is not answered well ends it."""
    if talk.bench.examples:
        samples = [sample for sample in talk.samples if sample.schema is not None]
        _try_each(talk, LAWFUL, samples, _Trying.keeping_the_schema)


def mutilated_requests(talk: Conversation) -> None:
    """The samples of each content type mutilated; the first that gets a 5xx status ends it."""
    if talk.bench.examples:
        kinds: dict[str | None, SampleRequest] = {}
        for sample in talk.samples:
            kinds.setdefault(sample.content_type, sample)
        _try_each(talk, MUTILATED, list(kinds.values()), _Trying.mutilated)


def _try_each(
    talk: Conversation,
    name: str,
    samples: Sequence[SampleRequest],
    attempt: Callable[[_Trying, int], Tried],
) -> None:
    """Tries what can be made of the samples, until something is found; says why nothing was tried."""
    total = Tried()
    for sample in samples[:_MOST_SAMPLES]:
        trying = _begin(talk, name, sample)
        one = trying if isinstance(trying, Tried) else attempt(trying, talk.bench.examples)
        total = replace(
            one,
            tried=total.tried + one.tried,
            unknown=total.unknown + one.unknown,
            why_not=one.why_not if not total.tried + one.tried else None,
        )
        if total.found or total.harm:
            break
    talk.tried[name] = total


def _begin(talk: Conversation, name: str, sample: SampleRequest) -> _Trying | Tried:
    """What was tried is nothing where the server does not answer well beforehand."""
    if len(sample.body) > MOST_BODY_BYTES:
        return Tried(why_not=LARGE)
    steadiness = Steadiness.begin(talk, name=name)
    if isinstance(steadiness, str):
        return Tried(why_not=steadiness)
    if not talk.send(invocation(sample, name=name)).ok:
        return Tried(why_not=f"the sample request {sample.name} does not succeed")
    return _Trying(talk=talk, name=name, sample=sample, steadiness=steadiness)


@dataclass(slots=True)
class _Trying:
    """Requests of one kind that differ from a sample by their body."""

    talk: Conversation
    name: str
    sample: SampleRequest
    steadiness: Steadiness
    seen: dict[bytes, Reply] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    harmful: str | None = None
    harm: str | None = None
    # From the first request on: what they are made with may take its time to load.
    until: float | None = None

    def keeping_the_schema(self, examples: int) -> Tried:
        """Bodies that keep the schema of the sample, some for each of the ``examples``."""
        try:
            body = lawful.search(
                self.sample.schema or {},
                self._fails_by_its_answer,
                wanted=_EACH * examples,
                most_simpler=_MOST_SIMPLER,
                limit_s=_SCHEMA_S,
            )
        except lawful.CannotDraw as error:
            return Tried(why_not=str(error))
        said = None
        if body is not None:
            said = f"{shown(body)}: {self._wrong(self.seen[body])}"
        return self._result(len(self.seen), body, said)

    def mutilated(self, drawn: int) -> Tried:
        """Everything that can be done to the sample alone, and ``drawn`` combinations of it."""
        lines = lines_of(self.sample.body, self.sample.content_type)
        alone = each_alone(lines)
        search = Search(
            quiet=self.talk.bench.quiet,
            judge=self._judge,
            over=self._over,
            most_simpler=_MOST_SIMPLER,
        )
        found = search.run(chain(alone, search.drawn(lines, drawn)), wanted=len(alone) + drawn)
        body = said = None
        if found is not None:
            self.until = None
            found = search.simplest(found)
            body = self._changed(found)
            said = f"{_words(found)}: {self.seen[body].describe()}; the body was {shown(body)}"
        self.unknown += search.unknown
        return self._result(search.tried, body, said)

    def _fails_by_its_answer(self, body: bytes) -> bool:
        """Whether a body gets an answer that it should not get, and gets it again."""
        if self._over():
            return False
        return (
            self._wrong(self._send(body)) is not None and self._wrong(self._send(body)) is not None
        )

    def _wrong(self, reply: Reply) -> str | None:
        """What is wrong with the reply to a lawful request; None where nothing is, or nobody knows."""
        if reply.problem == "timeout":
            self.unknown.append(reply.describe())
            return None
        if not reply.ok:
            return reply.describe()
        expect = self.sample.expect
        if expect is None:
            return None
        try:
            # What the body is, or what is found in it, was said of the sample alone.
            other = unmet(Expectation(expect.content_type, None, None, expect.schema), reply)
        except CannotTell as error:
            self.unknown.append(str(error))
            return None
        return None if other is None else f"{other.actual}, which is not {other.expected}"

    def _result(self, tried: int, body: bytes | None, found: str | None) -> Tried:
        """What came of it; the request with the ``body`` that was ``found`` is kept as evidence."""
        if body is not None:
            self.talk.keep(self._request(body), self.seen[body])
        return Tried(
            tried=tried,
            unknown=tuple(self.unknown),
            found=found,
            harmful=self.harmful,
            harm=self.harm,
        )

    def _judge(self, example: Example) -> bool | str:
        reply = self._send(self._changed(example))
        if self.harm is not None:
            self.harmful = f"{_words(example)}, {self.harmful}"
            return False
        if reply.problem == "timeout":
            return reply.describe()
        # Any other answer is lawful, and so is none: what is malformed for one model is not for another.
        return reply.status is not None and reply.status >= 500

    def _send(self, body: bytes) -> Reply:
        self.until = self.until or time.monotonic() + SEARCH_S
        request = self._request(body)
        reply = self.talk.send(request, limit_s=_LIMIT_S)
        self.seen[body] = reply
        self.harm = self.steadiness.harm(reply, lambda talk: talk.send(request, limit_s=_LIMIT_S))
        if self.harm is not None:
            self.harmful = shown(body)
            self.talk.keep(replace(request, name=self.name + FATAL), reply)
        return reply

    def _changed(self, example: Example) -> bytes:
        return mutilated(self.sample.body, self.sample.content_type, example.values)

    def _request(self, body: bytes) -> Request:
        return replace(invocation(self.sample, name=self.name), body=body)

    def _over(self) -> bool:
        late = self.until is not None and time.monotonic() > self.until
        return late or self.harm is not None


def _words(example: Example) -> str:
    return ", ".join(f"{name} {text}" for name, text in example.values.items())
