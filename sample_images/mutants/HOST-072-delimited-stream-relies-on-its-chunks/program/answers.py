"""The answers: whole, or part by part in chunks."""

import json
import time
from collections.abc import Iterator

import model
import question

# Nobody reads faster, and a caller that is slow is not flooded.
PACE_S = 0.01


def whole(asked: question.Question) -> bytes:
    """All words at once."""
    text = " ".join(model.words(asked.prompt, asked.count))
    return json.dumps({"text": text}).encode() + b"\n"


def parts(asked: question.Question) -> Iterator[bytes]:
    """A part for each word, as it is made, and one that says that it was the last."""
    try:
        for word in model.words(asked.prompt, asked.count):
            yield form(asked.form, {"word": word})
            time.sleep(PACE_S)
        last = {"done": True}
    except Exception as error:
        # The status has been sent long ago: the stream itself has to tell.
        last = {"error": str(error)}
    yield form(asked.form, last)


def form(kind: str, message: dict) -> bytes:
    """A message, without the line ends that would delimit it."""
    text = json.dumps(message)
    return (f"data: {text}" if kind == question.EVENTS else text).encode()
