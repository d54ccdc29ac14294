"""Looks for an example that fails, and makes it simpler; what is tried with it is the caller's business."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from sm_conformance.inputs.ranges import Example, Lines
from sm_conformance.laboratory.quiet import Quiet

_UNSTEADY = "it did not end as it should, and when it was repeated, it did"


@dataclass(slots=True)
class Search:
    """The examples of one search, and what is known of them.

    ``judge`` tries one: whether it fails, or the reason why that is not known. ``over`` says that
    there was enough of it. No more than ``most_simpler`` tries go into making a failing one simpler.
    """

    quiet: Quiet
    judge: Callable[[Example], bool | str]
    over: Callable[[], bool]
    most_simpler: int
    # Nothing is wrong with what no step is taken from.
    known: dict[frozenset[tuple[str, str]], bool] = field(
        default_factory=lambda: {Example().key: False}
    )
    unknown: list[str] = field(default_factory=list)
    tried: int = 0

    def run(self, examples: Iterable[Example], *, wanted: int) -> Example | None:
        """The first that fails twice, as it is, of ``wanted`` different ones of the ``examples``."""
        for example in examples:
            if self.tried == wanted or self.over():
                break
            if example.key in self.known:
                continue
            self.tried += 1
            self.known[example.key] = self._fails_twice(example)
            if self.known[example.key]:
                return example
        return None

    def drawn(self, lines: Sequence[Lines], count: int) -> Iterator[Example]:
        """Examples of steps on the ``lines``, about ``count``; drawn only when the first is asked for."""
        from sm_conformance.inputs.examples import draw

        with self.quiet.busy():
            found = draw(lines, count)
        yield from found

    def simplest(self, example: Example) -> Example:
        """The simplest example that fails like ``example``, as far as some tries tell."""
        for _ in range(self.most_simpler):
            found, asked = self._simplest(example)
            if asked is None or self.over():
                break
            self.known[asked.key] = self.judge(asked) is True
        else:
            found, _ = self._simplest(example)
        if found.key == example.key:
            return example
        return found if self.judge(found) is True else example

    def _fails_twice(self, example: Example) -> bool:
        said = self.judge(example)
        if said is True and self.judge(example) is not True:
            said = _UNSTEADY
        if isinstance(said, str):
            self.unknown.append(said)
        return said is True

    def _simplest(self, example: Example) -> tuple[Example, Example | None]:
        from sm_conformance.inputs.examples import simplest

        with self.quiet.busy():
            return simplest(example, self.known)
