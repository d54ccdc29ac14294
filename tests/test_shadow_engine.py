"""An earlier image beside the candidate on a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from real_engine import REFERENCE, judging, left_of

pytestmark = pytest.mark.engine

ANSWERS_ONE = "sm-conformance/mutant-host-010-expected-response-is-another:latest"


def test_an_image_that_answers_otherwise_is_told_from_the_candidate(tmp_path: Path) -> None:
    with judging(tmp_path, REFERENCE, f"--sm-baseline={ANSWERS_ONE}", "-k", "test_ping") as run:
        run.wait_until_launched()
        status, output = run.finish()
        told = run.read_report()["baseline"]

    assert status == 3, output  # a selection
    assert told["reason"] is None
    assert {one["name"]: one["changes"] for one in told["requests"]} == {
        "one-row": ["the body: $[0][0] is 0.0; it was 1.0"],
        "json": ['the body: $[0] is "0"; it was "1"'],
    }
    assert all(one["latency"]["candidate_p50_ms"] > 0 for one in told["requests"])
    assert left_of(run.run_id) == []
