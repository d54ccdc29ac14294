"""Whatever a declaration says, reading it ends in a declaration or in words, never in a traceback."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sm_conformance import specs
from sm_conformance.declaration.loading import load, load_document
from sm_conformance.declaration.problems import DeclarationError
from sm_conformance.declaration.values import Declaration
from sm_conformance.inputs.archive import pack

SCHEMA = specs.read_schema("declaration")
# None of these could be large or block; some are there and some are not.
PATHS = st.sampled_from(["data", "data/a.csv", "code", "model.tar.gz", "nowhere", ".", "none"])
PATTERNS = st.sampled_from(["(a)", "a", "(", "[0-9]+=(.*)", "(?P<a>x)(?P<a>y)", "(" * 300, "\\"])
DATES = st.sampled_from(["2027-01-31", "2027-02-30", "0000-00-00", "2024-02-29"])
SCHEMAS = st.sampled_from(
    [
        {}, {"type": "array"}, {"type": "nothing"}, {"$ref": "#"}, {"$ref": "urn:x"}, {"$id": "a"},
        {"pattern": "("}, {"items": {"$ref": "#/items"}}, {"$schema": "x"}, {"required": 5},
    ]
)  # fmt: skip
NUMBERS = st.sampled_from(["0", "-1", "5", "0.5", "1e9", "1e999", "many", "٣", "", "true"])
# Places that only a few of all texts fit, by the key that stands there.
SPECIAL = {
    "path": PATHS, "sourcedir": PATHS, "body_path": PATHS, "model": PATHS, "matches": PATTERNS,
    "regex": PATTERNS, "expires": DATES, "schema": SCHEMAS, "min": NUMBERS, "max": NUMBERS,
    "value": NUMBERS, "default": NUMBERS,
}  # fmt: skip

TEXT = st.text(alphabet=st.characters(exclude_characters="/"), max_size=12)
NAMES = st.sampled_from(["a", "train", "code", "A_B", "a b", "", "x" * 300, "\n", "é", "request-1"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)

fuzzed = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with some of the files that documents name."""
    for name in ("data", "code"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.csv").write_bytes(b"1,2\n")
    (tmp_path / "model.tar.gz").write_bytes(gzip.compress(pack({"a": b"1"})))
    return tmp_path


# Documents out of the schema --------------------------------------------------------------------


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    return found


def documents(schema: dict[str, Any], key: str = "") -> st.SearchStrategy[Any]:
    """Values of the shape that the schema means; many are lawful."""
    schema = resolved(schema)
    if key in SPECIAL:
        return SPECIAL[key]
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of(documents(choice) for choice in schema["anyOf"])
    if "const" in schema:
        return st.just(schema["const"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of(of_kind(schema, kind) for kind in kinds)


def of_kind(schema: dict[str, Any], kind: str) -> st.SearchStrategy[Any]:
    match kind:
        case "object":
            return mappings(schema)
        case "array":
            return st.lists(documents(schema["items"]), min_size=1, max_size=3)
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 100))
        case "number":
            return st.integers(60, 600) | st.floats(0.5, 100.0)
        case _ if "pattern" in schema:
            return st.from_regex(schema["pattern"].removesuffix("(?!\\n)")).map(
                lambda text: text[:60]
            )
        case _:
            return NAMES | TEXT


def mappings(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" not in schema:
        inner = schema["additionalProperties"]
        return st.dictionaries(NAMES, documents(inner) if inner is not True else TEXT, max_size=2)
    parts = {name: documents(inner, name) for name, inner in schema["properties"].items()}
    needed = {name: parts[name] for name in schema.get("required", ())}
    choices = [choice["required"][0] for choice in schema.get("oneOf", ())]
    others = {name: part for name, part in parts.items() if name not in (*needed, *choices)}
    if not choices:
        return st.fixed_dictionaries(needed, optional=others)
    return st.one_of(
        st.fixed_dictionaries({**needed, choice: parts[choice]}, optional=others)
        for choice in choices
    )


DOCUMENTS = documents(SCHEMA)


# Mutilations ------------------------------------------------------------------------------------


def places(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a document below its root."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        yield (*where, key)
        if isinstance(item, dict | list):
            yield from places(item, (*where, key))


@st.composite
def misshapen(draw: st.DrawFn) -> Any:
    """A document with a few values of any other kind, and keys that are gone or unknown."""
    document = copy.deepcopy(draw(DOCUMENTS))
    for _ in range(draw(st.integers(1, 3))):
        there = list(places(document))
        if not there:
            break
        *outer, last = draw(st.sampled_from(there))
        parent = document
        for step in outer:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "nest", "drop", "rename"])):
            case "replace":
                parent[last] = draw(ANYTHING)
            case "nest":
                deep: Any = draw(TEXT)
                for _ in range(draw(st.integers(1, 25))):
                    deep = draw(st.sampled_from([[deep], {"a": deep}, {"$ref": deep}]))
                parent[last] = deep
            case "drop":
                del parent[last]
            case _ if isinstance(parent, dict):
                parent[draw(TEXT)] = parent.pop(last)
            case _:
                parent.append(draw(ANYTHING))
    return document


def refused_or_read(path: Path, read: Any) -> None:
    """Reading ends in a declaration, or in lines that each name the file and a place."""
    try:
        said = read()
    except DeclarationError as error:
        lines = str(error).split("\n")
        assert all(line.startswith(f"{path}:") and line.isprintable() for line in lines), lines
    else:
        assert isinstance(said, Declaration)
        assert said.sha256 is not None


def from_text(folder: Path, raw: bytes) -> None:
    path = folder / "sm-conformance.yaml"
    path.write_bytes(raw)
    refused_or_read(path, lambda: load(path, origin="option"))


def dumped(document: Any) -> bytes:
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode("utf-8", "replace")


def test_a_good_part_of_the_documents_out_of_the_schema_is_lawful(folder: Path) -> None:
    read = 0

    @fuzzed
    @given(DOCUMENTS)
    def count(document: Any) -> None:
        nonlocal read
        path = folder / "sm-conformance.yaml"
        path.write_bytes(dumped(document))
        try:
            load(path, origin="option")
        except DeclarationError:
            return
        read += 1

    count()
    assert read > 4


@fuzzed
@given(document=misshapen())
def test_misshapen_documents_make_no_traceback(folder: Path, document: Any) -> None:
    from_text(folder, dumped(document))


@fuzzed
@given(
    document=DOCUMENTS,
    flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_documents_with_flipped_bytes_make_no_traceback(
    folder: Path, document: Any, flips: list[tuple[int, int]]
) -> None:
    raw = bytearray(dumped(document))
    for at, value in flips:
        raw[at % len(raw)] = value
    from_text(folder, bytes(raw))


@fuzzed
@given(document=DOCUMENTS, start=st.integers(0, 10_000), length=st.integers(1, 200))
def test_documents_that_are_cut_make_no_traceback(
    folder: Path, document: Any, start: int, length: int
) -> None:
    raw = dumped(document)
    at = start % len(raw)
    from_text(folder, raw[:at] + raw[at + length :])


@fuzzed
@given(document=misshapen())
def test_misshapen_documents_that_came_as_json_make_no_traceback(
    folder: Path, document: Any
) -> None:
    path = folder / "request.json"
    plain = json.loads(json.dumps(document))

    def read() -> Declaration:
        return load_document(
            plain, folder=folder, path=path, origin="aws", data_elsewhere=True, confined=True
        )

    refused_or_read(path, read)
