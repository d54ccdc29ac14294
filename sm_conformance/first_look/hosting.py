"""Finds requests that a server answers: the usual ones first, then what its refusals asked for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sm_conformance.declaration.parts import media_type
from sm_conformance.declaration.values import SampleRequest
from sm_conformance.first_look import clues, payloads
from sm_conformance.first_look.fitting import fitted
from sm_conformance.first_look.reading import Reading
from sm_conformance.inputs.requests import PLATFORM_HEADERS, UNDECLARED_TYPE, Request, invocation
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.wording import missed_network, silence
from sm_conformance.observed.http import Reply, exchange, printable
from sm_conformance.observed.run import Server

_REQUEST_S = 10.0
# For a server that says it is ready before it is; the whole of asking shall end, too.
_WARMING_S = 10.0
_ASKING_S = 60.0
_WARMING = (502, 503, 504)
_MOST_KINDS = 3
_MOST_FITTINGS = 10
_SHOWN = 100
# What servers say of JSON that their types do not allow.
_UNFIT = 422
_NONSENSE = b"\xff\xfe\x00{nonsense"


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and what came back for it."""

    request: SampleRequest
    reply: Reply


@dataclass(slots=True)
class Asking:
    """Asks one live server; what it answered is kept here, for there is no other way out.

    ``fitted`` is the last request that was made to fit what refusals had asked for. ``anything``: it
    took the good body under a type that nobody knows. ``nonsense``: it took bytes of no type.
    """

    reading: Reading
    columns: int
    features: tuple[str, ...]
    answered: list[Answered] = field(default_factory=list)
    parameters: Reply | None = None
    fitted: Answered | None = None
    anything: bool = False
    nonsense: bool = False

    def __call__(self, talk: Conversation) -> None:
        """All that is asked, as long as the server lives."""
        until = time.monotonic() + _ASKING_S
        self.parameters = exchange(
            talk.address,
            method="GET",
            path="/execution-parameters",
            headers=PLATFORM_HEADERS,
            body=None,
            limit_s=_REQUEST_S,
        )
        first = payloads.usual(self.reading, columns=self.columns, features=self.features)
        self._ask(talk, first, until)
        if not self.good:
            replies = [one.reply for one in self.answered]
            log = talk.container.log.stderr()[-65536:] + talk.container.log.stdout()[-65536:]
            text = log.decode("utf-8", "replace")
            for columns in clues.wanted_columns(replies, text):
                self._ask(talk, payloads.with_columns(columns), until)
            for key in clues.wanted_keys(replies, text):
                self._ask(talk, payloads.with_key(key, columns=self.columns), until)
            if any(reply.status == _UNFIT for reply in replies):
                self._fit(talk, until)
        if self.good and not talk.container.pause(0.0):
            self._look_whether_it_matters(talk)

    @property
    def good(self) -> tuple[Answered, ...]:
        """The requests that got a 2xx: the first of each content type; one where any would do."""
        kinds: dict[str, Answered] = {}
        for one in self.answered:
            if one.reply.ok:
                kinds.setdefault(media_type(one.request.content_type), one)
        return tuple(kinds.values())[: 1 if self.anything else _MOST_KINDS]

    @property
    def nearest(self) -> Answered | None:
        """Where no request got a 2xx, the one to begin with."""
        understood = self.fitted is not None and self.fitted.reply.status not in (400, 415, _UNFIT)
        return self.fitted if understood else next(iter(self.answered), None)

    def _ask(self, talk: Conversation, requests: Iterable[SampleRequest], until: float) -> None:
        for request in requests:
            if time.monotonic() > until or talk.container.pause(0.0):
                return
            if len(self.good) == _MOST_KINDS:
                return
            kind = media_type(request.content_type)
            if any(media_type(one.request.content_type) == kind for one in self.good):
                continue
            name = f"try-{len(self.answered) + 1}"
            reply = talk.ask(invocation(request, name=name), limit_s=_REQUEST_S)
            if not self.answered:
                reply = self._warmed_up(talk, request, reply)
            self.answered.append(Answered(request=replace(request, name=name), reply=reply))

    def _fit(self, talk: Conversation, until: float) -> None:
        """JSON that is changed as the server's refusals ask for, step by step."""
        body: Any = {}
        for _ in range(_MOST_FITTINGS):
            request = payloads.json_request(body)
            before = len(self.answered)
            self._ask(talk, [request], until)
            if len(self.answered) == before or self.good:
                return
            self.fitted = self.answered[-1]
            body = fitted(body, self.fitted.reply)
            if body is None:
                return

    def _warmed_up(self, talk: Conversation, request: SampleRequest, reply: Reply) -> Reply:
        """The reply to the very first request once the server is warm."""
        until = time.monotonic() + _WARMING_S
        pause_s = 0.1
        while reply.status in (None, *_WARMING) and time.monotonic() < until:
            if reply.problem == "timeout" or talk.container.pause(pause_s):
                return reply
            pause_s = min(1.0, pause_s * 1.5)
            reply = talk.ask(invocation(request, name="try-1"), limit_s=_REQUEST_S)
        return reply

    def _look_whether_it_matters(self, talk: Conversation) -> None:
        """Whether the type and the body of a request matter to the server at all."""
        plain = invocation(self.good[0].request, name="undeclared-type")
        unknown = {**plain.headers, "Content-Type": UNDECLARED_TYPE}
        self.anything = talk.ask(replace(plain, headers=unknown), limit_s=_REQUEST_S).ok
        noise = Request(name="nonsense", headers=plain.headers, body=_NONSENSE)
        self.nonsense = talk.ask(noise, limit_s=_REQUEST_S).ok


