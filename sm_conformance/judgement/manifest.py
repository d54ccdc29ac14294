"""What is said of the form of a manifest; by the suite before a push, by the gate after it."""

from __future__ import annotations

from sm_conformance.judgement.outcome import Broken, NotRun
from sm_conformance.observed.manifest import DOCKER_MANIFEST, ManifestForm, Place


def demand_form(form: ManifestForm | None, reference: str) -> None:
    """Says that IMG-017 is broken unless models can be made of a manifest of this ``form``.

    Elsewhere than in a registry it is advice at most: what copies an image out of an archive or builds
    it once more for the push may write another form.
    """
    if form is None:
        raise NotRun(
            "in which form the engine will push it is not known: `sm-conformance gate` looks at what "
            "was pushed, `check --registry` at what lies in a registry",
            excused=True,
        )
    if not form.accepted:
        raise Broken(
            expected=f"a manifest of the type {DOCKER_MANIFEST}",
            actual=f"{reference} {_IS[form.place]} {form.describe()}",
            only_advice=form.place is not Place.REGISTRY,
        )


_IS = {
    Place.REGISTRY: "is",
    Place.ENGINE: "will be pushed as",
    Place.ARCHIVE: "lies in the archive as",
}
