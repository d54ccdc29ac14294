"""The channels of a training: which there are, in which mode, and the files under /opt/ml/input/data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from sm_conformance.declaration.values import Channel, Training
from sm_conformance.inputs import generated
from sm_conformance.inputs.scenario import Conditions

DATA = "input/data"
_GUESSED_CHANNELS = ("train", "training", "validation")


def channels_of(training: Training | None) -> tuple[dict[str, Channel], tuple[str, ...]]:
    """The channels with data, made up where nothing is said of it; and what was guessed."""
    if training is not None:
        return _declared(training.channels)
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


def _declared(declared: tuple[Channel, ...]) -> tuple[dict[str, Channel], tuple[str, ...]]:
    channels, guesses = {}, []
    for channel in declared:
        if not channel.files and not channel.required:
            continue
        if not channel.files:
            filled = replace(channel, files=generated.stand_in(channel.content_type))
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


def fast_channels(channels: Iterable[Channel], conditions: Conditions) -> frozenset[str]:
    """The channels that are handed over in FastFile mode: those that take no files, or may be asked."""
    return frozenset(
        channel.name
        for channel in channels
        if "FastFile" in channel.modes and (conditions.fast_file or "File" not in channel.modes)
    )


def channel_files(channel: Channel, conditions: Conditions) -> dict[str, bytes | None]:
    """The folder of a channel, and what lies in and beside it."""
    base = f"{DATA}/{channel.name}"
    made: dict[str, bytes | None] = {base: None}
    for name, content in channel.files:
        made[f"{base}/{name}"] = content
    if conditions.odd_files and channel.files:
        name, content = channel.files[0]
        # Beside the file itself: a folder of the channel may stand for a class of pictures.
        above, between, last = name.rpartition("/")
        made[f"{base}/{above}{between}a nested folder/{last}"] = content
        made[f"{base}/an empty file"] = b""
    if conditions.further_files:
        made[f"{base}-manifest"] = _manifest(channel)
    return made


def _manifest(channel: Channel) -> bytes:
    """The objects of a channel in the form of a ManifestFile: a prefix, then keys relative to it."""
    entries: list[object] = [{"prefix": f"s3://sagemaker-us-east-1-123456789012/{channel.name}/"}]
    return json.dumps([*entries, *(name for name, _ in channel.files)]).encode("utf-8")
