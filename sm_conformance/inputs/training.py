"""The tree under /opt/ml and the environment that a training job is handed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sm_conformance.declaration.problems import shown
from sm_conformance.declaration.ranges import number_of
from sm_conformance.declaration.values import Channel, Declaration, Hyperparameter, Training
from sm_conformance.inputs import generated, script_mode
from sm_conformance.inputs.faults import with_fault
from sm_conformance.inputs.scenario import Conditions

HOST = "algo-1"
JOB_NAME = "sm-conformance"
# The job's names on the platform; the account number is the one AWS uses in its own examples.
_JOB_ARN = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{JOB_NAME}"
_INSTANCE_TYPE = "ml.m5.xlarge"
_GUESSED_CHANNELS = ("train", "training", "validation")


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
    hyperparameters, guessed_values = ordinary_hyperparameters(training)
    channels, guessed_channels = _channels(training)
    if conditions.lasting and training and training.lasts:
        hyperparameters |= training.lasts.hyperparameters
        replaced = {channel.name: channel for channel in training.lasts.channels}
        channels = {**channels, **replaced}
    if conditions.fault is not None:
        changed = with_fault(conditions.fault, training, hyperparameters, channels)
        if changed is None:
            return None
        hyperparameters, channels = changed
    hyperparameters |= conditions.add_hyperparameters
    if conditions.no_hyperparameters:
        hyperparameters = {}
    # Nobody runs an image for users' programs without naming the program.
    code = training.code if training else None
    hyperparameters = {**script_mode.hyperparameters(code), **hyperparameters}
    code_channels = script_mode.channels(code)
    files = _config_files(
        hyperparameters, {**channels, **code_channels}, typed=conditions.typed_hyperparameters
    )
    for channel in channels.values():
        files |= _channel_files(channel, odd=conditions.odd_files)
    for channel in code_channels.values():
        files |= _channel_files(channel, odd=False)
    files |= script_mode.files(code)
    files |= {"model": None, "output": None, "output/data": None}
    environment = {
        "TRAINING_JOB_NAME": JOB_NAME,
        "TRAINING_JOB_ARN": _JOB_ARN,
        **(training.environment if training else {}),
        **conditions.environment,
    }
    guessed = (*guessed_channels, *guessed_values)
    return TrainingInputs(files=files, environment=environment, guessed=guessed)


def ordinary_hyperparameters(
    training: Training | None,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The good values, made up where one is required and not said; and what was guessed."""
    if training is None:
        return {}, ("no hyperparameters (`training: {hyperparameters: …}`)",)
    values, guesses = dict(training.hyperparameters), []
    for spec in training.hyperparameter_specs:
        if not spec.required or spec.name in values:
            continue
        made = _made_up(spec)
        name = shown(spec.name)
        line = f"`training: {{hyperparameters: {{{name}: {{value: …}}}}}}`"
        if made is None:
            guesses.append(f"no value of the hyperparameter {name} ({line})")
        else:
            values[spec.name] = made
            guesses.append(f"the value {shown(made)} of the hyperparameter {name} ({line})")
    return values, tuple(guesses)


def _made_up(spec: Hyperparameter) -> str | None:
    """A value inside the declared range: the first one, or the middle of a continuous range."""
    if spec.values:
        return spec.values[0]
    if spec.kind == "continuous" and spec.low is not None and spec.high is not None:
        low, high = number_of(spec.low, spec.kind), number_of(spec.high, spec.kind)
        if low is not None and high is not None:
            return repr(low + (high - low) / 2)
    return spec.high if spec.low is None else spec.low


def _channels(training: Training | None) -> tuple[dict[str, Channel], tuple[str, ...]]:
    """The channels with data, made up where nothing is said of it; and what was guessed."""
    if training is not None:
        return _declared_channels(training.channels)
    table = generated.flowers()
    made = {
        name: Channel(name=name, content_type="text/csv", files=(("data.csv", table),))
        for name in _GUESSED_CHANNELS
    }
    guesses = (
        f"channels {', '.join(_GUESSED_CHANNELS)} with a generated CSV table "
        "(`training: {channels: …}`)",
    )
    return made, guesses


def _declared_channels(
    declared: tuple[Channel, ...],
) -> tuple[dict[str, Channel], tuple[str, ...]]:
    channels, guesses = {}, []
    for channel in declared:
        if not channel.files and not channel.required:
            continue
        if not channel.files:
            filled = replace(channel, files=(generated.stand_in(channel.content_type),))
            line = f"`training: {{channels: {{{channel.name}: {{path: …}}}}}}`"
            guesses.append(f"generated data for the channel {channel.name} ({line})")
        else:
            filled = channel
        if set(channel.modes) == {"Pipe"}:
            guesses.append(
                f"files for the channel {channel.name}, which takes Pipe mode alone: no pipes are "
                "made by this version"
            )
        channels[channel.name] = filled
    return channels, tuple(guesses)


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
