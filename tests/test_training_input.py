"""Who minds what is seldom and lawful is told so, and nobody else; together costs one launch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from miniatures.declared import TRAINING, TRAINS
from miniatures.found_out import assert_found_out, judge_here
from miniatures.sins import HASTE, Sin
from miniatures.training_input import FAST, QUOTED, SINS, with_hyperparameters

from sm_conformance.laboratory import trainings

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize("sin", SINS, ids=str)
def test_a_liar_that_minds_what_it_is_handed_is_found_out(
    sin: Sin, pytester: pytest.Pytester
) -> None:
    found = judge_here(
        pytester, sin.image, *sin.options, declaration=sin.declaration, limits=sin.limits
    )

    assert_found_out(sin, found)


def test_what_goes_well_together_is_launched_once(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", declaration=TRAINS)

    assert (found.status, found.said) == (0, {}), found.output
    scenarios = {
        key: found.findings[key]["evidence"]
        for key in ("TRAIN-002 tolerates-further-files", "TRAIN-007 config-left-alone",
                    "TRAIN-014 unknown-keys", "TRAIN-023 short-channel-config",
                    "TRAIN-026 nested-files", "TRAIN-053 no-fixed-names")
    }  # fmt: skip
    assert set(scenarios.values()) == {"evidence/train-together"}


def test_who_minds_two_things_is_told_each_by_itself(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "minds-two", declaration=TRAINS)

    assert found.said == {
        "TRAIN-002 tolerates-further-files": "advice", "TRAIN-053 no-fixed-names": "advice",
    }  # fmt: skip
    broken = found.findings["TRAIN-053 no-fixed-names"]
    assert (broken["scenario"], broken["evidence"]) == (
        "train-other-host", "evidence/train-other-host",
    )  # fmt: skip
    assert "--hostname algo-7" in broken["repeat"]
    assert found.findings["TRAIN-026 nested-files"]["verdict"] == "pass"


def test_who_works_long_without_a_channel_is_not_judged_by_our_patience(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainings, "_LONGER", 1.0)
    monkeypatch.setattr(trainings, "_LEAST_WAIT_S", 0.2)

    found = judge_here(pytester, "makes-up-data", declaration=TRAINS, limits={"idle_s": 0.4})

    finding = found.findings["TRAIN-025 no-channels"]
    assert (finding["verdict"], finding["reason"]) == ("not-run", finding["reason"])
    assert "still working when we stopped waiting" in finding["reason"]


@pytest.mark.parametrize("image", ["takes-quotes", "never-the-same"])
def test_another_model_counts_only_where_the_same_values_give_the_same_model(
    image: str, pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, declaration=QUOTED)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["TRAIN-013 json-encoded-values"]["verdict"] == "pass"


def test_without_text_among_the_hyperparameters_quotes_mean_nothing(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "no-quotes", declaration=with_hyperparameters(rounds="2"))

    finding = found.findings["TRAIN-013 json-encoded-values"]
    assert (finding["verdict"], found.status) == ("n/a", 0)


def test_who_minds_fast_file_in_two_ways_is_told_that_nothing_cured_it(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "no-fast-file", declaration=FAST)

    assert found.said == {
        "TRAIN-027 fast-file-read-only": "fail", "TRAIN-022 fast-file-word": "not-run",
    }  # fmt: skip
    word = found.findings["TRAIN-022 fast-file-word"]
    assert (word["verdict"], found.status) == ("not-run", 1)
    assert "its log says: " in word["reason"]


def test_a_claim_of_fast_file_without_a_channel_that_takes_it_is_told(
    pytester: pytest.Pytester,
) -> None:
    claims = {**TRAINS, "claims": ["training", "fast-file"]}

    found = judge_here(pytester, "lawful", declaration=claims)

    finding = found.findings["TRAIN-027 fast-file-read-only"]
    assert (finding["verdict"], found.status) == ("not-run", 3)
    assert "modes: [File, FastFile]" in finding["reason"]


def test_where_no_channel_takes_fast_file_nothing_is_said_of_it(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "writes-channel", declaration=TRAINS)

    assert (found.status, found.said) == (0, {})
    assert found.findings["TRAIN-027 fast-file-read-only"]["verdict"] == "n/a"


@pytest.mark.parametrize(
    ("image", "line"),
    [("shares-too-much", "shm: 1g"), ("starts-too-many", "pids: 30000")],
)
def test_who_needs_more_than_the_harness_gives_is_not_blamed_until_it_is_declared(
    pytester: pytest.Pytester, image: str, line: str
) -> None:
    found = judge_here(pytester, image, declaration=TRAINS)

    finding = found.findings["TRAIN-063 exit-zero"]
    assert (finding["verdict"], found.status) == ("not-run", 3)
    assert f"declare `resources: {{{line}}}`" in finding["reason"]


@pytest.mark.parametrize(
    ("image", "resources"),
    [("shares-too-much", {"shm": "1g"}), ("starts-too-many", {"pids": 30000})],
)
def test_what_was_declared_and_is_not_enough_is_the_images_own_fault(
    pytester: pytest.Pytester, image: str, resources: Mapping[str, Any]
) -> None:
    found = judge_here(pytester, image, declaration={**TRAINS, "resources": resources})

    assert (found.said.get("TRAIN-063 exit-zero"), found.status) == ("fail", 1)


def test_made_up_data_that_yields_no_model_fails_nobody(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "no-model", declaration={"claims": ["training"]})

    finding = found.findings["TRAIN-070 model"]
    assert (finding["verdict"], found.status) == ("not-run", 3)
    assert "yields_model: false" in finding["reason"]


def test_a_declared_bound_of_the_output_that_is_exceeded_counts(pytester: pytest.Pytester) -> None:
    declaration = {**TRAINS, "resources": {"output": "1b"}}

    found = judge_here(pytester, "lawful", declaration=declaration)

    finding = found.findings["TRAIN-070 model"]
    assert (finding["verdict"], found.status) == ("fail", 1)
    assert "as `resources: {output: …}` declares" in finding["expected"]


def test_a_declared_longest_time_that_is_exceeded_counts(pytester: pytest.Pytester) -> None:
    declaration = {**TRAINS, "resources": {"time_s": 0.5}}

    found = judge_here(pytester, "works-on", declaration=declaration)

    finding = found.findings["TRAIN-068 ends"]
    assert (finding["verdict"], found.status) == ("fail", 1)
    assert "it ends within 0.5 s" in finding["expected"]


def test_a_lawful_value_that_makes_it_sleep_is_not_held_against_it(
    pytester: pytest.Pytester,
) -> None:
    layers = {"value": "3", "type": "integer", "min": "3", "max": "8"}
    declaration = {**TRAINS, "training": {**TRAINING, "hyperparameters": {"layers": layers}}}

    found = judge_here(pytester, "hangs-with-layers", declaration=declaration, limits=HASTE)

    finding = found.findings["TRAIN-010 lawful-values"]
    assert finding["verdict"] in ("pass", "not-run")
    assert found.said.get("TRAIN-010 lawful-values") != "advice"


def test_a_metric_in_another_dialect_is_told_and_refuses_nothing(
    pytester: pytest.Pytester,
) -> None:
    metrics = [{"name": "epoch", "regex": r"epoch (\p{Digit}+)"}]
    declaration = {**TRAINS, "training": {**TRAINING, "metrics": metrics}}

    found = judge_here(pytester, "lawful", declaration=declaration)

    finding = found.findings["TRAIN-089 metric-matches"]
    assert (finding["verdict"], found.status) == ("not-run", 0)
    assert "escapes that are not Python's" in finding["reason"]
