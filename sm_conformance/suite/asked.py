"""What a server answered to a request of a step, as the clauses look it up."""

from __future__ import annotations

from sm_conformance.judgement.outcome import NotRun
from sm_conformance.observed.http import Reply
from sm_conformance.observed.run import Server


def asked(server: Server, name: str) -> Reply:
    """The reply to the request ``name``. Raises NotRun where it was not sent any more."""
    if name not in server.replies:
        raise NotRun("the server ended before it could be asked")
    return server.replies[name]


def plainly_well(server: Server, name: str) -> None:
    """Raises NotRun where the plainest request, kept as ``name``, was tried beside another and failed."""
    plain = server.replies.get(name)
    if plain is not None and not plain.ok:
        raise NotRun(f"the same request failed in its plainest form too: {plain.describe()}")
