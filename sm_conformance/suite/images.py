"""Which images a clause on images looks at."""

from __future__ import annotations

from sm_conformance.candidate import Candidate
from sm_conformance.judgement.outcome import NotApplicable
from sm_conformance.observed.facts import ImageFacts


def claimed_images(candidate: Candidate) -> tuple[tuple[ImageFacts, tuple[str, ...]], ...]:
    """Each image with its roles; says that the clause does not apply where there is none."""
    if not candidate.images:
        raise NotApplicable("no image is claimed for training or for hosting")
    return candidate.images
