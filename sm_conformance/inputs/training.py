"""The tree under /opt/ml and the environment that a training job is handed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sm_conformance.declaration.problems import shown
from sm_conformance.declaration.ranges import number_of
from sm_conformance.declaration.values import Declaration, Hyperparameter, Training
from sm_conformance.inputs import script_mode
from sm_conformance.inputs.channels import DATA, channel_files, channels_of, fast_channels
from sm_conformance.inputs.config import (
    CONFIG,
    FURTHER_VARIABLES,
    config_files,
    further_files,
)
from sm_conformance.inputs.faults import with_fault
from sm_conformance.inputs.scenario import Conditions

# Such as the SDK makes them up: a program that looks for us by it shall find nothing.
JOB_NAME = "training-2026-11-21-08-15-42-307"
# The job's names on the platform; the account number is the one AWS uses in its own examples.
_JOB_ARN = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{JOB_NAME}"


@dataclass(frozen=True, slots=True)
class TrainingInputs:
    """What a training launch is handed. ``files`` are relative to /opt/ml; None is a folder.

    ``read_only`` are folders that are mounted apart from the rest, so that nobody can write there.
    ``guessed`` names what the owner did not say and the harness made up.
    """

    files: Mapping[str, bytes | None]
    environment: Mapping[str, str]
    guessed: tuple[str, ...]
    read_only: tuple[str, ...] = ()


def build(declaration: Declaration, conditions: Conditions) -> TrainingInputs | None:
    """The inputs under ``conditions``; None where these conditions do not exist for this candidate.

    That is so for a fault of which the declaration has no part (no channel to leave out, no number
    among the hyperparameters, no declared fault), and for FastFile mode where no channel takes it.
    """
    training = declaration.training
    hyperparameters, guessed_values = ordinary_hyperparameters(training)
    if conditions.encoded_hyperparameters and training:
        hyperparameters |= training.encoded_hyperparameters
    channels, guessed_channels = channels_of(training)
    if conditions.lasting and training and training.lasts:
        hyperparameters |= training.lasts.hyperparameters
        replaced = {channel.name: channel for channel in training.lasts.channels}
        channels = {**channels, **replaced}
    if conditions.fault is not None:
        changed = with_fault(conditions.fault, training, hyperparameters, channels)
        if changed is None:
            return None
        hyperparameters, channels = changed
    if conditions.no_channels:
        channels = {}
    fast = fast_channels(channels.values(), conditions)
    if not fast and (conditions.fast_file or conditions.writable_fast_file):
        return None
    hyperparameters |= conditions.add_hyperparameters
    if conditions.no_hyperparameters:
        hyperparameters = {}
    # Nobody runs an image for users' programs without naming the program.
    code = training.code if training else None
    hyperparameters = {**script_mode.hyperparameters(code), **hyperparameters}
    code_channels = script_mode.channels(code)
    everything = (*channels.values(), *code_channels.values())
    files: dict[str, bytes | None] = {DATA: None}
    files |= config_files(hyperparameters, everything, fast, conditions)
    for channel in channels.values():
        files |= channel_files(channel, conditions)
    for channel in code_channels.values():
        files |= channel_files(channel, Conditions())
    files |= script_mode.files(code)
    files |= {"model": None, "output": None, "output/data": None}
    if conditions.further_files:
        files |= further_files()
    environment = {
        "TRAINING_JOB_NAME": JOB_NAME,
        "TRAINING_JOB_ARN": _JOB_ARN,
        **(FURTHER_VARIABLES if conditions.further_files else {}),
        **(training.environment if training else {}),
        **conditions.environment,
    }
    read_only = [CONFIG] if conditions.read_only_config else []
    if not conditions.writable_fast_file:
        read_only += [f"{DATA}/{name}" for name in sorted(fast)]
    return TrainingInputs(
        files=files,
        environment=environment,
        guessed=(*guessed_channels, *guessed_values),
        read_only=tuple(read_only),
    )


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
