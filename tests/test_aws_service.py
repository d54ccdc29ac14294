"""A file that is no lawful request is refused in lines that name the file and the place in it."""

from __future__ import annotations

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.aws import service, strict_json
from sm_conformance.aws.problems import dotted
from sm_conformance.aws.requests import read_requests
from sm_conformance.errors import UsageProblem
from tests.aws_requests import PROFILE, SPECIFICATION, Steps, at, read, whole, written


def problems(path: Path, kind: str = "model") -> list[str]:
    """What is told of the file, line by line, without its name."""
    with pytest.raises(UsageProblem) as raised:
        read_requests({kind: path}, s3=None)
    lines = str(raised.value).split("\n")
    assert all(line.startswith(f"{path}:") for line in lines), lines
    return [line.removeprefix(f"{path}:").strip() for line in lines]


def problems_of(folder: Path, kind: str, content: Any) -> list[str]:
    return problems(written(folder, {kind: content})[kind], kind)


# The text --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: not usable JSON: Expecting value"),
        ('{\n "a" 1}', "2:6: not usable JSON: Expecting ':' delimiter"),
        ("{'a': 1}", "1:2: not usable JSON: Expecting property name enclosed in double quotes"),
        ('{"a": 1} 2', "1:10: not usable JSON: Extra data"),
        ('{"a": "b', "1:7: not usable JSON: Unterminated string starting at"),
        ("[1]", "$: expected one object, a request or an answer, got a list"),
        ("null", "$: expected one object, a request or an answer, got nothing"),
        ('{"a": {"b": 1, "b": 2}}', "$.a.b: this key is there twice"),
        ('{"a": [NaN]}', "$.a[0]: NaN is no JSON"),
        ('{"a": -Infinity}', "$.a: -Infinity is no JSON"),
        ('{"a": 1e999}', "$.a: the number '1e999' is too large"),
        (
            '{"a": 1234567890123456789}',
            "$.a: the number '1234567890123456789' has more than 18 digits",
        ),
        ('{"a b": "\\ud800"}', "$['a b']: half of a surrogate pair; write the character itself"),
        ('{"\\udfff": 1}', "$: half of a surrogate pair; write the character itself"),
        ("[" * 33 + "]" * 33, "more than 32 levels"),
        ("[" * 500_000, "more than 32 levels"),
    ],
)
def test_a_text_that_is_no_strict_json_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(text)

    assert problems(path)[0] == expected


def test_brackets_in_text_are_no_levels(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text('{"a": "' + '[{\\"' * 50 + '"}')

    assert strict_json.read(path).content == {"a": '[{"' * 50}


def test_bytes_that_are_no_utf_8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(b'{\n"a": "\xff"}')

    assert problems(path) == ["2: not UTF-8"]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(whole()["model"]).encode())

    assert read_requests({"model": path}, s3=None).requests["model"]["ModelName"] == "trees"


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text(" " * (1 << 20) + "{}")

    assert problems(path) == ["the request is larger than 1 MiB"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nothing.json", "the request cannot be read: No such file or directory"),
        (".", "the request cannot be read: Is a directory"),
        ("x" * 300, "the request cannot be read: File name too long"),
        ("a\0b", "the request cannot be read: embedded null byte"),
    ],
)
def test_a_file_that_cannot_be_read_is_told(name: str, expected: str, tmp_path: Path) -> None:
    assert problems(tmp_path / name) == [expected]


