"""A Content-Type is held against the body that it names, and nobody is accused without reason."""

from __future__ import annotations

import pytest

from sm_conformance.observed.http import Reply
from sm_conformance.observed.labels import accepted, mislabelled


def reply(kind: str | None, body: bytes, **further: str) -> Reply:
    headers = () if kind is None else (("Content-Type", kind),)
    return Reply(
        method="POST",
        path="/invocations",
        status=200,
        reason="OK",
        headers=(*headers, *((name.replace("_", "-"), value) for name, value in further.items())),
        body=body,
        truncated=False,
        connect_s=0.001,
        first_byte_s=0.001,
        elapsed_s=0.001,
        problem=None,
    )


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"0\n1\n"),
        ("application/json", b"5.1,3.5\n"),
        ("application/json; charset=utf-8", b"setosa"),
        ("application/vnd.model+json", b"<p>"),
        ("application/json", b"\xff\xfe\x00"),
        ("text/html", b'{"class": 0}'),
        ("TEXT/HTML; charset=utf-8", b"[0, 1]\n"),
        ("text/csv", b'{"predictions": [0]}'),
    ],
)
def test_what_is_plainly_another_thing_is_told(kind: str, body: bytes) -> None:
    told = mislabelled(reply(kind, body))

    assert told is not None
    assert told.isprintable()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"0\n"),
        ("application/json", b" [NaN, Infinity]"),
        ("application/json", b"\xef\xbb\xbf{}"),
        ("application/json", b""),
        ("application/json", b"[" * 100_000),
        ("application/json", b"x" * (1 << 21)),
        ("application/jsonlines", b"0\n1\n"),
        ("text/html", b"0\n"),
        ("text/html", b"<p>0</p>"),
        ("text/csv", b"[0, 1]\n"),
        ("text/csv", b'"{""class"": 0}"\n'),
        ("text/plain", b"{}"),
        ("application/x-npy", b"\x93NUMPY"),
        (None, b"{}"),
    ],
)
def test_what_may_be_what_it_says_is_believed(kind: str | None, body: bytes) -> None:
    assert mislabelled(reply(kind, body)) is None


def test_a_body_that_is_packed_is_not_looked_into() -> None:
    packed = reply("application/json", b"\x1f\x8b\x08", Content_Encoding="gzip")

    assert mislabelled(packed) is None


@pytest.mark.parametrize(
    ("accept", "kind", "allowed"),
    [
        ("text/csv", "text/csv; charset=utf-8", True),
        ("text/csv", "TEXT/CSV", True),
        ("application/json;verbose=true", "application/json", True),
        ("text/*;q=0.5, application/json", "text/plain", True),
        ("*/*", "image/png", True),
        ("*", "image/png", True),
        ("text/csv;q=0, */*", "text/csv", True),
        ("text/csv;q=0", "text/csv", False),
        ("text/csv", "application/json", False),
        ("text/*", "textual/csv", False),
        ("application/json", "", False),
    ],
)
def test_a_type_is_held_against_what_is_accepted(accept: str, kind: str, allowed: bool) -> None:
    assert accepted(accept, kind) is allowed
