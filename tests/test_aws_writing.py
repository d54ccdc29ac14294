"""A declaration can be written out: as YAML that reads back, as a ValidationSpecification to paste."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sm_conformance.aws import service
from sm_conformance.aws.declaring import declare
from sm_conformance.aws.validation import BUCKET, ROLE, Observed, validation_specification
from sm_conformance.aws.writing import as_yaml
from sm_conformance.declaration.document import parse
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.problems import Problems
from sm_conformance.errors import UsageProblem
from tests.aws_requests import bucket, read, whole


def read_back(text: str) -> Any:
    problems = Problems(Path("written.yaml"))
    document = parse(text.encode(), problems=problems)
    problems.raise_if_any()
    return document


# YAML ------------------------------------------------------------------------------------------


def test_what_is_written_is_the_same_declaration(tmp_path: Path) -> None:
    requests = read(tmp_path, whole(), s3=bucket(tmp_path))
    path = tmp_path / "written.yaml"
    path.write_text(as_yaml(requests.document), "utf-8")

    written, meant = load(path, origin="aws"), declare(requests, path=None, origin="aws")

    assert replace(written, sha256=None, path=None, requests={}) == replace(
        meant, sha256=None, path=None, requests={}
    )


def test_long_data_stays_a_path_and_numbers_are_bare(tmp_path: Path) -> None:
    s3 = bucket(tmp_path)

    text = as_yaml(read(tmp_path, whole("training-job"), s3=s3).document)

    assert f"path: {s3}/a-bucket/train" in text
    assert "hyperparameters: {depth: 5}" in text
    assert text.startswith("claims: [training]\nnetwork: isolated\n")


def test_a_channel_without_data_becomes_a_comment(tmp_path: Path) -> None:
    path = tmp_path / "written.yaml"
    path.write_text(as_yaml(read(tmp_path, whole("training-job")).document), "utf-8")

    said = load(path, origin="file")

    assert said.training is not None
    assert said.training.channels == ()
    assert path.read_text().endswith(
        "# Nothing says what is in these channels; give each a path, data or generate:\n"
        "# training:\n#   channels:\n#     train: {content_type: text/csv}\n"
    )


TRICKY = (
    "1e3", "1:30", "010", "0x1F", "yes", "Null", "~", "", "<<", "=", "- a", "a: b", "#", "&a", "*a",
    "!t", "|", ">", "%", "@", "`", "'", '"', "\x85", "\u2028", "\ufeff", "1_000", "2024-01-01", "0.10",
    "-5", ".5", "5.", "+1", "1" * 19, "\ttab", "trailing ", "two\nlines\n", "é", "😀",
)  # fmt: skip
tricky = st.text(max_size=12) | st.sampled_from(TRICKY)
printable = tricky.filter(lambda text: not any(0xD800 <= ord(one) < 0xE000 for one in text))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(key=printable.filter(bool), value=printable)
def test_any_text_comes_back_as_it_was(key: str, value: str) -> None:
    document = {
        "training": {
            "hyperparameters": {key: value, "other": {"value": value, "values": [value]}},
            "environment": {key: value},
            "arguments": [value],
        },
        "hosting": {"requests": [{"body": value}], "environment": {"A": value}},
        "resources": {"time_s": 900, "gpus": "all"},
    }

    assert read_back(as_yaml(document)) == document


def test_equal_parts_are_written_out_each_time() -> None:
    types = ["text/csv"]

    text = as_yaml({"hosting": {"content_types": types, "accepts": types}})

    assert yaml.safe_load(text) == {"hosting": {"content_types": types, "accepts": types}}
    assert "&" not in text


# The ValidationSpecification -------------------------------------------------------------------


def faults(shape: str, specification: dict[str, Any]) -> set[str]:
    """What the service's model has against the specification, apart from the placeholders."""
    return {
        f"{fault.where}: {fault.text}"
        for fault in service.examine_part(shape, specification).faults
        if fault.where != ("ValidationRole",)
    }


