"""Made-up data: a few words in a declaration become files that others' readers understand."""

from __future__ import annotations

import builtins
import csv
import hashlib
import io
import itertools
import json
import os
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.unknown_fields import UnknownFieldSet
from miniatures.judging import provide_engine
from PIL import Image
from pyarrow import parquet

from sm_conformance.data import kinds
from sm_conformance.data.table import Generated
from sm_conformance.declaration.loading import load, load_document
from sm_conformance.declaration.problems import DeclarationError
from sm_conformance.inputs import generated

PARQUET = "application/x-parquet"
RECORDIO = "application/x-recordio-protobuf"
PICTURES = ("image/png", "image/jpeg")
LIBRARIES = {PARQUET: "pyarrow", RECORDIO: "google", "image/png": "PIL", "image/jpeg": "PIL"}

Files = tuple[tuple[str, bytes], ...]


def made_up(folder: Path, content_type: str, said: str = "{}", *, file: str = "") -> Files:
    """The files of a channel of which a declaration says ``generate: said``."""
    path = folder / "sm-conformance.yaml"
    channel = f"{{content_type: '{content_type}', generate: {said}{file and f', file: {file}'}}}"
    path.write_text(f"training: {{channels: {{c: {channel}}}}}", "utf-8")
    training = load(path, origin="option").training
    assert training is not None
    return training.channels[0].files


def one_file(folder: Path, content_type: str, said: str = "{}") -> tuple[str, bytes]:
    ((name, content),) = made_up(folder, content_type, said)
    return name, content


def problems(folder: Path, text: str) -> list[str]:
    """The problems of ``text``, one per line, without the path of the file."""
    path = folder / "sm-conformance.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(DeclarationError) as raised:
        load(path, origin="option")
    lines = str(raised.value).split("\n")
    assert all(line.startswith(f"{path}:") for line in lines)
    return [line.removeprefix(f"{path}:") for line in lines]


def assert_around(label: float, numbers: list[float]) -> None:
    """The label can be learned from the numbers."""
    assert numbers
    assert all(abs(number - label) < 1.5 for number in numbers)


# Lines of text ---------------------------------------------------------------------------------


def table(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode("ascii")), strict=True))


def test_a_few_words_make_a_table(tmp_path: Path) -> None:
    name, text = one_file(tmp_path, "text/csv")

    rows = table(text)
    assert name == "data.csv"
    assert [len(row) for row in rows] == [5] * 20
    assert Counter(row[0] for row in rows) == {"0": 7, "1": 7, "2": 6}
    for label, *numbers in rows:
        assert_around(int(label), [float(cell) for cell in numbers])


@pytest.mark.parametrize(
    ("label", "width", "at"), [("first", 3, 0), ("last", 3, -1), ("none", 2, None)]
)
@pytest.mark.parametrize("header", [True, False])
def test_the_label_stands_where_it_is_wanted(
    tmp_path: Path, label: str, width: int, at: int | None, header: bool
) -> None:
    said = f"{{columns: 2, label: {label}, header: {str(header).lower()}}}"
    _, text = one_file(tmp_path, "text/csv", said)

    rows = table(text)
    assert {len(row) for row in rows} == {width}
    if header:
        names = ["feature_0", "feature_1"]
        named = {"first": ["label", *names], "last": [*names, "label"], "none": names}
        assert rows.pop(0) == named[label]
    assert len(rows) == 20
    if at is None:
        assert all("." in cell for row in rows for cell in row)
    else:
        assert {row[at] for row in rows} == {"0", "1", "2"}


@pytest.mark.parametrize(
    ("content_type", "width"),
    [
        ("text/csv; label_size=0", 4),
        ("text/csv;LABEL_SIZE=0;charset=utf-8", 4),
        ("text/csv;label_size=1", 5),
        ("text/csv;label_size=05", 5),
        ("text/csv; charset=utf-8", 5),
    ],
)
def test_a_content_type_may_say_that_there_is_no_label(
    tmp_path: Path, content_type: str, width: int
) -> None:
    (name, text), (stand_in, guessed) = (
        one_file(tmp_path, content_type), *generated.stand_in(content_type)
    )  # fmt: skip

    assert name == stand_in == "data.csv"
    assert {len(row) for row in table(text) + table(guessed)} == {width}
    labelled = one_file(tmp_path, content_type, "{label: first}")[1]
    assert {len(row) for row in table(labelled)} == {5}


