"""What two servers answered that were asked the same, the candidate's and an earlier one's."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sm_conformance.observed.http import Reply

# Of longer bodies only the digest is kept.
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """One reply, as far as it is compared. ``status`` and ``problem`` are those of ``Reply``.

    ``body`` is None where it has more than ``MOST_BYTES``; ``size`` is in bytes all the same.
    """

    status: int | None
    problem: str | None
    content_type: str | None
    size: int
    digest: str
    body: bytes | None

    @property
    def ok(self) -> bool:
        """Whether a complete answer with a status of 200 to 299 came."""
        return self.problem is None and self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Asked:
    """One sample request: what came of it on either side each time, and the times that it took.

    The times, in milliseconds, are of further requests, which went to both in turn; empty where not
    all were answered well.
    """

    name: str
    content_type: str | None
    candidate: tuple[Answer, ...]
    baseline: tuple[Answer, ...]
    candidate_ms: tuple[float, ...] = ()
    baseline_ms: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Shadow:
    """All that was asked of both. ``model`` says which model they had.

    ``unasked`` names the samples that were not sent; ``why`` says why these, or all, were not.
    """

    model: str
    asked: tuple[Asked, ...] = ()
    unasked: tuple[str, ...] = ()
    why: str | None = None


def answer_of(reply: Reply) -> Answer:
    """The reply as it is compared."""
    body = reply.body
    return Answer(
        status=reply.status,
        problem=reply.problem,
        content_type=reply.header("content-type"),
        size=len(body),
        digest=hashlib.sha256(body).hexdigest(),
        body=body if len(body) <= MOST_BYTES else None,
    )
