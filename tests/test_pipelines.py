"""The pipelines: their shell parts are run, their YAML is held against the published schemas."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import validator_for
from real_engine import ROOT

import sm_conformance

PIPELINES = ROOT / "pipelines"
SCHEMAS = resources.files("check_jsonschema") / "builtin_schemas/vendor"


def read(name: str) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((PIPELINES / name).read_text("utf-8"))
    return said


def run(
    folder: Path, *command: str, status: int = 0, **environment: str
) -> tuple[int, list[list[str]]]:
    """The exit status of a command, and with which arguments it called the judge."""
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    calls = folder / "calls"
    fake = programs / "sm-conformance"
    fake.write_text(
        "#!/usr/bin/env python3\n"
        "import json, sys\n"
        f"open({str(calls)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n"
        f"sys.exit({status})\n",
        "utf-8",
    )
    fake.chmod(0o755)
    done = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(folder), **environment},
    )  # fmt: skip
    made = calls.read_text("utf-8").splitlines() if calls.exists() else []
    return done.returncode, [json.loads(line) for line in made]


# -- what the published schemas say ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "schema"),
    [("github/action.yml", "github-actions.json"), ("gitlab-ci.yml", "gitlab-ci.json")],
)
def test_a_pipeline_keeps_the_schema_of_its_host(name: str, schema: str) -> None:
    wanted = json.loads((SCHEMAS / schema).read_text("utf-8"))

    problems = validator_for(wanted)(wanted).iter_errors(read(name))

    assert [f"{one.json_path}: {one.message[:200]}" for one in problems] == []


def test_the_buildspec_has_the_parts_that_codebuild_knows() -> None:
    said = read("buildspec.yml")

    assert said["version"] == 0.2
    assert list(said["phases"]) == ["install", "pre_build", "build"]
    assert set(said) <= {"version", "env", "phases", "reports", "artifacts"}
    assert said["reports"]["sm-conformance"]["file-format"] == "JUNITXML"


@pytest.mark.parametrize("name", ["gitlab-ci.yml", "buildspec.yml"])
def test_a_pipeline_is_pinned_to_this_version(name: str) -> None:
    text = (PIPELINES / name).read_text("utf-8")

    assert f"sm-conformance[aws,certify,data]=={sm_conformance.__version__}\n" in text


def used(value: Any) -> list[str]:
    """The actions and images of others that a pipeline names."""
    if isinstance(value, dict):
        mine = [held for name, held in value.items() if name == "uses"]
        return [*mine, *(one for held in value.values() for one in used(held))]
    return [one for held in value for one in used(held)] if isinstance(value, list) else []


@pytest.mark.parametrize("path", sorted(PIPELINES.rglob("*.yml")), ids=lambda path: path.name)
def test_an_action_of_others_is_pinned_by_its_commit(path: Path) -> None:
    assert used({"steps": [{"uses": "a/b@v1"}]}) == ["a/b@v1"]
    for action in used(yaml.safe_load(path.read_text("utf-8"))):
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action


@pytest.mark.parametrize("name", ["judge", "pre-push"])
def test_a_program_of_a_pipeline_is_understood_by_a_plain_shell(name: str) -> None:
    done = subprocess.run(["sh", "-n", str(PIPELINES / name)], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "set -eu" in (PIPELINES / name).read_text("utf-8")


# -- what they do ----------------------------------------------------------------------------------


def test_with_a_place_to_push_to_it_is_a_gate(tmp_path: Path) -> None:
    status, calls = run(
        tmp_path, str(PIPELINES / "judge"),
        SM_IMAGE="a b:1", SM_PUSH="host/r:2", SM_DECLARATION="my file.yaml", SM_PROFILE="strict",
    )  # fmt: skip

    assert status == 0
    assert calls == [
        ["gate", "a b:1", "--push=host/r:2", "--declaration=my file.yaml", "--profile=strict",
         "--report=sm-conformance-report"]
    ]  # fmt: skip


@pytest.mark.parametrize("status", [0, 1, 3, 4])
def test_without_one_it_judges_and_the_status_is_the_judges(status: int, tmp_path: Path) -> None:
    assert run(tmp_path, str(PIPELINES / "judge"), status=status, SM_IMAGE="a:1") == (
        status,
        [["check", "a:1", "--profile=platform", "--report=sm-conformance-report"]],
    )


def test_without_an_image_nothing_is_judged(tmp_path: Path) -> None:
    status, calls = run(tmp_path, str(PIPELINES / "judge"))

    assert (status, calls) == (4, [])  # unusable options, as the judge itself ends


@pytest.mark.parametrize("status", [0, 1])
def test_the_action_hands_on_status_and_summary(status: int, tmp_path: Path) -> None:
    install, judge = read("github/action.yml")["runs"]["steps"]
    summary = tmp_path / "summary"
    (tmp_path / "out").mkdir()
    (tmp_path / "out/summary.md").write_text("### what it came to\n", "utf-8")

    ended, calls = run(
        tmp_path, "bash", "-e", "-o", "pipefail", "-c", judge["run"], status=status,
        SM_IMAGE="a:1", SM_PUSH="", SM_DECLARATION="", SM_PROFILE="platform", SM_REPORT="out",
        RUNNER_TEMP=str(tmp_path), GITHUB_ACTION_PATH=str(PIPELINES / "github"),
        GITHUB_STEP_SUMMARY=str(summary),
    )  # fmt: skip

    assert ended == status
    assert calls == [["check", "a:1", "--profile=platform", "--report=out"]]
    assert summary.read_text("utf-8") == "### what it came to\n"
    # No value of a caller's is pasted into a script, where it could be a command.
    assert "${{" not in install["run"] + judge["run"]


@pytest.mark.parametrize("push", ["", "host/r:2"])
def test_the_job_of_gitlab_judges_or_guards(push: str, tmp_path: Path) -> None:
    script = "\n".join(read("gitlab-ci.yml")[".sm-conformance"]["script"])

    status, calls = run(
        tmp_path, "sh", "-e", "-c", script.replace("/tmp/sm/bin/", ""), status=1,
        SM_IMAGE="a:1", SM_PUSH=push, SM_PROFILE="platform", SM_REPORT="out",
    )  # fmt: skip

    asked = ["gate", "a:1", f"--push={push}"] if push else ["check", "a:1"]
    assert (status, calls) == (1, [[*asked, "--profile=platform", "--report=out"]])


@pytest.mark.parametrize("declaration", ["", "my file.yaml"])
def test_codebuild_pushes_by_the_gate_alone(declaration: str, tmp_path: Path) -> None:
    said = read("buildspec.yml")
    commands = [command for phase in said["phases"].values() for command in phase["commands"]]

    assert not [command for command in commands if "docker push" in command]
    status, calls = run(
        tmp_path, "sh", "-e", "-c", commands[-1].replace("/tmp/sm/bin/", ""), status=1,
        **said["env"]["variables"] | {"SM_DECLARATION": declaration},
    )  # fmt: skip
    assert status == 1
    assert calls == [
        ["gate", "churn:build", f"--push={said['env']['variables']['SM_PUSH']}",
         *([f"--declaration={declaration}"] if declaration else []),
         "--profile=platform", "--report=sm-conformance-report"]
    ]  # fmt: skip
    # Where the report lies has to be known to those who pick it up.
    assert said["env"]["variables"]["SM_REPORT"] == "sm-conformance-report"
    assert said["reports"]["sm-conformance"]["files"] == ["sm-conformance-report/junit.xml"]


def docker(folder: Path, *, knows: bool) -> Path:
    """A docker client that notes what it is told, and knows an image or does not."""
    programs = folder / "bin"
    programs.mkdir()
    fake = programs / "docker"
    fake.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {folder}/docker\n'
        f'case "$1 $2" in "image inspect") exit {0 if knows else 1};;\n'
        f'"login "*) cat >> {folder}/stdin;; esac\n',
        "utf-8",
    )
    fake.chmod(0o755)
    return programs


@pytest.mark.parametrize("knows", [True, False])
@pytest.mark.parametrize("password", ["", "pass word$(id)"])
def test_the_job_of_gitlab_logs_in_and_pulls_what_it_lacks(
    knows: bool, password: str, tmp_path: Path
) -> None:
    *_, login, pull = read("gitlab-ci.yml")[".sm-conformance"]["before_script"]
    programs = docker(tmp_path, knows=knows)

    done = subprocess.run(
        ["sh", "-e", "-c", f"{login}\n{pull}"], check=False, capture_output=True, text=True,
        env={"PATH": f"{programs}:{os.environ['PATH']}", "SM_IMAGE": "a:1", "CI_REGISTRY": "host",
             "CI_REGISTRY_USER": "me", "CI_REGISTRY_PASSWORD": password},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    told = (tmp_path / "docker").read_text("utf-8").splitlines()
    expected = ["login --username me --password-stdin host"] if password else []
    expected += ["image inspect a:1"] + ([] if knows else ["pull --quiet a:1"])
    assert told == expected
    given = tmp_path / "stdin"
    assert (given.read_text("utf-8") if given.exists() else "") == password


@pytest.mark.parametrize("declared", [True, False])
def test_the_hook_judges_the_image_of_its_project(declared: bool, tmp_path: Path) -> None:
    project = tmp_path / "Churn"
    project.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    if declared:
        (project / "sm-conformance.yaml").write_text("claims: [training]\n", "utf-8")

    status, calls = run(project, str(PIPELINES / "pre-push"), status=1)

    extra = ["--declaration=sm-conformance.yaml"] if declared else []
    assert (status, calls) == (1, [["check", "churn:latest", *extra]])


@pytest.mark.parametrize("name", ["judge", "pre-push"])
def test_a_program_of_a_pipeline_can_be_executed(name: str) -> None:
    assert (PIPELINES / name).stat().st_mode & 0o111 == 0o111
