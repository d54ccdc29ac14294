"""What a training leaves and says, judged on miniatures: what is lawful, and what nobody can know."""

from __future__ import annotations

from typing import Any

import pytest
from miniatures.declared import BOTH, TRAINS
from miniatures.found_out import assert_nobody_blamed, judge_here
from miniatures.judging import Judged
from miniatures.training_outputs import measured

from sm_conformance.laboratory import stopping


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_SETTLE_S", 0.02)
    monkeypatch.setattr(stopping, "_DROPPED_WAIT_S", 0.1)


def with_training(**said: Any) -> dict[str, Any]:
    return {**TRAINS, "training": {**TRAINS["training"], **said}}


def not_run(found: Judged, key: str) -> str:
    """Why the clause was not run; nothing else is said against the candidate."""
    assert set(found.said) == {key}, found.output
    assert found.said[key] == "not-run"
    reason = found.findings[key]["reason"]
    assert isinstance(reason, str)
    return reason


# Lawful ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "declaration", "limits"),
    [
        ("links-output-beside", TRAINS, {}),
        ("sums-up", TRAINS, {"log_delay_s": 0.2}),
        ("holds-back", TRAINS, {"log_delay_s": 5}),
        ("talks-after-failure", TRAINS, {}),
        ("fills-tmp", TRAINS, {}),
        ("many-files", TRAINS, {"scratch_bytes": 3_000_000_000}),
        ("measures", measured("accuracy"), {}),
        ("measures-on-stderr", measured("accuracy"), {}),
        ("measures", measured("accuracy", objective="accuracy"), {}),
    ],
)
def test_what_is_lawful_passes(
    pytester: pytest.Pytester, image: str, declaration: dict[str, Any], limits: dict[str, float]
) -> None:
    found = judge_here(pytester, image, declaration=declaration, limits=limits)

    assert found.said == {}, found.output
    assert found.report["conclusion"] == ("inconclusive" if limits else "conformant")


def test_a_tuning_whose_objective_is_logged_is_conformant(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "measures", declaration=measured("accuracy", objective="accuracy"))

    assert found.findings["TRAIN-089 metric-matches"]["verdict"] == "pass"
    assert found.findings["TRAIN-090 objective-logged"]["verdict"] == "pass"
    assert (found.status, found.report["doubts"]) == (0, [])


def test_a_job_that_yields_no_model_may_link_within_its_folder_and_save_nothing(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "links-beside", declaration=with_training(yields_model=False))

    assert found.said == {}, found.output
    assert found.findings["TRAIN-061 saves-on-stop"]["verdict"] == "n/a"
    assert found.findings["TRAIN-074 plain-files-only"]["verdict"] == "pass"


def test_a_job_that_yields_no_model_is_told_of_links_that_lead_away(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "links-away", declaration=with_training(yields_model=False))

    assert found.said == {"TRAIN-074 plain-files-only": "advice"}


# One clause for one sin --------------------------------------------------------------------------


@pytest.mark.parametrize("image", ["no-model", "model-is-a-link"])
def test_without_a_model_nothing_more_is_said_of_it(pytester: pytest.Pytester, image: str) -> None:
    found = judge_here(pytester, image, declaration=TRAINS)

    assert found.said == {"TRAIN-070 model": "fail"}, found.output
    blocked = found.with_verdict("blocked")
    assert set(blocked) == {"TRAIN-061 saves-on-stop", "TRAIN-074 plain-files-only"}


@pytest.mark.parametrize(
    ("image", "by"),
    [
        ("deaf", "TRAIN-060 stops-in-time"),
        ("deaf-behind-a-shell", "TRAIN-062 signal-reaches-training"),
    ],
)
def test_who_does_not_obey_is_not_blamed_for_what_he_does_not_save(
    pytester: pytest.Pytester, image: str, by: str
) -> None:
    found = judge_here(pytester, image, declaration=TRAINS, limits={"training_stop_limit_s": 0.3})

    assert found.findings["TRAIN-061 saves-on-stop"]["reason"] == f"blocked by {by}"


@pytest.mark.parametrize("image", ["no-failure-file", "empty-failure-file", "failure-folder"])
def test_without_a_failure_file_nothing_more_is_said_of_it(
    pytester: pytest.Pytester, image: str
) -> None:
    found = judge_here(pytester, image, declaration=TRAINS)

    for key in ("TRAIN-064 failure-reason", "TRAIN-066 failure-file-last"):
        assert found.findings[key]["reason"] == "blocked by TRAIN-064 failure-file"