def test_libsvm_counts_its_features_from_one(tmp_path: Path) -> None:
    name, text = one_file(tmp_path, "text/libsvm", "{rows: 4, columns: 2, classes: 2}")

    assert name == "data.libsvm"
    rows = [line.split(" ") for line in text.decode("ascii").splitlines()]
    assert sorted(row[0] for row in rows) == ["0", "0", "1", "1"]
    for label, *cells in rows:
        numbered = dict(cell.split(":") for cell in cells)
        assert list(numbered) == ["1", "2"]
        assert_around(int(label), [float(number) for number in numbered.values()])


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ("{}", ["label", "features"]),
        ("{label: last}", ["features", "label"]),
        ("{label: none}", ["features"]),
    ],
)
def test_json_lines_are_json(tmp_path: Path, said: str, keys: list[str]) -> None:
    name, text = one_file(tmp_path, "application/jsonlines", said)

    assert name == "data.jsonl"
    assert [list(json.loads(line)) for line in text.splitlines()] == [keys] * 20


def test_lines_of_words_have_as_many_as_are_asked_for(tmp_path: Path) -> None:
    name, text = one_file(tmp_path, "text/plain; charset=utf-8", "{rows: 3, columns: 2}")

    assert name == "data.txt"
    assert [len(line.split()) for line in text.splitlines()] == [2, 2, 2]


# Parquet ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["first", "last", "none"])
def test_parquet_has_named_columns_of_numbers(tmp_path: Path, label: str) -> None:
    said = f"{{rows: 30, columns: 2, label: {label}}}"
    name, content = one_file(tmp_path, PARQUET, said)

    found = parquet.read_table(io.BytesIO(content))
    kinds_of = {field.name: str(field.type) for field in found.schema}
    assert name == "data.parquet"
    assert found.num_rows == 30
    assert kinds_of == {
        **({} if label == "none" else {"label": "int64"}),
        "feature_0": "double",
        "feature_1": "double",
    }
    if label == "none":
        return
    assert found.column_names.index("label") == {"first": 0, "last": 2}[label]
    assert Counter(found["label"].to_pylist()) == {0: 10, 1: 10, 2: 10}
    for row in found.to_pylist():
        assert_around(row["label"], [row["feature_0"], row["feature_1"]])


# RecordIO-protobuf -----------------------------------------------------------------------------

# The message as the Developer Guide has it, with the tensors that are not made here too.
RECORD = """
name: "test/record.proto" package: "aialgs.data" syntax: "proto2"
message_type { name: "Float32Tensor"
  field { name: "values" number: 1 label: LABEL_REPEATED type: TYPE_FLOAT options { packed: true } }
  field { name: "keys" number: 2 label: LABEL_REPEATED type: TYPE_UINT64 options { packed: true } }
  field { name: "shape" number: 3 label: LABEL_REPEATED type: TYPE_UINT64 options { packed: true } }
}
message_type { name: "Float64Tensor"
  field { name: "values" number: 1 label: LABEL_REPEATED type: TYPE_DOUBLE options { packed: true } }
  field { name: "keys" number: 2 label: LABEL_REPEATED type: TYPE_UINT64 options { packed: true } }
  field { name: "shape" number: 3 label: LABEL_REPEATED type: TYPE_UINT64 options { packed: true } }
}
message_type { name: "Value" oneof_decl { name: "value" }
  field { name: "float32_tensor" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".aialgs.data.Float32Tensor" oneof_index: 0 }
  field { name: "float64_tensor" number: 3 label: LABEL_OPTIONAL type: TYPE_MESSAGE
          type_name: ".aialgs.data.Float64Tensor" oneof_index: 0 }
}
message_type { name: "Record"
  nested_type { name: "FeaturesEntry" options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE
            type_name: ".aialgs.data.Value" }
  }
  nested_type { name: "LabelEntry" options { map_entry: true }
    field { name: "key" number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
    field { name: "value" number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE
            type_name: ".aialgs.data.Value" }
  }
  field { name: "features" number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE
          type_name: ".aialgs.data.Record.FeaturesEntry" }
  field { name: "label" number: 2 label: LABEL_REPEATED type: TYPE_MESSAGE
          type_name: ".aialgs.data.Record.LabelEntry" }
  field { name: "uid" number: 3 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "metadata" number: 4 label: LABEL_OPTIONAL type: TYPE_STRING }
  field { name: "configuration" number: 5 label: LABEL_OPTIONAL type: TYPE_STRING }
}
"""


def payloads(content: bytes) -> Iterator[bytes]:
    """What is framed; MXNet's RecordIO: magic, length with flags in its upper 3 bits, padding."""
    stream = io.BytesIO(content)
    while head := stream.read(8):
        magic, length = struct.unpack("<II", head)
        assert (magic, length >> 29) == (0xCED7230A, 0)
        payload = stream.read(length)
        assert len(payload) == length
        assert stream.read(-length % 4) == bytes(-length % 4)
        yield payload


