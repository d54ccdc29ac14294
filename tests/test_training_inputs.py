"""What a training is handed is what the platform would hand over, whatever is declared."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sm_conformance import specs
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.values import (
    Channel,
    Code,
    Declaration,
    Fault,
    Hyperparameter,
    Lasts,
    Training,
    nothing_declared,
)
from sm_conformance.inputs import generated, script_mode
from sm_conformance.inputs.archive import pack, with_code
from sm_conformance.inputs.scenario import Conditions
from sm_conformance.inputs.training import TrainingInputs, build

ORDINARY = Conditions()
NAMES = ("hyperparameters", "inputdataconfig", "resourceconfig")
# Files with a schema of their own; what the others hold is not published.
SCHEMAS = {name: name for name in (*NAMES, "checkpointconfig", "manifest")}


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


def written(inputs: TrainingInputs) -> list[tuple[str, bytes]]:
    """The JSON files that the harness writes: their names without the ending, their content."""
    config, manifests = "input/config/", re.compile("input/data/[^/]+-manifest")
    return [
        (
            "manifest" if manifests.fullmatch(name) else name.removeprefix(config)[: -len(".json")],
            content,
        )
        for name, content in inputs.files.items()
        if content is not None and (name.startswith(config) or manifests.fullmatch(name))
    ]


def assert_lawful(inputs: TrainingInputs) -> None:
    """Every file that is ours is valid by its schema, and each channel has its folder."""
    assert set(NAMES) <= {name for name, _ in written(inputs)}
    for name, content in written(inputs):
        schema = specs.read_schema(f"opt_ml/{SCHEMAS.get(name, 'unpublished')}")
        Draft202012Validator(schema).validate(json.loads(content))
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

    assert inputs.files["input/data/training/a nested folder/a.csv"] == b"1,2\n"
    assert inputs.files["input/data/extra/deep/a nested folder/b.bin"] == b"\0"
    for channel in ("training", "extra"):
        assert inputs.files[f"input/data/{channel}/an empty file"] == b""
    assert inputs.files["input/data/training/a.csv"] == b"1,2\n"


def test_the_full_tree_has_what_was_seen_on_real_jobs_beside_the_documented() -> None:
    inputs = handed(declared(), Conditions(further_files=True))

    assert_lawful(inputs)
    ordinary = handed(declared())
    assert ordinary.files.items() <= inputs.files.items()
    further = inputs.files.keys() - ordinary.files.keys()
    assert {name for name in further if name.startswith("input/")} == {
        "input/config/checkpointconfig.json", "input/config/debughookconfig.json",
        "input/config/init-config.json", "input/config/metric-definition-regex.json",
        "input/config/profilerconfig.json", "input/config/trainingjobconfig.json",
        "input/config/upstreamoutputdataconfig.json",
        "input/data/training-manifest", "input/data/extra-manifest",
    }  # fmt: skip
    assert json.loads(inputs.files["input/data/extra-manifest"] or b"") == [
        {"prefix": "s3://sagemaker-us-east-1-123456789012/extra/"}, "deep/b.bin",
    ]  # fmt: skip
    for folder in ("checkpoints", "errors", "output/metrics/sagemaker", "output/profiler"):
        assert inputs.files[folder] is None
    cache = inputs.environment["SAGEMAKER_MANAGED_WARMPOOL_CACHE_DIRECTORY"]
    assert f"{cache.removeprefix('/opt/ml/')}/of-an-earlier-job" in inputs.files


def test_the_short_form_of_the_channels_has_mode_and_content_type_only() -> None:
    inputs = handed(declared(), Conditions(short_channel_config=True))

    assert_lawful(inputs)
    assert document(inputs, "inputdataconfig") == {
        "training": {"ContentType": "text/csv", "TrainingInputMode": "File"},
        "extra": {"TrainingInputMode": "File"},
    }


def test_a_job_without_channels_has_an_empty_description_and_an_empty_folder() -> None:
    inputs = handed(declared(), Conditions(no_channels=True))

    assert_lawful(inputs)
    assert document(inputs, "inputdataconfig") == {}
    assert [name for name in inputs.files if name.startswith("input/data")] == ["input/data"]


def test_another_host_is_called_so_wherever_its_name_stands() -> None:
    inputs = handed(declared(), Conditions(host="algo-7"))

    assert_lawful(inputs)
    said = json.dumps(document(inputs, "resourceconfig"))
    assert said.count("algo-7") == 3
    assert "algo-1" not in said


def test_only_text_gets_the_quotes_of_json() -> None:
    values = {"depth": "5", "name": "x", "fast": "true", "list": "[1, 2]", "rate": "1e-3"}
    specs_ = (ranged("version", value="7", kind="categorical", values=("7", "8")),)
    declaration = declared(hyperparameters={**values, "version": "7"}, hyperparameter_specs=specs_)

    inputs = handed(declaration, Conditions(encoded_hyperparameters=True))

    assert_lawful(inputs)
    assert document(inputs, "hyperparameters") == {**values, "name": '"x"', "version": '"7"'}


@pytest.mark.parametrize(
    ("modes", "conditions", "mode", "read_only"),
    [
        (("File",), Conditions(), "File", ()),
        (("File", "FastFile"), Conditions(), "File", ()),
        (("File", "FastFile"), Conditions(fast_file=True), "File", ("input/data/fast",)),
        (("FastFile",), Conditions(), "File", ("input/data/fast",)),
        (("FastFile",), Conditions(writable_fast_file=True), "File", ()),
        (
            ("FastFile", "Pipe"), Conditions(fast_file=True, fast_file_word="FastFile"),
            "FastFile", ("input/data/fast",),
        ),
    ],
)  # fmt: skip
def test_a_fast_file_channel_is_read_only_and_described_with_either_word(
    modes: tuple[str, ...], conditions: Conditions, mode: str, read_only: tuple[str, ...]
) -> None:
    plain = Channel(name="plain", content_type=None, files=(("a", b"1"),))
    fast = Channel(name="fast", content_type=None, files=(("a", b"1"),), modes=modes)

    inputs = handed(declared(channels=(plain, fast)), conditions)

    assert_lawful(inputs)
    said: Mapping[str, Any] = document(inputs, "inputdataconfig")
    assert (said["plain"]["TrainingInputMode"], said["fast"]["TrainingInputMode"]) == ("File", mode)
    assert inputs.read_only == read_only


def test_where_no_channel_takes_fast_file_there_is_no_such_launch() -> None:
    assert build(declared(), Conditions(fast_file=True)) is None
    assert build(declared(), Conditions(writable_fast_file=True)) is None


def test_odd_files_do_not_make_a_further_class_of_pictures() -> None:
    pictures = generated.stand_in("image/png")
    channel = Channel(name="training", content_type="image/png", files=pictures)

    inputs = handed(declared(channels=(channel,)), Conditions(odd_files=True))

    below = [
        name.split("/")[3:] for name in inputs.files if name.startswith("input/data/training/")
    ]
    assert {parts[0] for parts in below if len(parts) > 1} == {"class_0", "class_1", "class_2"}
    assert any("a nested folder" in parts for parts in below)


def test_a_compressed_file_is_handed_over_as_it_is(tmp_path: Path) -> None:
    content = gzip.compress(b"1,2\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv.gz").write_bytes(content)
    (tmp_path / "sm-conformance.yaml").write_text(
        "training: {channels: {c: {content_type: text/csv, path: data}}}", "utf-8"
    )

    inputs = handed(load(tmp_path / "sm-conformance.yaml", origin="option"))

    below = {name: held for name, held in inputs.files.items() if name.startswith("input/data/c/")}
    assert below == {"input/data/c/x.csv.gz": content}
    with tarfile.open(fileobj=io.BytesIO(pack(inputs.files))) as archive:
        member = archive.extractfile("input/data/c/x.csv.gz")
        assert member is not None
        assert member.read() == content
    assert_lawful(inputs)
    assert inputs.guessed == ()


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


# -- what nobody said --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"kind": "integer", "low": "3", "high": "9"}, "3"),
        ({"kind": "integer", "high": "9"}, "9"),
        ({"kind": "continuous", "low": "0.5", "high": "1.5"}, "1.0"),
        ({"kind": "continuous", "low": "0.5"}, "0.5"),
        ({"kind": "categorical", "values": ("b", "a")}, "b"),
    ],
)
def test_a_required_hyperparameter_that_nobody_set_is_guessed_inside_its_range(
    said: Mapping[str, object], value: str
) -> None:
    inputs = handed(declared(hyperparameter_specs=(ranged("new", required=True, **said),)))

    assert document(inputs, "hyperparameters")["new"] == value
    assert inputs.guessed == (
        f"the value '{value}' of the hyperparameter 'new' "
        "(`training: {hyperparameters: {'new': {value: …}}}`)",
    )


def test_a_required_hyperparameter_of_which_nothing_is_known_is_left_out_and_told() -> None:
    inputs = handed(declared(hyperparameter_specs=(ranged("new", required=True),)))

    assert "new" not in document(inputs, "hyperparameters")
    (guess,) = inputs.guessed
    assert guess.startswith("no value of the hyperparameter 'new' (")


def test_a_guess_is_told_in_one_harmless_line() -> None:
    odd = ranged("\x1b[2J\n", required=True, values=("\x1b[0m",))

    (guess,) = handed(declared(hyperparameter_specs=(odd,))).guessed

    assert guess.isprintable()


def test_a_hyperparameter_that_is_set_or_not_required_is_not_guessed() -> None:
    specs = (
        ranged("depth", required=True, low="9"),
        ranged("new", low="9"),
    )

    inputs = handed(declared(hyperparameter_specs=specs))

    assert document(inputs, "hyperparameters") == {"depth": "5", "name": "x", "fast": "true"}
    assert inputs.guessed == ()


def test_a_channel_without_data_is_filled_and_told_and_an_optional_one_is_left_out() -> None:
    channels = (
        Channel(name="a", content_type="text/libsvm", files=()),
        Channel(name="b", content_type="application/x-image", files=()),
        Channel(name="c", content_type="text/csv", files=(), required=False),
    )

    inputs = handed(declared(channels=channels))

    assert_lawful(inputs)
    assert set(document(inputs, "inputdataconfig")) == {"a", "b"}
    libsvm = inputs.files["input/data/a/data.libsvm"]
    assert libsvm is not None
    assert b" 1:" in libsvm
    assert inputs.files["input/data/b/data.csv"] == generated.flowers()
    assert [guess.partition(" (")[0] for guess in inputs.guessed] == [
        "generated data for the channel a", "generated data for the channel b",
    ]  # fmt: skip


def test_files_for_a_channel_that_takes_pipes_alone_are_a_guess() -> None:
    def channel(*modes: str) -> Channel:
        return Channel(name="a", content_type=None, files=(("a", b"a"),), modes=modes)

    only_pipe = handed(declared(channels=(channel("Pipe"),)))

    assert only_pipe.files["input/data/a/a"] == b"a"
    assert len(only_pipe.guessed) == 1
    assert handed(declared(channels=(channel("Pipe", "FastFile"),))).guessed == ()


# -- a user's program ----------------------------------------------------------------------------


FOLDER = Code(
    files=(("train.py", b"print()"), ("lib/a.sh", b"")), archive=None, entry_point="train.py"
)
PACKED = Code(files=(), archive=b"\x1f\x8b", entry_point="train.py")


def test_a_folder_is_placed_where_the_program_is_told_that_it_lies() -> None:
    inputs = handed(declared(code=FOLDER))

    assert_lawful(inputs)
    assert document(inputs, "hyperparameters") == {
        "sagemaker_submit_directory": '"/opt/ml/code"', "sagemaker_program": '"train.py"',
        "depth": "5", "name": "x", "fast": "true",
    }  # fmt: skip
    assert inputs.files["code"] is None
    assert inputs.files["code/train.py"] == b"print()"
    modes = {member.name: member.mode for member in members(pack(inputs.files))}
    assert (modes["code"], modes["code/lib/a.sh"]) == (0o755, 0o755)
    assert modes["input/data/training/a.csv"] == 0o644
    assert set(document(inputs, "inputdataconfig")) == {"training", "extra"}


def test_a_packed_program_comes_in_a_channel_of_its_own() -> None:
    inputs = handed(declared(code=PACKED), Conditions(odd_files=True, fault="missing-channel"))

    assert_lawful(inputs)
    path = "/opt/ml/input/data/code/sourcedir.tar.gz"
    assert document(inputs, "hyperparameters")["sagemaker_submit_directory"] == json.dumps(path)
    assert inputs.files[path.removeprefix("/opt/ml/")] == PACKED.archive
    assert set(document(inputs, "inputdataconfig")) == {"extra", "code"}
    assert [name for name in inputs.files if "/code/" in name] == [path.removeprefix("/opt/ml/")]


def test_a_job_without_hyperparameters_still_names_its_program() -> None:
    inputs = handed(declared(code=FOLDER), Conditions(no_hyperparameters=True))

    assert set(document(inputs, "hyperparameters")) == {
        "sagemaker_submit_directory", "sagemaker_program",
    }  # fmt: skip


def test_what_the_owner_says_of_the_program_stands() -> None:
    said = {"sagemaker_program": "other.py"}

    inputs = handed(declared(code=FOLDER, hyperparameters=said))

    assert document(inputs, "hyperparameters")["sagemaker_program"] == "other.py"


def test_a_program_that_is_not_named_is_not_named() -> None:
    code = Code(files=FOLDER.files, archive=None, entry_point=None)

    assert "sagemaker_program" not in document(handed(declared(code=code)), "hyperparameters")
    assert script_mode.environment(code) == {"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
    assert script_mode.environment(None) == {}


def model(path: Path, files: Mapping[str, bytes | None]) -> Path:
    with gzip.open(path, "wb") as packed:
        packed.write(pack(files))
    return path


def held(path: Path) -> dict[str, bytes | None]:
    with tarfile.open(path) as archive:
        return {
            member.name: opened.read() if (opened := archive.extractfile(member)) else None
            for member in archive
        }


def test_a_served_program_replaces_the_one_in_the_model(tmp_path: Path) -> None:
    old = {"weights": b"1", "code/old.py": b"old", "code.txt": b"2", "deep/code/kept": b"3"}
    source = model(tmp_path / "in.tar.gz", old)

    made = with_code(source, {"serve.py": b"new"}, to=tmp_path / "out.tar.gz")

    assert held(made) == {
        "weights": b"1", "code.txt": b"2", "deep": None, "deep/code": None, "deep/code/kept": b"3",
        "code": None, "code/serve.py": b"new",
    }  # fmt: skip


def test_a_served_program_may_be_all_there_is(tmp_path: Path) -> None:
    made = with_code(None, {"serve.py": b"new"}, to=tmp_path / "out.tar.gz")

    assert held(made) == {"code": None, "code/serve.py": b"new"}


def test_names_that_begin_with_a_dot_are_the_same_folder(tmp_path: Path) -> None:
    source = model(tmp_path / "in.tar.gz", {"./code/old.py": b"old", "./weights": b"1"})

    made = with_code(source, {}, to=tmp_path / "out.tar.gz")

    assert [name for name in held(made) if "old" in name] == []
    assert b"1" in held(made).values()


@pytest.mark.parametrize(
    "raw", [b"", b"no archive", b"\x1f\x8b", gzip.compress(b"no tar file" * 99, mtime=0), None]
)
def test_a_model_that_is_no_archive_is_left_to_the_engine(
    tmp_path: Path, raw: bytes | None
) -> None:
    source = tmp_path / "in.tar.gz"
    if raw is None:
        raw = model(tmp_path / "whole", {"weights": b"1" * 99_999}).read_bytes()[:-20]
    source.write_bytes(raw)

    assert with_code(source, {"a": b""}, to=tmp_path / "out.tar.gz") == source


def test_a_model_with_links_and_devices_is_copied_and_not_followed(tmp_path: Path) -> None:
    source = tmp_path / "in.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
        device = tarfile.TarInfo("../device")
        device.type = tarfile.CHRTYPE
        archive.addfile(device)

    with tarfile.open(with_code(source, {}, to=tmp_path / "out.tar.gz")) as made:
        found = {member.name: (member.type, member.linkname) for member in made}

    assert found["link"] == (tarfile.SYMTYPE, "/etc/hostname")
    assert found["../device"] == (tarfile.CHRTYPE, "")


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


def ranged(name: str = "depth", **said: object) -> Hyperparameter:
    """What is said of a hyperparameter, nothing unless ``said`` says it."""
    nothing = {
        "value": None, "kind": None, "low": None, "high": None, "values": (), "required": False,
        "tunable": False, "default": None,
    }  # fmt: skip
    return Hyperparameter(name=name, **{**nothing, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "bad"),
    [
        ({"kind": "integer", "low": "1", "high": "10"}, "0"),
        ({"kind": "integer", "low": "-5"}, "-6"),
        ({"kind": "integer", "high": "10"}, "11"),
        ({"kind": "integer", "high": "9223372036854775807"}, "9223372036854775808"),
        ({"kind": "continuous", "low": "0.5", "high": "1.5"}, "-0.5"),
        ({"kind": "continuous", "low": "1e-6"}, "-0.999999"),
        ({"kind": "continuous", "high": "1e6"}, "2000000.0"),
        ({"low": "1"}, "0"),
        ({"kind": "categorical", "values": ("a", "b")}, "sm-conformance-no-such-value"),
    ],
)
def test_a_value_out_of_its_range_is_beyond_what_is_declared(
    said: Mapping[str, object], bad: str
) -> None:
    inputs = handed(
        declared(hyperparameter_specs=(ranged(**said),)), Conditions(fault="out-of-range")
    )

    assert document(inputs, "hyperparameters") == {"depth": bad, "name": "x", "fast": "true"}


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"kind": "integer"},
        {"kind": "free-text", "default": "x"},
        {"kind": "categorical"},
        {"kind": "continuous", "low": "-1.7e308"},
    ],
)
def test_without_a_range_nothing_is_out_of_it(said: Mapping[str, object]) -> None:
    declaration = declared(hyperparameter_specs=(ranged(**said),))

    assert build(declaration, Conditions(fault="out-of-range")) is None


def test_a_channel_that_is_not_required_is_no_fault_when_it_is_missing() -> None:
    channels = (
        Channel(name="a", content_type=None, files=(("a", b"a"),), required=False),
        Channel(name="b", content_type=None, files=(("b", b"b"),)),
    )

    missing = handed(declared(channels=channels), Conditions(fault="missing-channel"))
    corrupt = handed(declared(channels=channels), Conditions(fault="corrupt-data"))

    assert set(document(missing, "inputdataconfig")) == {"a"}
    assert corrupt.files["input/data/a/a"] == b"a"
    assert corrupt.files["input/data/b/b"] == generated.garbage()
    assert build(declared(channels=channels[:1]), Conditions(fault="empty-channel")) is None
    assert build(declared(channels=channels[:1]), Conditions(fault="corrupt-data")) is not None


@pytest.mark.parametrize(
    ("sin", "files"),
    [
        ("missing", None),
        ("empty", {}),
        ("corrupt", {"input/data/late/data.csv": generated.garbage()}),
    ],
)
def test_a_channel_that_is_left_out_can_be_spoilt_all_the_same(
    sin: str, files: Mapping[str, bytes] | None
) -> None:
    late = Channel(name="late", content_type=None, files=(), required=False)
    fault = Fault(hyperparameters={}, channels={"late": sin})

    inputs = handed(declared(channels=(late,), fault=fault), Conditions(fault="declared"))

    assert ("late" in document(inputs, "inputdataconfig")) == (files is not None)
    held = {name: content for name, content in inputs.files.items() if "/late/" in name}
    assert held == (files or {})


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
        [
            None,
            "missing-channel",
            "empty-channel",
            "corrupt-data",
            "out-of-range",
            "bad-hyperparameter",
        ]
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
