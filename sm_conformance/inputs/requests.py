"""The requests that a server is sent: as the platform sends them, and as nobody should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sm_conformance.declaration.values import Hosting, SampleRequest
from sm_conformance.inputs import generated

# What real pings and invocations carry (HOST-015); servers with a list of allowed hosts refuse it.
PLATFORM_HEADERS: Mapping[str, str] = {
    "Host": "model.aws.local:8080",
    "User-Agent": "AHC/2.0",
}
LOCAL_HEADERS: Mapping[str, str] = {"Host": "localhost:8080", "User-Agent": "curl/8.5.0"}
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
_NONSENSE_LINE = b"\xff\xfe{sm-conformance\n"
_TYPES_OF_ROWS = frozenset({"text/csv", "application/jsonlines", "application/x-ndjson"})
UNDECLARED_TYPE = "application/x-sm-conformance-unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """One POST to /invocations."""

    name: str
    headers: Mapping[str, str]
    body: bytes


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


def with_last_row_again(sample: SampleRequest) -> SampleRequest | None:
    """The sample with its last row twice, where its content type has rows; else None."""
    kind = (sample.content_type or "").partition(";")[0].strip().lower()
    rows = sample.body.splitlines(keepends=True)
    if kind not in _TYPES_OF_ROWS or not rows or not rows[-1].strip():
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
    return Request(name=name, headers=headers, body=sample.body)


def with_headers(request: Request, headers: Mapping[str, str], *, name: str) -> Request:
    """The same request with further or other headers."""
    return Request(name=name, headers={**request.headers, **headers}, body=request.body)


def malformed(request: Request) -> tuple[Request, ...]:
    """Bodies that are not of the declared type: nothing, noise, and a sample cut in its middle."""
    bodies = {
        "empty-body": b"",
        "noise": generated.garbage(),
        "cut": request.body[: max(1, len(request.body) // 2)] + b'\xff"{',
    }
    return tuple(
        Request(name=name, headers=request.headers, body=body) for name, body in bodies.items()
    )


def grown(request: Request, *, size: int, name: str) -> Request:
    """A body just below ``size`` bytes: a line that no type allows, then the sample repeated.

    Whether a server takes so many bytes is asked, not how long it needs for so many records: the
    first line lets it give up as soon as it begins to understand.
    """
    unit = request.body if request.body.endswith(b"\n") else request.body + b"\n"
    left = size - 1 - len(_NONSENSE_LINE)
    return Request(
        name=name, headers=request.headers, body=_NONSENSE_LINE + unit * max(1, left // len(unit))
    )