def records(content: bytes) -> list[Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(RECORD, descriptor_pb2.FileDescriptorProto()))
    record = message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))
    return [record.FromString(payload) for payload in payloads(content)]


@pytest.mark.parametrize("columns", [1, 2, 7])
def test_recordio_holds_one_record_of_protobuf_for_each_row(tmp_path: Path, columns: int) -> None:
    name, content = one_file(tmp_path, RECORDIO, f"{{rows: 9, columns: {columns}}}")

    found = records(content)
    assert name == "data.pbr"
    assert len(found) == 9
    for record in found:
        assert not UnknownFieldSet(record)
        assert set(record.features) == set(record.label) == {"values"}
        (label,) = record.label["values"].float32_tensor.values
        numbers = list(record.features["values"].float32_tensor.values)
        assert len(numbers) == columns
        assert not record.features["values"].float32_tensor.keys, "a dense vector has no keys"
        assert_around(label, numbers)
    labels = [record.label["values"].float32_tensor.values[0] for record in found]
    assert Counter(labels) == {0.0: 3, 1.0: 3, 2.0: 3}


def test_a_record_without_a_label_has_only_features(tmp_path: Path) -> None:
    found = records(one_file(tmp_path, RECORDIO, "{label: none}")[1])

    assert len(found) == 20
    assert all(not record.label and set(record.features) == {"values"} for record in found)


def test_the_users_own_message_of_that_name_is_left_alone(tmp_path: Path) -> None:
    one_file(tmp_path, RECORDIO)

    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("aialgs.data.Record")


# Pictures --------------------------------------------------------------------------------------


def decoded(content: bytes) -> Image.Image:
    """The decoded picture."""
    with Image.open(io.BytesIO(content)) as opened:
        opened.load()
        return opened


@pytest.mark.parametrize(
    ("content_type", "form", "ending"),
    [("image/png", "PNG", ".png"), ("image/jpeg", "JPEG", ".jpg")],
)
def test_pictures_lie_in_a_folder_for_each_class(
    tmp_path: Path, content_type: str, form: str, ending: str
) -> None:
    found = made_up(tmp_path, content_type, "{rows: 24, classes: 12, size: 40}")

    names = [PurePosixPath(name) for name, _ in found]
    assert Counter(name.parent.name for name in names) == {f"class_{n:02}": 2 for n in range(12)}
    assert len({name.name for name in names}) == 24
    assert {(len(name.parts), name.suffix) for name in names} == {(2, ending)}
    for _, content in found:
        picture = decoded(content)
        assert (picture.format, picture.mode, picture.size) == (form, "RGB", (40, 40))
    assert len({content for _, content in found}) == 24


@pytest.mark.parametrize("content_type", PICTURES)
def test_the_class_of_a_picture_can_be_learned(tmp_path: Path, content_type: str) -> None:
    """The middle of a picture is red, green or blue."""
    for name, content in made_up(tmp_path, content_type):
        reds_greens_blues = decoded(content).resize((3, 3), Image.Resampling.BOX).getpixel((1, 1))
        strongest = max(range(3), key=lambda n: reds_greens_blues[n])

        assert name.startswith(f"class_{strongest}/")


def test_pictures_are_as_few_and_small_as_a_channel_of_a_test_wants(tmp_path: Path) -> None:
    for content_type in PICTURES:
        found = made_up(tmp_path, content_type)

        assert len(found) == 20
        assert {decoded(content).size for _, content in found} == {(64, 64)}
        assert sum(len(content) for _, content in found) < 300_000


# The same every time ---------------------------------------------------------------------------

DIGESTS = """
import hashlib
from sm_conformance.data import kinds
from sm_conformance.data.table import Generated
wanted = Generated(rows=9, columns=3, label="first", classes=3, header=False, size=16)
for kind in kinds.KNOWN:
    print(kind, hashlib.sha256(repr(kinds.make(wanted, kind)).encode()).hexdigest())
"""


def test_the_same_words_make_the_same_bytes_in_every_process() -> None:
    wanted = Generated(rows=9, columns=3, label="first", classes=3, header=False, size=16)
    here = [
        f"{kind} {hashlib.sha256(repr(kinds.make(wanted, kind)).encode()).hexdigest()}"
        for kind in kinds.KNOWN
    ]

    there = [
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()
        for seed in ("1", "2")
    ]  # fmt: skip

    assert there == [here, here]
    assert len(set(here)) == len(kinds.KNOWN)


