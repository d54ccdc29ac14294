"""Waits until a server is ready, and says how the waiting went."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sm_conformance.errors import HarnessTrouble
from sm_conformance.inputs import requests
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.watch import IdleWatch
from sm_conformance.observed.facts import Exit
from sm_conformance.observed.http import Reply
from sm_conformance.observed.run import Ending

_POLL_S = 0.03
_LONGEST_POLL_S = 0.5
_GONE_S = 10.0
_OK = 200
# Nobody answers for the address of a server that has just ended, not even with a refusal.
_CONNECT_S = 1.0


@dataclass(frozen=True, slots=True)
class Readiness:
    """How waiting for the first 200 went. ``answered`` is the last ping that HTTP came back for."""

    ending: Ending
    exit: Exit | None
    after_s: float | None
    last: Reply | None
    answered: Reply | None


NEVER_STARTED = Readiness(
    ending=Ending.NEVER_STARTED, exit=None, after_s=None, last=None, answered=None
)


def wait_until_ready(
    talk: Conversation, *, patience_s: float, hopeless_s: float | None
) -> Readiness:
    """Pings until the first 200.

    ``hopeless_s`` is for a server that is only tried: one that has refused pings for so long, and
    has no model that anybody named, will not become ready for waiting.
    """
    container, began = talk.container, talk.container.started_at
    idle = IdleWatch(container, idle_s=talk.bench.limits.idle_s)
    last: Reply | None = None
    answered: Reply | None = None
    refused_since: float | None = None

    def readiness(ending: Ending, found: Exit | None = None) -> Readiness:
        after_s = time.monotonic() - began if ending is Ending.STOPPED else None
        return Readiness(ending=ending, exit=found, after_s=after_s, last=last, answered=answered)

    if container.address is None:  # an address is taken back as soon as its server has ended
        found = container.wait(_GONE_S)
        if found is None:
            raise HarnessTrouble("the engine names no address of a running server")
        return readiness(Ending.EXITED, found)
    pause_s = _POLL_S
    while time.monotonic() < began + patience_s:
        if container.pause(pause_s) and (found := container.wait(_POLL_S)) is not None:
            return readiness(Ending.EXITED, found)
        last = talk.ping(connect_limit_s=_CONNECT_S)
        answered = last if last.status is not None else answered
        if last.status is None:
            refused_since = None
        elif refused_since is None:
            refused_since = time.monotonic()
        if answered is not None:  # it will be some time; do not drown its log in our pings
            pause_s = min(_LONGEST_POLL_S, pause_s * 1.3)
        if last.status == 200:
            return readiness(Ending.STOPPED)
        if answered is None and idle.idle() and container.listeners():
            # Asleep, and listening where nobody asks. One that does not listen yet may lawfully
            # sleep for its whole window.
            return readiness(Ending.IDLE)
        if hopeless_s and refused_since and time.monotonic() - refused_since > hopeless_s:
            return readiness(Ending.PATIENCE)
        if last.status in requests.HOST_REFUSALS and _refuses_the_platform(talk):
            return readiness(Ending.PATIENCE)
    return readiness(Ending.PATIENCE)


def _refuses_the_platform(talk: Conversation) -> bool:
    """Whether the server is ready for a client that calls it localhost, and not for the platform."""
    return (
        talk.ping(requests.LOCAL_HEADERS).status == _OK
        and talk.ping().status in requests.HOST_REFUSALS
    )


def foreign_host(talk: Conversation, ready: Readiness) -> Reply | None:
    """The same ping from a client that calls the server localhost, where the platform's was refused."""
    if ready.after_s is not None or ready.answered is None or ready.exit is not None:
        return None
    return talk.ping(requests.LOCAL_HEADERS)
