"""The requests that a server is sent: as the platform sends them, and as nobody should."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sm_conformance.declaration.values import Hosting, SampleRequest
from sm_conformance.inputs import generated

# What real pings and invocations carry (HOST-015); servers with a list of allowed hosts refuse it.
PLATFORM_HEADERS: Mapping[str, str] = {
    "Host": "model.aws.local:8080",
    "User-Agent": "AHC/2.0",
}
LOCAL_HEADERS: Mapping[str, str] = {"Host": "localhost:8080", "User-Agent": "curl/8.5.0"}
# How servers refuse a Host header that is not on their list.
HOST_REFUSALS = (400, 403, 421)
# Headers that the invoke APIs and the infrastructure in between are known to add (HOST-020, -024).
ADDED_HEADERS: Mapping[str, str] = {
    "X-Amzn-SageMaker-Custom-Attributes": "trace=7d1c",
    "X-Amzn-SageMaker-Inference-Id": "request-1",
    "X-Amzn-SageMaker-Target-Variant": "AllTraffic",
    "X-Amzn-RequestId": "00000000-0000-4000-8000-000000000000",
    "X-Amzn-Trace-Id": "Root=1-00000000-000000000000000000000000",
    "X-Forwarded-For": "10.32.0.2",
    "X-Forwarded-Proto": "https",
    "X-Sm-Conformance-Unknown": "1",
    "traceparent": "00-00000000000000000000000000000001-0000000000000001-00",
    "Accept-Encoding": "identity",
}
# What the invoke APIs let a caller set (HOST-023, -024), each within its bound: the attributes are
# as long as they may be.
API_HEADERS: Mapping[str, str] = {
    "X-Amzn-SageMaker-Custom-Attributes": ("trace=" + "7d1c" * 256)[:1024],
    "X-Amzn-SageMaker-Target-Model": "model.tar.gz",
    "X-Amzn-SageMaker-Target-Variant": "AllTraffic",
    "X-Amzn-SageMaker-Target-Container-Hostname": "container-1",
    "X-Amzn-SageMaker-Inference-Id": "request-1",
    "X-Amzn-SageMaker-Enable-Explanations": "`true`",
    "X-Amzn-SageMaker-Inference-Component": "component-1",
    "X-Amzn-SageMaker-Session-Id": "session-1",
    "X-Amzn-SageMaker-Prefix-Aware-Id": "prefix-1",
}
# Looks like chance: no program offers it, and two runs ask for the same.
UNKNOWN_PATH = "/sm-conformance-5b2f0c9e"
_NONSENSE_LINE = b"\xff\xfe{sm-conformance\n"
_TYPES_OF_ROWS = frozenset({"text/csv", "application/jsonlines", "application/x-ndjson"})
UNDECLARED_TYPE = "application/x-sm-conformance-unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """One request, a POST to /invocations unless it says otherwise.

    ``streams`` where its owner says that the answer does.
    """

    name: str
    headers: Mapping[str, str]
    body: bytes
    streams: bool = False
    method: str = "POST"
    path: str = "/invocations"
    # The body goes out in chunks; one of the headers says so.
    chunked: bool = False


def samples(hosting: Hosting | None) -> tuple[tuple[SampleRequest, ...], tuple[str, ...]]:
    """The owner's sample requests but for slow ones, else a made-up one; and what was guessed."""
    if hosting is not None and hosting.requests:
        return tuple(one for one in hosting.requests if one.takes_s is None), ()
    guess = SampleRequest(
        name="guessed", content_type="text/csv", accept=None, body=generated.one_flower()
    )
    return (guess,), ("a text/csv request of one row (`hosting: {requests: …}`)",)


def slow_sample(hosting: Hosting | None) -> SampleRequest | None:
    """The first request that its owner says is slow; None where there is none."""
    asked = hosting.requests if hosting is not None else ()
    return next((one for one in asked if one.takes_s is not None), None)


def has_rows(sample: SampleRequest) -> bool:
    """Whether its content type has a row to each line."""
    return _media_type(sample.content_type) in _TYPES_OF_ROWS


