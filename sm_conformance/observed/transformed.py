"""What a batch transform of one file came to."""

from __future__ import annotations

from dataclasses import dataclass

from sm_conformance.observed.http import Reply


@dataclass(frozen=True, slots=True)
class Transformed:
    """The file's requests, sent in order until one failed.

    ``requests`` is how many the file makes, ``sent`` how many went out. ``failed`` is the last
    answer to the one that failed at each try; its request is kept as ``record``. ``guessed``: nobody
    said how the file is to be taken apart.
    """

    requests: int
    sent: int
    failed: Reply | None
    guessed: bool
