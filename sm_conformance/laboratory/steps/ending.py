"""How a server is ended, and what it leaves."""

from __future__ import annotations

from sm_conformance.laboratory import repeating, stopping
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.written import what_was_written


def stop(talk: Conversation) -> None:
    """SIGTERM, as at an update or a scale-in; before it one more ping, long after the first."""
    if talk.container.pause(0.0):
        limit_s = talk.bench.limits.hosting_stop_limit_s
        talk.stop = stopping.not_stopped("the server had ended by itself", limit_s=limit_s)
        return
    if talk.load is None or talk.load.well:  # else the load is to blame, and judged elsewhere
        talk.pings.append(talk.ping())
    limit_s = talk.bench.limits.hosting_stop_limit_s
    talk.curls["stop"] = repeating.repeat_stop(limit_s=limit_s)
    talk.stop = stopping.stop(talk.bench, talk.container, limit_s=limit_s)


def written(talk: Conversation) -> None:
    """Asks the engine what the server added to its image's file system, by name."""
    # With a GPU, its engine puts a driver's files there.
    named = talk.bench.candidate.declaration.resources.gpus is None
    talk.written = what_was_written(talk.bench, talk.container, talk.folder, named=named)
