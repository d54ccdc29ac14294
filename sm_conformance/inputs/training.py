"""The tree under /opt/ml and the environment that a training job is handed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sm_conformance.declaration.values import Channel, Declaration, Training
from sm_conformance.inputs import generated
from sm_conformance.inputs.scenario import Conditions

HOST = "algo-1"
JOB_NAME = "sm-conformance"
# The job's names on the platform; the account number is the one AWS uses in its own examples.
_JOB_ARN = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{JOB_NAME}"
_INSTANCE_TYPE = "ml.m5.xlarge"
_GUESSED_CHANNELS = ("train", "training", "validation")
_NONSENSE = "sm-conformance-no-such-value"


@dataclass(frozen=True, slots=True)
class TrainingInputs:
    """What a training launch is handed. ``files`` are relative to /opt/ml; None is a folder.

    ``guessed`` names what the owner did not say and the harness made up.
    """

    files: Mapping[str, bytes | None]
    environment: Mapping[str, str]
    guessed: tuple[str, ...]


def build(declaration: Declaration, conditions: Conditions) -> TrainingInputs | None:
    """The inputs under ``conditions``; None where these conditions do not exist for this candidate.

    That is so for a fault of which the declaration has no part (no channel to leave out, no number
    among the hyperparameters, no declared fault).
    """
    training = declaration.training
    hyperparameters = dict(training.hyperparameters) if training else {}
    channels, guessed = _channels(training)
    if conditions.lasting and training and training.lasts:
        hyperparameters |= training.lasts.hyperparameters
        replaced = {channel.name: channel for channel in training.lasts.channels}
        channels = {**channels, **replaced}
    if conditions.fault is not None:
        changed = _with_fault(conditions.fault, training, hyperparameters, channels)
        if changed is None:
            return None
        hyperparameters, channels = changed
    hyperparameters |= conditions.add_hyperparameters
    if conditions.no_hyperparameters:
        hyperparameters = {}
    files = _config_files(hyperparameters, channels, typed=conditions.typed_hyperparameters)
    for channel in channels.values():
        files |= _channel_files(channel, odd=conditions.odd_files)
    files |= {"model": None, "output": None, "output/data": None}
    environment = {
        "TRAINING_JOB_NAME": JOB_NAME,
        "TRAINING_JOB_ARN": _JOB_ARN,
        **(training.environment if training else {}),
        **conditions.environment,
    }
    return TrainingInputs(files=files, environment=environment, guessed=guessed)


def _channels(training: Training | None) -> tuple[dict[str, Channel], tuple[str, ...]]:
    if training and training.channels:
        return {channel.name: channel for channel in training.channels}, ()
    if training:
        return {}, ()
    table = generated.flowers()
    made = {
        name: Channel(name=name, content_type="text/csv", files=(("data.csv", table),))
        for name in _GUESSED_CHANNELS
    }
    guesses = (
        f"channels {', '.join(_GUESSED_CHANNELS)} with a generated CSV table "
        "(`training: {channels: …}`)",
        "no hyperparameters (`training: {hyperparameters: …}`)",
    )
    return made, guesses


def _with_fault(
    fault: str,
    training: Training | None,
    hyperparameters: dict[str, str],
    channels: dict[str, Channel],
) -> tuple[dict[str, str], dict[str, Channel]] | None:
    # Nobody knows which of made-up channels the program reads.
    spoiled = tuple(channels) if training is None else tuple(channels)[:1]
    match fault:
        case "declared":
            if training is None or training.fault is None:
                return None
            for name, sin in training.fault.channels.items():
                channels = _spoiled(channels, name, sin)
            return {**hyperparameters, **training.fault.hyperparameters}, channels
        case "bad-hyperparameter":
            bad = {name: _NONSENSE for name, value in hyperparameters.items() if _number(value)}
            return ({**hyperparameters, **bad}, channels) if bad else None
        case "missing-channel" | "empty-channel" | "corrupt-data":
            sin = fault.partition("-")[0]
            if not spoiled:
                return None
            for name in spoiled:
                channels = _spoiled(channels, name, sin)
            return hyperparameters, channels
    raise ValueError(fault)


def _spoiled(channels: Mapping[str, Channel], name: str, sin: str) -> dict[str, Channel]:
    left = dict(channels)
    if sin == "missing":
        left.pop(name, None)
        return left
    old = left[name]
    files = tuple((file, generated.garbage()) for file, _ in old.files) if sin == "corrupt" else ()
    left[name] = Channel(name=name, content_type=old.content_type, files=files)
    return left


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _config_files(
    hyperparameters: Mapping[str, str], channels: Mapping[str, Channel], *, typed: bool
) -> dict[str, bytes | None]:
    values = {name: _typed(text) if typed else text for name, text in hyperparameters.items()}
    data_config = {
        channel.name: {
            **({"ContentType": channel.content_type} if channel.content_type else {}),
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
        for channel in channels.values()
    }
    group = {"hosts": [HOST], "instance_group_name": "homogeneousCluster"}
    resources = {
        "current_group_name": "homogeneousCluster",
        "current_host": HOST,
        "current_instance_type": _INSTANCE_TYPE,
        "hosts": [HOST],
        "instance_groups": [{**group, "instance_type": _INSTANCE_TYPE}],
        "network_interface_name": "eth0",
        "topology": None,
    }
    documents = {
        "hyperparameters": values,
        "inputdataconfig": data_config,
        "resourceconfig": resources,
    }
    made: dict[str, bytes | None] = {"input/data": None}
    for name, document in documents.items():
        made[f"input/config/{name}.json"] = json.dumps(document).encode("utf-8")
    return made


def _typed(text: str) -> object:
    """The JSON number or boolean that a string stands for, else the string."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text


def _channel_files(channel: Channel, *, odd: bool) -> dict[str, bytes | None]:
    base = f"input/data/{channel.name}"
    made: dict[str, bytes | None] = {base: None}
    for name, content in channel.files:
        made[f"{base}/{name}"] = content
    if odd and channel.files:
        name, content = channel.files[0]
        made[f"{base}/a nested folder/{name.rpartition('/')[2]}"] = content
        made[f"{base}/an empty file"] = b""
    return made
