"""Little liars that make the wrong thing of strange requests and of large ones."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message

from miniatures.container import Miniature
from miniatures.inside import Answer, Inside, Program
from miniatures.lawful import afresh, invocation, lawful_but, serves, serving
from miniatures.sins import Sin


def _only_csv(headers: Message, body: bytes) -> Answer:
    if headers["Content-Type"] == "application/json":
        return 415, "text/plain", b"csv, please\n"
    return invocation(headers, body)


def _any_type(headers: Message, body: bytes) -> Answer:
    if headers.get("Content-Type", "").startswith("application/x-"):
        return 200, "text/csv", b"0\n"
    return invocation(headers, body)


def _no_charset(headers: Message, body: bytes) -> Answer:
    if ";" in headers.get("Content-Type", ""):
        return 415, "text/plain", b"text/csv, and nothing behind it\n"
    return invocation(headers, body)


def _needs_a_type(headers: Message, body: bytes) -> Answer:
    if "Content-Type" not in headers:
        return 500, "text/plain", b"KeyError: Content-Type\n"
    return invocation(headers, body)


def _needs_four_columns(headers: Message, body: bytes) -> Answer:
    if body.count(b",") == 2 and b"{" not in body:
        return 500, "text/plain", b"shapes do not fit\n"
    return invocation(headers, body)


def _breaks_on_malformed(headers: Message, body: bytes) -> Answer:
    status, kind, text = invocation(headers, body)
    return (500, kind, text) if status == 400 else (status, kind, text)


def _sulks() -> Callable[[Message, bytes], Answer]:
    """After the first malformed body it refuses everything."""
    hurt: list[bool] = []

    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = invocation(headers, body)
        if status == 400:
            hurt.append(True)
        return (400, kind, b"sulking\n") if hurt else (status, kind, text)

    return answer


def _loses_workers() -> Callable[[Message, bytes], Answer]:
    """Each malformed body takes one of its workers with it."""
    workers = [1, 2, 3]

    def answer(headers: Message, body: bytes) -> Answer:
        if not workers:
            return 503, "text/plain", b"nobody is left\n"
        status, kind, text = invocation(headers, body)
        if status == 400:
            workers.pop()
        return status, kind, text

    return answer


def _faints_once() -> Program:
    """Ends at a body of noise, and never again in any launch."""
    fainted: list[bool] = []

    def serve(inside: Inside) -> int:
        def asked(headers: Message, body: bytes) -> Answer:
            found = invocation(headers, body)
            if found[0] == 400 and not fainted:
                fainted.append(True)
                inside.asked_to_stop.set()
            return found

        return serving(invocation=asked)(inside)

    return serve


MINIATURES: dict[str, Miniature] = {
    "only-csv": serves("It refuses a type that is declared.", invocation=_only_csv),
    "any-type": serves("It takes any content type for good.", invocation=_any_type),
    "breaks-on-malformed": serves(
        "A malformed body makes it say 500.", invocation=_breaks_on_malformed
    ),
    "sulks": lawful_but(
        "It refuses everything after a malformed body.",
        serve=afresh(lambda: serving(invocation=_sulks())),
    ),
    "loses-workers": lawful_but(
        "Each malformed body takes a worker with it.",
        serve=afresh(lambda: serving(invocation=_loses_workers())),
    ),
    "faints-once": lawful_but("It ends once for no reason.", serve=_faints_once()),
    "no-charset": serves("It minds a charset.", invocation=_no_charset),
    "needs-a-type": serves("It breaks without a Content-Type.", invocation=_needs_a_type),
    "needs-four-columns": serves("Fewer columns break it.", invocation=_needs_four_columns),
    "small-bodies": serves("It refuses 6 MiB.", body_limit=1 << 20),
    "smallish-bodies": serves("It refuses 25 MB.", body_limit=10 << 20),
}
SERVING_SINS = [
    Sin("small-bodies", "HOST-013 body-6-mib", "advice",
        says="5 MiB: 413 Request Entity Too Large after"),
    Sin("no-charset", "HOST-021 content-types", "advice", says="charset-row: 415"),
    Sin("needs-a-type", "HOST-021 content-types", "advice", says="no Content-Type: 500"),
    Sin("needs-four-columns", "HOST-025 malformed-body", "advice", says="wrong-columns: 500"),
    Sin("smallish-bodies", "HOST-013 body-25-mb", "advice", says="413"),
    Sin("only-csv", "HOST-021 content-types", "advice", says="request-json: 415"),
    Sin("any-type", "HOST-021 content-types", "advice", says="nobody declared: 200"),
    Sin("breaks-on-malformed", "HOST-025 malformed-body", "advice", says="500"),
    Sin("sulks", "HOST-029 survives-bad-input", "advice", says="after empty-body: good request"),
    Sin("loses-workers", "HOST-029 survives-bad-input", "advice",
        says="so it was with another server when it was sent that 3 times"),
]  # fmt: skip
