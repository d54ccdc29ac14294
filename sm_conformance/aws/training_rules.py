"""Rules on training jobs, and those that concern every image: IMG and TRAIN clauses, NET-006."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sm_conformance.aws.places import (
    Place,
    below,
    containers,
    either,
    having,
    models,
    training_jobs,
    training_specifications,
    transform_jobs,
)
from sm_conformance.aws.rule import Rule, Said, at
from sm_conformance.declaration.problems import shown
from sm_conformance.secrecy.shapes import access_keys

_LONGEST_RUN_S = 28 * 24 * 3600

# A registry has a dot or a port in its name; what follows is left to the registry.
_REFERENCE = re.compile(
    r"(?:localhost|[^/\s@:]+\.[^/\s@:]+|[^/\s@:]+:[0-9]+|[^/\s@:]+\.[^/\s@:]+:[0-9]+)"
    r"(?:/[^/\s@:]+)+(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-fA-F]{64})?"
)


def _references(places: Sequence[Place]) -> Iterator[Said]:
    for place in places:
        if not _REFERENCE.fullmatch(place.value):
            yield Said(f"registry/repository, a tag or digest at {at(place)}", shown(place.value))


def _no_secrets(places: Sequence[Place]) -> Iterator[Said]:
    for place in places:
        for name, value in place.value.items():
            for found in access_keys(f"{name}={value}"):
                yield Said(f"no AWS access key at {at(place)}", f"{name} holds {found.shown}")


def _gzip_in_pipe_mode(jobs: Sequence[Place]) -> Iterator[Said]:
    for job in jobs:
        usual = job.get("TrainingInputMode") or job.get(
            "AlgorithmSpecification", "TrainingInputMode"
        )
        for channel in job.inner("InputDataConfig", "*"):
            mode = channel.get("InputMode") or usual
            if channel.get("CompressionType") == "Gzip" and mode != "Pipe":
                yield Said(f"Gzip in Pipe mode only, at {at(channel)}", f"Gzip in {mode} mode")


def _run_time(places: Sequence[Place]) -> Iterator[Said]:
    for place in places:
        for run in place.inner("MaxRuntimeInSeconds"):
            if run.value > _LONGEST_RUN_S:
                yield Said(f"at most {_LONGEST_RUN_S} (28 days) at {at(run)}", str(run.value))


_images = either(
    below(training_specifications, "TrainingImage"),
    below(training_jobs, "AlgorithmSpecification", "TrainingImage"),
    below(containers, "Image"),
)
_environments = either(
    below(training_jobs, "Environment"),
    below(transform_jobs, "Environment"),
    below(containers, "Environment"),
)
_channels = below(training_jobs, "InputDataConfig")
_data_types = below(_channels, "*", "DataSource", "S3DataSource", "S3DataType")
_start_fields = either(
    below(training_jobs, "AlgorithmSpecification", "ContainerEntrypoint"),
    below(training_jobs, "AlgorithmSpecification", "ContainerArguments"),
)
_hyperparameters = below(training_jobs, "HyperParameters")
_job_environments = below(training_jobs, "Environment")
_stopping = either(below(training_jobs, "StoppingCondition"), below(training_jobs, "RetryStrategy"))
_metrics = below(training_jobs, "AlgorithmSpecification", "MetricDefinitions")
_networks = either(below(training_jobs, "VpcConfig"), below(models, "VpcConfig"))

RULES: tuple[Rule, ...] = (
    Rule("IMG-008 start-fields-limits", _start_fields, owns=_start_fields, depth=1),
    Rule("IMG-018 image-reference", _images, owns=_images, more=_references),
    Rule("IMG-021 no-secrets", either(_environments, _hyperparameters), more=_no_secrets),
    Rule("TRAIN-012 hyperparameter-limits", _hyperparameters, owns=_hyperparameters, depth=1),
    Rule(
        "TRAIN-024 channel-limits",
        _channels,
        owns=either(_channels, below(_channels, "*", "ChannelName")),
    ),
    Rule("TRAIN-030 data-type", _data_types, owns=_data_types, doubtful=frozenset({"enum"})),
    Rule(
        "TRAIN-034 compression", having(training_jobs, "InputDataConfig"), more=_gzip_in_pipe_mode
    ),
    Rule("TRAIN-069 stopping-limits", _stopping, owns=_stopping, depth=1, more=_run_time),
    Rule("TRAIN-086 environment-limits", _job_environments, owns=_job_environments, depth=1),
    Rule("TRAIN-089 metric-limits", _metrics, owns=_metrics, depth=2),
    Rule("NET-006 vpc-fields", _networks, owns=_networks, depth=2),
)
