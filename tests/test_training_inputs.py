"""What a training is handed is what the platform would hand over, whatever is declared."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sm_conformance import specs
from sm_conformance.declaration.values import (
    Channel,
    Declaration,
    Fault,
    Lasts,
    Training,
    nothing_declared,
)
from sm_conformance.inputs import generated
from sm_conformance.inputs.archive import pack
from sm_conformance.inputs.scenario import Conditions
from sm_conformance.inputs.training import TrainingInputs, build

ORDINARY = Conditions()
NAMES = ("hyperparameters", "inputdataconfig", "resourceconfig")


def declared(**parts: object) -> Declaration:
    """A declaration of a training with two channels, unless ``parts`` say otherwise."""
    said: dict[str, object] = {
        "hyperparameters": {"depth": "5", "name": "x", "fast": "true"},
        "channels": (
            Channel(name="training", content_type="text/csv", files=(("a.csv", b"1,2\n"),)),
            Channel(name="extra", content_type=None, files=(("deep/b.bin", b"\0"),)),
        ),
        "fault": None,
        "lasts": None,
        "yields_model": True,
        "idle_s": None,
        "environment": {},
        **parts,
    }
    return replace(nothing_declared(), origin="option", training=Training(**said))  # type: ignore[arg-type]


def handed(declaration: Declaration, conditions: Conditions = ORDINARY) -> TrainingInputs:
    found = build(declaration, conditions)
    assert found is not None
    return found


def document(inputs: TrainingInputs, name: str) -> dict[str, object]:
    content = inputs.files[f"input/config/{name}.json"]
    assert content is not None
    loaded: dict[str, object] = json.loads(content)
    return loaded


def assert_lawful(inputs: TrainingInputs) -> None:
    """The three configuration files are valid, and each channel has its folder."""
    for name in NAMES:
        Draft202012Validator(specs.read_schema(f"opt_ml/{name}")).validate(document(inputs, name))
    for channel in document(inputs, "inputdataconfig"):
        assert inputs.files[f"input/data/{channel}"] is None
    for folder in ("input/data", "model", "output", "output/data"):
        assert inputs.files[folder] is None


def test_the_ordinary_job_has_the_owners_values_and_data() -> None:
    inputs = handed(declared())

    assert_lawful(inputs)
    assert document(inputs, "hyperparameters") == {"depth": "5", "name": "x", "fast": "true"}
    assert document(inputs, "inputdataconfig") == {
        "training": {
            "ContentType": "text/csv", "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None",
        },
        "extra": {
            "TrainingInputMode": "File", "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        },
    }  # fmt: skip
    assert document(inputs, "resourceconfig")["current_host"] == "algo-1"
    assert inputs.files["input/data/training/a.csv"] == b"1,2\n"
    assert inputs.files["input/data/extra/deep/b.bin"] == b"\0"
    assert inputs.guessed == ()


def test_no_sm_variables_and_no_credentials_are_handed_over() -> None:
    inputs = handed(declared())

    assert set(inputs.environment) == {"TRAINING_JOB_NAME", "TRAINING_JOB_ARN"}


def test_without_a_declaration_what_was_made_up_is_named() -> None:
    inputs = handed(nothing_declared())

    assert_lawful(inputs)
    assert document(inputs, "hyperparameters") == {}
    assert set(document(inputs, "inputdataconfig")) == {"train", "training", "validation"}
    assert inputs.files["input/data/train/data.csv"] == generated.flowers()
    assert inputs.guessed == (
        "channels train, training, validation with a generated CSV table (`training: {channels: …}`)",
        "no hyperparameters (`training: {hyperparameters: …}`)",
    )


def test_a_declared_training_without_channels_gets_none() -> None:
    inputs = handed(declared(channels=()))

    assert_lawful(inputs)
    assert document(inputs, "inputdataconfig") == {}
    assert inputs.guessed == ()


def test_typed_values_are_numbers_and_booleans_and_nothing_else() -> None:
    values = {"a": "5", "b": "0.10", "c": "true", "d": "null", "e": "[1]", "f": "x", "g": '"q"'}

    inputs = handed(declared(hyperparameters=values), Conditions(typed_hyperparameters=True))

    assert document(inputs, "hyperparameters") == {
        "a": 5, "b": 0.1, "c": True, "d": "null", "e": "[1]", "f": "x", "g": '"q"',
    }  # fmt: skip


def test_added_and_missing_hyperparameters() -> None:
    added = handed(declared(), Conditions(add_hyperparameters={"_tuning": "x"}))
    none = handed(declared(), Conditions(no_hyperparameters=True))

    assert document(added, "hyperparameters")["_tuning"] == "x"
    assert document(none, "hyperparameters") == {}


def test_odd_files_come_beside_the_owners() -> None:
    inputs = handed(declared(), Conditions(odd_files=True))

    for channel, name, content in (("training", "a.csv", b"1,2\n"), ("extra", "b.bin", b"\0")):
        assert inputs.files[f"input/data/{channel}/a nested folder/{name}"] == content
        assert inputs.files[f"input/data/{channel}/an empty file"] == b""
    assert inputs.files["input/data/training/a.csv"] == b"1,2\n"


def test_the_environment_of_the_job_is_the_declared_and_the_lifted_one() -> None:
    inputs = handed(declared(environment={"A": "1", "B": "1"}), Conditions(environment={"B": "2"}))

    assert (inputs.environment["A"], inputs.environment["B"]) == ("1", "2")


def test_what_makes_it_last_is_used_only_when_it_shall_last() -> None:
    longer = Channel(name="training", content_type=None, files=(("big", b"3"),))
    declaration = declared(lasts=Lasts(hyperparameters={"depth": "99"}, channels=(longer,)))

    ordinary, lasting = handed(declaration), handed(declaration, Conditions(lasting=True))

    assert document(ordinary, "hyperparameters")["depth"] == "5"
    assert document(lasting, "hyperparameters") == {"depth": "99", "name": "x", "fast": "true"}
    assert "input/data/training/a.csv" not in lasting.files
    assert lasting.files["input/data/training/big"] == b"3"
    assert lasting.files["input/data/extra/deep/b.bin"] == b"\0"


# -- faults ----------------------------------------------------------------------------------------


def test_a_declared_fault_is_the_owners_and_nothing_more() -> None:
    fault = Fault(hyperparameters={"depth": "deep"}, channels={"extra": "missing"})

    inputs = handed(declared(fault=fault), Conditions(fault="declared"))

    assert document(inputs, "hyperparameters")["depth"] == "deep"
    assert set(document(inputs, "inputdataconfig")) == {"training"}
    assert not [name for name in inputs.files if "extra" in name]


@pytest.mark.parametrize(
    ("fault", "files"),
    [
        ("missing-channel", {}),
        ("empty-channel", {"input/data/training": None}),
        (
            "corrupt-data",
            {"input/data/training": None, "input/data/training/a.csv": generated.garbage()},
        ),
    ],
)
def test_a_fault_of_the_data_spoils_the_first_channel_alone(
    fault: str, files: Mapping[str, bytes | None]
) -> None:
    inputs = handed(declared(), Conditions(fault=fault))

    assert {name: content for name, content in inputs.files.items() if "/training" in name} == files
    assert inputs.files["input/data/extra/deep/b.bin"] == b"\0"
    assert ("training" in document(inputs, "inputdataconfig")) == (fault != "missing-channel")


def test_a_bad_hyperparameter_replaces_numbers_only() -> None:
    inputs = handed(declared(), Conditions(fault="bad-hyperparameter"))

    bad = document(inputs, "hyperparameters")
    assert (bad["name"], bad["fast"]) == ("x", "true")
    assert bad["depth"] == "sm-conformance-no-such-value"


@pytest.mark.parametrize(
    ("fault", "parts"),
    [
        ("declared", {}),
        ("missing-channel", {"channels": ()}),
        ("empty-channel", {"channels": ()}),
        ("corrupt-data", {"channels": ()}),
        ("bad-hyperparameter", {"hyperparameters": {"name": "x"}}),
    ],
)
def test_a_fault_of_which_the_declaration_has_no_part_does_not_exist(
    fault: str, parts: Mapping[str, object]
) -> None:
    assert build(declared(**parts), Conditions(fault=fault)) is None


def test_an_unknown_fault_is_a_bug_and_raises() -> None:
    with pytest.raises(ValueError, match="bad-luck"):
        build(declared(), Conditions(fault="bad-luck"))


# -- any lawful declaration ------------------------------------------------------------------------

printable_text = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40)
channel_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
file_names = st.lists(
    st.from_regex(r"[A-Za-z0-9 _-]{1,12}", fullmatch=True), min_size=1, max_size=3
).map("/".join)


@st.composite
def channels(draw: st.DrawFn) -> tuple[Channel, ...]:
    names = draw(st.lists(channel_names, unique=True, max_size=4))
    return tuple(
        Channel(
            name=name,
            content_type=draw(st.none() | st.sampled_from(["text/csv", "application/json"])),
            files=((draw(file_names), draw(st.binary(max_size=20))),),
        )
        for name in names
    )


hyperparameters = st.dictionaries(printable_text.filter(bool), printable_text, max_size=6)
conditions = st.builds(
    Conditions,
    odd_files=st.booleans(),
    no_hyperparameters=st.booleans(),
    add_hyperparameters=hyperparameters,
    fault=st.sampled_from(
        [None, "missing-channel", "empty-channel", "corrupt-data", "bad-hyperparameter"]
    ),
)


@settings(max_examples=60, deadline=None)
@given(channels(), hyperparameters, conditions)
def test_any_lawful_declaration_gives_lawful_files(
    given_channels: tuple[Channel, ...], values: dict[str, str], how: Conditions
) -> None:
    inputs = build(declared(channels=given_channels, hyperparameters=values), how)
    if inputs is None:
        return

    assert_lawful(inputs)
    assert set(document(inputs, "inputdataconfig")) <= {one.name for one in given_channels}
    with tarfile.open(fileobj=io.BytesIO(pack(inputs.files))) as archive:
        held = {
            member.name: None if member.isdir() else opened.read() if opened else b""
            for member in archive
            for opened in [archive.extractfile(member) if member.isreg() else None]
        }
    assert {name: held[name] for name in inputs.files} == dict(inputs.files)


# -- the archive -----------------------------------------------------------------------------------


def members(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getmembers()


def test_everything_belongs_to_root_and_parents_come_first_and_once() -> None:
    found = members(pack({"a/b/c.txt": b"x", "a/d": None, "a/b/e": b""}))

    assert [member.name for member in found] == ["a", "a/b", "a/b/c.txt", "a/d", "a/b/e"]
    assert {(member.uid, member.gid) for member in found} == {(0, 0)}
    assert {member.mode for member in found if member.isdir()} == {0o755}
    assert {member.mode for member in found if member.isreg()} == {0o644}


def test_an_open_folder_is_open_and_its_parent_is_not() -> None:
    found = {
        member.name: member.mode
        for member in members(pack({"output/data": None}, open_folders=frozenset({"output/data"})))
    }

    assert found == {"output": 0o755, "output/data": 0o777}


def test_names_that_no_old_tar_could_hold_survive() -> None:
    name = "ü" * 120 + "/" + "n" * 150

    assert [member.name for member in members(pack({name: b"1"}))] == ["ü" * 120, name]


def test_equal_files_give_equal_bytes() -> None:
    files = {"b": b"2", "a/c": b"1"}

    assert pack(files) == pack(files)


def test_nothing_is_an_archive_too() -> None:
    assert members(pack({})) == []


# -- generated data --------------------------------------------------------------------------------


def test_generated_data_is_the_same_every_time_and_has_all_classes() -> None:
    table = generated.flowers(rows=30)

    assert table == generated.flowers(rows=30)
    lines = [line.split(",") for line in table.decode("ascii").splitlines()]
    assert {len(line) for line in lines} == {5}
    assert sorted(line[0] for line in lines) == ["0"] * 10 + ["1"] * 10 + ["2"] * 10
    assert all(float(cell) > 0 for line in lines for cell in line[1:])


def test_garbage_is_no_text() -> None:
    assert generated.garbage() == generated.garbage()
    with pytest.raises(UnicodeDecodeError):
        generated.garbage().decode("utf-8")


def test_schemas_of_the_tree_refuse_what_the_platform_never_writes(tmp_path: Path) -> None:
    hyper = Draft202012Validator(specs.read_schema("opt_ml/hyperparameters"))
    data = Draft202012Validator(specs.read_schema("opt_ml/inputdataconfig"))

    assert hyper.is_valid({"depth": "5"})
    assert not hyper.is_valid({"depth": 5})
    assert not hyper.is_valid({"depth": "5" * 2501})
    assert not data.is_valid({"a channel": {}})
    assert not data.is_valid({"training": {"TrainingInputMode": "file"}})
