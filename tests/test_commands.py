"""What `declare` and `specification` print, and how they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sm_conformance import cli, plugin
from sm_conformance.aws.declaring import declare
from sm_conformance.aws.requests import read_requests
from sm_conformance.cli import describing
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.values import Declaration

IMAGES = Path(__file__).resolve().parent.parent / "sample_images"
SAMPLES = ("reference", "decision_tree", "mars")
HOLDS = "HOST-010", "invocation"


def called(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of one command."""
    status = cli.main([str(word) for word in words])
    said = capsys.readouterr()
    return status, said.out, said.err


def requests_of(sample: str) -> list[str | Path]:
    folder = IMAGES / sample / "aws"
    return ["--algorithm", folder / "algorithm.json", "--s3", folder / "s3",
            "--declaration", folder / "rest.yaml"]  # fmt: skip


def bare(declaration: Declaration) -> Declaration:
    """The declaration without where it comes from."""
    return replace(declaration, sha256=None, path=None, origin="option", requests={})


def report(folder: Path, **changed: Any) -> Path:
    """A report of an image whose invocation succeeded."""
    finding = {"clause": HOLDS[0], "name": HOLDS[1], "verdict": "pass"}
    made: Mapping[str, Any] = {
        "schema": "sm-conformance/report/1",
        "declaration": {"sha256": None},
        "conclusion": "conformant",
        "findings": [finding],
        **changed,
    }
    path = folder / "report.json"
    path.write_text(json.dumps(made), "utf-8")
    return path


# declare


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_printed_declaration_says_what_requests_and_the_rest_say(
    sample: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = IMAGES / sample / "aws"
    requests = read_requests({"algorithm": folder / "algorithm.json"}, s3=folder / "s3")

    status, text, _ = called(capsys, "declare", *requests_of(sample))
    (tmp_path / "sm-conformance.yaml").write_text(text, "utf-8")

    meant = declare(requests, path=folder / "rest.yaml", origin="option")
    assert status == 0
    assert bare(load(tmp_path / "sm-conformance.yaml", origin="option")) == bare(meant)


def test_files_are_named_as_seen_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "deep" / "none").write_text("5", "utf-8")
    (tmp_path / "deep" / "sm.yaml").write_text(
        "claims: [training, hosting]\n"
        "training:\n"
        "  hyperparameters: {path: none}\n"
        "  lasts: {channels: {more: {path: none}}}\n"
        "  code: {path: ., entry_point: none}\n"
        "hosting:\n"
        "  model: none\n"
        "  requests: [{body_path: none, expect: {body_path: none}}]\n",
        "utf-8",
    )
    names = ["declare", *requests_of("reference")[:2], "--declaration", tmp_path / "deep/sm.yaml"]

    monkeypatch.chdir(tmp_path / "elsewhere")
    apart = yaml.safe_load(called(capsys, *names)[1])
    monkeypatch.chdir(tmp_path / "deep")
    beside = yaml.safe_load(called(capsys, *names)[1])

    (request,) = apart["hosting"]["requests"]
    assert request == {"body_path": "../deep/none", "expect": {"body_path": "../deep/none"}}
    assert apart["training"]["code"] == {"path": "../deep", "entry_point": "none"}
    assert apart["training"]["lasts"]["channels"]["more"] == {"path": "../deep/none"}
    # Neither a hyperparameter of that name nor this word names a file.
    assert apart["training"]["hyperparameters"]["path"] == "none"
    assert apart["hosting"]["model"] == "none"
    assert beside["hosting"]["requests"][0]["body_path"] == "./none"


def test_what_is_not_in_the_declaration_is_a_note_on_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, text, errors = called(capsys, "declare", *requests_of("reference")[:2])

    assert status == 0
    assert text.startswith("claims: [training, hosting]\n")
    assert "note: algorithm request: " in errors
    assert "is not known here without --s3\n" in errors
    assert "--sm-" not in errors


def test_what_is_printed_is_utf_8_on_every_terminal(tmp_path: Path) -> None:
    own = tmp_path / "sm.yaml"
    own.write_text('training: {environment: {WORD: "größe"}}\n', "utf-8")
    words = ["declare", *requests_of("reference")[:2], "--declaration", own]

    done = subprocess.run(
        [sys.executable, "-m", "sm_conformance", *map(str, words)],
        capture_output=True, check=True, env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(IMAGES.parent)},
    )  # fmt: skip

    assert 'WORD: "größe"' in done.stdout.decode("utf-8")


# specification


