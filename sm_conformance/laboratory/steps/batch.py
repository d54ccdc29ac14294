"""A batch transform job, as the platform runs one: a small file, request by request, in order."""

from __future__ import annotations

import time

from sm_conformance.inputs import transform as jobs
from sm_conformance.inputs.requests import Request, invocation, samples
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.observed.http import Reply
from sm_conformance.observed.transformed import Transformed

RECORD = "record"
_OUTPUT = "transform.out"
_MOST_KEPT = 64 << 20
_PAUSE_S = 0.1


def transform(talk: Conversation) -> None:
    """The declared job, else one of the sample request; its output is kept as evidence."""
    limits = talk.bench.limits
    job, guessed = jobs.job(talk.bench.candidate.declaration.hosting, talk.sample)
    bodies = jobs.records(job, payload_mb=limits.transform_payload_mb)
    deadline = time.monotonic() + limits.transform_s
    sent, kept, failed = 0, 0, None
    with (talk.folder / _OUTPUT).open("wb") as output:
        for body in bodies:
            if sent and time.monotonic() > deadline:
                break
            request = invocation(jobs.as_sample(job, body, name=RECORD), name=RECORD)
            reply = _answer(talk, request)
            sent += 1
            if not reply.ok:
                talk.keep(request, reply)
                failed = reply
                break
            # As AssembleWith=Line does where a reply does not end its last line itself.
            line = reply.body if reply.body.endswith(b"\n") else reply.body + b"\n"
            kept += len(line)
            if kept <= _MOST_KEPT:
                output.write(line)
    talk.transformed = Transformed(requests=len(bodies), sent=sent, failed=failed, guessed=guessed)


def listed_types(talk: Conversation) -> None:
    """Every sample request of the declaration."""
    for sample in samples(talk.bench.candidate.declaration.hosting)[0]:
        request = invocation(sample, name=f"request-{sample.name}")
        talk.keep(request, _answer(talk, request))


def _answer(talk: Conversation, request: Request) -> Reply:
    """The answer, asked for again as often as the platform does by default."""
    reply = talk.send(request)
    for _ in range(talk.bench.limits.transform_retries):
        if reply.ok or reply.problem == "timeout" or talk.container.pause(_PAUSE_S):
            break
        reply = talk.send(request)
    return reply