def test_a_quote_that_nobody_closed_costs_no_time(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_text('{"a": "' + '\\"' * 500_000)

    assert problems(path) == ["1:7: not usable JSON: Unterminated string starting at"]


# The service's model ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", service.KINDS)
def test_a_lawful_request_has_no_fault(kind: str) -> None:
    assert service.examine(kind, whole()[kind]).faults == ()


RESOURCES: Steps = ("ResourceConfig", "InstanceCount")
MODES = "expected one of Pipe, File, FastFile"

CASES: list[tuple[str, Steps, Any, str]] = [
    # keys
    ("model", ("Mode",), 1, "unknown key; did you mean 'ModelName'?"),
    ("model", ("PrimaryContainer", "Imag"), "x", "unknown key; did you mean 'Image'?"),
    (
        "model",
        ("PrimaryContainer", "ContainerHostnames"),
        ["x"],
        "unknown key; did you mean 'ContainerHostname'?",
    ),
    # types
    ("model", ("PrimaryContainer",), [], "expected a mapping, got an empty list"),
    ("model", ("ModelName",), None, "expected text, got nothing"),
    ("model", ("EnableNetworkIsolation",), "true", "expected true or false, got 'true'"),
    ("training-job", ("HyperParameters", "depth"), 5, "expected text, got 5"),
    ("training-job", ("InputDataConfig",), {}, "expected a list, got an empty mapping"),
    ("training-job", RESOURCES, "1", "expected a whole number, got '1'"),
    ("training-job", RESOURCES, 1.5, "expected a whole number, got 1.5"),
    ("training-job", RESOURCES, True, "expected a whole number, got true"),
    # limits that no clause tells
    ("model", ("ModelName",), "x" * 64, "expected at most 63 characters, got 64 characters"),
    (
        "model",
        ("ModelName",),
        "two words",
        "expected text that matches [a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?, got 'two words'",
    ),
    (
        "transform-job",
        ("BatchStrategy",),
        "SINGLE_RECORD",
        "expected one of MultiRecord, SingleRecord, got 'SINGLE_RECORD'",
    ),
    (
        "training-job",
        ("InputDataConfig", 0, "InputMode"),
        "file",
        f"{MODES}, got 'file'; did you mean 'File'?",
    ),
    (
        "algorithm",
        (*PROFILE, "TrainingJobDefinition", "TrainingInputMode"),
        "Files",
        f"{MODES}, got 'Files'; did you mean 'File'?",
    ),
    ("transform-job", ("TransformResources", "InstanceCount"), 0, "expected at least 1, got 0"),
]


@pytest.mark.parametrize(("kind", "steps", "value", "expected"), CASES)
def test_what_the_service_would_not_take_is_told_with_its_place(
    kind: str, steps: Steps, value: Any, expected: str, tmp_path: Path
) -> None:
    content = whole()[kind]
    at(content, steps[:-1])[steps[-1]] = value

    (told,) = problems_of(tmp_path, kind, content)

    assert told == f"{dotted(steps)}: {expected}"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("model", "ModelName"), ("training-job", "RoleArn"), ("algorithm", "AlgorithmName")],
)
def test_what_is_missing_is_told(kind: str, name: str, tmp_path: Path) -> None:
    content = whole()[kind]
    del content[name]

    assert problems_of(tmp_path, kind, content) == [f"$.{name}: {name} is missing"]


def test_an_instance_type_that_nobody_knows_is_told_with_the_edition_of_the_model(
    tmp_path: Path,
) -> None:
    content = whole()["training-job"]
    content["ResourceConfig"]["InstanceType"] = "ml.m5.larg"

    (told,) = problems_of(tmp_path, "training-job", content)

    assert f"values that botocore {service.version()} knows, got 'ml.m5.larg'" in told
    assert told.endswith("did you mean 'ml.m5.large'?")


def test_all_problems_of_a_file_are_told_up_to_ten(tmp_path: Path) -> None:
    content = whole()["training-job"]
    content["HyperParameters"] = {f"h{number}": number for number in range(12)}

    told = problems_of(tmp_path, "training-job", content)

    assert told[:2] == [
        "$.HyperParameters.h0: expected text, got 0",
        "$.HyperParameters.h1: expected text, got 1",
    ]
    assert told[10:] == ["and 2 more problems"]


def test_a_hundred_thousand_faults_are_told_in_no_time(tmp_path: Path) -> None:
    content = whole()["algorithm"]
    at(content, SPECIFICATION)["SupportedTrainingInstanceTypes"] = ["ml.x"] * 100_000

    assert problems_of(tmp_path, "algorithm", content)[-1] == "and 99990 more problems"


