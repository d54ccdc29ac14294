"""A batch transform job: what a declaration or a request says of it, and what is sent."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import pytest
from aws_requests import at, bucket, read, whole

from sm_conformance.declaration.loading import load
from sm_conformance.declaration.problems import DeclarationError
from sm_conformance.declaration.values import SampleRequest, Transform
from sm_conformance.inputs import transform

TABLE = b"1,2\r\n\n3,4\n \n5,6"
ROWS = (b"1,2\r\n", b"3,4\n", b"5,6\n")


def job(**said: Any) -> Transform:
    return Transform(**{"content_type": "text/csv", "accept": None, "body": TABLE, **said})


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({}, (TABLE,)),
        ({"strategy": "single-record"}, (TABLE,)),
        ({"split": "line"}, (b"".join(ROWS),)),
        ({"split": "line", "strategy": "multi-record", "max_payload_mb": 0}, (b"".join(ROWS),)),
        ({"split": "line", "strategy": "single-record"}, ROWS),
        ({"split": "line", "body": b""}, (b"",)),
        ({"split": "line", "body": b"\n\n", "strategy": "single-record"}, (b"\n\n",)),
    ],
)
def test_a_file_is_taken_apart_as_the_job_says(said: dict[str, Any], sent: tuple[bytes]) -> None:
    assert transform.records(job(**said), payload_mb=6) == sent


@pytest.mark.parametrize("said", [{"max_payload_mb": 1}, {}])
def test_as_many_lines_go_together_as_the_payload_takes(said: dict[str, int]) -> None:
    line = b"x" * 400_000 + b"\n"
    sent = transform.records(job(split="line", body=line * 5, **said), payload_mb=1)

    assert sent == (line * 2, line * 2, line)


def test_a_line_that_is_larger_than_the_payload_goes_alone() -> None:
    line = b"x" * (1 << 20) + b"\n"

    assert transform.records(job(split="line", body=line + b"1\n"), payload_mb=1) == (line, b"1\n")


def test_very_many_lines_are_packed_in_a_moment() -> None:
    body = b"1,2\n" * (1 << 18)
    began = time.process_time()

    assert transform.records(job(split="line", body=body), payload_mb=2) == (body,)

    assert time.process_time() - began < 2  # some 0.1 s; a copy for each line takes 15 s and more


def test_of_a_job_is_told_what_its_request_says_and_no_more() -> None:
    all_of_it = job(
        strategy="multi-record", max_payload_mb=0, max_concurrent=2, environment={"COLOUR": "blue"}
    )

    assert transform.environment(job()) == {"SAGEMAKER_BATCH": "true"}
    assert transform.environment(all_of_it) == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": "MULTI_RECORD",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "2",
        "COLOUR": "blue",
    }


@pytest.mark.parametrize(
    ("kind", "body", "sent", "guessed"),
    [
        ("text/csv", b"1,2\n3,4\n", (b"1,2\n", b"3,4\n"), True),
        ("Text/CSV; charset=utf-8", b"1,2\n", (b"1,2\n",), False),
        ("application/json", b"[\n1,\n2]\n", (b"[\n1,\n2]\n",), False),
        (None, b"1\n2\n", (b"1\n2\n",), False),
        ("text/csv", b"", (b"",), False),
    ],
)
def test_without_a_job_one_is_made_of_the_sample_request(
    kind: str | None, body: bytes, sent: tuple[bytes], guessed: bool
) -> None:
    sample = SampleRequest(name="one", content_type=kind, accept="text/csv", body=body)
    made, is_guess = transform.job(None, sample)

    assert (made.content_type, made.accept) == (kind, "text/csv")
    assert (transform.records(made, payload_mb=6), is_guess) == (sent, guessed)


def declared(folder: Path, text: str) -> Transform | None:
    file = folder / "sm-conformance.yaml"
    file.write_text(f"claims: [hosting]\nhosting: {{transform: {text}}}\n", "utf-8")
    hosting = load(file, origin="option").hosting
    assert hosting is not None
    return hosting.transform


def test_a_declaration_says_all_of_a_job(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(TABLE)
    said = declared(
        tmp_path,
        "{content_type: text/csv, accept: text/plain, body_path: rows.csv, split: line, strategy: "
        "single-record, max_payload_mb: 0, max_concurrent: 3, environment: {LEVEL: 0.10}}",
    )

    assert said == job(
        accept="text/plain", split="line", strategy="single-record", max_payload_mb=0,
        max_concurrent=3, environment={"LEVEL": "0.10"},
    )  # fmt: skip
    assert declared(tmp_path, "{body: x}") == Transform(None, None, b"x")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{}", "transform"),
        ("{body: x, body_path: rows.csv}", "transform"),
        ("{body_path: none.csv}", "none.csv"),
        ("{body: x, split: recordio}", "'recordio'"),
        ("{body: x, strategy: SingleRecord}", "'SingleRecord'"),
        ("{body: x, max_payload_mb: 101}", "a whole number from 0 to 100"),
        ("{body: x, max_payload_mb: 1.5}", "a whole number from 0 to 100"),
        ("{body: x, max_concurrent: 0}", "a whole number of 1 or more"),
        ("{body: x, environment: {a-b: 1}}", "a-b"),
        ("{body: x, splitt: line}", "did you mean 'split'"),
    ],
)
def test_a_job_that_cannot_be_used_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        declared(tmp_path, text)


# -- requests to AWS -------------------------------------------------------------------------------

PROFILE = ("ValidationSpecification", "ValidationProfiles", 0, "TransformJobDefinition")


@pytest.fixture
def s3(tmp_path: Path) -> Path:
    return bucket(tmp_path)


def validated(folder: Path, s3: Path, **changes: Any) -> tuple[Any, tuple[str, ...]]:
    """The transform of a validation profile with changes in it, and the notes."""
    requests = whole("algorithm")
    definition = at(requests["algorithm"], PROFILE)
    for key, value in changes.items():
        place = (
            definition["TransformInput"] if key in ("SplitType", "CompressionType") else definition
        )
        place[key] = value
    said = read(folder, requests, s3=s3)
    return said.document["hosting"].get("transform"), said.notes


def test_a_validation_profile_is_rehearsed_with_its_own_file(tmp_path: Path, s3: Path) -> None:
    said, _ = validated(tmp_path, s3)

    assert said == {
        "content_type": "text/csv",
        "accept": "text/csv",
        "body_path": f"{s3}/a-bucket/rows/a.csv",
        "split": "line",
        "strategy": "single-record",
        "max_payload_mb": 6,
        "max_concurrent": 4,
        "environment": {"MODE": "batch"},
    }


def test_a_packed_file_is_unpacked_and_belongs_to_the_seal(tmp_path: Path, s3: Path) -> None:
    seals = set()
    for content in (b"7,8\n9,10\n", b"7,8\n9,11\n"):
        (s3 / "a-bucket" / "rows" / "a.csv").write_bytes(gzip.compress(content))
        said, _ = validated(tmp_path, s3, CompressionType="Gzip")
        requests = whole("algorithm")
        at(requests["algorithm"], PROFILE)["TransformInput"]["CompressionType"] = "Gzip"
        seals.add(read(tmp_path, requests, s3=s3).sha256)
        assert said["body"] == content.decode()

    assert len(seals) == 2


@pytest.mark.parametrize("content", [b"7,8\n9,10\n", b"\r\n \n\n7,8\n9,10\n"])
def test_the_sample_request_is_the_first_record_and_no_empty_line(
    tmp_path: Path, s3: Path, content: bytes
) -> None:
    (s3 / "a-bucket" / "rows" / "a.csv").write_bytes(content)

    (sample,) = read(tmp_path, whole("algorithm"), s3=s3).document["hosting"]["requests"]

    assert sample["body"] == "7,8\n"


def test_what_is_taken_apart_in_other_ways_is_noted(tmp_path: Path, s3: Path) -> None:
    said, notes = validated(tmp_path, s3, SplitType="TFRecord", BatchStrategy="MultiRecord")

    assert said is None
    assert any("only the whole object or its lines" in note for note in notes)


def test_a_large_object_is_noted(tmp_path: Path, s3: Path) -> None:
    (s3 / "a-bucket" / "rows" / "a.csv").write_bytes(gzip.compress(b"1,2\n" * (5 << 20)))
    said, notes = validated(tmp_path, s3, CompressionType="Gzip")

    assert said is None
    assert any("is larger than 16 MiB" in note for note in notes)
