"""How a training fails or is stopped, judged on miniatures."""

from __future__ import annotations

import pytest
from miniatures.declared import TRAINS
from miniatures.found_out import judge_here
from miniatures.sins import UNSTOPPABLE

pytestmark = pytest.mark.usefixtures("hasty")


def test_a_fault_that_was_not_declared_and_does_no_harm_is_advice(
    pytester: pytest.Pytester,
) -> None:
    training = {key: value for key, value in TRAINS["training"].items() if key != "fault"}
    found = judge_here(pytester, "exit-0-on-fault", declaration={**TRAINS, "training": training})

    assert found.said == {
        "TRAIN-063 exit-nonzero": "advice", "TRAIN-064 failure-file": "advice",
    }  # fmt: skip
    assert found.status == 0, found.output


def test_a_stop_is_repeated_with_a_stop(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "deaf", declaration=TRAINS, limits=UNSTOPPABLE)

    repeat = found.findings["TRAIN-060 stops-in-time"]["repeat"]
    assert "docker run -d --name sm-repeat" in repeat
    assert repeat.index("docker run") < repeat.index("sleep") < repeat.index("docker stop -t")