def test_what_is_around_an_answer_is_no_part_of_a_request(tmp_path: Path) -> None:
    content = {**whole()["model"], "ResponseMetadata": {}}

    (told,) = problems_of(tmp_path, "model", content)

    assert told.startswith("$.ResponseMetadata: unknown key; known here: 'ModelName', ")


# Requests and answers --------------------------------------------------------------------------

ANSWERS: dict[str, dict[str, Any]] = {
    "algorithm": {
        "AlgorithmArn": "arn:aws:sagemaker:us-east-1:123456789012:algorithm/trees",
        "CreationTime": "2026-01-31T10:00:00.000000+01:00",
        "AlgorithmStatus": "Completed",
        "AlgorithmStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
    },
    "model-package": {
        "ModelPackageArn": "arn:aws:sagemaker:us-east-1:123456789012:model-package/trees",
        "CreationTime": 1769850000.5,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": []},
    },
    "training-job": {
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/trees-1",
        "CreationTime": 1769850000,
        "ModelArtifacts": {"S3ModelArtifacts": "s3://a-bucket/output/model.tar.gz"},
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
    },
    "model": {
        "ModelArn": "arn:aws:sagemaker:us-east-1:123456789012:model/trees",
        "CreationTime": "2026-01-31",
    },
    "transform-job": {
        "TransformJobArn": "arn:aws:sagemaker:us-east-1:123456789012:transform-job/trees-1",
        "TransformJobStatus": "Completed",
        "CreationTime": "2026-01-31",
    },
}


@pytest.mark.parametrize("kind", service.KINDS)
def test_an_answer_says_the_same_as_the_request(kind: str, tmp_path: Path) -> None:
    answer = {**whole()[kind], **ANSWERS[kind], "ResponseMetadata": {"HTTPStatusCode": 200}}

    read_answer = read(tmp_path, {kind: answer})

    assert read_answer.document == read(tmp_path, whole(kind)).document


def test_an_answer_is_held_against_the_shape_of_answers(tmp_path: Path) -> None:
    answer = {**whole()["model"], **ANSWERS["model"], "Tags": []}

    (told,) = problems_of(tmp_path, "model", answer)

    assert told.startswith("$.Tags: unknown key")


@pytest.mark.parametrize("given", service.KINDS)
@pytest.mark.parametrize("kind", service.KINDS)
def test_a_request_of_another_kind_is_recognised(kind: str, given: str, tmp_path: Path) -> None:
    if kind == given:
        return

    (told,) = problems_of(tmp_path, given, whole()[kind])

    assert told == (f"$: this is a Create{service.KINDS[kind]} request: name it with --sm-{kind}")


# What is left out ------------------------------------------------------------------------------


def test_a_pattern_that_only_java_knows_is_left_out_and_named(tmp_path: Path) -> None:
    content = whole()["algorithm"]
    content["AlgorithmDescription"] = "Bäume \t"

    notes = read(tmp_path, {"algorithm": content}).notes

    (told,) = [note for note in notes if "Java" in note]
    assert told.startswith("algorithm request: $.TrainingSpecification.SupportedHyperParameters[0]")
    assert " and 2 further: the pattern is Java's and was not looked at" in told


def test_without_botocore_the_way_to_install_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] == "botocore":
            raise ImportError(name)
        return usual(name, *rest, **more)

    files = written(tmp_path, whole())
    for cached in (service._model, service._shape):
        cached.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(UsageProblem, match=r"pip install 'sm-conformance\[aws\]'"):
        read_requests(files, s3=None)


def test_a_model_in_the_users_home_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".aws" / "models" / "sagemaker" / "2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text("{}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / ".aws" / "models"))
    for cached in (service._model, service._shape):
        cached.cache_clear()

    assert service.examine("model", whole()["model"]).faults == ()


def test_what_was_read_is_the_whole_content(tmp_path: Path) -> None:
    path = written(tmp_path, whole("model"))["model"]

    assert strict_json.read(path).content == whole()["model"]
