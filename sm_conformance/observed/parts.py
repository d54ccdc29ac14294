"""When the parts of a body arrived, as a stream is judged by it."""

from __future__ import annotations

from dataclasses import dataclass

# Of a body in more parts the first ones are kept, and the last.
MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a body that came at once: when, and how many bytes of the body there were then.

    ``seconds`` count from the first byte of the request. A part is never more than one chunk of
    a chunked body, and never more than one read.
    """

    seconds: float
    total: int


class PartLog:
    """Notes parts as they come; bounded, however many there are."""

    def __init__(self) -> None:
        self._parts: list[Part] = []

    def note(self, moment: float, total: int) -> None:
        """A part came at ``moment``; with it there are ``total`` bytes."""
        if len(self._parts) == MOST_PARTS:
            self._parts.pop()
        self._parts.append(Part(moment, total))

    def since(self, moment: float) -> tuple[Part, ...]:
        """The parts, with their seconds counted from ``moment``."""
        return tuple(Part(part.seconds - moment, part.total) for part in self._parts)


def spread_s(parts: tuple[Part, ...]) -> float:
    """The seconds between the first part and the last; 0 where there are not two."""
    return parts[-1].seconds - parts[0].seconds if parts else 0.0
