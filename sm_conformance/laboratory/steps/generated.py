"""Requests that are made up: lawful by the schema that was declared, or the sample mutilated."""

from __future__ import annotations

import time
from collections.abc import Mapping
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
    """JSON that keeps the schema of a sample request; the first that is not answered well ends it."""
    sample = next((one for one in talk.samples if one.schema is not None), None)
    if sample is None or not talk.bench.examples:
        return
    trying = _begin(talk, LAWFUL, sample)
    if trying is None:
        return
    why_not = None
    try:
        body = lawful.search(
            sample.schema or {},
            trying.fails_by_its_answer,
            wanted=_EACH * talk.bench.examples,
            most_simpler=_MOST_SIMPLER,
            limit_s=_SCHEMA_S,
        )
    except lawful.CannotDraw as error:
        body, why_not = None, str(error)
    talk.tried[LAWFUL] = replace(trying.result(len(trying.seen)), why_not=why_not)
    if body is not None:
        trying.keep(body)
        said = f"{shown(body)}: {trying.wrong(trying.seen[body])}"
        talk.tried[LAWFUL] = replace(talk.tried[LAWFUL], found=said)


def mutilated_requests(talk: Conversation) -> None:
    """The samples of each content type mutilated; the first that gets a 5xx status ends it."""
    if not talk.bench.examples:
        return
    total = Tried()
    kinds: dict[str | None, SampleRequest] = {}
    for sample in talk.samples:
        kinds.setdefault(sample.content_type, sample)
    for sample in list(kinds.values())[:_MOST_SAMPLES]:
        if len(sample.body) > MOST_BODY_BYTES:
            continue
        trying = _begin(talk, MUTILATED, sample)
        if trying is None:
            continue
        one = trying.mutilate(talk.bench.examples)
        total = replace(one, tried=total.tried + one.tried, unknown=total.unknown + one.unknown)
        if total.found or total.harm:
            break
    if total.tried:
        talk.tried[MUTILATED] = total
    else:
        talk.tried.setdefault(MUTILATED, Tried(why_not=LARGE))


def _begin(talk: Conversation, name: str, sample: SampleRequest) -> _Trying | None:
    """None, and why it was not tried, where the server does not answer well beforehand."""
    steadiness = Steadiness.begin(talk, name=name)
    if isinstance(steadiness, str):
        talk.tried[name] = Tried(why_not=steadiness)
        return None
    if not talk.send(invocation(sample, name=name)).ok:
        talk.tried[name] = Tried(why_not=f"the sample request {sample.name} does not succeed")
        return None
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

    def mutilate(self, drawn: int) -> Tried:
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
        said = None
        if found is not None:
            self.until = None
            found = search.simplest(found)
            body = self._mutilated(found.values)
            self.keep(body)
            reply = self.seen[body].describe()
            said = f"{_words(found)}: {reply}; the body was {shown(body)}"
        self.unknown += search.unknown
        return replace(self.result(search.tried), found=said)

    def fails_by_its_answer(self, body: bytes) -> bool:
        """Whether a body gets an answer that it should not get, and gets it again."""
        if self._over():
            return False
        return self.wrong(self._send(body)) is not None and self.wrong(self._send(body)) is not None

    def wrong(self, reply: Reply) -> str | None:
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

    def keep(self, body: bytes) -> None:
        """Keeps a request and its reply as evidence."""
        self.talk.keep(self._request(body), self.seen[body])

    def result(self, tried: int) -> Tried:
        """What came of it, but for what was found."""
        return Tried(
            tried=tried,
            unknown=tuple(self.unknown),
            harmful=self.harmful,
            harm=self.harm,
        )

    def _judge(self, example: Example) -> bool | str:
        reply = self._send(self._mutilated(example.values))
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
        self.harm = self.steadiness.harm(reply, lambda: self.talk.send(request, limit_s=_LIMIT_S))
        if self.harm is not None:
            self.harmful = shown(body)
            self.talk.keep(replace(request, name=self.name + FATAL), reply)
        return reply

    def _mutilated(self, done: Mapping[str, str]) -> bytes:
        return mutilated(self.sample.body, self.sample.content_type, done)

    def _request(self, body: bytes) -> Request:
        return replace(invocation(self.sample, name=self.name), body=body)

    def _over(self) -> bool:
        late = self.until is not None and time.monotonic() > self.until
        return late or self.harm is not None


def _words(example: Example) -> str:
    return ", ".join(f"{name} {text}" for name, text in example.values.items())
