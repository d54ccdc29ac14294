"""A batch transform job: the records that its one object is sent as, and what the container is told.

Sources: Amazon SageMaker API, TransformInput: SplitType; CreateTransformJob: BatchStrategy;
developer guide, your-algorithms-batch-code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sm_conformance.declaration.values import Hosting, SampleRequest, Transform
from sm_conformance.inputs.requests import has_rows

_MB = 1 << 20
_STRATEGIES = {"single-record": "SINGLE_RECORD", "multi-record": "MULTI_RECORD"}


def job(hosting: Hosting | None, sample: SampleRequest) -> tuple[Transform, bool]:
    """The declared job, else one of the sample request; and whether its records are a guess.

    A file of one record can be taken apart in one way only.
    """
    if hosting is not None and hosting.transform is not None:
        return hosting.transform, False
    made = Transform(
        content_type=sample.content_type,
        accept=sample.accept,
        body=sample.body,
        split="line" if has_rows(sample) else "none",
        strategy="single-record",
    )
    return made, len(_lines(made.body)) > 1 and made.split == "line"


def first_record(hosting: Hosting | None, *, payload_mb: int) -> SampleRequest | None:
    """The first request of the declared job; None where none is declared."""
    if hosting is None or hosting.transform is None:
        return None
    bodies = records(hosting.transform, payload_mb=payload_mb)
    return as_sample(hosting.transform, bodies[0], name="record")


def as_sample(of: Transform, body: bytes, *, name: str) -> SampleRequest:
    """A request of the job."""
    return SampleRequest(name=name, content_type=of.content_type, accept=of.accept, body=body)


def environment(of: Transform) -> Mapping[str, str]:
    """What a container is told of the job it serves; of most only where the request says it."""
    told = {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": _STRATEGIES.get(of.strategy or ""),
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": of.max_payload_mb,
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": of.max_concurrent,
    }
    return {
        **{name: str(said) for name, said in told.items() if said is not None},
        **of.environment,
    }


def records(of: Transform, *, payload_mb: int) -> tuple[bytes, ...]:
    """The body of each request, in order; ``payload_mb`` holds where the job does not say its own."""
    lines = _lines(of.body) if of.split == "line" else []
    if not lines:
        return (of.body,)
    if of.strategy == "single-record":
        return tuple(lines)
    said = payload_mb if of.max_payload_mb is None else of.max_payload_mb
    return tuple(_packed(lines, size=said * _MB or len(of.body)))


def _lines(body: bytes) -> list[bytes]:
    """The lines with their ends; an empty one holds no record."""
    return [line + b"\n" for line in body.split(b"\n") if line.strip()]


def _packed(lines: list[bytes], *, size: int) -> Iterator[bytes]:
    held: list[bytes] = []
    room = size
    for line in lines:
        if held and len(line) > room:
            yield b"".join(held)
            held, room = [], size
        held.append(line)
        room -= len(line)
    yield b"".join(held)
