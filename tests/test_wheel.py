"""The built wheel, installed into a fresh environment, judges an image far from this checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
IMAGE = "sm-conformance/reference:latest"
SAMPLE = ROOT / "sample_images" / "reference"
# What a checkout has lying about: environments, caches, earlier builds.
LEFT_BEHIND = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
# The surroundings of this very test run are none of the wheel's business.
OURS = ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")
THEIR_CONFTEST = """
import pytest


def pytest_addoption(parser):
    parser.addoption("--image", default="none", help="a picture")


@pytest.fixture
def picture(request):
    return request.config.getoption("--image")
"""
THEIR_TEST = """
def test_the_picture_is_theirs(picture):
    assert picture == "cat.png"
"""

TEST_OF_MODULES = """
import sys


def test_modules():
    loaded = set(sys.modules)
    ours = {name for name in loaded if name.startswith("sm_conformance.")}
    light = {"plugin", "hookspecs", "aws", "aws.kinds"}
    assert ours == {f"sm_conformance.{name}" for name in light}
    assert not {"docker", "requests", "yaml", "jinja2", "jsonschema"} & loaded
"""


@dataclass(frozen=True)
class Installed:
    """A virtual environment that holds the wheel and what the wheel asks for, nothing else."""

    programs: Path

    def run(self, program: str, *arguments: object, here: Path) -> subprocess.CompletedProcess[str]:
        return run(self.programs / program, *arguments, here=here)


def run(*command: object, here: Path) -> subprocess.CompletedProcess[str]:
    """The command in the folder ``here``, as a user would run it who has no checkout."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [str(word) for word in command],
        cwd=here, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def make(*command: object, here: Path) -> None:
    """Runs a command of Python's own that has to succeed."""
    done = run(sys.executable, "-m", *command, here=here)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: a build leaves folders beside what it builds from."""
    source = tmp_path_factory.mktemp("source") / "checkout"
    shutil.copytree(ROOT, source, ignore=LEFT_BEHIND)
    target = tmp_path_factory.mktemp("wheel")
    make("build", "--wheel", "--outdir", target, source, here=target)
    (made,) = target.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("environment")
    programs = folder / "bin"
    make("venv", "--without-pip", folder, here=folder)
    make("pip", "--python", programs / "python", "install", "--quiet", wheel, here=folder)
    return Installed(programs=programs)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder that holds a declaration and its data, and nothing of this checkout."""
    shutil.copytree(SAMPLE / "data", tmp_path / "data")
    shutil.copy(SAMPLE / "sm-conformance.yaml", tmp_path)
    return tmp_path


def files(wheel: Path) -> Mapping[str, int]:
    with zipfile.ZipFile(wheel) as opened:
        return {entry.filename: entry.file_size for entry in opened.infolist()}


def below(folder: Path, *suffixes: str) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix in suffixes and "__pycache__" not in path.parts
    }


# What is in it


def test_the_wheel_holds_every_module_and_the_data_half(wheel: Path) -> None:
    package = below(ROOT / "sm_conformance", ".py", ".j2", ".css", ".ini", ".typed")
    data = below(ROOT / "specs", ".yaml", ".json")
    wanted = {f"sm_conformance/{name}" for name in package}
    wanted |= {f"sm_conformance/_specs/{name}" for name in data}

    assert wanted - set(files(wheel)) == set()


def test_the_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    outside = [name for name in files(wheel) if not name.startswith("sm_conformance/")]

    assert [name for name in outside if ".dist-info/" not in name] == []
    assert any(name.endswith("/licenses/LICENSE") for name in outside)
    assert sum(files(wheel).values()) < 2_000_000


# What it does, without an engine


def test_the_programs_of_a_fresh_environment_know_the_contract(
    installed: Installed, tmp_path: Path
) -> None:
    explained = installed.run("sm-conformance", "explain", "TRAIN-064", here=tmp_path)
    listed = installed.run("sm-conformance", "clauses", here=tmp_path)

    assert explained.returncode == 0, explained.stderr
    assert "TRAIN-064 failure-file" in explained.stdout
    assert "/opt/ml/output/failure" in explained.stdout
    assert listed.returncode == 0, listed.stderr
    assert "HOST-021" in listed.stdout


def test_beside_a_project_that_defines_image_itself_the_option_stays_theirs(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "conftest.py").write_text(THEIR_CONFTEST, "utf-8")
    (tmp_path / "test_theirs.py").write_text(THEIR_TEST, "utf-8")

    theirs = installed.run("pytest", "--image=cat.png", here=tmp_path)
    ours = installed.run(
        "pytest", "--image=cat.png", f"--sm-image={IMAGE}", "--collect-only", "-q", here=tmp_path
    )

    assert theirs.returncode == 0, theirs.stdout
    assert "1 passed" in theirs.stdout
    assert "conformant" not in theirs.stdout
    assert "test_failure_file" in ours.stdout, ours.stdout + ours.stderr


def test_without_an_image_a_run_imports_nothing_heavy_of_ours(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "test_theirs.py").write_text(TEST_OF_MODULES, "utf-8")

    done = installed.run("pytest", here=tmp_path)

    assert done.returncode == 0, done.stdout


def test_an_option_that_cannot_be_used_ends_with_4(installed: Installed, tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"

    done = installed.run("pytest", f"--image={IMAGE}", f"--sm-declaration={missing}", here=tmp_path)

    assert done.returncode == 4, done.stdout
    assert "missing.yaml" in done.stdout + done.stderr


# What it does with one


@pytest.mark.engine
def test_an_image_is_judged_and_every_form_of_the_report_is_written(
    installed: Installed, here: Path
) -> None:
    done = installed.run(
        "pytest", f"--image={IMAGE}", f"--sm-declaration={here}/sm-conformance.yaml",
        "--sm-report=report", here=here,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().splitlines()[-1].startswith("conformant (")
    report = json.loads((here / "report" / "report.json").read_text("utf-8"))
    assert (report["conclusion"], report["exit_status"]) == ("conformant", 0)
    assert report["candidate"]["images"][0]["reference"] == IMAGE
    page = (here / "report" / "report.html").read_text("utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert "<style>" in page
    assert report["candidate"]["images"][0]["config_digest"] in page
    assert "TRAIN-064" in (here / "report" / "junit.xml").read_text("utf-8")
    assert (here / "report" / "evidence" / "train-plain" / "stdout.log").is_file()


@pytest.mark.engine
def test_the_hermetic_door_judges_whatever_lies_around(installed: Installed, here: Path) -> None:
    (here / "conftest.py").write_text("raise SystemExit('the surroundings had a say')\n", "utf-8")
    (here / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", "utf-8")

    done = installed.run(
        "sm-conformance",
        "check",
        IMAGE,
        "--declaration=sm-conformance.yaml",
        "-k",
        "exit_zero",
        here=here,
    )

    last_line = done.stdout.rstrip().splitlines()[-1]
    assert done.returncode == 3, done.stdout + done.stderr
    assert last_line.startswith("inconclusive: all selected clauses passed")
    assert "1 pass" in last_line
