"""What requests showed that were made up, beyond the replies to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tried:
    """Made-up requests of one kind; ``tried`` of them, of some of which it is ``unknown`` why.

    ``found`` says in words what the smallest request was that got an answer it should not get,
    ``harmful`` what the request was after which the server was not what it had been, and ``harm``
    what was wrong then. Each is kept as a reply, under the name of the kind and under that name
    with ``-fatal`` behind it. ``why_not`` is the reason where nothing was tried.
    """

    tried: int = 0
    unknown: tuple[str, ...] = ()
    found: str | None = None
    harmful: str | None = None
    harm: str | None = None
    why_not: str | None = None
