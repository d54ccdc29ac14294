"""Mutilated requests end in a declaration or in lines that name a file, and in nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sm_conformance.aws.checks import check
from sm_conformance.aws.declaring import declare
from sm_conformance.aws.requests import read_requests
from sm_conformance.aws.validation import Observed, validation_specification
from sm_conformance.aws.writing import as_yaml
from sm_conformance.errors import UsageProblem
from tests.aws_requests import bucket, whole, written

KINDS = tuple(whole())

fuzzed = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

WORDS = (
    "", ".", "..", "s3://a-bucket/train", "s3://a-bucket/", "s3://", "https://s3.amazonaws.com/",
    "Pipe", "File", "None", "Gzip", "Line", "MultiModel", "1", "-1", "1e400", "nan", "\0", "(",
    "x" * 3000,
)  # fmt: skip
words = st.text(max_size=8) | st.sampled_from(WORDS)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | words
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bucket(tmp_path_factory.mktemp("store"))


def used_or_refused(files: dict[str, Path], s3: Path) -> None:
    """Everything that is done with requests, and the form of each refusal."""
    try:
        requests = read_requests(files, s3=s3)
        check(requests.requests)
        as_yaml(requests.document)
        said = declare(requests, path=None, origin="aws")
    except UsageProblem as error:
        lines = str(error).split("\n")
        named = tuple(f"{path}:" for path in files.values())
        assert all(line.startswith(named) for line in lines), lines
        return
    assert said.sha256 is not None
    with suppress(UsageProblem):  # where nothing is said of training or hosting
        validation_specification(requests.document, Observed())


def places(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a request below its root."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*where, key)
        if isinstance(item, dict | list):
            yield from places(item, (*where, key))


PLACES = [(kind, where) for kind, content in whole().items() for where in places(content)]


@fuzzed
@given(kind=st.sampled_from(KINDS), raw=st.binary(max_size=60))
def test_bytes_that_mean_nothing(kind: str, raw: bytes, tmp_path: Path, s3: Path) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(raw)

    used_or_refused({kind: path}, s3)


@fuzzed
@given(
    kind=st.sampled_from(KINDS),
    start=st.floats(0, 1),
    length=st.integers(0, 20),
    text=st.text(alphabet='{}[],:"\\ \n0.eE-tfn\x00é', max_size=6),
)
def test_a_damaged_stretch_of_a_request(
    kind: str, start: float, length: int, text: str, tmp_path: Path, s3: Path
) -> None:
    lawful = json.dumps(whole()[kind])
    begin = int(start * len(lawful))
    path = tmp_path / "request.json"
    path.write_text(lawful[:begin] + text + lawful[begin + length :], "utf-8")

    used_or_refused({kind: path}, s3)


@settings(fuzzed, max_examples=300)
@given(
    spoilt=st.lists(st.tuples(st.sampled_from(PLACES), anything), min_size=1, max_size=3),
    together=st.booleans(),
)
def test_strange_values_in_lawful_requests(
    spoilt: list[tuple[tuple[str, tuple[str | int, ...]], Any]],
    together: bool,
    tmp_path: Path,
    s3: Path,
) -> None:
    requests = whole()
    for (kind, where), value in spoilt:
        parent: Any = requests[kind]
        try:
            for step in where[:-1]:
                parent = parent[step]
            parent[where[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue  # an earlier value has taken the place away
    kinds = KINDS if together else (spoilt[0][0][0],)

    used_or_refused(written(tmp_path, {kind: requests[kind] for kind in kinds}), s3)


@fuzzed
@given(where=st.sampled_from(PLACES), value=words)
def test_a_value_of_the_right_type_that_means_nothing(
    where: tuple[str, tuple[str | int, ...]], value: str, tmp_path: Path, s3: Path
) -> None:
    kind, steps = where
    requests = whole()
    parent: Any = requests[kind]
    for step in steps[:-1]:
        parent = parent[step]
    if isinstance(parent[steps[-1]], str):
        parent[steps[-1]] = value

    used_or_refused(written(tmp_path, requests), s3)


@fuzzed
@given(where=st.sampled_from(PLACES), key=st.none() | words)
def test_a_missing_or_renamed_key(
    where: tuple[str, tuple[str | int, ...]], key: str | None, tmp_path: Path, s3: Path
) -> None:
    kind, steps = where
    requests = whole(kind)
    parent: Any = requests[kind]
    for step in steps[:-1]:
        parent = parent[step]
    value = parent.pop(steps[-1])
    if key is not None and isinstance(parent, dict):
        parent[key] = value

    used_or_refused(written(tmp_path, requests), s3)
