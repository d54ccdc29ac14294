"""What a caller wants: a prompt, how many words, and in which form."""

import json
from dataclasses import dataclass

import model

WHOLE, EVENTS, LINES = "application/json", "text/event-stream", "application/jsonlines"


class Refused(Exception):
    """The request cannot be answered: a status and a line for the caller."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Question:
    """A request that can be answered; ``form`` is the content type of the answer."""

    prompt: str
    count: int
    form: str


def read(headers, body: bytes) -> Question:
    """The question in a request. Raises Refused."""
    kind = headers.get("Content-Type", WHOLE).partition(";")[0].strip().lower()
    if kind != WHOLE:
        raise Refused(415, f"{kind} is not understood, send {WHOLE}")
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is not JSON: {error}") from error
    if not isinstance(said, dict) or not isinstance(said.get("prompt"), str):
        raise Refused(400, 'send an object such as {"prompt": "the river", "words": 5}')
    count, streams = said.get("words", 20), said.get("stream")
    if type(count) is not int or not 1 <= count <= model.MOST_WORDS:
        raise Refused(400, f"words is not a number from 1 to {model.MOST_WORDS}")
    if streams is not None and not isinstance(streams, bool):
        raise Refused(400, "stream is neither true nor false")
    return Question(said["prompt"], count, _form(headers.get("Accept", ""), streams))


def _form(accept: str, streams: bool | None) -> str:
    """The first form that the caller accepts and that does not contradict ``stream``."""
    if streams is False:
        return WHOLE
    wanted = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    named = [kind for kind in wanted if kind in (EVENTS, LINES)]
    if named and (streams or wanted[0] != WHOLE):
        return named[0]
    return EVENTS if streams else WHOLE
