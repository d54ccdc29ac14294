"""Answers that stream: what the client notes of them, how they are read, and how they are judged."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from miniatures.declared import REQUESTS, SERVES
from miniatures.found_out import assert_found_out, judge_here
from miniatures.judging import Judged
from miniatures.sins import HASTE, Sin, weighed
from miniatures.streaming import SHORT, SINS
from test_http import CHUNKED, read_request, serving

from sm_conformance.observed.http import Reply, exchange
from sm_conformance.observed.parts import MOST_PARTS, Part, PartLog, spread_s
from sm_conformance.observed.stream import (
    MOST_BYTES,
    TooLong,
    Unreadable,
    at_once,
    in_parts,
    messages,
)

SSE_TYPE = "text/event-stream"
CLAUSES = {
    "HOST-070 streams", "HOST-071 stream-length", "HOST-072 delimited-stream",
    "HOST-073 orderly-stream-end",
}  # fmt: skip

pytestmark = pytest.mark.usefixtures("hasty")


# -- what the client notes -------------------------------------------------------------------------


def asked(*parts: bytes, pause_s: float = 0.0) -> Reply:
    """The reply of a server that writes the parts with pauses between them, and closes."""

    def behave(connection: socket.socket) -> None:
        read_request(connection)
        for nth, part in enumerate(parts):
            time.sleep(pause_s if nth else 0)
            connection.sendall(part)

    with serving(behave) as server:
        return exchange(server.address, method="POST", path="/", headers={}, body=b"x", limit_s=5)


def test_parts_are_noted_as_they_arrive() -> None:
    reply = asked(CHUNKED, b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n", pause_s=0.15)

    assert (reply.ok, reply.framing, reply.body) == (True, "chunked", b"onetwo")
    assert [part.total for part in reply.parts] == [3, 6]
    assert 0.02 <= reply.parts[0].seconds <= reply.parts[1].seconds - 0.02
    assert reply.parts[1].seconds <= reply.elapsed_s
    assert in_parts(reply)


def test_chunks_of_one_write_are_parts_that_are_not_apart() -> None:
    reply = asked(CHUNKED + b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")

    assert [part.total for part in reply.parts] == [3, 6]
    assert not in_parts(reply)


@pytest.mark.parametrize(
    ("head", "framing"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "length"),
        (b"HTTP/1.0 200 OK\r\n\r\n", "close"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "close"),
    ],
)
def test_a_stream_may_be_framed_in_other_ways(head: bytes, framing: str) -> None:
    reply = asked(head, b"o", b"k", pause_s=0.15)

    assert (reply.ok, reply.framing, reply.body) == (True, framing, b"ok")
    assert in_parts(reply)


def test_what_is_no_answer_has_no_parts_and_no_framing() -> None:
    reply = asked(b"nonsense")

    assert (reply.accepted, reply.framing, reply.parts) == (False, "", ())
    assert not in_parts(reply)


def test_a_stream_that_is_cut_was_accepted_and_is_not_ok() -> None:
    reply = asked(CHUNKED + b"3\r\none\r\n")

    assert (reply.accepted, reply.ok, reply.problem) == (True, False, "closed")
    assert reply.parts[-1].total == 3


def test_of_many_parts_the_first_and_the_last_are_kept() -> None:
    log = PartLog()
    for number in range(1, 3 * MOST_PARTS):
        log.note(10.0 + number, number)

    parts = log.since(10.0)
    assert len(parts) == MOST_PARTS
    assert (parts[0], parts[-1]) == (Part(1.0, 1), Part(3 * MOST_PARTS - 1.0, 3 * MOST_PARTS - 1))
    assert spread_s(parts) == 3 * MOST_PARTS - 2
    assert spread_s(()) == 0


# -- how a stream is read --------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9)), min_size=1, max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(0, 1000),
)
def test_messages_are_the_same_wherever_they_are_cut(
    said: list[dict[str, str]], end: str, seed: int
) -> None:
    texts = [json.dumps(one, ensure_ascii=False) for one in said]
    events = "".join(f"data: {text}{end}{end}" for text in texts)
    lines = "".join(f"{text}{end}" for text in texts)

    for form, body in (("sse", events), ("jsonlines", lines)):
        for start in ("", "\ufeff"):
            found = messages((start + body).encode(), form, seed=seed)
            assert [json.loads(one) for one in found] == said


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b": hello\n\ndata: a\n\n: still here\n\nevent: b\nid: 1\ndata: b\n\n", ("a", "b")),
        (b'data: {"a":\ndata: 1}\n\n', ('{"a":\n1}',)),
        (b"retry: 10\nx-own-field: z\ndata: a\n\ndata: the last one\n", ("a", "the last one")),
        (b"data:a\r\n\r\ndata\r\ndata\r\n\r\n", ("a", "\n")),
    ],
)
def test_lawful_events_are_read(body: bytes, found: tuple[str, ...]) -> None:
    assert messages(body, "sse") == found


@pytest.mark.parametrize(
    ("form", "body", "words"),
    [
        ("sse", b"", "no message"),
        ("sse", b": only\n\n: comments\n\n", "no message"),
        ("sse", b'data: {"a": 1}data: {"a": 2}', "no empty line ends an event"),
        ("sse", b'data: {"a": 1}\ndata: {"a": 2}\n\n', "no empty line stands between '{\"a\": 1}'"),
        ("sse", b"data: one\ntwo\n\n", "the line 'two' belongs to no field"),
        ("sse", b'{"a": 1}\n\n{"a": 2}\n\n', "belongs to no field"),
        ("sse", b"data: \xff\n\n", "it is not UTF-8 (byte 6)"),
        ("sse", b"\x1b[2J\n\n", "'\\x1b[2J' belongs to no field"),
        ("jsonlines", b"\n\n", "no message"),
        ("jsonlines", b'{"a": 1}{"a": 2}', "is not JSON"),
        ("jsonlines", b'{\n  "a": 1\n}\n', "the line '{' is not JSON"),
        ("jsonlines", b"[" * 50_000, "is not JSON"),
        ("jsonlines", b'{"a": 1}\ndata: {"a": 2}\n', "the line 'data: {"),
    ],
)
def test_what_is_no_stream_of_messages_says_why(form: str, body: bytes, words: str) -> None:
    with pytest.raises(Unreadable) as raised:
        messages(body, form)

    assert words in str(raised.value)
    assert str(raised.value).isprintable()


@pytest.mark.parametrize(("form", "one"), [("sse", b"data: [1]\n\n"), ("jsonlines", b"[1]\n")])
def test_of_a_long_stream_the_whole_messages_within_the_bound_are_read(
    form: str, one: bytes
) -> None:
    found = messages(one * MOST_BYTES, form)

    assert set(found) == {"[1]"}
    assert len(found) == MOST_BYTES // len(one)


@pytest.mark.parametrize("form", ["sse", "jsonlines"])
def test_a_message_longer_than_what_is_read_is_no_fault(form: str) -> None:
    with pytest.raises(TooLong, match="64 KiB"):
        messages(b'data: "' + b"x" * MOST_BYTES + b'"\n\n', form)


def test_many_small_lines_are_read_in_time() -> None:
    started = time.perf_counter()

    with pytest.raises(Unreadable):
        messages(b":\n" * (MOST_BYTES // 2 - 1) + b"\n\n", "sse")

    assert time.perf_counter() - started < 5


# -- what came at once -----------------------------------------------------------------------------


def came(
    *moments: float, count: int = 8, framing: str = "chunked", form: str = "sse"
) -> tuple[Reply, str]:
    """A reply of so many messages whose parts came at these moments, and its form."""
    one = {"sse": b"data: 1\n\n", "jsonlines": b"1\n", "none": b"la "}[form]
    parts = tuple(Part(moment, number) for number, moment in enumerate(moments, start=1))
    return Reply(
        method="POST", path="/", status=200, reason="", headers=(), body=one * count,
        truncated=False, connect_s=None, first_byte_s=0.0, elapsed_s=1.0, problem=None,
        framing=framing, parts=parts,
    ), form  # fmt: skip


@pytest.mark.parametrize(
    "seen",
    [
        came(0.5),
        came(0.5, form="jsonlines"),
        came(0.5, form="none"),
        came(0.001, framing="length"),
        came(0.5, 0.5001, 0.501, count=40),
        came(0.5, framing="close"),
    ],
)
def test_many_messages_in_one_piece_were_held_back(seen: tuple[Reply, str]) -> None:
    assert at_once(*seen)


@pytest.mark.parametrize(
    "seen",
    [
        came(),  # nothing came
        came(0.01),  # nobody waited for it
        came(0.5, count=3),  # too few to have come apart
        came(0.5, count=3, framing="length"),
        came(0.5, 0.5001, 0.501),  # written one by one after a long thought
        came(0.5, 0.53),  # apart
        came(0.5, 0.53, count=100, framing="length"),
    ],
)
def test_of_others_nobody_knows(seen: tuple[Reply, str]) -> None:
    assert not at_once(*seen)


# -- how it is judged ------------------------------------------------------------------------------


def streaming(form: str = "sse", *, first: bool = False, **more: Any) -> Mapping[str, Any]:
    """A declaration with a request whose answer streams, behind or before the others."""
    talk = {
        "name": "talk", "content_type": "application/json", "accept": SSE_TYPE, "body": "[[1.0]]",
        "stream": {"format": form}, **more,
    }  # fmt: skip
    requests = [talk, *REQUESTS] if first else [*REQUESTS, talk]
    return {
        **SERVES,
        "claims": ["hosting", "streaming"],
        "hosting": {**SERVES["hosting"], "requests": requests},
    }


def verdicts(found: Judged) -> dict[str, str]:
    return {key: found.findings[key]["verdict"] for key in sorted(CLAUSES)}


@pytest.mark.parametrize(
    ("image", "form"),
    [
        ("streams", "sse"),
        ("streams-lines", "jsonlines"),
        ("streams-to-the-close", "sse"),
    ],
)
@pytest.mark.parametrize("first", [False, True], ids=["behind", "first"])
def test_a_lawful_stream_is_conformant(
    image: str, form: str, first: bool, pytester: pytest.Pytester
) -> None:
    found = judge_here(
        pytester, image, declaration=streaming(form, first=first), limits={"sample_requests": 2}
    )

    assert found.said == {}, found.output
    assert set(verdicts(found).values()) == {"pass"}


def test_a_stream_that_is_asked_for_once_costs_no_further_request(
    pytester: pytest.Pytester,
) -> None:
    judge_here(pytester, "streams", declaration=streaming())

    replies = {
        one.stem for one in (pytester.path / "report/evidence/serve-plain/replies").iterdir()
    }
    assert "request-talk" in replies
    assert "stream-talk" not in replies


def test_a_stream_without_messages_has_none_to_delimit(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "streams-text", declaration=streaming("none"))

    assert found.said == {}, found.output
    assert verdicts(found)["HOST-072 delimited-stream"] == "n/a"
    assert (found.status, found.report["conclusion"]) == (0, "conformant")


@pytest.mark.parametrize("image", ["streams-two", "streams-at-once", "thinks-then-streams"])
def test_an_answer_too_short_to_part_is_not_blamed(image: str, pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, image, declaration=streaming())

    assert found.with_verdict("fail", "advice") == {}, found.output
    if image == "thinks-then-streams" and verdicts(found)["HOST-070 streams"] == "pass":
        return  # on a busy machine its parts come apart
    assert found.with_verdict("not-run").keys() == {"HOST-070 streams"}, found.output
    reason = found.findings["HOST-070 streams"]["reason"]
    assert "talk: " in reason
    assert "declare a request whose answer has 32 messages or more" in reason


def test_who_claims_streaming_and_names_no_stream_is_told_what_to_declare(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester, "lawful", declaration={**SERVES, "claims": ["hosting", "streaming"]}
    )

    assert set(verdicts(found).values()) == {"not-run"}
    for key in CLAUSES:
        assert "stream: {format: sse}" in found.findings[key]["reason"]
    assert (found.status, found.report["conclusion"]) == (3, "inconclusive")


def test_without_the_claim_nothing_is_said_of_streams(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", declaration=SERVES)

    assert set(verdicts(found).values()) == {"n/a"}


@pytest.mark.parametrize("sin", weighed(SINS))
def test_a_liar_who_streams_is_found_out(sin: Sin, pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, sin.image, declaration=streaming(), limits=sin.limits)

    assert_found_out(sin, found)


@pytest.mark.parametrize(
    ("image", "key"),
    [
        ("cuts-stream", "HOST-073 orderly-stream-end"),
        ("streams-for-ever", "HOST-071 stream-length"),
    ],
)
def test_a_promise_that_a_stream_breaks_blames_the_stream(
    image: str, key: str, pytester: pytest.Pytester
) -> None:
    found = judge_here(
        pytester, image, declaration=streaming(first=True), limits={**HASTE, **SHORT}
    )

    assert found.said == {key: "fail"}, found.output
    assert found.findings["HOST-010 invocation"]["reason"] == f"blocked by {key}"
    assert "sample request: 200" in found.findings[key]["actual"]


def test_a_stream_that_was_too_long_once_is_not_blamed(pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, "streams-too-long-once", declaration=streaming(), limits={"stream_limit_s": 0.5}
    )

    assert found.with_verdict("fail", "advice") == {}, found.output
    assert verdicts(found)["HOST-071 stream-length"] == "pass"


def test_a_stream_that_is_refused_leaves_the_claim_unjudged(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "refuses-stream", declaration=streaming())

    assert found.said == {"HOST-021 content-types": "advice"}, found.output
    assert "request-talk: 406" in found.findings["HOST-021 content-types"]["actual"]
    assert {found.findings[key]["reason"] for key in CLAUSES} == {
        "blocked by HOST-021 content-types"
    }
    assert (found.status, found.report["conclusion"]) == (3, "inconclusive")


def test_an_empty_stream_holds_no_message(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "streams-nothing", declaration=streaming())

    assert found.with_verdict("fail", "advice") == {"HOST-072 delimited-stream": "advice"}
    assert verdicts(found)["HOST-070 streams"] == "not-run"


def test_a_stream_larger_than_is_read_is_not_blamed(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "floods-stream", declaration=streaming("none"))

    assert found.with_verdict("fail", "advice") == {}, found.output
    assert verdicts(found)["HOST-073 orderly-stream-end"] == "not-run"
    reason = found.findings["HOST-073 orderly-stream-end"]["reason"]
    assert "declare a request whose stream is shorter" in reason


def test_a_declared_response_is_held_against_a_whole_stream_only(
    pytester: pytest.Pytester,
) -> None:
    expect = {"matches": "word"}
    good = judge_here(pytester, "streams", declaration=streaming(expect=expect))
    cut = judge_here(pytester, "cuts-stream", declaration=streaming(expect=expect))

    key = "HOST-010 expected-response"
    assert good.findings[key]["verdict"] == "pass"
    assert cut.findings[key]["reason"] == "blocked by HOST-073 orderly-stream-end"


def test_a_finding_on_a_stream_shows_it_as_it_comes(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "cuts-stream", declaration=streaming())

    repeat = found.findings["HOST-073 orderly-stream-end"]["repeat"]
    assert "curl -iN --max-time 480" in repeat
    assert f"Accept: {SSE_TYPE}" in repeat
