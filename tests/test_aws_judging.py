"""A sample image is judged alike from its declaration and from the requests that say the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def listed(folder: Path, *, certified: bool) -> tuple[int, dict[str, Any], str]:
    """What comes of the reference as its vendor judges it before the listing."""
    aws = SAMPLES / "reference" / "aws"
    request = json.loads((aws / "algorithm.json").read_text("utf-8"))
    file = folder / "create-algorithm.json"
    file.write_text(json.dumps({**request, "CertifyForMarketplace": certified}), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sm_conformance", "check", "sm-conformance/reference:latest",
         "--profile=marketplace", f"--algorithm={file}", f"--s3={aws / 's3'}",
         f"--declaration={aws / 'rest.yaml'}", "--examples=0", f"--report={folder / 'report'}"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    report = json.loads((folder / "report" / "report.json").read_text("utf-8"))
    return done.returncode, report, done.stdout + done.stderr


def test_a_listing_is_rehearsed_from_the_request_that_makes_it(tmp_path: Path) -> None:
    status, report, output = listed(tmp_path, certified=True)

    verdicts = {f"{one['clause']} {one['name']}": one["verdict"] for one in report["findings"]}
    assert (status, report["conclusion"]) == (0, "conformant"), output
    assert report["profile"] == "marketplace"
    for key in ("MKT-001 training-specification", "MKT-011 declared-types", "MKT-012 validation",
                "MKT-014 certified", "MKT-015 isolated", "MKT-026 round-trip"):  # fmt: skip
        assert verdicts[key] == "pass", output
    # The object of the validation profile, line by line.
    rows = (tmp_path / "report/evidence/serve-batch/transform.out").read_text("utf-8")
    assert rows == "0\n1\n"


@pytest.mark.long
def test_a_request_that_makes_no_listing_is_told(tmp_path: Path) -> None:
    status, report, output = listed(tmp_path, certified=False)

    failed = [one["clause"] for one in report["findings"] if one["verdict"] == "fail"]
    assert (status, failed) == (1, ["MKT-014"]), output