def test_a_metric_that_is_the_objective_is_the_matter_of_tuning(pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, "measures", declaration=measured("accuracy", "loss", objective="loss")
    )

    blocked = found.findings["TRAIN-089 metric-matches"]
    assert blocked["reason"] == "blocked by TRAIN-090 objective-logged"
    assert found.status == 1


# Nobody knows ------------------------------------------------------------------------------------


def test_a_stop_that_was_never_sent_shows_nothing_of_what_is_saved(
    pytester: pytest.Pytester,
) -> None:
    training = {key: value for key, value in TRAINS["training"].items() if key != "lasts"}
    found = judge_here(pytester, "lawful", declaration={**TRAINS, "training": training})

    assert found.said["TRAIN-061 saves-on-stop"] == "not-run"
    assert "training: {lasts:" in found.findings["TRAIN-061 saves-on-stop"]["reason"]


def test_tuning_without_an_objective_is_not_judged(pytester: pytest.Pytester) -> None:
    declaration = {**TRAINS, "claims": ["training", "tuning"]}
    found = judge_here(pytester, "lawful", declaration=declaration)

    assert_nobody_blamed(found, "TRAIN-090 objective-logged", "training: {metrics:", "objective:")


def test_a_metric_on_guessed_input_is_not_judged(pytester: pytest.Pytester) -> None:
    said = measured("recall", objective="recall")
    rounds = {"type": "integer", "min": 1, "max": 3, "required": True}
    training = {**said["training"], "hyperparameters": {"rounds": rounds}}
    found = judge_here(pytester, "lawful", declaration={**said, "training": training})

    assert_nobody_blamed(found, "TRAIN-090 objective-logged", "this was guessed")


def test_a_metric_of_a_tuning_that_is_not_known_is_not_known_twice(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester, "measures-in-a-flood", declaration=measured("accuracy", objective="accuracy")
    )

    reasons = {found.findings[key]["reason"] for key in found.said}
    assert set(found.said) == {"TRAIN-089 metric-matches", "TRAIN-090 objective-logged"}
    assert len(reasons) == 1


def test_a_metric_that_may_stand_where_the_log_was_not_kept_is_not_judged(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester, "measures-in-a-flood", declaration=measured("accuracy", objective="accuracy")
    )

    assert_nobody_blamed(found, "TRAIN-090 objective-logged", "of this log only the first")


def test_an_engine_that_does_not_say_what_was_written_blames_nobody(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "not-told", declaration=BOTH)

    untold = {"IMG-024 scratch-space": "not-run", "IMG-024 writes-to-tmp-only": "not-run"}
    assert found.said == untold, found.output
    assert "engine does not say" in found.findings["IMG-024 scratch-space"]["reason"]
    assert (found.status, found.report["conclusion"]) == (0, "conformant")


def test_small_files_in_great_number_are_not_summed_up_in_vain(pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, "many-files", declaration=TRAINS, limits={"scratch_bytes": 2_200_000_000}
    )

    assert "up to 2.5 GB were written" in not_run(found, "IMG-024 scratch-space")


def test_a_crash_is_no_lack_of_memory_whatever_its_exit_code(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "ends-as-if-killed", declaration=TRAINS)

    assert found.said == {"TRAIN-063 exit-zero": "fail"}, found.output
    assert "exited with 137" in found.findings["TRAIN-063 exit-zero"]["actual"]
    assert "memory" not in found.findings["TRAIN-063 exit-zero"]["actual"]


# Evidence ----------------------------------------------------------------------------------------


def test_what_was_written_is_listed_with_the_evidence(pytester: pytest.Pytester) -> None:
    judge_here(pytester, "fills-the-disk", declaration=TRAINS)

    listed = pytester.path / "report/evidence/train-plain/written.txt"
    lines = [line.split() for line in listed.read_text("utf-8").splitlines()]
    assert lines == [["600000000", "/root/.cache/a\\nb"], ["500000000", "/root/b"]]
    assert not (pytester.path / "report/evidence/train-stopped/written.txt").exists()


def test_nothing_is_listed_where_little_was_written(pytester: pytest.Pytester) -> None:
    judge_here(pytester, "fills-tmp", declaration=TRAINS)
    judge_here(pytester, "lawful", declaration=TRAINS)

    assert not list((pytester.path / "report/evidence").rglob("written.txt"))
