"""Requests that are no proper HTTP, or HTTP as it seldom comes: the bytes, and how they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sm_conformance.inputs.requests import Request

_LARGE_HEADER_BYTES = 64 * 1024
_SLOW_PARTS = 5
_SLOW_S = 0.02


@dataclass(frozen=True, slots=True)
class RawRequest:
    """Bytes that are sent as they are, in so many ``parts``, ``pause_s`` seconds between them.

    Afterwards an answer is waited for, unless it is ``abandoned``: then the connection is reset.
    """

    name: str
    data: bytes
    parts: int = 1
    pause_s: float = 0.0
    abandoned: bool = False

    @property
    def part_bytes(self) -> int:
        """The size of a part; the last one may be smaller."""
        return max(1, -(-len(self.data) // self.parts))


def pipelined(request: Request) -> RawRequest:
    """The request, and a ping right behind it."""
    data = _post(request, {"Content-Length": str(len(request.body))}) + _ping(request)
    return RawRequest("pipelined", data)


def malformed_http(request: Request) -> tuple[RawRequest, ...]:
    """The good request in many bad shapes; none of them makes a server work for long."""
    body = request.body
    length = str(len(body))
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    good = _post(request, {"Content-Length": length})
    header = {"Content-Length": length, "X-Sm-Conformance": "x" * _LARGE_HEADER_BYTES}
    return (
        RawRequest("length-too-large", _post(request, {"Content-Length": str(len(body) + 100)})),
        RawRequest("length-too-small", _post(request, {"Content-Length": str(len(body) // 2)})),
        RawRequest("length-negative", _post(request, {"Content-Length": "-1"})),
        RawRequest("length-no-number", _post(request, {"Content-Length": "many"})),
        RawRequest(
            "two-lengths", _post(request, {"Content-Length": length, "content-length": "1"})
        ),
        RawRequest(
            "length-and-chunks",
            _post(request, {"Content-Length": length, "Transfer-Encoding": "chunked"}, chunks),
        ),
        RawRequest(
            "bad-chunk-size", _post(request, {"Transfer-Encoding": "chunked"}, b"many\r\n" + chunks)
        ),
        RawRequest("header-of-64-kib", _post(request, header)),
        RawRequest("no-http", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + b"\x00" * 154),
        RawRequest("in-parts", good, parts=_SLOW_PARTS, pause_s=_SLOW_S),
        RawRequest("ends-in-its-head", good[: len(good) // 3], abandoned=True),
        RawRequest("ends-in-its-body", good[: len(good) - len(body) // 2 - 1], abandoned=True),
    )


def _post(request: Request, headers: Mapping[str, str], body: bytes | None = None) -> bytes:
    head = _head("POST /invocations", {**request.headers, **headers})
    return head + (request.body if body is None else body)


def _ping(request: Request) -> bytes:
    known = {name: request.headers[name] for name in ("Host", "User-Agent")}
    return _head("GET /ping", known)


def _head(line: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "".join(f"{text}\r\n" for text in [*lines, ""]).encode("latin-1")
