"""The steps that a scenario can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.steps import ending, ordinary, strange
from sm_conformance.laboratory.steps.latency import latency
from sm_conformance.laboratory.steps.load import load
from sm_conformance.laboratory.steps.slow import slow_request

_STEPS: Mapping[str, Callable[[Conversation], None]] = {
    "first-invocation": ordinary.first_invocation,
    "invocation": ordinary.invocation,
    "pings": ordinary.pings,
    "connect": ordinary.connect,
    "declared-types": ordinary.declared_types,
    "unknown-headers": ordinary.unknown_headers,
    "latency": latency,
    "slow-request": slow_request,
    "load": load,
    "undeclared-type": strange.undeclared_type,
    "malformed-bodies": strange.malformed_bodies,
    "large-bodies": strange.large_bodies,
    "stop": ending.stop,
    "written": ending.written,
}
# Of a server whose good request fails, these would tell nothing.
_NEED_AN_ANSWER = frozenset(
    {"declared-types", "unknown-headers", "latency", "slow-request", "load", "undeclared-type",
     "malformed-bodies", "large-bodies"}
)  # fmt: skip
# These choose themselves when the rest of the harness has to be quiet.
_QUIET = frozenset({"latency", "load"})


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