@pytest.mark.parametrize("kind", kinds.KNOWN)
def test_other_words_make_other_bytes(tmp_path: Path, kind: str) -> None:
    fewer = made_up(tmp_path, kind, "{rows: 19}")

    assert made_up(tmp_path, kind) == made_up(tmp_path, kind)
    assert made_up(tmp_path, kind) != fewer


@pytest.mark.parametrize("kind", [kind for kind in kinds.KNOWN if kind not in PICTURES])
def test_a_table_may_have_a_file_name_of_its_own(tmp_path: Path, kind: str) -> None:
    usual, named = made_up(tmp_path, kind), made_up(tmp_path, kind, file="a/b.bin")

    assert [name for name, _ in named] == ["a/b.bin"]
    assert [content for _, content in named] == [content for _, content in usual]


# Words that do not fit -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "said", "expected"),
    [
        ("a/b", "{}", "generate: the content_type must be one of text/csv, text/libsvm, "
         "application/jsonlines, text/plain, application/x-recordio-protobuf, "
         "application/x-parquet, image/png, image/jpeg for this"),
        ("image/jpg", "{}", "generate: the content_type must be one of"),
        ("text/csv", "{rows: 100000, columns: 11}",
         "generate: expected at most 1000000 numbers, that is, rows times columns"),
        (PARQUET, "{rows: 100000, columns: 11}", "generate: expected at most 1000000 numbers"),
        ("text/libsvm", "{header: true}", "generate.header: only text/csv has a header"),
        (PARQUET, "{header: true}", "generate.header: only text/csv has a header"),
        (RECORDIO, "{header: false}", "generate.header: only text/csv has a header"),
        ("image/png", "{header: true}", "generate.header: only text/csv has a header"),
        ("text/libsvm", "{label: none}", "label: a line of text/libsvm begins with its label"),
        ("text/libsvm", "{label: last}", "label: a line of text/libsvm begins with its label"),
        (RECORDIO, "{label: last}", "generate.label: a record holds its label apart: leave this"),
        ("text/plain", "{label: last}", "generate.label: lines of words have no label"),
        ("image/png", "{label: first}", "generate.label: the label of a picture is the folder"),
        ("image/jpeg", "{label: none}", "generate.label: the label of a picture is the folder"),
        ("text/csv", "{label: none, classes: 3}", "classes: there are no classes without a label"),
        (PARQUET, "{label: none, classes: 3}", "classes: there are no classes without a label"),
        ("text/plain", "{classes: 3}", "classes: there are no classes without a label"),
        ("text/csv;label_size=0", "{classes: 3}", "classes: there are no classes without a label"),
        ("text/csv", "{size: 32}", "generate.size: only pictures have a size"),
        (RECORDIO, "{size: 32}", "generate.size: only pictures have a size"),
        ("image/png", "{size: 7}", "generate.size: expected at least 8, got 7"),
        ("image/png", "{size: 1025}", "generate.size: expected at most 1024, got 1025"),
        ("image/png", "{size: big}", "generate.size: expected a whole number, got 'big'"),
        ("image/png", "{columns: 32}", "generate.columns: a picture has no columns but a size"),
        ("image/png", "{rows: 2}", "generate: expected at least one picture for each of 3 classes"),
        ("image/png", "{classes: 21}", "at least one picture for each of 21 classes"),
        ("image/jpeg", "{rows: 2001, size: 8}", "generate.rows: expected at most 2000 pictures"),
        ("image/jpeg", "{size: 448}",
         "generate: expected at most 4000000 pixels, that is, rows times size times size"),
    ],
)  # fmt: skip
def test_words_that_do_not_fit_are_told_with_their_line_and_place(
    tmp_path: Path, content_type: str, said: str, expected: str
) -> None:
    text = (
        "training:\n  channels:\n    c:\n"
        f"      content_type: {content_type}\n      generate: {said}\n"
    )

    (told,) = problems(tmp_path, text)

    assert told.startswith("5: $.training.channels.c.generate")
    assert expected in told


def test_what_makes_it_last_is_held_to_the_same(tmp_path: Path) -> None:
    (told,) = problems(
        tmp_path, "training: {lasts: {channels: {c: {generate: {}, content_type: a/b}}}}"
    )

    assert "$.training.lasts.channels.c.generate: the content_type must be one of" in told


