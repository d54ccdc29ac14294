"""Answers that stream: in parts as they are made, in a form that delimits itself, to an orderly end."""

from __future__ import annotations

from collections.abc import Iterator

from sm_conformance.binding import clause
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed import timing
from sm_conformance.observed.http import Reply
from sm_conformance.observed.parts import spread_s
from sm_conformance.observed.run import Server, Stage
from sm_conformance.observed.stream import MANY, TooLong, Unreadable, at_once, in_parts, messages

_LENGTH = "HOST-071 stream-length"
_END = "HOST-073 orderly-stream-end"
_CUT = ("closed", "reset", "garbage")
_DECLARE = "declare which: `hosting: {requests: [{…, stream: {format: sse}}]}`"


@clause("HOST-070", "streams", given="serve-plain", needs=Stage.ANSWERED)
def test_streams(server: Server, bench: Bench) -> None:
    """A streaming answer arrives in parts as it is made, by HTTP/1.1 chunked transfer."""
    unknown = ""
    for name, form, replies in _streams(server, bench):
        if any(in_parts(reply) for reply in replies):
            continue
        last = replies[-1]
        if last.problem is not None:
            raise _unfinished(name, last)
        if all(at_once(reply, form) for reply in replies):
            first = last.parts[0].seconds
            raise Broken(
                expected="the first bytes of the answer come while the rest is still being made",
                actual=f"{name}: nothing for {first:.2f} s, then all {len(last.body)} bytes within "
                f"{spread_s(last.parts) * 1000:.0f} ms, {len(replies)} times",
                repeat=_repeat(server, name),
            )
        unknown = f"{name}: {len(last.body)} bytes came at once after {last.elapsed_s:.3f} s"
    if unknown:
        raise NotRun(
            f"{unknown}, which is too short to tell; declare a request whose answer has {MANY} messages "
            "or more"
        )


@clause("HOST-071", "stream-length", given="serve-plain", needs=Stage.ANSWERED)
def test_stream_length(server: Server, bench: Bench, limits: Limits) -> None:
    """A stream lasts at most 8 minutes."""
    for name, _, replies in _streams(server, bench):
        if name in _late_twice(server, limits):
            raise Broken(
                expected=f"the stream ends within {limits.stream_limit_s:g} s",
                actual=f"{name}: {replies[-1].describe()}, in two launches",
                repeat=_repeat(server, name),
            )
        if replies[-1].problem == "too-big":
            raise NotRun(_too_big(name, replies[-1]))


@clause("HOST-072", "delimited-stream", given="serve-plain", needs=Stage.ANSWERED)
def test_delimited_stream(server: Server, bench: Bench) -> None:
    """A streamed answer can be parsed whatever the borders of its parts are."""
    asked = [one for one in _streams(server, bench) if one[1] != "none"]
    if not asked:
        raise NotApplicable("no stream is said to be made of messages (`stream: {format: none}`)")
    for name, form, replies in asked:
        whole = next((reply for reply in replies if reply.ok), None)
        if whole is None:
            raise _unfinished(name, replies[-1])
        try:
            messages(whole.body, form)
        except Unreadable as error:
            raise Broken(
                expected=_EXPECTED[form],
                actual=f"{name}: {error}; read in other pieces than those that came",
                repeat=_repeat(server, name),
            ) from error
        except TooLong as error:
            raise NotRun(f"{name}: {error}, and no more is read") from error


@clause("HOST-073", "orderly-stream-end", given="serve-plain", needs=Stage.ANSWERED)
def test_orderly_stream_end(server: Server, bench: Bench) -> None:
    """A stream is closed with its final zero-length chunk."""
    for name, _, replies in _streams(server, bench):
        cut = [reply for reply in replies if reply.problem in _CUT]
        if cut:
            raise Broken(
                expected="the answer ends as its head says, a chunked one with the chunk of length 0",
                actual=f"{name}: {cut[-1].describe()}, {len(cut)} of {len(replies)} times",
                repeat=_repeat(server, name),
                only_advice=len(cut) < len(replies),
            )
        if not replies[-1].ok:
            raise _unfinished(name, replies[-1])


_EXPECTED = {
    "sse": "server-sent events, each ended by an empty line",
    "jsonlines": "lines, each of them JSON",
}


def _streams(server: Server, bench: Bench) -> Iterator[tuple[str, str, tuple[Reply, ...]]]:
    """Name, form and replies of each request whose answer streams."""
    hosting = bench.candidate.declaration.hosting
    declared = [one for one in (hosting.requests if hosting else ()) if one.stream is not None]
    if not declared:
        raise NotRun(f"no request is said to have an answer that streams; {_DECLARE}")
    for one in declared:
        if one.takes_s is not None:
            raise NotRun(
                f"{one.name} is declared as slow (`takes_s`), and as such it is not looked at as a stream; "
                "declare a quick one for that"
            )
        if one.name not in server.streams:
            raise NotRun("the server ended before it could be asked")
        replies = server.streams[one.name]
        if not replies[0].accepted:
            raise Blocked("HOST-021 content-types")
        accepted = tuple(reply for reply in replies if reply.accepted)
        assert one.stream is not None
        yield one.name, one.stream, accepted


def _repeat(server: Server, name: str) -> str:
    """The commands that ask a request again whose answer streams."""
    asked = f"request-{name}"
    return server.curl(asked if asked in server.curls else "sample")


def _late_twice(server: Server, limits: Limits) -> set[str]:
    """The requests whose streams were too long in both launches."""
    late = set(timing.late_streams(server, limit_s=limits.stream_limit_s))
    if server.again is None or not server.again.ready:
        return late
    return late & set(timing.late_streams(server.again, limit_s=limits.stream_limit_s))


def _unfinished(name: str, reply: Reply) -> Blocked | NotRun:
    """Why a stream that did not end as it should tells nothing more."""
    if reply.problem == "too-big":
        return NotRun(_too_big(name, reply))
    return Blocked(_LENGTH if reply.problem == "timeout" else _END)


def _too_big(name: str, reply: Reply) -> str:
    return f"{name}: {reply.describe()}; declare a request whose stream is shorter"
