"""Examples of values, judged on miniatures: counterexamples, and what is nobody's fault."""

from __future__ import annotations

import json

import pytest
from miniatures.declared import NETWORK_UNSAID, TRAINING, TRAINS
from miniatures.found_out import TRAININGS, judge_here
from miniatures.judging import Judged

pytestmark = pytest.mark.usefixtures("hasty")
RANGES = ("TRAIN-010 lawful-values", "TRAIN-015 bad-hyperparameter")


def verdicts_on_ranges(found: Judged) -> tuple[str, str]:
    """The verdicts on lawful values and on bad ones."""
    lawful, bad = (found.findings[key]["verdict"] for key in RANGES)
    return lawful, bad


def test_a_counterexample_is_simple_and_its_command_trains_on_it(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "wants-few-layers", declaration=TRAINS)

    finding = found.findings["TRAIN-010 lawful-values"]
    evidence = pytester.path / "report" / finding["evidence"]
    handed = (evidence / "opt/ml/input/config/hyperparameters.json").read_text("utf-8")
    layers = json.loads(handed)["layers"]
    assert json.loads(handed) == {"rounds": "2", "layers": layers, "loss": "squared"}
    assert layers in ("6", "7", "8")
    assert f"with layers='{layers}': training exited with 1" in finding["actual"]
    assert "MemoryError: too many layers" in finding["actual"]
    assert f"hyperparameters.json was {handed}" in finding["actual"]
    assert f"{finding['evidence']}/opt/ml/input:/opt/ml/input" in finding["repeat"]
    # Of what was tried only the counterexample is left.
    assert [one.name for one in evidence.parent.glob("train-in-range*")] == [evidence.name]


def test_two_runs_find_the_same_counterexample(pytester: pytest.Pytester) -> None:
    seen = {
        judge_here(pytester, "wants-few-layers", declaration=TRAINS)
        .findings["TRAIN-010 lawful-values"]["actual"]
        .partition("hyperparameters.json was")[2]
        for _ in range(2)
    }

    assert len(seen) == 1


def test_no_example_is_one_launch_less_and_puts_nothing_in_doubt(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "takes-anything", "--sm-examples=0", declaration=TRAINS)

    assert verdicts_on_ranges(found) == ("not-run", "not-run")
    assert all("--sm-examples=0" in found.findings[key]["reason"] for key in RANGES)
    assert (found.status, found.report["launches"], found.report["examples"]) == (0, TRAININGS, 0)


def test_more_examples_are_launched_and_all_differ(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", "--sm-examples=7", declaration=TRAINS)

    assert verdicts_on_ranges(found) == ("pass", "pass")
    assert found.report["launches"] == TRAININGS + 2 * 7


def test_a_finite_number_of_lawful_values_is_tried_once(pytester: pytest.Pytester) -> None:
    loss = {"value": "squared", "type": "categorical", "values": ["squared", "absolute"]}
    declaration = {
        **TRAINS,
        "training": {**TRAINING, "hyperparameters": {"rounds": 2, "loss": loss}},
    }
    found = judge_here(pytester, "lawful", "--sm-examples=9", declaration=declaration)

    assert verdicts_on_ranges(found) == ("pass", "pass")
    assert found.report["launches"] == TRAININGS + 2


def test_without_declared_ranges_no_value_is_lawful_or_bad(pytester: pytest.Pytester) -> None:
    declaration = {
        **TRAINS,
        "training": {**TRAINING, "hyperparameters": {"rounds": 2, "layers": 3}},
    }
    found = judge_here(pytester, "takes-anything", declaration=declaration)

    assert verdicts_on_ranges(found) == ("n/a", "n/a")
    assert (found.status, found.report["launches"]) == (0, TRAININGS)


def test_a_program_that_greater_values_make_work_for_long_is_not_blamed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "slow-with-layers", declaration=TRAINS)

    assert verdicts_on_ranges(found) == ("pass", "pass")
    assert (found.status, found.said) == (0, {}), found.output


def test_where_all_examples_work_for_long_nothing_is_known(pytester: pytest.Pytester) -> None:
    layers = {"value": 3, "type": "integer", "min": 3, "max": 8}
    declaration = {
        **TRAINS, "training": {**TRAINING, "hyperparameters": {"rounds": 2, "layers": layers}},
    }  # fmt: skip
    found = judge_here(pytester, "slow-with-layers", declaration=declaration)

    assert verdicts_on_ranges(found)[0] == "not-run"
    assert "still working" in found.findings["TRAIN-010 lawful-values"]["reason"]
    assert (found.status, found.report["conclusion"]) == (0, "conformant"), found.output


def test_a_failure_that_does_not_come_again_is_not_blamed(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "bad-days", declaration=TRAINS)

    assert verdicts_on_ranges(found) == ("pass", "pass")


def test_a_lawful_value_that_may_need_the_network_is_not_blamed(pytester: pytest.Pytester) -> None:
    unsaid = judge_here(pytester, "fetches-a-loss", declaration=NETWORK_UNSAID)
    claimed = judge_here(pytester, "fetches-a-loss", declaration=TRAINS)

    assert verdicts_on_ranges(unsaid)[0] == "pass"
    assert verdicts_on_ranges(claimed)[0] == "advice"


def test_a_guess_beside_a_lawful_value_is_not_blamed(pytester: pytest.Pytester) -> None:
    seed = {"type": "integer", "min": 1, "max": 9, "required": True}
    hyperparameters = {**TRAINING["hyperparameters"], "seed": seed}
    declaration = {**TRAINS, "training": {**TRAINING, "hyperparameters": hyperparameters}}
    found = judge_here(pytester, "wants-few-layers", declaration=declaration)

    assert verdicts_on_ranges(found)[0] == "not-run"
    reason = found.findings["TRAIN-010 lawful-values"]["reason"]
    assert "this was guessed: the value '1' of the hyperparameter" in reason


def test_values_are_not_refused_visibly_where_no_failure_is(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "exit-0-on-fault", declaration=TRAINS)

    reason = found.findings["TRAIN-015 bad-hyperparameter"]["reason"]
    assert reason == "blocked by TRAIN-063 exit-nonzero"