def test_a_specification_is_lawful_but_for_its_placeholders(tmp_path: Path) -> None:
    document = read(tmp_path, whole("training-job", "model", "transform-job")).document

    made = validation_specification(document, Observed())

    assert faults("AlgorithmValidationSpecification", made) == set()
    assert made["ValidationRole"] == ROLE
    assert service.examine_part("AlgorithmValidationSpecification", made).faults != ()
    text = str(made)
    assert text.count("'S3Uri': ") + text.count("'S3OutputPath': ") == text.count(f"'{BUCKET}/")


def test_a_specification_says_what_the_declaration_says(tmp_path: Path) -> None:
    s3 = bucket(tmp_path)
    document = read(tmp_path, whole("algorithm"), s3=s3).document

    (profile,) = validation_specification(document, Observed())["ValidationProfiles"]

    job, transform = profile["TrainingJobDefinition"], profile["TransformJobDefinition"]
    assert job["HyperParameters"] == {"depth": "5", "rate": "0.50", "criterion": "gini"}
    assert [channel["ChannelName"] for channel in job["InputDataConfig"]] == ["train"]
    assert job["InputDataConfig"][0]["ContentType"] == "text/csv"
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 900}
    assert transform["TransformInput"]["ContentType"] == "text/csv"
    assert transform["TransformOutput"]["Accept"] == "text/csv"


def test_what_was_observed_fills_what_is_not_declared() -> None:
    document = {"training": {"channels": {"train": {"data": "1"}}}, "hosting": {}}
    seen = Observed(training_s=1000.5, content_type="text/csv", accept="application/json")

    (profile,) = validation_specification(document, seen)["ValidationProfiles"]

    job, transform = profile["TrainingJobDefinition"], profile["TransformJobDefinition"]
    assert job["StoppingCondition"] == {"MaxRuntimeInSeconds": 10005}
    assert "HyperParameters" not in job
    assert transform["TransformInput"]["ContentType"] == "text/csv"
    assert transform["TransformOutput"]["Accept"] == "application/json"


def test_an_image_that_only_serves_gets_the_specification_of_a_package() -> None:
    document = {"hosting": {"content_types": ["image/png"]}, "resources": {"gpus": 1}}

    made = validation_specification(document, Observed())

    assert faults("ModelPackageValidationSpecification", made) == set()
    (profile,) = made["ValidationProfiles"]
    assert set(profile) == {"ProfileName", "TransformJobDefinition"}
    assert profile["TransformJobDefinition"]["TransformInput"]["ContentType"] == "image/png"
    assert profile["TransformJobDefinition"]["TransformResources"]["InstanceType"] == "ml.g5.xlarge"


def test_pipe_mode_and_compression_are_said_where_they_are_declared() -> None:
    channels = {
        "a": {"modes": ["Pipe", "FastFile"]},
        "b": {"modes": ["File", "Pipe"], "compression": "gzip"},
        "c": {"modes": ["File", "Pipe"]},
    }

    made = validation_specification({"training": {"channels": channels}}, Observed())

    assert faults("AlgorithmValidationSpecification", made) == set()
    job = made["ValidationProfiles"][0]["TrainingJobDefinition"]
    assert [
        (one.get("InputMode"), one.get("CompressionType")) for one in job["InputDataConfig"]
    ] == [("Pipe", None), ("Pipe", "Gzip"), (None, None)]


@pytest.mark.parametrize("document", [{}, {"training": {}}, {"training": {"channels": {}}}])
def test_a_declaration_with_nothing_to_validate_with_is_told(document: dict[str, Any]) -> None:
    with pytest.raises(UsageProblem, match="a ValidationSpecification needs"):
        validation_specification(document, Observed())


def test_what_the_service_would_not_take_is_told_and_not_written() -> None:
    channels = {"train": {"data": "1", "content_type": "text/" + "x" * 300}}

    with pytest.raises(UsageProblem, match=r"InputDataConfig\[0\]\.ContentType: expected at most"):
        validation_specification({"training": {"channels": channels}}, Observed())
