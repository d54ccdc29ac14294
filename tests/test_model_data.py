"""A model that the owner gives is served instead of a trained one."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import pytest
import yaml
from real_engine import NO_EXAMPLES
from test_mutants import REFERENCE, judge

IMAGE = "sm-conformance/reference:latest"
CENTRES = {"7": [5.0, 3.4, 1.5, 0.2], "8": [6.6, 3.0, 5.6, 2.0]}
HOSTING_ONLY = """
claims: [hosting]
network: isolated
hosting:
  requests:
    - {name: one-row, content_type: text/csv, body: "5.1,3.5,1.4,0.2\\n"}
"""

pytestmark = pytest.mark.engine


def model_archive(folder: Path, *, more: str = "") -> Path:
    """A model.tar.gz with classes that no training of the reference could come to."""
    target = folder / "own-model.tar.gz"
    content = json.dumps({**CENTRES, **({more: []} if more else {})}).encode()
    with tarfile.open(target, "w:gz") as archive:
        info = tarfile.TarInfo("centres.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return target


def without_expectations(folder: Path) -> Path:
    """The declaration of the reference without what is expected of the model that it trains."""
    said = yaml.safe_load((REFERENCE / "sm-conformance.yaml").read_text("utf-8"))
    said["training"]["channels"]["training"]["path"] = str(REFERENCE / "data" / "flowers.csv")
    for request in said["hosting"]["requests"]:
        request.pop("expect", None)
    target = folder / "sm-conformance.yaml"
    target.write_text(yaml.safe_dump(said), "utf-8")
    return target


def answer(tmp_path: Path) -> str:
    """The body of the first good answer, from the evidence."""
    kept = tmp_path / "report" / "evidence" / "serve-plain" / "replies" / "first.txt"
    return kept.read_text("utf-8").rpartition("\n\n")[2]


def test_a_model_given_by_option_is_served_although_training_left_another(tmp_path: Path) -> None:
    model = model_archive(tmp_path)

    status, report, output = judge(
        tmp_path,
        f"--sm-image={IMAGE}",
        f"--sm-declaration={without_expectations(tmp_path)}",
        f"--sm-model-data={model}",
        NO_EXAMPLES,
    )

    assert (status, report["conclusion"]) == (0, "conformant"), output
    assert answer(tmp_path) == "7\n"


def test_an_image_that_only_serves_is_judged_with_the_model_of_its_declaration(
    tmp_path: Path,
) -> None:
    model_archive(tmp_path)
    declaration = tmp_path / "sm-conformance.yaml"
    declaration.write_text(HOSTING_ONLY + "  model: own-model.tar.gz\n", "utf-8")

    status, report, output = judge(
        tmp_path, f"--sm-serve-image={IMAGE}", f"--sm-declaration={declaration}", NO_EXAMPLES
    )

    assert (status, report["conclusion"]) == (0, "conformant"), output
    assert [image["roles"] for image in report["candidate"]["images"]] == [["hosting"]]
    assert answer(tmp_path) == "7\n"


def test_a_model_that_breaks_off_is_to_blame_for_all_that_is_not_judged(tmp_path: Path) -> None:
    whole = model_archive(tmp_path, more=os.urandom(200_000).hex())
    whole.write_bytes(whole.read_bytes()[:100_000])
    declaration = tmp_path / "sm-conformance.yaml"
    declaration.write_text(HOSTING_ONLY + "  model: own-model.tar.gz\n", "utf-8")

    status, report, output = judge(
        tmp_path, f"--sm-serve-image={IMAGE}", f"--sm-declaration={declaration}"
    )

    findings = {f"{one['clause']} {one['name']}": one for one in report["findings"]}
    blocked = {one["reason"] for one in findings.values() if one["verdict"] == "blocked"}
    assert status == 1, output
    assert findings["HOST-031 model-archive"]["verdict"] == "fail"
    assert "it breaks off" in findings["HOST-031 model-archive"]["actual"]
    assert blocked == {"blocked by HOST-031 model-archive"}
    assert {one["verdict"] for one in findings.values()} <= {"pass", "n/a", "fail", "blocked"}


def test_separate_images_for_training_and_hosting_are_one_candidate(tmp_path: Path) -> None:
    status, report, output = judge(
        tmp_path,
        f"--sm-train-image={IMAGE}",
        "--sm-serve-image=sm-conformance/mutant-host-022-response-type-is-missing:latest",
        f"--sm-declaration={REFERENCE / 'sm-conformance.yaml'}",
        NO_EXAMPLES,
    )

    roles = [image["roles"] for image in report["candidate"]["images"]]
    advice = [one["clause"] for one in report["findings"] if one["verdict"] == "advice"]
    assert (status, roles, advice) == (0, [["training"], ["hosting"]], ["HOST-022"]), output
