"""Turns requests into a document in the form of ``sm-conformance.yaml``."""

from __future__ import annotations

from sm_conformance.aws import hosting_half, training_half
from sm_conformance.aws.draft import Draft
from sm_conformance.aws.places import Place, Raw, models, packages, training_jobs
from sm_conformance.aws.s3 import Store


def write(requests: Raw, *, store: Store) -> Draft:
    """What the requests say, and which of them said it.

    A claim is made only where a request asks for the thing of its own accord. The instance types
    for batch transform of a package are no such claim: the service requires them.
    """
    draft = Draft()
    training_half.write(draft, requests, store=store)
    hosting_half.write(draft, requests, store=store)
    for package in packages(requests):
        if package.get("CertifyForMarketplace"):
            draft.claim("marketplace", by=package)
    _network(draft, requests)
    order = ("claims", "network", "training", "hosting", "resources")
    draft.document = {key: draft.document[key] for key in order if key in draft.document}
    return draft


def _network(draft: Draft, requests: Raw) -> None:
    """Isolation is claimed where all that is claimed runs isolated; elsewhere nothing is said."""
    claims = draft.document.get("claims", [])
    jobs = [job for job in training_jobs(requests) if job.kind == "training-job"]
    halves: list[list[Place]] = []
    if "training" in claims:
        halves.append(jobs)
    if "hosting" in claims or "batch" in claims:
        halves.append(list(models(requests)))
    if halves and all(half and _isolated(half[0]) for half in halves):
        draft.say(("network",), "isolated", by=halves[0][0])


def _isolated(place: Place) -> bool:
    return place.get("EnableNetworkIsolation") is True
