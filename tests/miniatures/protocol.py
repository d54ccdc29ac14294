"""Little liars that mind lawful requests, or whose replies are not what they say."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message
from typing import Any

from miniatures import manners
from miniatures.container import Miniature
from miniatures.declared import REQUESTS, SERVES
from miniatures.inside import Answer
from miniatures.lawful import invocation, serves
from miniatures.sins import Sin


def _no_type(headers: Message, body: bytes) -> Answer:
    status, _, text = invocation(headers, body)
    return status, "", text


def _no_strangers(headers: Message, body: bytes) -> Answer:
    if "X-Forwarded-For" in headers:
        return 400, "text/plain", b"no proxies\n"
    return invocation(headers, body)


def _says_no_more(headers: Message, body: bytes) -> Answer:
    status, kind, text = invocation(headers, body)
    return (status, kind, b"{}") if 400 <= status < 500 else (status, kind, text)


def _minds_sessions(headers: Message, body: bytes) -> Answer:
    if "X-Amzn-SageMaker-Session-Id" in headers:
        return 500, "text/plain", b"no sessions here\n"
    return invocation(headers, body)


def _knows_no_such_session(headers: Message, body: bytes) -> Answer:
    if "X-Amzn-SageMaker-Session-Id" in headers:
        return 404, "text/plain", b"no such session\n"
    return invocation(headers, body)


def _labelled(kind: str, text: bytes) -> Callable[[Message, bytes], Answer]:
    def answer(headers: Message, body: bytes) -> Answer:
        status, own, said = invocation(headers, body)
        return (200, kind, text % len(body)) if status == 200 else (status, own, said)

    return answer


MINIATURES: dict[str, Miniature] = {
    "no-type": serves("Its replies have no Content-Type.", invocation=_no_type),
    "no-strangers": serves("It refuses unknown headers.", invocation=_no_strangers),
    "only-gets": serves("Its ping takes no POST.", manners=manners.OnlyGets),
    "knows-everything": serves("It has a page for every path.", manners=manners.KnowsEverything),
    "repeats": serves("It repeats itself on a connection.", manners=manners.Repeats),
    "leaves-bodies": serves("It leaves refused bodies unread.", manners=manners.LeavesBodies),
    "leaves-bodies-and-ends": serves(
        "It leaves refused bodies unread and ends the connection.",
        manners=manners.LeavesBodiesAndEnds,
    ),
    "reads-once": serves("It reads requests at one go.", manners=manners.ReadsOnce),
    "knows-one-spelling": serves(
        "It minds how headers are spelt.", manners=manners.KnowsOneSpelling
    ),
    "counts": serves("It reads no chunks, and says 400.", manners=manners.Counts),
    "counts-and-says-so": serves("It reads no chunks.", manners=manners.CountsAndSaysSo),
    "cannot-wait": serves("It fails when a body is held back.", manners=manners.CannotWait),
    "never-asks": serves("It waits for what is held back.", manners=manners.NeverAsks),
    "old-fashioned": serves("It speaks HTTP/1.0.", manners=manners.OldFashioned),
    "hangs-up": serves("It ends connections without a word.", manners=manners.HangsUp),
    "says-goodbye": serves("It says that it ends connections.", manners=manners.SaysGoodbye),
    "long-winded": serves("Its attributes are too long.", manners=manners.LongWinded),
    "echoes": serves("It returns the attributes it got.", manners=manners.Echoes),
    "foreign-words": serves("Its attributes are no ASCII.", manners=manners.ForeignWords),
    "says-no-more": serves("It refuses with {}.", invocation=_says_no_more),
    "minds-sessions": serves("A session breaks it.", invocation=_minds_sessions),
    "knows-sessions": serves("It knows sessions.", invocation=_knows_no_such_session),
    "html": serves("It says that its JSON is HTML.", invocation=_labelled("text/html", b"[%d]")),
    "csv-as-json": serves(
        "It says that its CSV is JSON.", invocation=_labelled("application/json", b"0\n%d\n")
    ),
}


def accepting(row: str, json: str) -> Any:
    """A declaration with what the two requests accept."""
    requests = [
        {**request, "accept": accept} for request, accept in zip(REQUESTS, (row, json), strict=True)
    ]
    return {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}


SERVING_SINS = [
    Sin("only-gets", "HOST-003 post-ping", "advice", says="405"),
    Sin("hangs-up", "HOST-014 keep-alive", "advice", says="after one answer, which did not say so"),
    Sin("repeats", "HOST-014 keep-alive", "advice", says="unknown request: 200"),
    Sin("leaves-bodies", "HOST-014 keep-alive", "advice", says="which nobody had asked for",
        repeat='requests/behind-refused-path "http://$at/invocations"'),
    Sin("knows-one-spelling", "HOST-014 request-framing", "advice", says="in lower case"),
    Sin("counts", "HOST-014 request-framing", "advice", says="chunked: 400"),
    Sin("cannot-wait", "HOST-014 request-framing", "advice", says="expect-continue: 500"),
    Sin("minds-sessions", "HOST-020 unknown-headers", "advice", says="invoke APIs: 500"),
    Sin("html", "HOST-022 response-type", "advice", says="labelled text/html, and is JSON: '["),
    Sin("csv-as-json", "HOST-022 response-type", "advice", says="application/json, and is no JSON"),
    Sin("lawful", "HOST-022 response-type", "advice", says="request-json: Content-Type application",
        declaration=accepting("text/csv;q=0.5, text/*", "text/csv")),
    Sin("long-winded", "HOST-023 returned-attributes", "advice", says="sample: 1025 characters"),
    Sin("foreign-words", "HOST-023 returned-attributes", "advice", says="among them ß"),
    Sin("says-no-more", "HOST-026 error-text", "advice", says="undeclared-type: 415"),
    Sin("knows-everything", "HOST-028 unknown-paths", "advice", says="200"),
    Sin("no-strangers", "HOST-020 unknown-headers", says="400"),
    Sin("no-type", "HOST-022 response-type", "advice", says="without a content type"),
]  # fmt: skip
