"""Who is to blame for what became of a server after a request, as other servers showed it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Blame(StrEnum):
    """What did the same to another server."""

    REQUEST = "request"  # that request, before any other but good ones
    NUMBER = "number"  # good requests alone, about as many as the first server had been sent
    OFTEN = "often"  # neither of them: that request, sent several times
    NOBODY = "nobody"  # nothing did


@dataclass(frozen=True, slots=True)
class Harm:
    """Who is to blame, and what was ``seen`` of the other server after so many such requests.

    ``seen`` is empty where nobody is to blame. ``suspect`` is the name of the request after which
    it was seen first, the last of so many that were ``asked``, pings among them.
    """

    suspect: str
    asked: int
    blame: Blame = Blame.NOBODY
    seen: str = ""
    times: int = 1
