"""The answers: whole, or part by part and without an end."""

import json
import time
from collections.abc import Iterator
from itertools import count

import model
import question

PACE_S = 0.01


def whole(asked: question.Question) -> bytes:
    """All words at once."""
    text = " ".join(model.words(asked.prompt, asked.count))
    return json.dumps({"text": text}).encode() + b"\n"


def parts(asked: question.Question) -> Iterator[bytes]:
    """A part for each word, however many were asked for."""
    for _ in count():
        for word in model.words(asked.prompt, asked.count):
            yield form(asked.form, {"word": word})
            time.sleep(PACE_S)


def form(kind: str, message: dict) -> bytes:
    """A message as a server-sent event or as a line of JSON."""
    text = json.dumps(message)
    return (f"data: {text}\n\n" if kind == question.EVENTS else f"{text}\n").encode()
