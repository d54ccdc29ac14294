"""Every mutant breaks exactly the clause that it names; the reference image breaks none."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import test_manifest
import yaml
from miniatures.candidates import OTHER_SINS, SERVING_SINS, TRAINING_SINS
from miniatures.marketplace import ROUND_TRIP
from real_engine import NO_EXAMPLES, REFERENCE_JUDGED, Judged, Shared

from sm_conformance.contract import clause

SAMPLES = Path(__file__).resolve().parent.parent / "sample_images"
REFERENCE = SAMPLES / "reference"
MUTANTS = sorted(path.parent for path in SAMPLES.glob("mutants/*/mutant.yaml"))
# Sample images that are built only when they are named, and so are their mutants.
LARGE = {"pytorch"}
# Verdicts that say nothing against an image.
QUIET = {"pass", "n/a"}
# Many launches and requests, which the mutants of other clauses are spared; the sample images are not.
BY_EXAMPLES = {
    "TRAIN-010 lawful-values", "TRAIN-015 bad-hyperparameter", "HOST-010 lawful-requests",
    "HOST-025 mutilated-requests", "HOST-029 survives-mutilated-requests",
}  # fmt: skip
# Clauses on the image that show as well where it only serves.
OF_HOSTING = {
    "IMG-002 serve-starts", "IMG-015 cuda-fits-driver", "IMG-020 serverless-size",
    "IMG-022 capability-labels", "IMG-024 writes-to-tmp-only", "MKT-022 metering-header",
}  # fmt: skip
# Clauses that miniatures break.
SHOWN_FAST = {sin.breaks for sin in (*TRAINING_SINS, *SERVING_SINS, *OTHER_SINS, ROUND_TRIP)}
UNSCANNED = "MKT-018 scanned"
# No build makes the form of a manifest, but the push: images in a real registry, and miniatures, break
# these clauses and no other.
SHOWN_BY_PUSHING = {f"IMG-017 {name}" for name in test_manifest.NAMES}


@dataclass(frozen=True)
class Mutant:
    """One sin: which clause it breaks, with which verdict, and how it is judged."""

    folder: Path
    breaks: str
    verdict: str
    limits: dict[str, float]
    options: list[str]
    # The sample image that it is made of.
    of: str = "reference"

    @property
    def tag(self) -> str:
        return f"sm-conformance/mutant-{self.folder.name.lower()}:latest"

    @property
    def declaration(self) -> Path:
        own = self.folder / "sm-conformance.yaml"
        return own if own.is_file() else SAMPLES / self.of / "sm-conformance.yaml"

    @property
    def claims(self) -> frozenset[str]:
        return frozenset(yaml.safe_load(self.declaration.read_text("utf-8"))["claims"])

    @property
    def only(self) -> str | None:
        """The one job that it is judged by, to spare the launches of the other; None for both."""
        if self.breaks in OF_HOSTING:
            return "hosting"
        return {"HOST": "hosting", "TRAIN": "training"}.get(self.breaks.partition("-")[0])


def declared(mutant: Mutant, folder: Path) -> Path:
    """The declaration of a mutant, claiming no more than the job that it breaks a clause of."""
    if mutant.only is None:
        return mutant.declaration
    said = yaml.safe_load(mutant.declaration.read_text("utf-8"))
    if not {"training", "hosting"} <= set(said["claims"]):
        return mutant.declaration
    other = {"training": "hosting", "hosting": "training"}[mutant.only]
    said["claims"].remove(other)
    del said[other]
    if mutant.only == "hosting":
        said["hosting"]["model"] = str(model(folder))
    else:
        for channel in said["training"]["channels"].values():
            channel["path"] = str(mutant.declaration.parent / channel["path"])
    written = folder / "declared.yaml"
    written.write_text(yaml.safe_dump(said), "utf-8")
    return written


def model(folder: Path) -> Path:
    """The model that the reference comes to, as the platform hands it over."""
    rows = [line.split(",") for line in (REFERENCE / "data/flowers.csv").read_text().splitlines()]
    by_class: dict[str, list[list[float]]] = {}
    for label, *cells in rows:
        by_class.setdefault(f"{float(label):g}", []).append([float(cell) for cell in cells])
    centres = {
        label: [round(sum(column) / len(column), 3) for column in zip(*table, strict=True)]
        for label, table in by_class.items()
    }
    packed = folder / "model.tar.gz"
    content = json.dumps(centres).encode()
    with tarfile.open(packed, "w:gz") as archive:
        member = tarfile.TarInfo("centres.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed


def load(folder: Path) -> Mutant:
    data = yaml.safe_load((folder / "mutant.yaml").read_text("utf-8"))
    return Mutant(
        folder=folder,
        breaks=data["breaks"],
        verdict=data["verdict"],
        limits=data.get("limits", {}),
        options=[one.replace("{folder}", str(folder)) for one in data.get("options", [])],
        of=data.get("of", "reference"),
    )


def weighed() -> Iterator[Any]:
    """All mutants; of each clause the first is judged every time, the others with the long tests.

    So is that of a clause that a miniature breaks in the fast tests, unless it is a promise.
    """
    seen: set[str] = set()
    for folder in MUTANTS:
        mutant = load(folder)
        breaks = mutant.breaks
        shown = breaks in SHOWN_FAST and clause.load().clause(breaks).promise is None
        marks = [pytest.mark.long] if breaks in seen or shown else []
        seen.add(breaks)
        yield pytest.param(folder, marks=marks, id=folder.name)


def skip_unless_built(tag: str, *, name: str) -> None:
    """Skips a test of an image that `build.py` makes only when it is named."""
    found = subprocess.run(["docker", "image", "inspect", tag], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"large, so not built unless named: python sample_images/build.py {name}")


def judge(
    tmp_path: Path, *arguments: str, timeout_s: float = 300
) -> tuple[int, dict[str, Any], str]:
    """The exit status, the report and the output of one judgement, as a user would run it."""
    report = tmp_path / "report"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments,
         f"--sm-report={report}"],
        cwd=tmp_path, capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    file = report / "report.json"
    assert file.is_file(), f"no report; exit status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.returncode, json.loads(file.read_text("utf-8")), done.stdout


def test_every_clause_that_launches_judge_has_a_mutant() -> None:
    broken = {load(folder).breaks for folder in MUTANTS} | SHOWN_BY_PUSHING
    without = [found.key for found in clause.load().launched if found.key not in broken]

    assert not without, f"nothing proves that these can fail: {', '.join(without)}"


@pytest.mark.parametrize("folder", MUTANTS, ids=lambda folder: folder.name)
def test_a_mutant_is_named_after_the_clause_that_it_breaks(folder: Path) -> None:
    key = load(folder).breaks

    assert folder.name.startswith(key.replace(" ", "-") + "-")
    assert clause.load().clause(key)


def judge_mutant(mutant: Mutant, folder: Path) -> Judged:
    """A mutant judged in ``folder``, by all that may bind what it breaks."""
    arguments = [f"--sm-image={mutant.tag}", f"--sm-declaration={declared(mutant, folder)}"]
    given = SAMPLES / mutant.of / "model.tar.gz"
    if given.is_file():
        arguments.append(f"--sm-model-data={given}")
    if mutant.limits:
        limits = folder / "limits.yaml"
        limits.write_text(yaml.safe_dump(mutant.limits), "utf-8")
        arguments.append(f"--sm-limits={limits}")
    if mutant.breaks not in BY_EXAMPLES:
        arguments.append(NO_EXAMPLES)
    status, report, output = judge(folder, *arguments, *mutant.options)
    return Judged(status, output, report, folder=folder / "report")


# By the names of the mutants.
JUDGED = {folder.name: Shared(partial(judge_mutant, load(folder))) for folder in MUTANTS}


@pytest.mark.engine
@pytest.mark.parametrize("folder", list(weighed()))
def test_a_mutant_breaks_exactly_its_clause(folder: Path, request: pytest.FixtureRequest) -> None:
    mutant = load(folder)
    if mutant.of in LARGE:
        skip_unless_built(mutant.tag, name=f"mutants/{folder.name}")

    judged = JUDGED[folder.name].seen_by(request)

    status, report, output = judged.status, judged.report, judged.output
    found = {
        f"{finding['clause']} {finding['name']}": (finding["verdict"], finding["reason"])
        for finding in report["findings"]
        if finding["verdict"] not in QUIET
    }
    if mutant.breaks != UNSCANNED:  # no scanner was asked
        found.pop(UNSCANNED, None)
    assert found.pop(mutant.breaks, None) == (mutant.verdict, None), output
    because = ("blocked", f"blocked by {mutant.breaks}")
    spared = {
        key
        for key, (_, reason) in found.items()
        if key in BY_EXAMPLES and NO_EXAMPLES in (reason or "")
    }
    others = {key for key, said in found.items() if said != because} - spared
    assert not others, output
    doubtful = bool(mutant.limits or mutant.claims - clause.load().claims_judged)
    assert status == (1 if mutant.verdict == "fail" else 3 if doubtful else 0), output


@pytest.mark.engine
def test_the_reference_takes_channels_as_fast_file(tmp_path: Path) -> None:
    declaration = SAMPLES / "mutants/TRAIN-022-fast-file-word-is-unknown/sm-conformance.yaml"

    status, report, output = judge(
        tmp_path, "--sm-image=sm-conformance/reference:latest", f"--sm-declaration={declaration}",
        NO_EXAMPLES,
    )  # fmt: skip

    verdicts = {f"{one['clause']} {one['name']}": one["verdict"] for one in report["findings"]}
    assert (status, report["conclusion"]) == (0, "conformant"), output
    assert verdicts["TRAIN-022 fast-file-word"] == "pass"
    assert verdicts["TRAIN-027 fast-file-read-only"] == "pass"


@pytest.mark.engine
def test_a_sample_image_that_serves_a_given_model_is_conformant(tmp_path: Path) -> None:
    folder = SAMPLES / "pytorch"
    skip_unless_built("sm-conformance/pytorch:latest", name="pytorch")

    status, report, output = judge(
        tmp_path, "--sm-image=sm-conformance/pytorch:latest",
        f"--sm-declaration={folder / 'sm-conformance.yaml'}",
        f"--sm-model-data={folder / 'model.tar.gz'}",
    )  # fmt: skip

    assert (status, report["conclusion"]) == (0, "conformant"), output
    assert not [finding for finding in report["findings"] if finding["verdict"] == "advice"], output


@pytest.mark.engine
def test_the_smallest_sample_image_is_conformant(request: pytest.FixtureRequest) -> None:
    judged = REFERENCE_JUDGED.seen_by(request)

    findings = judged.report["findings"]
    assert (judged.status, judged.report["conclusion"]) == (0, "conformant"), judged.output
    assert not [one for one in findings if one["verdict"] == "advice"], judged.output


@pytest.mark.engine
@pytest.mark.parametrize(
    "name", ["decision_tree", pytest.param("mars", marks=pytest.mark.long), "streaming"]
)
def test_a_sample_image_is_conformant(name: str, tmp_path: Path) -> None:
    declaration = SAMPLES / name / "sm-conformance.yaml"

    status, report, output = judge(
        tmp_path, f"--sm-image=sm-conformance/{name}:latest", f"--sm-declaration={declaration}"
    )

    assert (status, report["conclusion"]) == (0, "conformant"), output
    assert not [finding for finding in report["findings"] if finding["verdict"] == "advice"], output
