"""The files under /opt/ml/input/config, and what else lies about on real jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sm_conformance.declaration.values import Channel
from sm_conformance.inputs.scenario import Conditions

CONFIG = "input/config"
# Filled by the platform in a warm pool, and kept from job to job.
_WARM_POOL = "sagemaker/warmpoolcache"
_INSTANCE_TYPE = "ml.m5.xlarge"
_GROUP = "homogeneousCluster"
# Seen on real jobs; what they hold is not published, so here they hold nothing.
_UNPUBLISHED = (
    "debughookconfig",
    "init-config",
    "metric-definition-regex",
    "profilerconfig",
    "trainingjobconfig",
    "upstreamoutputdataconfig",
)
# Folders that real jobs have beside the documented ones; writable, as all that a job writes to.
FURTHER_FOLDERS = frozenset(
    {
        "checkpoints",
        "errors",
        "output/intermediate",
        "output/metrics",
        "output/metrics/sagemaker",
        "output/profiler",
        "output/tensorboard",
        "output/tensors",
        _WARM_POOL,
    }
)
FURTHER_VARIABLES: Mapping[str, str] = {
    "SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY": f"/opt/ml/{_WARM_POOL}"
}


def config_files(
    hyperparameters: Mapping[str, str],
    channels: Iterable[Channel],
    fast: frozenset[str],
    conditions: Conditions,
) -> dict[str, bytes | None]:
    """The three documented files; ``fast`` names the channels that are handed over as FastFile."""
    typed = conditions.typed_hyperparameters
    documents: dict[str, Any] = {
        "hyperparameters": {
            name: _typed(text) if typed else text for name, text in hyperparameters.items()
        },
        "inputdataconfig": {
            channel.name: _channel(
                channel,
                mode=conditions.fast_file_word if channel.name in fast else "File",
                short=conditions.short_channel_config,
            )
            for channel in channels
        },
        "resourceconfig": _resources(conditions.host),
    }
    return {
        f"{CONFIG}/{name}.json": json.dumps(document).encode("utf-8")
        for name, document in documents.items()
    }


def further_files() -> dict[str, bytes | None]:
    """What was seen on real jobs and is documented nowhere, or only in passing."""
    return {
        **{f"{CONFIG}/{name}.json": b"{}" for name in _UNPUBLISHED},
        f"{CONFIG}/checkpointconfig.json": b'{"LocalPath": "/opt/ml/checkpoints"}',
        **dict.fromkeys(sorted(FURTHER_FOLDERS)),
        f"{_WARM_POOL}/of-an-earlier-job": b"kept\n",
    }


def _channel(channel: Channel, *, mode: str, short: bool) -> dict[str, str]:
    said = {"ContentType": channel.content_type} if channel.content_type else {}
    said["TrainingInputMode"] = mode
    if not short:
        said |= {"S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    return said


def _resources(host: str) -> dict[str, Any]:
    group = {"hosts": [host], "instance_group_name": _GROUP, "instance_type": _INSTANCE_TYPE}
    return {
        "current_group_name": _GROUP,
        "current_host": host,
        "current_instance_type": _INSTANCE_TYPE,
        "hosts": [host],
        "instance_groups": [group],
        "network_interface_name": "eth0",
        "topology": None,
    }


def _typed(text: str) -> object:
    """The JSON number or boolean that a string stands for, else the string."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text
