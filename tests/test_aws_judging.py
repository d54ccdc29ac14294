"""A sample image is judged alike from its declaration and from the requests that say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_mutants import SAMPLES, judge

pytestmark = pytest.mark.engine

KINDS = ("algorithm", "training-job", "model")


def findings(tmp_path: Path, name: str, *arguments: str) -> dict[str, str]:
    """Verdicts by clause; those on the requests themselves left out."""
    folder = tmp_path / name
    folder.mkdir()
    image = f"--sm-image=sm-conformance/{name.removesuffix('-aws')}:latest"
    status, report, output = judge(folder, image, *arguments)
    assert status == 0, output
    return {
        f"{one['clause']} {one['name']}": one["verdict"]
        for one in report["findings"]
        if one["scenario"] is not None or one["verdict"] != "n/a"
    }


RANGES = {"TRAIN-010 lawful-values", "TRAIN-015 bad-hyperparameter"}


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param("reference", marks=pytest.mark.long),
        pytest.param("decision_tree", marks=pytest.mark.long),
        pytest.param("mars", marks=pytest.mark.long),
    ],
)
def test_requests_and_declaration_that_say_the_same_are_judged_alike(
    tmp_path: Path, sample: str
) -> None:
    folder = SAMPLES / sample / "aws"
    requests = [f"--sm-{kind}={folder / kind}.json" for kind in KINDS]

    said = findings(tmp_path, sample, f"--sm-declaration={SAMPLES / sample}/sm-conformance.yaml")
    asked = findings(
        tmp_path, f"{sample}-aws", *requests, f"--sm-s3={folder / 's3'}",
        f"--sm-declaration={folder / 'rest.yaml'}",
    )  # fmt: skip

    # Of ranges, only these requests say anything.
    said, asked = ({key: one[key] for key in one if key not in RANGES} for one in (said, asked))
    on_requests = asked.keys() - said.keys()
    assert {asked[key] for key in on_requests} == {"pass"}
    assert "MKT-003 channel-form" in on_requests or "TRAIN-024 channel-limits" in on_requests
    assert {key: asked[key] for key in said} == said
