"""What one scanner found, and of which image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sm_conformance.observed.facts import ImageFacts

SERIOUS = ("critical", "high")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Weakness:
    """A critical or high finding: ``fixed`` is the version that has it no more, empty for none.

    A finding on the image itself, which its owner can mend, has no version at all: ``fixed`` is None.
    """

    id: str
    subject: str
    installed: str
    fixed: str | None
    severity: str

    @property
    def mendable(self) -> bool:
        """Whether its owner can do anything about it."""
        return self.fixed is None or bool(self.fixed)


@dataclass(frozen=True, slots=True)
class Named:
    """The image that a file speaks of: the digests and the names that it has for it.

    ``architecture`` is the image's, None where the file does not say: the digest of an index is that
    of images of several.
    """

    digests: frozenset[str]
    names: frozenset[str]
    architecture: str | None = None

    @classmethod
    def by(cls, *texts: str | None, architecture: str | None = None) -> Named:
        """Of what a file says: digests, names, and names that end in a digest."""
        told = [text for text in texts if text]
        digests = [found for text in told for found in _DIGEST.findall(text)]
        names = [_full(text) for text in told if not _DIGEST.search(text)]
        return cls(frozenset(digests), frozenset(names), architecture)

    def is_another(self, images: Iterable[ImageFacts]) -> bool:
        """Whether it is surely none of ``images``: only a digest tells."""
        return bool(self.digests) and not any(self.is_surely(image) for image in images)

    def is_surely(self, image: ImageFacts) -> bool:
        """Whether a digest says that it is this image."""
        if image.config_digest in self.digests:
            return True
        same = self.architecture in (None, image.architecture)
        known = {image.manifest_digest, *(one.partition("@")[2] for one in image.repo_digests)}
        return same and not known.isdisjoint(self.digests)

    def is_called(self, image: ImageFacts) -> bool:
        """Whether it has the name of this image, which says less: names are given anew."""
        return _full(image.reference) in self.names


@dataclass(frozen=True, slots=True)
class Scan:
    """What one file says. ``looks_for_known`` is false where known vulnerabilities were not looked for:
    of a scanner that knows none, of a run that failed, or that looked for something else.
    """

    file: str
    scanner: str
    of: Named
    found: tuple[Weakness, ...]
    looks_for_known: bool = True


def _full(name: str) -> str:
    """The name as it is written in full: registry and tag are left out as one likes."""
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