def with_last_row_again(sample: SampleRequest) -> SampleRequest | None:
    """The sample with its last row twice, where its content type has rows; else None."""
    rows = sample.body.splitlines(keepends=True)
    if not has_rows(sample) or not rows or not rows[-1].strip():
        return None
    apart = b"" if rows[-1].endswith((b"\n", b"\r")) else b"\n"
    return replace(
        sample, name=f"{sample.name}-longer", body=sample.body + apart + rows[-1], expect=None
    )


def invocation(sample: SampleRequest, *, name: str) -> Request:
    """The request as the platform would hand it on."""
    headers = dict(PLATFORM_HEADERS)
    if sample.content_type is not None:
        headers["Content-Type"] = sample.content_type
    if sample.accept is not None:
        headers["Accept"] = sample.accept
    return Request(name=name, headers=headers, body=sample.body, streams=sample.stream is not None)


def elsewhere(method: str, path: str, *, name: str) -> Request:
    """A request without a body to another path, as the platform sends its pings."""
    return Request(name=name, headers=PLATFORM_HEADERS, body=b"", method=method, path=path)


def with_headers(request: Request, headers: Mapping[str, str], *, name: str) -> Request:
    """The same request with further or other headers."""
    return replace(request, name=name, headers={**request.headers, **headers})


def without_type(request: Request, *, name: str) -> Request:
    """The same request without a Content-Type."""
    headers = {key: value for key, value in request.headers.items() if key != "Content-Type"}
    return replace(request, name=name, headers=headers)


def with_charset(said: Iterable[SampleRequest]) -> tuple[Request, ...]:
    """For each declared type of text, its first sample with `; charset=utf-8` behind the type."""
    found: dict[str, Request] = {}
    for sample in said:
        kind = (sample.content_type or "").strip()
        is_text = kind.lower().startswith("text/") or kind.lower() == "application/json"
        if is_text and ";" not in kind and kind.lower() not in found:
            plain = invocation(sample, name=f"charset-{sample.name}")
            labelled = {"Content-Type": f"{kind}; charset=utf-8"}
            found[kind.lower()] = with_headers(plain, labelled, name=plain.name)
    return tuple(found.values())


def malformed(request: Request) -> tuple[Request, ...]:
    """Bodies that are not of the declared type: nothing, noise, and a sample cut in its middle."""
    bodies = {
        "empty-body": b"",
        "noise": generated.garbage(),
        "cut": request.body[: max(1, len(request.body) // 2)] + b'\xff"{',
    }
    return tuple(replace(request, name=name, body=body) for name, body in bodies.items())


def fewer_columns(request: Request, *, name: str) -> Request | None:
    """The same rows without their last column; None where it is no CSV of several columns."""
    if _media_type(request.headers.get("Content-Type")) != "text/csv":
        return None
    try:
        rows = list(csv.reader(io.StringIO(request.body.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    if not rows or min(len(row) for row in rows) < 2:
        return None
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(row[:-1] for row in rows)
    return replace(request, name=name, body=written.getvalue().encode("utf-8"))


def cut_json(said: Iterable[SampleRequest], *, name: str) -> Request | None:
    """The first sample that is JSON, cut in its middle; None where no sample is."""
    for sample in said:
        kind = _media_type(sample.content_type)
        if kind == "application/json" or kind.endswith("+json"):
            whole = invocation(sample, name=name)
            return replace(whole, body=sample.body[: len(sample.body.rstrip()) // 2])
    return None


def grown(request: Request, *, size: int, name: str) -> Request:
    """A body just below ``size`` bytes: a line that no type allows, then the sample repeated.

    Whether a server takes so many bytes is asked, not how long it needs for so many records: the
    first line lets it give up as soon as it begins to understand.
    """
    unit = request.body if request.body.endswith(b"\n") else request.body + b"\n"
    left = size - 1 - len(_NONSENSE_LINE)
    return replace(request, name=name, body=_NONSENSE_LINE + unit * max(1, left // len(unit)))


def _media_type(said: str | None) -> str:
    return (said or "").partition(";")[0].strip().lower()