@dataclass(frozen=True, slots=True)
class Served:
    """A server that was asked. ``model`` is what it was given: an archive, or None for none."""

    server: Server
    asking: Asking
    model: Path | None

    @property
    def works(self) -> bool:
        """Whether /ping said 200 and a request got a 2xx."""
        return self.server.ready and bool(self.asking.good)

    def why_not(self) -> str:
        """Why hosting is not claimed, in one line; empty where it is."""
        server = self.server
        if self.works:
            return ""
        if server.problem is not None:
            return clues.cannot_start("serve", server.problem)
        if server.limits_reached:
            return f"{server.story()}; a bound of the harness was reached: say `{server.limits_reached[0]}`"
        line = missed_network(server.logs) or clues.error_line(server.logs)
        said = f"; its log: {line}" if line else ""
        if not server.ready:
            last = line or clues.telling(server.logs)
            said = f"; its log: {last}" if last else ""
            return f"{silence(server)[1]}{said}{self._wants_a_model()}"
        answers: dict[str, list[str]] = {}
        for one in self.asking.answered:
            kinds = answers.setdefault(_answer(one.reply), [])
            kinds += [kind for kind in (str(one.request.content_type),) if kind not in kinds]
        few = [f"{', '.join(kinds)}: {answer}" for answer, kinds in answers.items()]
        nearest = self.asking.nearest
        if nearest is not None and nearest is self.asking.fitted:
            body = printable(nearest.request.body.decode()[:_SHOWN])
            few = [f"the nearest, {body}: {_answer(nearest.reply)}"]
        return (
            f"/ping answered 200, and none of {len(self.asking.answered)} requests got a 2xx "
            f"({'; '.join(few[:2])}){self._wants_a_model()}{said}"
        )

    def _wants_a_model(self) -> str:
        files = self.asking.reading.model_files
        if self.model is not None:
            return ""
        if not files:
            return "; it had no model: if it needs one, give it with --model-data FILE"
        name, path = next(iter(files.items()))
        return f"; it had no model, and {path} names {name}: give one with --model-data FILE"


def _answer(reply: Reply) -> str:
    if reply.status is None:
        return reply.describe()
    told = printable(" ".join(reply.body[:400].decode("utf-8", "replace").split()))
    return f"{reply.status} {told[:_SHOWN]}".strip()
