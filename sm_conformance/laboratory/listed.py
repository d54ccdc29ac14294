"""The samples of a listing: what is asked, and whether an answer has the shape of the declared one."""

from __future__ import annotations

from sm_conformance.declaration.values import Expectation, Hosting, SampleRequest
from sm_conformance.laboratory.expected import CannotTell, unmet
from sm_conformance.observed.http import Reply, printable
from sm_conformance.observed.labels import media_type
from sm_conformance.observed.shape import shape

_SHOWN = 200


def samples(hosting: Hosting | None) -> list[tuple[str, SampleRequest]]:
    """The declared requests that every server is sent, by what the ordinary one's replies are kept as.

    Slow ones are sent to the ordinary server alone.
    """
    quick = [one for one in hosting.requests if one.takes_s is None] if hosting else []
    return [
        ("sample" if index == 0 else f"request-{one.name}", one) for index, one in enumerate(quick)
    ]


def in_batch(sample: SampleRequest) -> str:
    """What the reply to it is kept as of a server in a batch transform job."""
    return f"request-{sample.name}"


def unlike(expect: Expectation | None, reply: Reply) -> str | None:
    """How a reply has another shape than ``expect`` says, safe to print; None where it has that one.

    Of a declared body the values may differ. None as well where nothing is expected, or where the
    reply cannot be held against it.
    """
    if expect is None:
        return None
    try:
        other = unmet(expect, reply)
    except CannotTell:
        return None
    if other is None or expect.body is None:
        return other.actual if other else None
    kind = media_type(reply.header("content-type"))
    if expect.content_type is not None and kind != media_type(expect.content_type):
        return other.actual
    wanted, found = shape(expect.body, kind), shape(reply.body, kind)
    return None if wanted == found else f"{_shown(found)} instead of {_shown(wanted)}"


def _shown(told: str | None) -> str:
    """A shape has the names that are in a body, and its media type: a server chooses both."""
    text = told or "nothing to compare"
    return printable(text[:_SHOWN]) + ("…" if len(text) > _SHOWN else "")
