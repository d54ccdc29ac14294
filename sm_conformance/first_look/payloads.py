"""The requests that a server of which nothing is known is asked, most usual first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from sm_conformance.declaration.values import SampleRequest
from sm_conformance.first_look.data import numbers
from sm_conformance.first_look.reading import Reading

_USUAL_KEYS = ("instances", "inputs", "features", "data", "input", "rows", "x")
_TEXT = "The weather is fine today."
_MOST_KEYS = 10
_MADE = ("text/csv", "text/libsvm", "text/plain", "application/json", "application/jsonlines")


def usual(reading: Reading, *, columns: int, features: tuple[str, ...]) -> list[SampleRequest]:
    """The requests of ``columns`` numbers, in the forms that the program's text names first.

    ``features`` are the names of the columns where the training data had a header.
    """
    return list(_without_repeats([*_usual(reading, columns=columns, features=features), *_words()]))


def with_columns(columns: int) -> list[SampleRequest]:
    """The usual requests for another number of columns."""
    row = list(numbers(columns))
    return [
        _csv("text/csv", row),
        json_request({"instances": [row]}),
        json_request([row]),
    ]


def with_key(key: str, *, columns: int) -> list[SampleRequest]:
    """JSON under a key that was asked for."""
    row = list(numbers(columns))
    return [json_request({key: [row]}), json_request({key: row}), json_request({key: _TEXT})]


def not_made(reading: Reading) -> tuple[str, ...]:
    """Content types that the program names and nothing here can be made for."""
    return tuple(
        name for name in reading.content_types
        if name.partition(";")[0].strip().lower() not in _MADE and not name.endswith("octet-stream")
    )  # fmt: skip


def _usual(reading: Reading, *, columns: int, features: tuple[str, ...]) -> Iterator[SampleRequest]:
    row = list(numbers(columns))
    kinds = ["text/csv", *(name for name in reading.content_types if name.startswith("text/csv;"))]
    for kind in kinds:
        if features:
            yield _csv(kind, row, header=features)
        yield _csv(kind, row)
    named = [key for key in reading.keys if key not in _USUAL_KEYS]
    known = [key for key in _USUAL_KEYS if key in reading.keys]
    keys = [*known, *(key for key in _USUAL_KEYS if key not in known)][:_MOST_KEYS]
    yield json_request({keys[0]: [row]})
    yield json_request([row])
    for key in keys[1:]:
        yield json_request({key: [row]})
    yield json_request({"instances": [{"features": row}]})
    yield json_request({"features": row})
    for key in named[: _MOST_KEYS - len(keys)]:
        yield json_request({key: [row]})
    yield SampleRequest(
        name="", content_type="application/jsonlines", accept=None,
        body=(json.dumps({"features": row}) + "\n").encode(),
    )  # fmt: skip
    yield SampleRequest(
        name="", content_type="text/libsvm", accept=None,
        body=(" ".join(f"{nth}:{value}" for nth, value in enumerate(row, start=1)) + "\n").encode(),
    )  # fmt: skip


def _words() -> Iterator[SampleRequest]:
    yield json_request({"inputs": _TEXT})
    yield json_request({"text": _TEXT})
    yield SampleRequest(name="", content_type="text/plain", accept=None, body=f"{_TEXT}\n".encode())


def _csv(kind: str, row: list[float], *, header: tuple[str, ...] = ()) -> SampleRequest:
    lines = [",".join(header)] if header else []
    lines.append(",".join(str(value) for value in row))
    return SampleRequest(
        name="",
        content_type=kind,
        accept=None,
        body="".join(f"{line}\n" for line in lines).encode(),
    )


def json_request(value: object) -> SampleRequest:
    """A request with that value as JSON."""
    return SampleRequest(
        name="", content_type="application/json", accept=None, body=json.dumps(value).encode()
    )


def _without_repeats(requests: Iterable[SampleRequest]) -> Iterator[SampleRequest]:
    seen = set()
    for request in requests:
        key = (request.content_type, request.body)
        if key not in seen:
            seen.add(key)
            yield request