@pytest.mark.parametrize("sample", SAMPLES)
def test_declaration_and_requests_make_the_same_specification(
    sample: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = IMAGES / sample / "sm-conformance.yaml"

    _, of_declaration, _ = called(capsys, "specification", "--declaration", path)
    _, of_requests, _ = called(capsys, "specification", *requests_of(sample))

    made, again = (json.loads(text) for text in (of_declaration, of_requests))
    # The requests also bound the time of a training.
    stop = again["ValidationProfiles"][0]["TrainingJobDefinition"]["StoppingCondition"]
    assert stop.pop("MaxRuntimeInSeconds") == 600
    stopped = made["ValidationProfiles"][0]["TrainingJobDefinition"]["StoppingCondition"]
    assert stopped.pop("MaxRuntimeInSeconds") == 3600
    assert made == again


def test_a_good_report_of_this_declaration_is_taken_without_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = IMAGES / "reference" / "sm-conformance.yaml"
    judged = report(tmp_path, declaration={"sha256": load(path, origin="option").sha256})

    status, text, errors = called(
        capsys, "specification", "--declaration", path, "--report", judged
    )

    job = json.loads(text)["ValidationProfiles"][0]["TransformJobDefinition"]
    assert (status, errors) == (0, "")
    assert job["TransformInput"]["ContentType"] == job["TransformOutput"]["Accept"] == "text/csv"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"declaration": {"sha256": "0" * 64}}, "it was judged by another declaration"),
        ({"conclusion": "nonconformant"}, "the image is nonconformant"),
        ({"findings": []}, "HOST-010 invocation is not there: no request was seen to work"),
        ({"findings": [{"clause": HOLDS[0], "name": HOLDS[1], "verdict": "fail"}]}, "is fail"),
        ({"findings": [7, None], "declaration": []}, "HOST-010 invocation is not there"),
    ],
)
def test_a_report_that_shows_less_is_noted(
    changed: dict[str, Any], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = IMAGES / "reference" / "sm-conformance.yaml"
    sha256 = load(path, origin="option").sha256
    judged = report(tmp_path, **{"declaration": {"sha256": sha256}, **changed})

    status, text, errors = called(
        capsys, "specification", "--declaration", path, "--report", judged
    )

    assert status == 0
    assert json.loads(text)
    assert f"note: {judged}: {told}" in errors or told in errors


# What cannot be used


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["declare"], "name a request to AWS"),
        (["declare", "--declaration", "sm.yaml"], "name a request to AWS"),
        (["declare", "--algorithm", ""], "--algorithm is empty"),
        (["declare", "--algorithm", "gone.json"], "gone.json: the request cannot be read"),
        (["declare", "--algorithm", "text"], "text:1:1: not usable JSON"),
        (["declare", "--model", "list"], "list: $: expected one object"),
        (["declare", "--model", "empty", "--s3", "gone"], "--s3 gone: no such folder"),
        (["specification"], "name a declaration, or a request"),
        (["specification", "--s3", "."], "--s3 is the data of requests to AWS"),
        (["specification", "--declaration", ""], "--declaration is empty"),
        (["specification", "--declaration", "gone.yaml"], "gone.yaml: the declaration cannot be"),
        (["specification", "--declaration", "sm.yaml"], "needs a declaration of training or"),
        (["specification", "--declaration", "."], "the declaration cannot be read"),
        (["specification", "--declaration", "text"], "text"),
        (["specification", "--declaration", "good.yaml", "--report", "gone"], "--report gone: c"),
        (["specification", "--declaration", "good.yaml", "--report", "text"], "it is no JSON"),
        (["specification", "--declaration", "good.yaml", "--report", "list"], "is no report.json"),
        (["specification", "--declaration", "good.yaml", "--report", "deep"], "it is no JSON"),
        (["specification", "--declaration", "good.yaml", "--report", ""], "--report is empty"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_4(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in {
        "sm.yaml": "claims: [training]\n",
        "good.yaml": "claims: [hosting]\nhosting: {requests: [{body: a}]}\n",
        "text": "training\n",
        "list": "[1]",
        "empty": "{}",
        "deep": "[" * 100_000,
    }.items():
        (tmp_path / name).write_text(content, "utf-8")

    status, text, errors = called(capsys, *words)

    assert (status, text) == (4, "")
    assert told in errors
    assert errors.startswith(f"sm-conformance {words[0]}: ")
    assert errors.count("\n") == 1


# What is broken off


def test_ctrl_c_where_no_command_awaits_it_is_one_line_and_status_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(describing, "_clauses", interrupted)

    assert called(capsys, "clauses") == (2, "", "sm-conformance: interrupted\n")


# check and gate


@pytest.mark.parametrize("command", [("check",), ("gate", "--push", "host.example/a:1")])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--watch", "abc"), "--watch: expected a number, got 'abc'"),
        (("--rate", "fast"), "--rate: expected a number, got 'fast'"),
        (("--examples", ""), "--examples is empty"),
    ],
)
def test_a_number_that_is_none_is_one_line_and_status_4(
    command: tuple[str, ...],
    words: tuple[str, ...],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, err = called(capsys, command[0], "repo:tag", *command[1:], *words)

    assert (status, out) == (4, "")
    assert err.startswith(f"sm-conformance {command[0]}: {said}")
    assert err.count("\n") == 1


def test_every_option_that_the_plugin_takes_for_a_number_is_one_of_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    group = parser.getgroup("sm-conformance")
    numbers = [one.names()[0] for one in group.options if one.attrs().get("type")]

    told = [called(capsys, "check", "repo:tag", f"--{name[5:]}=abc")[2] for name in numbers]

    assert len(numbers) == 7
    assert [line.partition(": ")[2] for line in told] == [
        f"--{name[5:]}: expected a number, got 'abc'\n" for name in numbers
    ]


@pytest.mark.parametrize("option", ["--allow", "--allow=inconclusive", "--no-waiver"])
def test_no_option_is_short_for_another(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["gate", "repo:tag", "--push", "host.example/a:1", option])

    assert ended.value.code == 4
    assert "unrecognized arguments" in capsys.readouterr().err


def test_a_certificate_without_a_name_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = called(capsys, "verify", "", "--key", tmp_path / "none.pub")

    assert status == 4
    assert "name a certificate" in err
