"""The steps that a scenario can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.steps import ending, ordinary, strange, streaming
from sm_conformance.laboratory.steps.latency import latency

_STEPS: Mapping[str, Callable[[Conversation], None]] = {
    "first-invocation": ordinary.first_invocation,
    "invocation": ordinary.invocation,
    "pings": ordinary.pings,
    "connect": ordinary.connect,
    "declared-types": ordinary.declared_types,
    "streams": streaming.streams,
    "unknown-headers": ordinary.unknown_headers,
    "latency": latency,
    "undeclared-type": strange.undeclared_type,
    "malformed-bodies": strange.malformed_bodies,
    "large-bodies": strange.large_bodies,
    "stop": ending.stop,
    "written": ending.written,
}
# Of a server whose good request fails, these would tell nothing.
_NEED_AN_ANSWER = frozenset(
    {"declared-types", "streams", "unknown-headers", "latency", "undeclared-type", "malformed-bodies",
     "large-bodies"}
)  # fmt: skip
# These choose themselves when the rest of the harness has to be quiet.
_QUIET = frozenset({"latency"})


def take(step: str, talk: Conversation) -> None:
    """Does one step; what comes of it is kept in the conversation."""
    sample = talk.replies.get("sample")
    late = sample is not None and sample.elapsed_s > talk.answer_limit_s
    if step in _NEED_AN_ANSWER and (sample is None or not sample.ok or late):
        return
    if step in _QUIET:
        _STEPS[step](talk)
        return
    with talk.bench.quiet.busy():
        _STEPS[step](talk)


def names() -> tuple[str, ...]:
    """The names of all steps."""
    return tuple(sorted(_STEPS))
