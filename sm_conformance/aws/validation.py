"""Writes the ValidationSpecification that a declaration amounts to, ready to be pasted.

Source: Amazon SageMaker API, AlgorithmValidationSpecification, ModelPackageValidationSpecification.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sm_conformance.aws import service
from sm_conformance.aws.problems import dotted
from sm_conformance.declaration import parts
from sm_conformance.errors import UsageProblem

ROLE = "<ARN OF THE VALIDATION ROLE>"
BUCKET = "s3://<BUCKET>"

_SHAPES = {True: "AlgorithmValidationSpecification", False: "ModelPackageValidationSpecification"}
_PROFILE = "sm-conformance"
_INSTANCE_TYPE = "ml.m5.xlarge"
_GPU_INSTANCE_TYPE = "ml.g5.xlarge"
_VOLUME_GB = 30
_SHORTEST_RUN_S = 3600
_LONGEST_RUN_S = 28 * 24 * 3600
# The instance of the platform may be so much slower than the machine that was measured on.
_MARGIN = 10


@dataclass(frozen=True, slots=True)
class Observed:
    """What was seen when the image was judged; None was not seen.

    ``training_s`` is how long the good training took, in seconds; ``content_type`` and ``accept``
    are those of a request that succeeded, and of its reply.
    """

    training_s: float | None = None
    content_type: str | None = None
    accept: str | None = None


def validation_specification(document: dict[str, Any], facts: Observed) -> dict[str, Any]:
    """The ValidationSpecification of CreateAlgorithm, or where no training is declared, of CreateModelPackage.

    The role and the addresses in S3 are placeholders in angle brackets; all else the service would
    take. Raises ``UsageProblem`` where the declaration has nothing to validate with, or says what
    the service would not take, and without botocore.
    """
    profile: dict[str, Any] = {"ProfileName": _PROFILE}
    if "training" in document:
        profile["TrainingJobDefinition"] = _training_job(document, facts)
    if "hosting" in document:
        profile["TransformJobDefinition"] = _transform_job(document, facts)
    if len(profile) == 1:
        raise UsageProblem("a ValidationSpecification needs a declaration of training or hosting")
    made = {"ValidationRole": ROLE, "ValidationProfiles": [profile]}
    shape = _SHAPES["TrainingJobDefinition" in profile]
    for fault in service.examine_part(shape, made).faults:
        if fault.where != ("ValidationRole",):
            raise UsageProblem(
                f"the declaration makes no ValidationSpecification: {dotted(fault.where)}: "
                f"{fault.text}"
            )
    return made


def _training_job(document: dict[str, Any], facts: Observed) -> dict[str, Any]:
    channels = [
        _channel(name, parts.mapping(said))
        for name, said in parts.mapping(document, "training", "channels").items()
    ]
    if not channels:
        raise UsageProblem(
            "a ValidationSpecification needs a channel: declare training: {channels: …}"
        )
    made = {
        "TrainingInputMode": "File",
        "HyperParameters": parts.good_hyperparameters(document),
        "InputDataConfig": channels,
        "OutputDataConfig": {"S3OutputPath": f"{BUCKET}/output/"},
        "ResourceConfig": {
            "InstanceType": _instance_type(document),
            "InstanceCount": 1,
            "VolumeSizeInGB": _VOLUME_GB,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": _longest_run_s(document, facts)},
    }
    return {key: value for key, value in made.items() if value != {}}


def _channel(name: str, said: dict[str, Any]) -> dict[str, Any]:
    modes = parts.text_list(parts.entries(said, "modes")) or ("File",)
    made: dict[str, Any] = {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"{BUCKET}/{name}/",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }
    if said.get("content_type"):
        made["ContentType"] = said["content_type"]
    if "File" not in modes:
        made["InputMode"] = modes[0]
    if said.get("compression") == "gzip":
        made["CompressionType"] = "Gzip"
        made["InputMode"] = "Pipe"
    return made


def _transform_job(document: dict[str, Any], facts: Observed) -> dict[str, Any]:
    sample = next(iter(parts.mappings(document, "hosting", "requests")), {})
    types = parts.entries(document, "hosting", "content_types")
    content_type = sample.get("content_type") or facts.content_type or next(iter(types), None)
    accept = sample.get("accept") or facts.accept
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/transform-input/"}
    given: dict[str, Any] = {"DataSource": {"S3DataSource": source}}
    left: dict[str, Any] = {"S3OutputPath": f"{BUCKET}/transform-output/"}
    if content_type:
        given["ContentType"] = content_type
    if accept:
        left["Accept"] = accept
    return {
        "TransformInput": given,
        "TransformOutput": left,
        "TransformResources": {"InstanceType": _instance_type(document), "InstanceCount": 1},
    }


def _instance_type(document: dict[str, Any]) -> str:
    gpus = parts.mapping(document, "resources").get("gpus")
    return _GPU_INSTANCE_TYPE if gpus else _INSTANCE_TYPE


def _longest_run_s(document: dict[str, Any], facts: Observed) -> int:
    declared = parts.number(parts.mapping(document, "resources").get("time_s"))
    if declared is not None:
        return max(1, math.ceil(declared))
    measured = (facts.training_s or 0) * _MARGIN
    return min(_LONGEST_RUN_S, max(_SHORTEST_RUN_S, math.ceil(measured)))
