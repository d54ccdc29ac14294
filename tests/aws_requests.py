"""Requests in AWS's own form that keep every clause, and ways to spoil one thing in them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sm_conformance.aws.requests import Requests, read_requests

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/trees:1.0"
ROLE = "arn:aws:iam::123456789012:role/SageMaker"
BUCKET = "s3://a-bucket"

Steps = tuple[str | int, ...]


def _channel(name: str = "train") -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/{name}/"}
    return {
        "ChannelName": name,
        "ContentType": "text/csv",
        "DataSource": {"S3DataSource": source},
    }


_JOB = {
    "HyperParameters": {"depth": "5"},
    "InputDataConfig": [_channel()],
    "OutputDataConfig": {"S3OutputPath": f"{BUCKET}/output"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
    "StoppingCondition": {"MaxRuntimeInSeconds": 900},
}
_TRANSFORM = {
    "MaxConcurrentTransforms": 4,
    "MaxPayloadInMB": 6,
    "BatchStrategy": "SingleRecord",
    "Environment": {"MODE": "batch"},
    "TransformInput": {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/rows/"}},
        "ContentType": "text/csv",
        "SplitType": "Line",
    },
    "TransformOutput": {"S3OutputPath": f"{BUCKET}/answers", "Accept": "text/csv"},
    "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}
_INFERENCE = {
    "Containers": [
        {
            "Image": IMAGE,
            "Environment": {"WORKERS": "2"},
            "ModelDataSource": {
                "S3DataSource": {
                    "S3Uri": f"{BUCKET}/model/",
                    "S3DataType": "S3Prefix",
                    "CompressionType": "None",
                }
            },
        }
    ],
    "SupportedTransformInstanceTypes": ["ml.m5.large"],
    "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
    "SupportedContentTypes": ["text/csv", "application/json"],
    "SupportedResponseMIMETypes": ["text/csv"],
}
_METRICS = [{"Name": "validation:accuracy", "Regex": "accuracy=([0-9.]+)"}]
_VPC = {"SecurityGroupIds": ["sg-0123456789abcdef0"], "Subnets": ["subnet-0123456789abcdef0"]}
_WHOLE: dict[str, dict[str, Any]] = {
    "algorithm": {
        "AlgorithmName": "trees",
        "TrainingSpecification": {
            "TrainingImage": IMAGE,
            "SupportedTrainingInstanceTypes": ["ml.m5.large"],
            "SupportedHyperParameters": [
                {
                    "Name": "depth",
                    "Type": "Integer",
                    "Range": {
                        "IntegerParameterRangeSpecification": {"MinValue": "1", "MaxValue": "10"}
                    },
                    "IsTunable": True,
                    "IsRequired": True,
                },
                {
                    "Name": "rate",
                    "Type": "Continuous",
                    "Range": {
                        "ContinuousParameterRangeSpecification": {
                            "MinValue": "0.10",
                            "MaxValue": "1",
                        }
                    },
                    "DefaultValue": "0.50",
                },
                {
                    "Name": "criterion",
                    "Type": "Categorical",
                    "Range": {
                        "CategoricalParameterRangeSpecification": {"Values": ["gini", "log"]}
                    },
                    "DefaultValue": "gini",
                },
                {"Name": "comment", "Type": "FreeText"},
            ],
            "MetricDefinitions": _METRICS,
            "SupportedTuningJobObjectiveMetrics": [
                {"Type": "Maximize", "MetricName": "validation:accuracy"}
            ],
            "TrainingChannels": [
                {
                    "Name": "train",
                    "IsRequired": True,
                    "SupportedContentTypes": ["text/csv", "text/libsvm"],
                    "SupportedInputModes": ["File", "Pipe"],
                },
                {
                    "Name": "validation",
                    "IsRequired": False,
                    "SupportedContentTypes": ["text/csv"],
                    "SupportedInputModes": ["File"],
                },
            ],
        },
        "InferenceSpecification": _INFERENCE,
        "ValidationSpecification": {
            "ValidationRole": ROLE,
            "ValidationProfiles": [
                {
                    "ProfileName": "small",
                    "TrainingJobDefinition": {"TrainingInputMode": "File", **_JOB},
                    "TransformJobDefinition": _TRANSFORM,
                }
            ],
        },
        "CertifyForMarketplace": True,
    },
    "model-package": {
        "ModelPackageName": "trees",
        "InferenceSpecification": {
            **_INFERENCE,
            "Containers": [{"Image": IMAGE, "ModelDataUrl": f"{BUCKET}/model.tar.gz"}],
        },
        "CertifyForMarketplace": True,
    },
    "training-job": {
        "TrainingJobName": "trees-1",
        "RoleArn": ROLE,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["python3", "train.py"],
            "ContainerArguments": ["--fast"],
            "MetricDefinitions": _METRICS,
        },
        **_JOB,
        "Environment": {"LEVEL": "info"},
        "RetryStrategy": {"MaximumRetryAttempts": 2},
        "VpcConfig": _VPC,
        "EnableNetworkIsolation": True,
    },
    "model": {
        "ModelName": "trees",
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {
            "Image": IMAGE,
            "ImageConfig": {"RepositoryAccessMode": "Vpc"},
            "ModelDataUrl": f"{BUCKET}/model.tar.gz",
            "Environment": {"WORKERS": "4"},
        },
        "VpcConfig": _VPC,
        "EnableNetworkIsolation": True,
    },
    "transform-job": {
        "TransformJobName": "trees-1",
        "ModelName": "trees",
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 1},
        "DataProcessing": {"InputFilter": "$[1:]", "OutputFilter": "$", "JoinSource": "Input"},
        **_TRANSFORM,
    },
}
SPECIFICATION: Steps = ("TrainingSpecification",)
PROFILE: Steps = ("ValidationSpecification", "ValidationProfiles", 0)


def whole(*kinds: str) -> dict[str, dict[str, Any]]:
    """Requests of these kinds, of all without names; each call makes them anew."""
    made: dict[str, dict[str, Any]] = json.loads(json.dumps(_WHOLE))
    return {kind: made[kind] for kind in kinds or made}


def at(content: Any, steps: Iterable[str | int]) -> Any:
    """What lies at ``steps`` of a request."""
    for step in steps:
        content = content[step]
    return content


def put(kind: str, steps: Steps, value: Any) -> Callable[[dict[str, Any]], None]:
    """An edit that puts ``value`` at ``steps`` of the request ``kind``."""

    def edit(requests: dict[str, Any]) -> None:
        at(requests[kind], steps[:-1])[steps[-1]] = value

    return edit


def drop(kind: str, steps: Steps) -> Callable[[dict[str, Any]], None]:
    """An edit that takes away what lies at ``steps`` of the request ``kind``."""

    def edit(requests: dict[str, Any]) -> None:
        del at(requests[kind], steps[:-1])[steps[-1]]

    return edit


def written(folder: Path, requests: Mapping[str, Any]) -> dict[str, Path]:
    """The files that the requests were written to, one for each kind."""
    files = {kind: folder / f"{kind}.json" for kind in requests}
    for kind, content in requests.items():
        files[kind].write_text(json.dumps(content), "utf-8")
    return files


def read(folder: Path, requests: Mapping[str, Any], *, s3: Path | None = None) -> Requests:
    """The requests after a way through files in ``folder``."""
    return read_requests(written(folder, requests), s3=s3)


def archive(name: str = "weights") -> bytes:
    """A model.tar.gz of one empty file."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as made:
        made.addfile(tarfile.TarInfo(name))
    return held.getvalue()


def bucket(folder: Path) -> Path:
    """A folder that stands for S3, with what the requests name."""
    for name, content in {
        "train/a.csv": b"0,1\n1,2\n",
        "train/deep/b.csv": b"1,3\n",
        "rows/b.csv": b"9\n",
        "rows/a.csv": b"5.1,3.5\r\n6.0,2.9\n",
        "model.tar.gz": archive(),
    }.items():
        path = folder / "s3" / "a-bucket" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "s3"
