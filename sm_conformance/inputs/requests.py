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
UNDECLARED_TYPE = "application/x-sm-conformance-unknown"


@dataclass(frozen=True, slots=True)
class Request:
    """One POST to /invocations; ``streams`` where its owner says that the answer does."""

    name: str
    headers: Mapping[str, str]
    body: bytes
    streams: bool = False


def samples(hosting: Hosting | None) -> tuple[tuple[SampleRequest, ...], tuple[str, ...]]:
    """The owner's sample requests, else a made-up one; and what was guessed."""
    if hosting is not None and hosting.requests:
        return hosting.requests, ()
    guess = SampleRequest(
        name="guessed", content_type="text/csv", accept=None, body=generated.one_flower()
    )
    return (guess,), ("a text/csv request of one row (`hosting: {requests: …}`)",)


def invocation(sample: SampleRequest, *, name: str) -> Request:
    """The request as the platform would hand it on."""
    headers = dict(PLATFORM_HEADERS)
    if sample.content_type is not None:
        headers["Content-Type"] = sample.content_type
    if sample.accept is not None:
        headers["Accept"] = sample.accept
    return Request(name=name, headers=headers, body=sample.body, streams=sample.stream is not None)


def with_headers(request: Request, headers: Mapping[str, str], *, name: str) -> Request:
    """The same request with further or other headers."""
    return replace(request, name=name, headers={**request.headers, **headers})


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
