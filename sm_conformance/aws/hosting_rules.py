"""Rules on models, packages and transform jobs: HOST, BATCH and PIPE clauses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sm_conformance.aws.places import (
    Place,
    below,
    containers,
    either,
    having,
    transform_jobs,
)
from sm_conformance.aws.rule import ANY_DEPTH, Rule, Said, at
from sm_conformance.declaration.problems import shown

_ENTRY_BYTES = 1024
_ENVIRONMENT_BYTES = 32 * 1024
_PAYLOAD_MB = 100
_NAME_BYTES = 255


def _one_archive(places: Sequence[Place]) -> Iterator[Said]:
    """A must of the text, but no refusal of another name has been seen."""
    for container in places:
        for url in container.inner("ModelDataUrl"):
            # Of a server for many models it is a prefix, under which the archives lie.
            if container.get("Mode") != "MultiModel" and not url.value.endswith(".tar.gz"):
                yield Said(
                    f"one archive, named .tar.gz, at {at(url)}", shown(url.value), only_advice=True
                )


def _plain_parts(places: Sequence[Place]) -> Iterator[Said]:
    """A text tells it of the names of files; what becomes of such an address is not known."""
    for source in places:
        for uri in source.inner("S3DataSource", "S3Uri"):
            parts = str(uri.value).split("/")
            if {".", ".."} & set(parts) or max(len(part.encode()) for part in parts) > _NAME_BYTES:
                yield Said(
                    f"no part . or .. and none above {_NAME_BYTES} bytes at {at(uri)}",
                    shown(uri.value),
                    only_advice=True,
                )


def _bytes_of_environments(places: Sequence[Place]) -> Iterator[Said]:
    """What the text adds for models: bytes, and a sum over all containers; not said of packages."""
    of_models = [place for place in places if place.kind == "model"]
    for place in of_models:
        for name, value in place.value.items():
            size = max(len(name.encode()), len(value.encode()))
            # More characters are too many already.
            if max(len(name), len(value)) <= _ENTRY_BYTES < size:
                expected = f"keys and values of at most {_ENTRY_BYTES} bytes at {at(place)}"
                yield Said(expected, f"{size} bytes in {shown(name)}")
    entries = [entry for place in of_models for entry in place.value.items()]
    total = sum(len(text.encode()) for entry in entries for text in entry)
    if total > _ENVIRONMENT_BYTES:
        yield Said(f"at most {_ENVIRONMENT_BYTES} bytes of environment in all", f"{total} bytes")


def _payload(jobs: Sequence[Place]) -> Iterator[Said]:
    """0 stands for an unbounded payload; what is unset may come from the image."""
    for job in jobs:
        size, at_once = job.get("MaxPayloadInMB") or 0, job.get("MaxConcurrentTransforms") or 0
        if size > _PAYLOAD_MB:
            yield Said(f"MaxPayloadInMB of at most {_PAYLOAD_MB} at {at(job)}", str(size))
        elif size * at_once > _PAYLOAD_MB:
            yield Said(
                f"MaxConcurrentTransforms times MaxPayloadInMB at most {_PAYLOAD_MB} at {at(job)}",
                f"{at_once} times {size}",
            )


_archives = having(containers, "ModelDataUrl")
_sources = below(containers, "ModelDataSource")
_environments = below(containers, "Environment")
_payloads = having(transform_jobs, "MaxPayloadInMB")
_clients = below(transform_jobs, "ModelClientConfig")
_filters = below(transform_jobs, "DataProcessing")
_job_environments = below(transform_jobs, "Environment")

RULES: tuple[Rule, ...] = (
    Rule(
        "HOST-031 model-url",
        _archives,
        owns=below(containers, "ModelDataUrl"),
        more=_one_archive,
    ),
    Rule(
        "HOST-032 model-data-source-form",
        _sources,
        owns=_sources,
        depth=ANY_DEPTH,
        more=_plain_parts,
    ),
    Rule(
        "HOST-035 environment-limits",
        _environments,
        owns=_environments,
        depth=1,
        more=_bytes_of_environments,
    ),
    Rule(
        "BATCH-006 payload-limits",
        _payloads,
        owns=either(
            below(transform_jobs, "MaxPayloadInMB"),
            below(transform_jobs, "MaxConcurrentTransforms"),
        ),
        more=_payload,
    ),
    Rule("BATCH-014 client-limits", _clients, owns=_clients, depth=1),
    Rule("BATCH-015 filter-limits", _filters, owns=_filters, depth=1),
    Rule("BATCH-016 environment-limits", _job_environments, owns=_job_environments, depth=1),
)
