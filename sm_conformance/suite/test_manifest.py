"""The manifest by which an image is pulled: the one in its registry, or that which will be pushed."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.judgement.manifest import demand_form
from sm_conformance.judgement.outcome import NotApplicable


@clause("IMG-017", "manifest-hosting")
def test_manifest_hosting(candidate: Candidate) -> None:
    """The pushed reference of a hosting image is a single-platform Docker manifest (version 2, schema 2), not an OCI index or manifest."""
    if candidate.hosting is None:
        raise NotApplicable("no image is named for hosting")
    demand_form(candidate.hosting.manifest, candidate.hosting.reference)


@clause("IMG-017", "manifest-training")
def test_manifest_training(candidate: Candidate) -> None:
    """The pushed reference of a training image is a single-platform Docker manifest (version 2, schema 2) as well."""
    if candidate.training is None:
        raise NotApplicable("no image is named for training")
    demand_form(candidate.training.manifest, candidate.training.reference)
