"""Mutants judged with the platform's own limits: minutes of waiting, hence not part of every run."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_mutants import SAMPLES, judge, load

# Sins that do not depend on how short the limits are.
MUTANTS = (
    "HOST-001-listens-on-loopback-only",
    "HOST-060-stops-in-time-never-finishes",
    "IMG-004-tells-jobs-apart-always-serves",
    "TRAIN-060-stops-in-time-ignores-sigterm",
    "TRAIN-060-stops-in-time-notices-and-carries-on",
    "TRAIN-068-ends-lingers",
)

pytestmark = [pytest.mark.long, pytest.mark.engine]


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_breaks_its_clause_with_the_true_limits_too(name: str, tmp_path: Path) -> None:
    mutant = load(SAMPLES / "mutants" / name)

    status, report, output = judge(
        tmp_path,
        f"--sm-image={mutant.tag}",
        f"--sm-declaration={mutant.declaration}",
        *mutant.options,
        timeout_s=1200,
    )

    found = {f"{one['clause']} {one['name']}": one["verdict"] for one in report["findings"]}
    assert found[mutant.breaks] == mutant.verdict, output
    assert set(found.values()) <= {"pass", "n/a", "blocked", mutant.verdict}, output
    assert report["limits_changed"] == {}
    assert status == (1 if mutant.verdict == "fail" else 0), output
