"""A reply is held against what its owner declared: content type, body, pattern, JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest

from sm_conformance.declaration.values import Expectation
from sm_conformance.laboratory.expected import MOST_BYTES, MOST_JSON_BYTES, CannotTell, Unmet, unmet
from sm_conformance.observed.http import Reply

SCHEMA = {"type": "array", "items": {"type": "number", "maximum": 2}}
NESTED = {"$ref": "#/$defs/nest", "$defs": {"nest": {"items": {"$ref": "#/$defs/nest"}}}}


def reply(body: bytes, kind: str | None = "text/csv") -> Reply:
    return Reply(
        method="POST", path="/invocations", status=200, reason="OK",
        headers=(("content-TYPE", kind),) if kind is not None else (), body=body, truncated=False,
        connect_s=None, first_byte_s=0.0, elapsed_s=0.0, problem=None,
    )  # fmt: skip


def held(said: Reply, **parts: Any) -> Unmet | None:
    open_ = {"content_type": None, "body": None, "pattern": None, "schema": None}
    return unmet(Expectation(**{**open_, **parts}), said)


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        (b"", {}),
        (b"anything", {"content_type": "text/csv"}),
        (b"anything", {"content_type": "TEXT/csv; charset=utf-8"}),
        (b"0\n", {"body": b"0\n"}),
        (b"0", {"body": b"0\n"}),
        (b"0\r\n", {"body": b"0"}),
        (b"", {"body": b"\n"}),
        (b"\xff\x00", {"body": b"\xff\x00"}),
        (b"row 1\nrow 2\n", {"pattern": r"row \d\n\Z"}),
        ("größe".encode(), {"pattern": "ö"}),
        (b"\xff7", {"pattern": "7$"}),
        (b"x" * (2 * MOST_BYTES), {"pattern": "^x"}),
        (b"[1, 2]\n", {"schema": SCHEMA}),
        (b"\xef\xbb\xbf[]", {"schema": SCHEMA}),
        (b"[" + b"1," * (MOST_BYTES // 4) + b"1]", {"schema": {"type": "array"}}),
        (b'["' + b"x" * (8 * MOST_BYTES) + b'"]', {"schema": {"items": {"type": "string"}}}),
        (b"[1]", {"schema": {}, "content_type": "text/csv"}),
    ],
)
def test_a_reply_that_is_as_declared_is_met(body: bytes, parts: dict[str, Any]) -> None:
    assert held(reply(body), **parts) is None


@pytest.mark.parametrize(
    ("body", "parts", "expected", "actual"),
    [
        (b"0", {"content_type": "text/plain"}, "Content-Type text/plain", "Content-Type text/csv"),
        (b"1\n", {"body": b"0\n"}, r"the body '0\n'", r"the body '1\n'"),
        (b"0\n\n", {"body": b"0\n"}, r"the body '0\n'", r"the body '0\n\n'"),
        (b" 0", {"body": b"0"}, "the body '0'", "the body ' 0'"),
        (b"", {"body": b"0"}, "the body '0'", "no body"),
        (b"\x1b[2J", {"body": b"0"}, "the body '0'", r"the body '\x1b[2J'"),
        (b"a", {"pattern": "^b$"}, "a body in which '^b$' is found", "the body 'a'"),
        (b"[1, 3]", {"schema": SCHEMA}, "JSON that keeps the declared schema",
         "$[1]: 3 is greater than the maximum of 2; the body '[1, 3]'"),
        (b"1,2", {"schema": SCHEMA}, "JSON that keeps the declared schema",
         "no JSON: the body '1,2'"),
        (b"", {"schema": {}}, "JSON that keeps the declared schema", "no JSON: no body"),
        (b"\xff\xfe", {"schema": {}}, "JSON that keeps the declared schema",
         r"no JSON: the body '\xff\xfe'"),
    ],
)  # fmt: skip
def test_a_reply_that_is_another_tells_both(
    body: bytes, parts: dict[str, Any], expected: str, actual: str
) -> None:
    assert held(reply(body), **parts) == Unmet(expected, actual)


def test_a_reply_without_a_content_type_is_another() -> None:
    found = held(reply(b"0", kind=None), content_type="text/csv", body=b"0")

    assert found == Unmet("Content-Type text/csv", "no Content-Type")


@pytest.mark.parametrize(
    "parts", [{"body": b"0"}, {"pattern": "^0"}, {"schema": SCHEMA}, {"content_type": "a/b"}]
)
def test_what_is_told_of_a_large_reply_is_short_and_printable(parts: dict[str, Any]) -> None:
    body = b'["' + "\u202e\U0001f600".encode() * 40_000 + b'"]'

    found = held(reply(body, kind="\x1b[31m" + "a" * 10_000), **parts)

    assert found is not None
    assert len(found.actual) < 3_000
    assert found.actual.isprintable()


@pytest.mark.parametrize(
    ("body", "parts", "why"),
    [
        (b"x" * (MOST_BYTES + 1), {"pattern": "y"}, "not in the first MiB"),
        (b"1" * (MOST_JSON_BYTES + 1), {"schema": {}}, "larger than 10 MiB.*say `matches`"),
        (b"[" * 600 + b"]" * 600, {"schema": NESTED}, "cannot be followed"),
        (b"1e400", {"schema": {"multipleOf": 0.1}}, "cannot be followed"),
    ],
)
def test_what_cannot_be_held_against_it_is_no_verdict(
    body: bytes, parts: dict[str, Any], why: str
) -> None:
    with pytest.raises(CannotTell, match=why):
        held(reply(body), **parts)


def test_json_that_nobody_can_read_is_no_json() -> None:
    found = held(reply(b"[" * 200_000), schema={})

    assert found is not None
    assert found.actual.startswith("no JSON: the body '[[[")
