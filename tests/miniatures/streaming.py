"""Miniatures whose answers stream, to who asks for events; other requests get the lawful answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from email.message import Message
from itertools import count, repeat

from miniatures.container import Miniature
from miniatures.inside import Answer, Parts
from miniatures.lawful import afresh, invocation, lawful_but, serves
from miniatures.sins import Sin

EVENTS = [b'data: {"word": %d}\n\n' % number for number in range(8)]
LINES = [b'{"word": %d}\n' % number for number in range(8)]
_PACE_S = 0.01
_THOUGHT_S = 0.12

Body = Callable[[], bytes | Parts]


def _paced(parts: Sequence[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield part
        time.sleep(_PACE_S)


def _thought(parts: Sequence[bytes]) -> Iterator[bytes]:
    """Nothing for a while, then all."""
    time.sleep(_THOUGHT_S)
    yield from parts


def _cut(parts: Sequence[bytes]) -> Iterator[bytes]:
    yield from _paced(parts)
    raise ConnectionAbortedError


def _cut_once() -> Body:
    seen = count()
    return lambda: Parts(_cut(EVENTS) if next(seen) == 0 else _paced(EVENTS))


def _for_ever() -> Iterator[bytes]:
    for event in repeat(EVENTS[0]):
        yield event
        time.sleep(_PACE_S)


def _endless_once() -> Body:
    """Too long the first time, in the first launch and no other."""
    seen = count()
    return lambda: Parts(_for_ever() if next(seen) == 0 else _paced(EVENTS))


def _streams(story: str, body: Body, *, status: int = 200) -> Miniature:
    def answer(headers: Message, asked: bytes) -> Answer:
        whole = invocation(headers, asked)
        if whole[0] != 200 or headers["Accept"] != "text/event-stream":
            return whole
        return status, "text/event-stream", body()

    return serves(story, invocation=answer)


def _streams_afresh(story: str, make: Callable[[], Body]) -> Miniature:
    return lawful_but(story, serve=afresh(lambda: _streams(story, make()).serve))


MINIATURES: dict[str, Miniature] = {
    "streams": _streams("It streams events.", lambda: Parts(_paced(EVENTS))),
    "streams-lines": _streams("It streams lines of JSON.", lambda: Parts(_paced(LINES))),
    "streams-text": _streams("It streams words.", lambda: Parts(_paced([b"la "] * 8))),
    "streams-to-the-close": _streams(
        "The end of the connection ends its stream.", lambda: Parts(_paced(EVENTS), "close")
    ),
    "streams-two": _streams("Its stream is short.", lambda: Parts(_thought(EVENTS[:2]))),
    "streams-at-once": _streams("Its stream takes no time.", lambda: Parts(iter(EVENTS))),
    "thinks-then-streams": _streams(
        "It thinks for long and then writes event by event.", lambda: Parts(_thought(EVENTS))
    ),
    "holds-stream-back": _streams(
        "It holds its stream back.", lambda: Parts(_thought([b"".join(EVENTS)]))
    ),
    "streams-with-length": _streams(
        "It knows the length of its stream beforehand.", lambda: b"".join(EVENTS)
    ),
    "streams-joined": _streams(
        "Its chunks delimit its events.", lambda: Parts(_paced([one.strip() for one in EVENTS]))
    ),
    "streams-nothing": _streams("Its stream is empty.", lambda: Parts(iter(()))),
    "cuts-stream": _streams("It cuts its stream.", lambda: Parts(_cut(EVENTS))),
    "cuts-stream-once": _streams_afresh("It cuts its first stream.", _cut_once),
    "streams-for-ever": _streams("Its stream never ends.", lambda: Parts(_for_ever())),
    "streams-too-long-once": _streams("Its first stream is too long.", _endless_once()),
    "floods-stream": _streams(
        "Its stream is larger than is read.", lambda: Parts(repeat(bytes(1 << 20), 33))
    ),
    "refuses-stream": _streams("It refuses to stream.", lambda: b"no\n", status=406),
}
SHORT = {"stream_limit_s": 0.3}
SINS = [
    Sin("holds-stream-back", "HOST-070 streams", "advice", says="bytes within 0 ms, 3 times"),
    Sin("streams-with-length", "HOST-070 streams", "advice", says="talk: nothing for 0.00 s"),
    Sin("streams-for-ever", "HOST-071 stream-length", says="in two launches", limits=SHORT),
    Sin("streams-joined", "HOST-072 delimited-stream", "advice", says="no empty line ends"),
    Sin("cuts-stream", "HOST-073 orderly-stream-end", says="3 of 3 times"),
    Sin("cuts-stream-once", "HOST-073 orderly-stream-end", "advice", says="1 of 2 times"),
]
