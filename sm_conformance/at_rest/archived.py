"""The archive that a run was pointed at, and which of its images is meant."""

from __future__ import annotations

from pathlib import Path

from sm_conformance.at_rest.archive import Archive
from sm_conformance.at_rest.stored import Stored
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.http import printable

_FEW = 10


class InArchive:
    """The images of an archive file. Raises :class:`UsageProblem` for what is none."""

    name = "archive"

    def __init__(self, path: Path) -> None:
        self._archive = Archive(path)

    def only(self) -> str:
        """What the one image is called. Raises UsageProblem, listing them, where there are several."""
        images = self._archive.images
        if len(images) > 1:
            raise UsageProblem(f"{self._archive} holds several images, name one: {self._list()}")
        return _called(images[0])

    def find(self, reference: str) -> Stored:
        """The image of that name. Raises UsageProblem where there is none, or there are several."""
        found = [one for one in self._archive.images if one.is_called(reference)]
        if len(found) != 1:
            many = "several images" if found else "no image"
            raise UsageProblem(
                f"{self._archive} holds {many} {printable(reference)[:200]!r}; it has: {self._list()}"
            )
        return found[0]

    def close(self) -> None:
        self._archive.close()

    def _list(self) -> str:
        images = self._archive.images
        named = [", ".join(one.names[:_FEW]) or _called(one) for one in images[:_FEW]]
        more = f" and {len(images) - _FEW} more" if len(images) > _FEW else ""
        return printable("; ".join(named))[:1000] + more


def _called(image: Stored) -> str:
    return image.names[0] if image.names else image.config_digest
