"""The candidate: the image, or the pair of training and hosting images, under judgement."""

from __future__ import annotations

from dataclasses import dataclass

from sm_conformance.declaration.values import Declaration
from sm_conformance.observed.facts import ImageFacts

_HALVES = frozenset({"training", "hosting"})


@dataclass(frozen=True, slots=True)
class Candidate:
    """Who is judged. ``training`` and ``hosting`` are the same facts when one image does both.

    A half is None when no image was named for it.
    """

    training: ImageFacts | None
    hosting: ImageFacts | None
    declaration: Declaration
    # Claims that the profile takes for granted.
    assumed: frozenset[str] = frozenset()

    @property
    def claims(self) -> frozenset[str]:
        """What is claimed; without a declaration, each half for which there is an image.

        A channel that takes FastFile mode is claimed to, without a further word.
        """
        named = {"training": self.training, "hosting": self.hosting}
        said = self.declaration.claims
        if said is None:
            said = frozenset(half for half in _HALVES if named[half] is not None)
        training = self.declaration.training
        if training is not None and any("FastFile" in one.modes for one in training.channels):
            said |= {"fast-file"}
        return said | self.assumed

    @property
    def claims_are_declared(self) -> bool:
        """Whether the owner said what the image does, or a half is missing for want of an image."""
        return self.declaration.claims is not None or None in (self.training, self.hosting)

    @property
    def one_image(self) -> bool:
        """Whether one image is named for both jobs."""
        return self.training is not None and self.training == self.hosting

    @property
    def images(self) -> tuple[tuple[ImageFacts, tuple[str, ...]], ...]:
        """Each image once, with its roles "training" and "hosting" as far as they are claimed."""
        roles: dict[str, tuple[ImageFacts, tuple[str, ...]]] = {}
        for role, image in (("training", self.training), ("hosting", self.hosting)):
            if image is not None and role in self.claims:
                held = roles.get(image.config_digest, (image, ()))
                roles[image.config_digest] = (image, (*held[1], role))
        return tuple(roles.values())