def test_pictures_are_not_put_into_one_file(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as raised:
        made_up(tmp_path, "image/png", file="a.png")

    assert "$.training.channels.c.file: there are several pictures" in str(raised.value)


# Without a library -----------------------------------------------------------------------------


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a library one that is not installed."""
    usual = builtins.__import__

    def hide(library: str) -> None:
        def refusing(name: str, *rest: Any, **more: Any) -> Any:
            if name.partition(".")[0] == library:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return usual(name, *rest, **more)

        kinds.recordio._record.cache_clear()
        monkeypatch.setattr(builtins, "__import__", refusing)

    return hide


@pytest.mark.parametrize("kind", sorted(LIBRARIES))
def test_a_library_that_is_missing_is_told_once_and_how_to_get_it(
    tmp_path: Path, kind: str, without: Callable[[str], None]
) -> None:
    without(LIBRARIES[kind])

    (told,) = problems(
        tmp_path, f"training:\n  channels:\n    c: {{content_type: {kind}, generate: {{}}}}\n"
    )

    assert told.startswith(f"3: $.training.channels.c.generate: {kind} is made with ")
    assert "pip install 'sm-conformance[data]'" in told


def test_text_needs_no_library(tmp_path: Path, without: Callable[[str], None]) -> None:
    for library in LIBRARIES.values():
        without(library)

    for kind in kinds.KNOWN:
        if kind not in LIBRARIES:
            assert made_up(tmp_path, kind)


def test_a_table_is_not_made_for_a_declaration_that_is_wrong_anyway(
    tmp_path: Path, without: Callable[[str], None]
) -> None:
    without("pyarrow")

    (told,) = problems(
        tmp_path,
        f"training: {{channels: {{c: {{content_type: {PARQUET}, generate: {{rows: 0}}}}}}}}",
    )

    assert "expected at least 1, got 0" in told


def test_a_missing_library_ends_a_run_with_one_message_and_status_4(
    pytester: pytest.Pytester,
) -> None:
    provide_engine(pytester)
    pytester.mkdir("PIL").joinpath("__init__.py").write_text("raise ImportError('a\\nb')", "utf-8")
    (pytester.path / "sm-conformance.yaml").write_text(
        "claims: [training]\n"
        "training: {channels: {pictures: {content_type: image/png, generate: {}}}}\n",
        "utf-8",
    )
    pytester.syspathinsert()

    result = pytester.runpytest_subprocess("--sm-image=lawful", "--sm-report=report")

    text = result.stderr.str() + result.stdout.str()
    assert result.ret == 4, text
    assert (
        "sm-conformance.yaml:2: $.training.channels.pictures.generate: image/png is made with "
        "Pillow, which is not installed: pip install 'sm-conformance[data]' (a b)"
    ) in text
    assert "Traceback" not in text
    assert not (pytester.path / "report" / "evidence").exists()


# Where nobody said what is in a channel --------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "first"),
    [
        ("text/csv", "data.csv"),
        ("text/libsvm", "data.libsvm"),
        ("application/x-parquet; a=b", "data.parquet"),
        (RECORDIO, "data.pbr"),
        ("Image/PNG", "class_0/picture_"),
        ("image/jpeg", "class_0/picture_"),
    ],
)
def test_a_channel_of_a_known_content_type_is_given_data_of_it(
    content_type: str, first: str
) -> None:
    made = sorted(generated.stand_in(content_type))

    assert made[0][0].startswith(first)
    assert made == sorted(generated.stand_in(content_type))
    assert all(content for _, content in made)


@pytest.mark.parametrize("content_type", [None, "", "application/x-image", "nonsense"])
def test_a_channel_of_another_content_type_is_given_a_table(content_type: str | None) -> None:
    assert generated.stand_in(content_type) == (("data.csv", generated.flowers()),)


@pytest.mark.parametrize("kind", sorted(LIBRARIES))
def test_without_the_library_a_channel_is_given_a_table(
    kind: str, without: Callable[[str], None]
) -> None:
    without(LIBRARIES[kind])

    assert generated.stand_in(kind) == (("data.csv", generated.flowers()),)


def test_a_document_of_another_form_makes_data_too(tmp_path: Path) -> None:
    plain = {"training": {"channels": {"c": {"content_type": PARQUET, "generate": {"rows": 5.0}}}}}

    said = load_document(plain, folder=tmp_path, path=tmp_path / "a.json", origin="aws").training

    assert said is not None
    assert parquet.read_table(io.BytesIO(said.channels[0].files[0][1])).num_rows == 5


def test_every_kind_can_be_made_of_every_lawful_shape() -> None:
    for kind, label, columns in itertools.product(kinds.KNOWN, ("first", "none"), (1, 3)):
        wanted = Generated(rows=2, columns=columns, label=label, classes=2, header=True, size=8)

        assert all(content for _, content in kinds.make(wanted, kind))
