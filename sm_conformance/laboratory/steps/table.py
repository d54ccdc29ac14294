"""The steps that a scenario can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.steps import ending, generated, malformed_http, ordinary, strange
from sm_conformance.laboratory.steps.latency import latency

_STEPS: Mapping[str, Callable[[Conversation], None]] = {
    "first-invocation": ordinary.first_invocation,
    "invocation": ordinary.invocation,
    "pings": ordinary.pings,
    "connect": ordinary.connect,
    "declared-types": ordinary.declared_types,
    "unknown-headers": ordinary.unknown_headers,
    "latency": latency,
    "undeclared-type": strange.undeclared_type,
    "malformed-bodies": strange.malformed_bodies,
    "large-bodies": strange.large_bodies,
    "pipelined-requests": malformed_http.pipelined_requests,
    "lawful-requests": generated.lawful_requests,
    "mutilated-requests": generated.mutilated_requests,
    "malformed-http": malformed_http.broken_http,
    "stop": ending.stop,
    "written": ending.written,
}
# Of a server whose good request fails, these would tell nothing.
_NEED_AN_ANSWER = frozenset(
    {"declared-types", "unknown-headers", "latency", "undeclared-type", "malformed-bodies",
     "large-bodies", "pipelined-requests", "lawful-requests", "mutilated-requests",
     "malformed-http"}
)  # fmt: skip
# These choose themselves when the rest of the harness has to be quiet.
_QUIET = frozenset({"latency"})


def take(step: str, talk: Conversation) -> None:
    """Does one step; what comes of it is kept in the conversation."""
    sample = talk.replies.get("sample")
    limit_s = talk.bench.limits.invocation_limit_s
    if step in _NEED_AN_ANSWER and (sample is None or not sample.ok or sample.elapsed_s > limit_s):
        return
    if step in _QUIET:
        _STEPS[step](talk)
        return
    with talk.bench.quiet.busy():
        _STEPS[step](talk)


def names() -> tuple[str, ...]:
    """The names of all steps."""
    return tuple(sorted(_STEPS))
