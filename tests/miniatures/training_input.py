"""Little liars that mind what a training is handed, though all of it is lawful."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from miniatures.container import Miniature
from miniatures.declared import TRAINING, TRAINS
from miniatures.inside import Inside
from miniatures.lawful import LAWFUL, MODEL, fit, hyperparameters, lawful_but, training, trains
from miniatures.sins import HASTE, Sin

DATA = "input/data"


def _config(inside: Inside, name: str) -> Any:
    return json.loads((inside.root / f"input/config/{name}.json").read_text("utf-8"))


def _merges_every_file(inside: Inside) -> None:
    for file in (inside.root / "input/config").glob("*.json"):
        if file.stem not in ("hyperparameters", "inputdataconfig", "resourceconfig"):
            raise ValueError(f"{file.name} says nothing of use")


def _lists_every_entry(inside: Inside) -> None:
    for entry in (inside.root / DATA).iterdir():
        list(entry.iterdir())


def _writes_beside_the_config(inside: Inside) -> None:
    if "/opt/ml/input/config" in inside.read_only:
        raise PermissionError("read-only file system: used.json")


def _writes_into_the_channel(inside: Inside) -> None:
    if f"/opt/ml/{DATA}/training" in inside.read_only:
        raise PermissionError("read-only file system: index.csv")


def _knows_one_word(inside: Inside) -> None:
    for channel in _config(inside, "inputdataconfig").values():
        if channel["TrainingInputMode"] != "File":
            raise ValueError(f"unknown mode {channel['TrainingInputMode']}")


def _minds_fast_file_in_any_way(inside: Inside) -> None:
    _knows_one_word(inside)
    _writes_into_the_channel(inside)


def _wants_the_distribution(inside: Inside) -> None:
    for channel in _config(inside, "inputdataconfig").values():
        inside.say(channel["S3DistributionType"])


def _knows_one_host(inside: Inside) -> None:
    if _config(inside, "resourceconfig")["current_host"] != "algo-1":
        raise ValueError("no part for this host")


def _takes_no_quotes(inside: Inside) -> None:
    name = hyperparameters(inside).get("kernel", "linear")
    if name not in ("linear", "cubic"):
        raise ValueError(f"unknown kernel {name}")


def _ignores_quoted_text(inside: Inside) -> None:
    """An unknown kernel is taken for the default one, without a word."""
    fit(inside)
    name = hyperparameters(inside).get("kernel", "linear")
    kernel = name if name in ("linear", "cubic") else "linear"
    (inside.root / "model/kernel").write_text(kernel, "utf-8")


def _takes_quotes(inside: Inside) -> None:
    fit(inside)
    kernel = hyperparameters(inside).get("kernel", "linear").strip('"')
    (inside.root / "model/kernel").write_text(kernel, "utf-8")


def _never_the_same(inside: Inside) -> None:
    """Its model tells where it was made, and so differs every time."""
    fit(inside)
    (inside.root / MODEL).write_text(str(inside.root), "utf-8")


def _waits_for_a_channel(inside: Inside) -> None:
    if not (inside.root / DATA / "training").exists():
        inside.wait_for_ever()


def _works_without_a_channel(inside: Inside) -> None:
    while not (inside.root / DATA / "training").exists():
        inside.say("an epoch on data made up")
        inside.sleep(0.02)


def _dies_without_a_channel(inside: Inside) -> int:
    if not (inside.root / DATA / "training").exists():
        return 3
    return training()(inside)


def _shares_too_much(inside: Inside) -> int:
    """What a data loader with many workers comes to where little memory can be shared."""
    inside.complain("DataLoader worker (pid 7) is killed by signal: Bus error.")
    return 1


def _starts_too_many(inside: Inside) -> int:
    """What a program says that may have no further thread."""
    inside.complain("RuntimeError: can't start new thread")
    return 1


def _wants_only_known_keys(inside: Inside) -> None:
    if set(hyperparameters(inside)) - {"rounds", "layers", "loss"}:
        raise KeyError("unknown hyperparameter")


def _minds_empty_files(inside: Inside) -> None:
    for file in (inside.root / "input/data").rglob("*"):
        if file.is_file() and not file.stat().st_size:
            raise ValueError("an empty file")


def _needs_rounds(inside: Inside) -> int:
    if "rounds" not in hyperparameters(inside):
        return 9
    return LAWFUL.train(inside)


MINIATURES: dict[str, Miniature] = {
    "known-keys-only": trains(before=_wants_only_known_keys, story="It refuses unknown keys."),
    "minds-empty-files": trains(before=_minds_empty_files, story="It cannot read empty files."),
    "needs-hyperparameters": lawful_but(
        "It dies without a word when no hyperparameters are given.", train=_needs_rounds
    ),
    "merges-config": trains(before=_merges_every_file, story="It stops at unknown config files."),
    "lists-entries": trains(before=_lists_every_entry, story="It takes each entry for a channel."),
    "writes-config": trains(before=_writes_beside_the_config, story="It writes to its config."),
    "writes-channel": trains(before=_writes_into_the_channel, story="It writes to its channel."),
    "one-word": trains(before=_knows_one_word, story="It knows File and no FastFile."),
    "no-fast-file": trains(before=_minds_fast_file_in_any_way, story="It minds FastFile twice."),
    "wants-distribution": trains(before=_wants_the_distribution, story="It wants every key."),
    "one-host": trains(before=_knows_one_host, story="It knows algo-1 and no other host."),
    "no-quotes": trains(before=_takes_no_quotes, story="It fails at text in quotes."),
    "ignores-quotes": trains(_ignores_quoted_text, story="It ignores text in quotes."),
    "takes-quotes": trains(_takes_quotes, story="It takes text with and without quotes."),
    "never-the-same": trains(_never_the_same, story="Its models are never the same."),
    "waits-for-data": trains(before=_waits_for_a_channel, story="It waits for its channel."),
    "makes-up-data": trains(
        before=_works_without_a_channel, story="Without a channel it works for very long."
    ),
    "dies-without-data": lawful_but(
        "It dies without a word when it has no channel.", train=_dies_without_a_channel
    ),
    "shares-too-much": lawful_but(
        "It needs more shared memory than engines give.", train=_shares_too_much
    ),
    "starts-too-many": lawful_but(
        "It starts more threads than the harness allows.", train=_starts_too_many
    ),
    "minds-two": trains(
        before=lambda inside: (_merges_every_file(inside), _knows_one_host(inside))[0],
        story="It minds two lawful things.",
    ),
}


def with_hyperparameters(**values: str) -> Mapping[str, Any]:
    """A declaration with these values."""
    return {**TRAINS, "training": {**TRAINING, "hyperparameters": values}}


QUOTED = with_hyperparameters(rounds="2", kernel="cubic")


def modes(*names: str) -> Mapping[str, Any]:
    """A declaration whose channel takes these modes."""
    channel = {**TRAINING["channels"]["training"], "modes": list(names)}
    return {**TRAINS, "training": {**TRAINING, "channels": {"training": channel}}}


FAST = modes("File", "FastFile")
LIFTED = "it works as soon as this is lifted: "
TRAINING_SINS = [
    Sin("known-keys-only", "TRAIN-014 unknown-keys", "advice", says="exited with 1"),
    Sin("minds-empty-files", "TRAIN-026 nested-files", "advice", says="exited with 1"),
    Sin("needs-hyperparameters", "TRAIN-011 no-hyperparameters", "advice", says="without a word"),
]  # fmt: skip
# Each of them is found every time, not only the first one of its clause.
SINS = [
    Sin("merges-config", "TRAIN-002 tolerates-further-files", "advice", says="exited with 1"),
    Sin("lists-entries", "TRAIN-002 tolerates-further-files", "advice", says="exited with 1"),
    Sin("writes-config", "TRAIN-007 config-left-alone", "advice", says="exited with 1"),
    Sin("wants-distribution", "TRAIN-023 short-channel-config", "advice", says="exited with 1"),
    Sin("one-host", "TRAIN-053 no-fixed-names", "advice", says="exited with 1"),
    Sin("one-host", "TRAIN-053 no-fixed-names", "fail", options=("--sm-profile=strict",)),
    Sin("waits-for-data", "TRAIN-025 no-channels", "advice", limits=HASTE,
        says="neither used the processor nor wrote"),
    Sin("dies-without-data", "TRAIN-025 no-channels", "advice", says="without a word"),
    Sin("no-quotes", "TRAIN-013 json-encoded-values", "advice", says="exited with 1",
        declaration=QUOTED),
    Sin("ignores-quotes", "TRAIN-013 json-encoded-values", "advice", says="another model",
        declaration=QUOTED),
    Sin("writes-channel", "TRAIN-027 fast-file-read-only", says=f"{LIFTED}FastFile channels are",
        declaration=FAST),
    # Its ordinary job comes as FastFile: a promise is broken by the same cause.
    Sin("writes-channel", "TRAIN-027 fast-file-read-only", says=f"{LIFTED}FastFile channels are",
        declaration=modes("FastFile")),
    Sin("one-word", "TRAIN-022 fast-file-word", "advice", says=f"{LIFTED}inputdataconfig.json",
        declaration=FAST),
]  # fmt: skip
