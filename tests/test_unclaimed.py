"""Halves that nobody claimed, or that serve where they should train; judged on miniatures."""

from __future__ import annotations

import pytest
from miniatures.declared import BOTH
from miniatures.found_out import assert_nobody_blamed, judge_here
from miniatures.sins import HASTE

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize(
    ("image", "clause"), [("port-5000", "HOST-001 listens"), ("no-server", "IMG-002 serve-starts")]
)
def test_a_half_that_does_not_work_and_was_not_claimed_is_not_run(
    pytester: pytest.Pytester, image: str, clause: str
) -> None:
    found = judge_here(pytester, image, declaration=None, limits=HASTE)

    assert_nobody_blamed(found, clause, "`serve` does not work", "declare `claims`, or fix this")
    assert found.findings["TRAIN-063 exit-zero"]["verdict"] == "pass"


def test_a_missing_training_half_that_was_not_claimed_is_not_run(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "no-trainer", declaration=None)

    assert_nobody_blamed(found, "IMG-001 train-starts", "`train` does not work", "`claims`")
    assert found.findings["HOST-002 ping"]["verdict"] == "pass", found.output


def test_a_server_in_the_place_of_training_is_noticed_while_it_works(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "only-serves", declaration=None)

    assert_nobody_blamed(
        found, "TRAIN-063 exit-zero", "`train` does not work", "GET /ping with 200"
    )
    assert found.findings["HOST-002 ping"]["verdict"] == "pass", found.output
    assert found.report["elapsed_s"] < found.report["launches"] * 10


def test_a_server_that_nobody_asked_anything_may_be_silent(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "only-serves-silently", declaration=None)

    assert found.with_verdict("fail", "advice") == {}, found.output
    assert "started a server instead" in found.findings["IMG-023 logs"]["reason"]


def test_a_training_that_shows_a_dashboard_and_ends_is_a_training(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "dashboard", declaration=None)

    assert found.findings["TRAIN-063 exit-zero"]["verdict"] == "pass", found.output
    assert found.findings["TRAIN-070 model"]["verdict"] == "pass"


def test_a_server_that_works_in_the_place_of_training_is_waited_for_where_both_are_claimed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "only-serves", "--sm-patience=0.5", declaration=BOTH)

    assert_nobody_blamed(found, "TRAIN-063 exit-zero", "--sm-patience")


def test_a_server_without_a_model_that_refuses_pings_is_not_waited_for(
    pytester: pytest.Pytester,
) -> None:
    limits = {**HASTE, "startup_limit_s": 60}
    found = judge_here(pytester, "ping-500", declaration={"claims": ["hosting"]}, limits=limits)

    assert_nobody_blamed(found, "HOST-002 ping", "this was guessed: no model data", "500")
    assert found.report["elapsed_s"] < limits["startup_limit_s"]


def test_when_neither_half_works_and_nothing_was_claimed_it_fails(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "bad-program", declaration=None)

    assert found.said == {"IMG-003 on-path": "fail"}
    assert (found.status, found.report["conclusion"]) == (1, "nonconformant")
