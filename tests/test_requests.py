"""The requests of the serving scenarios are what they claim to be."""

from __future__ import annotations

import json

import pytest

from sm_conformance.declaration.values import SampleRequest
from sm_conformance.inputs import requests


def sample(kind: str | None, body: bytes = b"1,2\n", name: str = "one") -> SampleRequest:
    return SampleRequest(name=name, content_type=kind, accept=None, body=body)


def test_the_headers_of_the_api_keep_their_bounds() -> None:
    longest = {
        "Custom-Attributes": 1024, "Target-Model": 1024, "Target-Variant": 63,
        "Target-Container-Hostname": 63, "Inference-Id": 64, "Enable-Explanations": 64,
        "Inference-Component": 63, "Session-Id": 256, "Prefix-Aware-Id": 64,
    }  # fmt: skip
    said = {
        name.removeprefix("X-Amzn-SageMaker-"): value
        for name, value in requests.API_HEADERS.items()
    }

    assert said.keys() == longest.keys()
    assert all(0 < len(said[name]) <= longest[name] for name in said)
    assert all(value.isascii() and value.isprintable() for value in said.values())
    assert len(said["Custom-Attributes"]) == 1024


def test_each_declared_type_of_text_is_sent_once_with_a_charset() -> None:
    samples = (
        sample("text/csv", name="a"), sample("TEXT/CSV", name="b"),
        sample("application/json", name="c"), sample("text/plain; charset=latin-1", name="d"),
        sample("application/x-npy", name="e"), sample(None, name="f"),
    )  # fmt: skip

    found = requests.with_charset(samples)

    assert [(one.name, one.headers["Content-Type"]) for one in found] == [
        ("charset-a", "text/csv; charset=utf-8"), ("charset-c", "application/json; charset=utf-8"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "without"),
    [
        (b"1,2,3\n4,5,6\n", b"1,2\n4,5\n"),
        (b'"a, b",2\n', b'"a, b"\n'),
        (b"1,2", b"1\n"),
        (b"1\n2\n", None),
        (b"1,2\n3\n", None),
        (b"", None),
        (b"\xff,1\n", None),
        (b'"open,1\n', None),
        (b"x" * 200_000 + b",1", None),
    ],
)
def test_columns_are_left_out_where_there_are_several(body: bytes, without: bytes | None) -> None:
    plain = requests.invocation(sample("text/csv; header=absent", body), name="plain")

    found = requests.fewer_columns(plain, name="wrong-columns")

    assert (found.body if found else None) == without


def test_only_csv_has_columns() -> None:
    plain = requests.invocation(sample("text/plain", b"1,2\n"), name="plain")

    assert requests.fewer_columns(plain, name="wrong-columns") is None


def test_json_is_cut_so_that_it_is_none() -> None:
    samples = (sample("text/csv"), sample("application/json", b"[[5.1, 3.5]]\n"))

    found = requests.cut_json(samples, name="cut-json")

    assert found is not None
    assert found.headers["Content-Type"] == "application/json"
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(found.body)
    assert requests.cut_json(samples[:1], name="cut-json") is None


def test_a_request_without_a_type_has_all_else() -> None:
    plain = requests.invocation(sample("text/csv"), name="plain")

    assert requests.without_type(plain, name="no-type").headers == requests.PLATFORM_HEADERS
