"""What became of a server one of whose processes was killed."""

from __future__ import annotations

from dataclasses import dataclass

from sm_conformance.observed.facts import Exit, NotKilled
from sm_conformance.observed.http import Reply


@dataclass(frozen=True, slots=True)
class Bereft:
    """A server whose serving child was killed, or why none was (``why_not``).

    ``exit`` is None when the container had not ended ``seconds`` later; ``ping`` and ``reply`` are
    then the last answers to a ping and to a good request, None where it was not asked.
    """

    command: str = ""
    why_not: NotKilled | None = None
    seconds: float = 0.0
    exit: Exit | None = None
    ping: Reply | None = None
    reply: Reply | None = None

    @property
    def hides_it(self) -> bool:
        """Whether it said to the end that it was healthy, and answered no good request."""
        healthy = self.ping is not None and self.ping.status == 200
        return healthy and self.reply is not None and not self.reply.ok
