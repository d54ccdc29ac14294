"""Rules on how a job is started and where its image lies: IMG-009, IMG-010, IMG-019, NET-008."""

from __future__ import annotations

import posixpath
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
    transform_jobs,
)
from sm_conformance.aws.rule import Rule, Said, at
from sm_conformance.declaration.problems import shown

_CHANNELS = "/opt/ml/input/data/"
_INTERPRETER = re.compile(r"(?:ba|da|a|z)?sh|python[0-9.]*|perl|Rscript|node|ruby|julia|php")
# Where an access mode stands in a job and in a model.
_ACCESS = (
    ("AlgorithmSpecification", "TrainingImageConfig", "TrainingRepositoryAccessMode"),
    ("PrimaryContainer", "ImageConfig", "RepositoryAccessMode"),
    ("Containers", "*", "ImageConfig", "RepositoryAccessMode"),
)
# What a start form is called here and there; a container of a model knows none of them.
_START_FIELDS = ("ContainerEntrypoint", "ContainerArguments", "Entrypoint", "Command", "Arguments")


def _script_in_channel(jobs: Sequence[Place]) -> Iterator[Said]:
    for job in jobs:
        words = job.get("AlgorithmSpecification", "ContainerEntrypoint")
        script = _executed(words)
        if script is None:
            continue
        name = script.removeprefix(_CHANNELS).partition("/")[0]
        expected = f"a channel {shown(name)} in File mode, fully replicated, at {at(job)}"
        channels = list(job.inner("InputDataConfig", "*"))
        channel = next((one for one in channels if one.get("ChannelName") == name), None)
        if channel is None:
            yield Said(expected, f"the entrypoint is {shown(script)}, and there is no such channel")
            continue
        usual = job.get("TrainingInputMode") or job.get(
            "AlgorithmSpecification", "TrainingInputMode"
        )
        mode = channel.get("InputMode") or usual or "File"
        if mode != "File":
            # Files of FastFile mode are there as well, though they are fetched as they are read.
            yield Said(expected, f"it is in {mode} mode", only_advice=mode != "Pipe")
        spread = channel.get("DataSource", "S3DataSource", "S3DataDistributionType")
        if spread == "ShardedByS3Key":
            alone = job.get("ResourceConfig", "InstanceCount") == 1
            yield Said(expected, "it is sharded by S3 key", only_advice=alone)


def _executed(words: object) -> str | None:
    """The file of a channel that an entrypoint executes, by itself or by an interpreter.

    Further words may be data of any channel.
    """
    if not isinstance(words, list) or not words:
        return None
    first, *rest = words
    if _INTERPRETER.fullmatch(posixpath.basename(first)) and rest:
        first = rest[0]
    return first if first.startswith(_CHANNELS) and "/" in first[len(_CHANNELS) :] else None


def _isolated_and_debugged(jobs: Sequence[Place]) -> Iterator[Said]:
    for job in jobs:
        debugged = job.get("RemoteDebugConfig", "EnableRemoteDebug") is True
        if debugged and job.get("EnableNetworkIsolation") is True:
            yield Said(f"isolation or remote debugging at {at(job)}", "both are asked for")


def _private_without_vpc(places: Sequence[Place]) -> Iterator[Said]:
    for place in places:
        modes = [found.value for steps in _ACCESS for found in place.inner(*steps)]
        if "Vpc" in modes and not place.get("VpcConfig"):
            yield Said(f"a VpcConfig at {at(place)}", "a private registry is named, and no VPC")


_hosted = either(containers, transform_jobs)
_entrypoints = having(training_jobs, "AlgorithmSpecification", "ContainerEntrypoint")
# A package names no VPC: whoever deploys it does.
_private = either(*(having(either(training_jobs, models), *steps) for steps in _ACCESS))

RULES: tuple[Rule, ...] = (
    # The service's model knows no such field of a container.
    Rule(
        "IMG-009 no-hosting-override",
        _hosted,
        owns=either(*(below(_hosted, name) for name in _START_FIELDS)),
        kinds=frozenset({"unknown"}),
    ),
    Rule("IMG-010 entrypoint-from-channel", _entrypoints, more=_script_in_channel),
    Rule("IMG-019 private-registry-vpc", _private, more=_private_without_vpc),
    Rule(
        "NET-008 isolation-or-debugging",
        having(training_jobs, "EnableNetworkIsolation"),
        more=_isolated_and_debugged,
    ),
)
