"""Made-up requests: what is done to a sample, what keeps a schema, and what raw bytes are answered."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.inputs import lawful
from sm_conformance.inputs.malformed_http import RawRequest, malformed_http, pipelined
from sm_conformance.inputs.mutations import each_alone, lines_of, mutilated
from sm_conformance.inputs.requests import PLATFORM_HEADERS, Request
from sm_conformance.inputs.taken_apart import take_apart
from sm_conformance.laboratory import evidence, repeating
from sm_conformance.observed.http import Address
from sm_conformance.observed.raw import Said, answers, converse

CSV, JSON = "text/csv", "application/json"
ROW = b"5.1,3.5\r\n\r\n1,2\n"
GOOD = Request("good", {**PLATFORM_HEADERS, "Content-Type": CSV}, b"1,2\n")


# -- mutilated -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "done", "expected"),
    [
        (b'{"a": [1, 2]}', JSON, {"NaN in the place of value": "4"}, b'{"a": [1, NaN]}'),
        (b'{"a": [1, 2]}', JSON, {"null in the place of value": "1"}, b"null"),
        (b'{"a": [1, 2]}', JSON, {"left out: value": "1"}, b"{}"),
        (b'{"a": [1, 2]}', JSON, {"left out: value": "3"}, b'{"a": [1]}'),
        (b"[1]", JSON, {"pairs of brackets around it:": "2"}, b"[[[1]]]"),
        (b"[1]", JSON, {"brackets before it that nobody closes:": "2"}, b"[[[1]"),
        (b'{"a":1}\n{"a":2}\n', "application/jsonlines",
         {"an empty list in the place of value": "2"}, b'{"a": []}\n{"a":2}\n'),
        (b"[1]", JSON, {"half a surrogate pair in the place of value": "2"}, b'["\\ud800"]'),
        (ROW, CSV, {"NaN in the place of cell": "2"}, b"5.1,NaN\r\n\r\n1,2\n"),
        (ROW, CSV, {"left out: cell": "3"}, b"5.1,3.5\r\n\r\n2\n"),
        (ROW, CSV, {"one more cell in line": "2"}, b"5.1,3.5\r\n\r\n0,1,2\n"),
        (b"abc", "image/png", {"a NUL byte before byte": "1"}, b"\x00abc"),
        (b"abc", None, {"two bytes that are no UTF-8 before byte": "4"}, b"abc\xc3\x28"),
        (b"abc", None, {"cut after byte": "2"}, b"ab"),
        (b"abc", None, {"a quote before byte": "2", "cut after byte": "2"}, b'a"'),
    ],
)  # fmt: skip
def test_what_is_done_to_a_sample(
    body: bytes, kind: str | None, done: dict[str, str], expected: bytes
) -> None:
    assert mutilated(body, kind, done) == expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b'{"a": [1, {"b": "x"}]}', JSON), (ROW, CSV), (b"\xff\xd8jpeg", "image/jpeg"), (b"a", None),
     (b"", CSV), (b"5", JSON), (b"\xff,1\n", CSV), (b'[1]\n{"a"', "application/jsonlines")],
)  # fmt: skip
def test_every_step_of_every_line_makes_another_body(body: bytes, kind: str | None) -> None:
    tried = 0
    for lines in lines_of(body, kind):
        for line in lines:
            for step in range(1, min(line.count, 30) + 1):
                assert mutilated(body, kind, {line.name: line.at(step)}) != body, (line, step)
                tried += 1

    assert tried


def test_each_thing_is_done_alone_and_brackets_the_fewest_first() -> None:
    alone = [dict(one.values) for one in each_alone(lines_of(b"[1]", JSON))]

    assert all(len(done) == 1 for done in alone)
    depths = [
        done["pairs of brackets around it:"] for done in alone if "pairs of brackets" in str(done)
    ]
    assert depths == ["500", "1000", "10000", "100000"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", CSV), (b"1,2", "text/plain"), (b'"text"', JSON), (b"[" * 9999, JSON), (b"\xff[1]", JSON),
     (b"[" + b"1," * 20_000 + b"1]", JSON)],
)  # fmt: skip
def test_what_cannot_be_taken_apart_is_left_whole(body: bytes, kind: str) -> None:
    assert take_apart(body, kind) is None


# -- lawful ----------------------------------------------------------------------------------------

NUMBERS = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 99}}


def search(schema: Any, fails: Callable[[Any], bool], **how: Any) -> tuple[Any, list[Any]]:
    """The simplest value that fails, and all that were asked for."""
    pytest.importorskip("hypothesis_jsonschema")
    seen: list[Any] = []

    def asked(body: bytes) -> bool:
        seen.append(json.loads(body))
        return fails(seen[-1])

    options = {"wanted": 20, "most_simpler": 60, "limit_s": 60, **how}
    found = lawful.search(schema, asked, **options)
    return None if found is None else json.loads(found), seen


def test_lawful_values_differ_keep_the_schema_and_are_the_same_the_next_time() -> None:
    found, seen = search(NUMBERS, lambda value: False)

    assert found is None
    assert len(seen) == len({str(value) for value in seen}) == 20
    assert all(0 <= item <= 99 for value in seen for item in value)
    assert search(NUMBERS, lambda value: False)[1] == seen


def test_a_value_that_fails_is_made_simple() -> None:
    found, _ = search(NUMBERS, lambda value: any(item >= 7 for item in value), wanted=50)

    assert found == [7]


def test_few_values_are_tried_once() -> None:
    found, seen = search({"enum": ["a", "b"]}, lambda value: False)

    assert (found, sorted(seen)) == (None, ["a", "b"])


def test_a_value_is_made_simpler_only_so_often() -> None:
    _, seen = search(NUMBERS, lambda value: sum(value) > 5, wanted=50, most_simpler=3)
    first = next(at for at, value in enumerate(seen) if sum(value) > 5)

    assert len(seen) <= first + 1 + 3


@pytest.mark.parametrize(
    ("schema", "reason"),
    [({"not": {}}, "nothing could be made of the schema|no request can be made"),
     ({"type": "object", "required": ["a"], "properties": {"a": False}}, "made of the schema")],
)  # fmt: skip
def test_a_schema_that_no_value_keeps_is_told(schema: Any, reason: str) -> None:
    with pytest.raises(lawful.CannotDraw, match=reason):
        search(schema, lambda value: False)


def test_a_library_that_keeps_busy_is_ended() -> None:
    with pytest.raises(lawful.CannotDraw, match=r"in 0\.01 s"):
        search(NUMBERS, lambda value: False, limit_s=0.01)


def test_a_missing_library_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "hypothesis_jsonschema.py").write_text("raise ImportError('gone')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    with pytest.raises(lawful.CannotDraw, match=r"pip install 'sm-conformance\[schema\]' \(gone\)"):
        lawful.search({}, lambda body: False, wanted=1, most_simpler=1, limit_s=30)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {"a": {"properties": {}}}},
         {"properties": {"a": {"properties": {}, "additionalProperties": False}},
          "additionalProperties": False}),
        ({"items": {"properties": {}}}, {"items": {"properties": {}, "additionalProperties": False}}),
        ({"properties": {}, "additionalProperties": True},) * 2,
        ({"properties": {}, "patternProperties": {}},) * 2,
        ({"properties": {}, "allOf": [{"properties": {"b": {}}}]},) * 2,
        (True,) * 2,
    ],
)  # fmt: skip
def test_properties_that_nobody_named_are_not_made_up(schema: Any, expected: Any) -> None:
    assert lawful.closed(schema) == expected


# -- raw bytes -------------------------------------------------------------------------------------


def test_no_shape_of_a_request_has_the_name_of_another() -> None:
    shapes = malformed_http(GOOD)

    assert len({shape.name for shape in shapes}) == len(shapes) == 12
    assert max(shape.pause_s * shape.parts for shape in shapes) < 0.5
    assert all(shape.data for shape in shapes)


def test_two_requests_are_sent_at_once() -> None:
    data = pipelined(GOOD).data

    assert data.startswith(b"POST /invocations HTTP/1.1\r\n")
    assert data.endswith(b"User-Agent: AHC/2.0\r\n\r\n")
    assert b"Content-Length: 4\r\n\r\n1,2\nGET /ping HTTP/1.1\r\n" in data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ()),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n0\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
         (Said(200, b"0\n"), Said(404, b""))),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n0\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\n",
         (Said(200, b"0\n"),)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n0\n\r\n0\r\n\r\n"
         b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\n", (Said(200, b"0\n"), Said(200, b"\n"))),
        (b"HTTP/1.0 200 OK\r\n\r\nall the rest", (Said(200, b"all the rest"),)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n", ()),
        (b"SSH-2.0-OpenSSH\r\n", ()),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ()),
    ],
)  # fmt: skip
def test_complete_answers_are_told_apart(data: bytes, expected: tuple[Said, ...]) -> None:
    assert answers(data, ("POST", "GET")) == expected


@contextmanager
def server(talk: Callable[[socket.socket], None]) -> Iterator[Address]:
    """A server for one connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with listening.accept()[0] as sock:
                talk(sock)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        yield Address("127.0.0.1", listening.getsockname()[1])
        serving.join(10)
        assert not serving.is_alive()


