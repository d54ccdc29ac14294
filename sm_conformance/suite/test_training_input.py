"""Training that is handed what is seldom and lawful: it must take it, or fail in words."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.judgement.outcome import NotApplicable, NotRun, demand
from sm_conformance.observed.run import Ending, TrainRun


@clause("TRAIN-011", "no-hyperparameters", given="train-no-hyperparameters")
def test_no_hyperparameters(run: TrainRun) -> None:
    """With an empty object in `hyperparameters.json`, training uses its defaults or ends with a clear message; it does not hang or die without a word."""
    _succeeds_or_says_why(run)


@clause("TRAIN-025", "no-channels", given="train-no-channels")
def test_no_channels(run: TrainRun) -> None:
    """Without any channel, training succeeds or ends with a clear failure instead of waiting."""
    _succeeds_or_says_why(run)


def _told(run: TrainRun) -> str:
    """What happened, and what its log says of it."""
    said = None if run.good else run.logs.telling()
    return f"{run.story()}{f' (its log says: {said})' if said else ''}"


def _succeeds_or_says_why(run: TrainRun) -> None:
    if run.ending is Ending.PATIENCE:
        raise NotRun(run.story())
    said = bool((run.failure or b"").strip()) or run.logs.total_bytes > 0
    demand(
        run.ending is Ending.EXITED and (run.good or said),
        expected="success, or a message",
        actual=run.story() if said or run.good else f"{run.story()}, without a word",
    )


@clause("TRAIN-014", "unknown-keys", given="train-unknown-keys")
def test_unknown_keys(run: TrainRun) -> None:
    """Training tolerates the keys that tuning jobs and the Python SDK add to the hyperparameters."""
    demand(run.good, expected="exit code 0 with the added keys", actual=_told(run))


@clause("TRAIN-013", "json-encoded-values", given="train-encoded-values")
def test_json_encoded_values(run: TrainRun, candidate: Candidate) -> None:
    """Training reads a value that is itself JSON-encoded, as the SDK sends it, in the same way as the raw text."""
    said = candidate.declaration.training
    encoded = said.encoded_hyperparameters if said is not None else {}
    if not encoded:
        raise NotApplicable("no declared hyperparameter looks different when it is JSON-encoded")
    names = ", ".join(sorted(encoded))
    demand(run.good, expected=f"exit code 0 with {names} in the quotes of JSON", actual=_told(run))
    demand(
        run.same_model is not False,
        expected=f"the same model with {names} in the quotes of JSON",
        actual="another model, though the same raw values gave the same model twice",
    )


@clause("TRAIN-026", "nested-files", given="train-odd-files")
def test_nested_files(run: TrainRun) -> None:
    """Training takes its files from a File mode channel whatever their names are, in sub-folders too, and minds neither an empty file nor a blank in a name."""
    demand(run.good, expected="exit code 0 with such files beside the owner's", actual=_told(run))


@clause("TRAIN-002", "tolerates-further-files", given="train-further-files")
def test_tolerates_further_files(run: TrainRun) -> None:
    """Training leaves alone what it does not know: further files in `/opt/ml/input/config` and beside the channel folders, further folders under `/opt/ml`, a warm pool's cache."""
    demand(run.good, expected="exit code 0 with such files and folders", actual=_told(run))


@clause("TRAIN-007", "config-left-alone", given="train-read-only-config")
def test_config_left_alone(run: TrainRun) -> None:
    """Training writes nothing in `/opt/ml/input/config`."""
    demand(run.good, expected="exit code 0 with /opt/ml/input/config read-only", actual=_told(run))


@clause("TRAIN-023", "short-channel-config", given="train-short-channel-config")
def test_short_channel_config(run: TrainRun) -> None:
    """Training works with an `inputdataconfig.json` that describes a channel with its input mode and content type only, as the SDK's local mode does."""
    demand(run.good, expected="exit code 0 with the short description", actual=_told(run))


@clause("TRAIN-022", "fast-file-word", given="train-fast-file-word")
def test_fast_file_word(run: TrainRun) -> None:
    """Training takes a FastFile channel whose input mode reads `FastFile`, as the older guide has it, as well as one that reads `File`."""
    demand(run.good, expected="exit code 0 with the word FastFile", actual=_told(run))


@clause("TRAIN-027", "fast-file-read-only", given="train-fast-file")
def test_fast_file_read_only(run: TrainRun) -> None:
    """Training on a FastFile channel only reads: it does not write, lock, rename or append in the channel folder."""
    demand(run.good, expected="exit code 0 with read-only channels", actual=_told(run))


@clause("TRAIN-053", "no-fixed-names", given="train-other-host")
def test_no_fixed_names(run: TrainRun) -> None:
    """Training takes the host's name from `resourceconfig.json` and contains no fixed one."""
    demand(run.good, expected="exit code 0 on the host algo-7", actual=_told(run))