def read_all(sock: socket.socket) -> bytes:
    got = b""
    while part := sock.recv(65536):
        got += part
    return got


def test_what_is_sent_in_parts_arrives_whole_and_silence_is_no_answer() -> None:
    got: list[bytes] = []
    with server(lambda sock: got.append(read_all(sock))) as address:
        said = converse(address, [b"ab", b"c"], pause_s=0.01, limit_s=0.05, connect_limit_s=5)

    assert (said, got) == ((), [b"abc"])


def test_a_reset_is_seen_as_one() -> None:
    got: list[object] = []

    def talk(sock: socket.socket) -> None:
        try:
            got.append(read_all(sock))
        except ConnectionResetError:
            got.append("reset")

    with server(talk) as address:
        assert converse(address, [b"abc"], limit_s=5, connect_limit_s=5, reset=True) == ()
    assert got == ["reset"]


def test_nobody_there_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = Address("127.0.0.1", gone.getsockname()[1])

    assert converse(address, [b"abc"], limit_s=1, connect_limit_s=1) == ()


def test_an_endless_answer_is_read_to_a_bound() -> None:
    def talk(sock: socket.socket) -> None:
        sock.recv(10)
        try:
            while True:
                sock.sendall(b"x" * 65536)
        except OSError:
            return

    with server(talk) as address:
        assert converse(address, [b"a"], methods=("GET",), limit_s=20, connect_limit_s=5) == ()


@pytest.mark.parametrize("abandoned", [False, True])
def test_the_printed_line_sends_the_very_bytes(abandoned: bool, tmp_path: Path) -> None:
    request = RawRequest("bad", b"\x00'\"$(x)\xff" * 9, parts=3, pause_s=0.001, abandoned=abandoned)
    folder = tmp_path / "evidence" / "serve-strange"
    folder.mkdir(parents=True)
    evidence.write_request(folder, request.name, request.data)
    line = repeating.repeat_raw("serve-strange", request)
    got: list[bytes] = []

    def talk(sock: socket.socket) -> None:
        got.append(sock.recv(len(request.data), socket.MSG_WAITALL))
        sock.sendall(b"HTTP/1.1 400 No\r\n\r\n")

    with server(talk) as address:
        done = subprocess.run(
            ["sh", "-c", f"at={address.host}:{address.port}; {line}"], cwd=tmp_path,
            capture_output=True, text=True, timeout=30, env=dict(os.environ), check=False,
        )  # fmt: skip

    assert got == [request.data], done.stderr
    assert done.returncode == 0, done.stderr
    assert ("400 No" in done.stdout) is not abandoned
    assert shlex.split(line)[0] == "python3"
