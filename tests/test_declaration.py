"""What a declaration says is what the owner wrote, and what is wrong with it is said in one go."""

from __future__ import annotations

import base64
import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from sm_conformance import specs
from sm_conformance.declaration import files as declaration_files
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.problems import DeclarationError
from sm_conformance.declaration.values import (
    Channel,
    Declaration,
    Fault,
    LatencyBounds,
    Resources,
    SampleRequest,
    nothing_declared,
)
from sm_conformance.errors import UsageProblem

FULL = """\
claims: [training, hosting]
network: isolated
training:
  hyperparameters: {max_leaf_nodes: 5, name: x}
  channels:
    training: {content_type: text/csv, path: data/iris.csv}
    validation: {content_type: text/csv, data: "1,2\\n"}
  fault:
    hyperparameters: {max_leaf_nodes: banana}
    channels: {training: missing}
  lasts:
    hyperparameters: {epochs: 1000000}
    channels:
      training: {path: data}
  yields_model: false
  idle_s: 120
  environment: {KEY: value}
hosting:
  model: model.tar.gz
  startup_s: 480
  environment: {WORKERS: 2}
  requests:
    - {name: one-row, content_type: text/csv, accept: text/csv, body: "1,2\\n"}
    - {body_path: data/iris.csv}
    - {body_base64: AAEC}
latency: {ping_p99_ms: 50, invocation_p99_ms: 200.5}
resources: {memory: 2g, pids: 512, log: 16m, output: 5G, time_s: 600}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that ``FULL`` names."""
    (tmp_path / "data" / "deep").mkdir(parents=True)
    (tmp_path / "data" / "iris.csv").write_bytes(b"0,5.1\n")
    (tmp_path / "data" / "deep" / "more.csv").write_bytes(b"1,4.9\n")
    (tmp_path / "model.tar.gz").write_bytes(archive(b"a model"))
    return tmp_path


def archive(content: bytes) -> bytes:
    """A tar file with one file in it, compressed with gzip."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as made:
        info = tarfile.TarInfo("m")
        info.size = len(content)
        made.addfile(info, io.BytesIO(content))
    return held.getvalue()


def read(folder: Path, text: str | bytes) -> Declaration:
    path = folder / "sm-conformance.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(path, origin="option")


def problems(folder: Path, text: str | bytes) -> list[str]:
    """The problems of ``text``, one per line, without the path of the file."""
    with pytest.raises(DeclarationError) as raised:
        read(folder, text)
    prefix = f"{folder / 'sm-conformance.yaml'}:"
    lines = str(raised.value).split("\n")
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


# What is read ----------------------------------------------------------------------------------


def test_everything_that_can_be_said_is_read(folder: Path) -> None:
    said = read(folder, FULL)

    assert said.origin == "option"
    assert said.declared
    assert said.path == folder / "sm-conformance.yaml"
    assert said.claims == frozenset({"training", "hosting"})
    assert said.network == "isolated"
    assert said.latency == LatencyBounds(ping_p99_ms=50.0, invocation_p99_ms=200.5)
    assert said.resources == Resources(
        memory_bytes=2 << 30, pids=512, log_bytes=16 << 20, output_bytes=5 << 30, time_s=600.0
    )

    training = said.training
    assert training is not None
    assert training.hyperparameters == {"max_leaf_nodes": "5", "name": "x"}
    assert training.channels == (
        Channel(name="training", content_type="text/csv", files=(("iris.csv", b"0,5.1\n"),)),
        Channel(name="validation", content_type="text/csv", files=(("data.csv", b"1,2\n"),)),
    )
    assert training.fault == Fault(
        hyperparameters={"max_leaf_nodes": "banana"}, channels={"training": "missing"}
    )
    assert training.lasts is not None
    assert training.lasts.hyperparameters == {"epochs": "1000000"}
    assert training.lasts.channels == (
        Channel(
            name="training",
            content_type=None,
            files=(("deep/more.csv", b"1,4.9\n"), ("iris.csv", b"0,5.1\n")),
        ),
    )
    assert training.yields_model is False
    assert training.idle_s == 120.0
    assert training.environment == {"KEY": "value"}

    hosting = said.hosting
    assert hosting is not None
    assert hosting.model == folder / "model.tar.gz"
    assert not hosting.without_model
    assert hosting.startup_s == 480.0
    assert hosting.environment == {"WORKERS": "2"}
    assert hosting.requests == (
        SampleRequest(name="one-row", content_type="text/csv", accept="text/csv", body=b"1,2\n"),
        SampleRequest(name="request-2", content_type=None, accept=None, body=b"0,5.1\n"),
        SampleRequest(name="request-3", content_type=None, accept=None, body=b"\x00\x01\x02"),
    )


def test_what_is_not_said_stays_unsaid(folder: Path) -> None:
    said = read(folder, "training: {}\nhosting: {}\n")

    assert said.claims is None
    assert said.network is None
    assert said.latency == nothing_declared().latency
    assert said.resources == nothing_declared().resources
    assert said.training is not None
    assert said.training.yields_model is True
    assert (said.training.fault, said.training.lasts, said.training.idle_s) == (None, None, None)
    assert (said.training.hyperparameters, said.training.channels) == ({}, ())
    assert said.hosting is not None
    assert (said.hosting.model, said.hosting.without_model) == (None, False)
    assert said.hosting.requests == ()


def test_a_rate_is_kept_up_for_some_seconds(folder: Path) -> None:
    said = read(folder, "latency: {invocation_p99_ms: 80, rate_per_s: 2.5, seconds: 30}").latency

    assert said == LatencyBounds(
        ping_p99_ms=None, invocation_p99_ms=80.0, rate_per_s=2.5, seconds=30.0
    )


def test_an_empty_mapping_is_a_declaration(folder: Path) -> None:
    said = read(folder, "{}")

    assert said.declared
    assert (said.claims, said.training, said.hosting) == (None, None, None)


def test_no_declaration_says_nothing_and_is_not_declared() -> None:
    said = nothing_declared()

    assert not said.declared
    assert (said.origin, said.sha256, said.path) == ("default", None, None)
    assert (said.claims, said.network, said.training, said.hosting) == (None, None, None, None)


def test_training_may_be_claimed_without_a_section(folder: Path) -> None:
    said = read(folder, "claims: [tuning, training]")

    assert said.claims == frozenset({"training", "tuning"})
    assert said.training is None


@pytest.mark.parametrize(
    "written",
    [
        "0.10", "1e-3", "true", "yes", "on", "5", "010", "0x1F", "1_000", "1:30", "2024-01-01",
        "2024-01-01T10:00:00Z", "+7", ".5", ".inf", ".nan", "=", "<<", "-", "0o17", "1" * 40,
    ],
)  # fmt: skip
def test_a_hyperparameter_is_sent_as_it_is_written(folder: Path, written: str) -> None:
    text = f"training:\n  hyperparameters: {{a: {written}}}\n  environment: {{A: {written}}}\n"

    training = read(folder, text).training

    assert training is not None
    assert training.hyperparameters == {"a": written}
    assert training.environment == {"A": written}


def test_quotes_around_a_hyperparameter_are_not_sent(folder: Path) -> None:
    training = read(folder, "training: {hyperparameters: {a: '', b: \"5\", c: '[1, 2]'}}").training

    assert training is not None
    assert training.hyperparameters == {"a": "", "b": "5", "c": "[1, 2]"}


def test_the_word_none_means_without_a_model_and_a_file_of_that_name_does_not(folder: Path) -> None:
    (folder / "none").write_bytes(archive(b""))

    word = read(folder, "hosting: {model: none}").hosting
    file = read(folder, "hosting: {model: ./none}").hosting

    assert word is not None
    assert (word.model, word.without_model) == (None, True)
    assert file is not None
    assert (file.model, file.without_model) == (folder / "none", False)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("content_type: text/csv", "data.csv"),
        ("content_type: 'Text/CSV; label_size=0'", "data.csv"),
        ("content_type: application/jsonlines", "data.jsonl"),
        ("content_type: application/x-odd", "data"),
        ("file: 2024/part one.tsv, content_type: text/csv", "2024/part one.tsv"),
    ],
)
def test_written_data_gets_a_fitting_file_name(folder: Path, said: str, name: str) -> None:
    training = read(folder, f"training: {{channels: {{c: {{data: x, {said}}}}}}}").training

    assert training is not None
    assert training.channels[0].files == ((name, b"x"),)


def test_a_model_path_does_not_depend_on_the_current_folder_later(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "d.yaml").write_text("hosting: {model: model.tar.gz}")
    monkeypatch.chdir(folder)

    hosting = load(Path("d.yaml"), origin="file").hosting

    assert hosting is not None
    assert hosting.model == folder / "model.tar.gz"


def test_a_byte_order_mark_does_no_harm(folder: Path) -> None:
    said = read(folder, b"\xef\xbb\xbfclaims: [training]\n")

    assert said.claims == frozenset({"training"})


def test_line_breaks_in_base64_do_not_count(folder: Path) -> None:
    body = bytes(range(200))
    block = base64.encodebytes(body).decode().replace("\n", "\n       ")

    hosting = read(folder, f"hosting:\n  requests:\n  - body_base64: |\n       {block}\n").hosting

    assert hosting is not None
    assert hosting.requests[0].body == body


# The digest ------------------------------------------------------------------------------------


def test_the_digest_is_the_same_in_another_folder(folder: Path, tmp_path: Path) -> None:
    first = read(folder, FULL).sha256
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("data", "model.tar.gz"):
        (folder / name).rename(moved / name)

    assert first is not None
    assert len(first) == 64
    assert read(moved, FULL).sha256 == first


@pytest.mark.parametrize("name", ["data/iris.csv", "data/deep/more.csv", "model.tar.gz"])
def test_the_digest_changes_with_every_named_file(folder: Path, name: str) -> None:
    before = read(folder, FULL).sha256
    (folder / name).write_bytes(archive(b"other"))

    assert read(folder, FULL).sha256 != before


def test_the_digest_changes_with_a_file_name_and_with_the_text(folder: Path) -> None:
    before = read(folder, FULL).sha256
    commented = read(folder, FULL + "# a word\n").sha256
    (folder / "data" / "deep" / "more.csv").rename(folder / "data" / "deep" / "less.csv")

    assert len({before, commented, read(folder, FULL).sha256}) == 3


# What is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # keys
        (
            "training:\n  chanels: {}\n",
            "2: $.training.chanels: unknown key; did you mean 'channels'?",
        ),
        (
            "zzz: 1",
            "1: $.zzz: unknown key; known here: "
            "'claims', 'network', 'training', 'hosting', 'latency', 'resources'",
        ),
        ("network: isolated\nnetwork: needed", "2: $.network: this key is already on line 1"),
        (
            "training:\n  hyperparameters:\n    a: 1\n    'a': 2\n",
            "4: $.training.hyperparameters.a: this key is already on line 3",
        ),
        ("? [a]\n: 1", "1: $: expected a name before the colon"),
        ("<<: {network: needed}", "1: $['<<']: unknown key"),
        # shapes
        ("", "1: $: expected a mapping such as {claims: [training, hosting]}, got nothing"),
        ("- a", "1: $: expected a mapping such as {claims: [training, hosting]}, got a list"),
        ("training:\n", "1: $.training: expected a mapping, got nothing"),
        ("claims: training", "1: $.claims: expected a list, got 'training'"),
        # claims
        ("claims: []", "1: $.claims: expected at least one entry, got an empty list"),
        (
            "claims:\n- training\n- serving",
            "3: $.claims[1]: expected one of training, hosting, tuning, batch, "
            "multi-model, streaming or 19 more, got 'serving'",
        ),
        ("claims: [hosting, hosting]", "1: $.claims: expected no entry twice, got a list"),
        (
            "claims: [training]\nhosting: {}",
            "2: $.hosting: the claims do not name hosting: add it to them or remove this section",
        ),
        (
            "claims: [hosting]\ntraining: {}",
            "2: $.training: the claims do not name training: add it to them or remove this section",
        ),
        (
            "claims: [hosting, tuning]",
            "1: $.claims: tuning needs training among the claims",
        ),
        ("network: maybe", "1: $.network: expected one of isolated, needed, got 'maybe'"),
        ("network: no", "1: $.network: expected one of isolated, needed, got 'no'"),
        # training
        (
            "training: {hyperparameters: {a: [1]}}",
            "1: $.training.hyperparameters.a: expected a number, boolean or text "
            "(JSON is text: put it in quotes), or a mapping such as "
            "{value: 5, type: integer}, got a list",
        ),
        (
            "training: {hyperparameters: {a: }}",
            "{value: 5, type: integer}, got nothing",
        ),
        (
            "training: {hyperparameters: {'': 1}}",
            "expected a name of 1 to 256 characters as the key",
        ),
        (
            "training: {environment: {a-b: 1}}",
            "expected a variable name of up to 512 letters, digits and '_'",
        ),
        ('training: {environment: {A: "\\0"}}', "without a null character, got '\\x00'"),
        ("training: {yields_model: yes}", "expected true or false, got 'yes'"),
        ("training: {idle_s: 0}", "1: $.training.idle_s: expected seconds, more than 0"),
        ("training: {idle_s: 1:30}", "got '1:30'"),
        ("training: {idle_s: .inf}", "got '.inf'"),
        ("training: {idle_s: 010}", "got '010'"),
        ("training: {idle_s: 1e99}", "at most 2419200 (28 days), got 1e+99"),
        ("training: {idle_s: true}", "more than 0 and at most 2419200 (28 days), got true"),
        ("training: {fault: {}}", "1: $.training.fault: expected hyperparameters or channels that"),
        (
            "training: {hyperparameters: {a: 1}, fault: {hyperparameters: {a: 1}}}",
            "1: $.training.fault: this is the training that succeeds; "
            "name a value or a channel that differs",
        ),
        ("training: {fault: {channels: {}}}", "this is the training that succeeds"),
        (
            "training: {channels: {train: {data: x}}, fault: {channels: {trian: missing}}}",
            "1: $.training.fault.channels.trian: training has no such channel; "
            "did you mean 'train'?",
        ),
        (
            "training: {channels: {}, fault: {channels: {train: missing}}}",
            "training has no such channel; known here: none",
        ),
        ("training: {fault: {channels: {a: gone}}}", "expected one of missing, empty, corrupt"),
        ("training: {lasts: {}}", "expected hyperparameters or channels that make training last"),
        # channels
        ("training: {channels: {'..': {data: x}}}", "$.training.channels['..']: expected a"),
        ("training: {channels: {a/b: {data: x}}}", "expected a channel name of up to 64 letters"),
        (
            'training: {channels: {"a\\n": {data: x}}}',
            "expected a channel name of up to 64 letters",
        ),
        ("training: {channels: {a: {}}}", "exactly one of path, data, generate, got none"),
        ("training: {channels: {a: {path: data, data: x}}}", "generate, got path and data"),
        ("training: {channels: {a: {path: data, file: x}}}", "path and file exclude each other"),
        ("training: {channels: {a: {data: x, file: ../x}}}", "expected a relative file name"),
        ("training: {channels: {a: {data: x, file: /x}}}", "expected a relative file name"),
        ("training: {channels: {a: {data: x, file: a//x}}}", "expected a relative file name"),
        (
            "training: {channels: {a: {data: 5}}}",
            "expected text (put a bare number in quotes), got 5",
        ),
        (
            'training: {channels: {a: {data: x, content_type: "a\\n"}}}',
            "expected a media type such as",
        ),
        ("training: {channels: {a: {data: x, content_type: ü}}}", "expected a media type such as"),
        (
            "training: {channels: {" + ", ".join(f"c{n}: {{data: x}}" for n in range(21)) + "}}",
            "1: $.training.channels: expected at most 20 entries, got a mapping",
        ),
        # hosting
        ("hosting: {requests: []}", "expected at least one entry, got an empty list"),
        ("hosting: {requests: [{}]}", "exactly one of body, body_path, body_base64, got none"),
        (
            "hosting:\n  requests:\n  - {body: x}\n  - {body: x, body_path: y, name: b}\n",
            "4: $.hosting.requests[1]: expected exactly one of body, body_path, body_base64, "
            "got body and body_path",
        ),
        (
            "hosting: {requests: [{body: 5.1}]}",
            "expected text (put a bare number in quotes), got 5.1",
        ),
        ("hosting: {requests: [{body_base64: A}]}", "body_base64: expected text in Base64: "),
        ("hosting: {requests: [{body_base64: ü}]}", "body_base64: expected text in Base64: "),
        ("hosting: {requests: [{body: x, name: a/b}]}", "expected a name of up to 64 letters"),
        (
            "hosting:\n  requests:\n  - {body: x, name: a}\n  - {body: y, name: a}\n",
            "4: $.hosting.requests[1]: another request is named 'a'",
        ),
        (
            "hosting: {requests: [{body: x, name: request-2}, {body: y}]}",
            "1: $.hosting.requests[1]: another request is named 'request-2'",
        ),
        ("hosting: {startup_s: 59}", "1: $.hosting.startup_s: expected at least 60, got 59"),
        ("hosting: {startup_s: 3601}", "1: $.hosting.startup_s: expected at most 3600, got 3601"),
        ("hosting: {startup_s: 8m}", "1: $.hosting.startup_s: expected a number, got '8m'"),
        ("hosting: {model: }", "1: $.hosting.model: expected a path, got nothing"),
        # bounds
        ("latency: {ping_p99_ms: 0}", "expected milliseconds, more than 0"),
        ("latency: {rate_per_s: 0}", "expected a number from 0.1 to 1000, got 0"),
        ("latency: {rate_per_s: 1001}", "expected a number from 0.1 to 1000, got 1001"),
        ("latency: {rate_per_s: fast}", "expected a number from 0.1 to 1000, got 'fast'"),
        ("latency: {rate_per_s: 5, seconds: 0.5}", "expected seconds from 1 to 600, got 0.5"),
        (
            "latency:\n  rate_per_s: 200\n  seconds: 101\n",
            "3: $.latency.seconds: expected at most 20000 requests: lower the rate or the seconds",
        ),
        ("resources: {memory: 512}", "1: $.resources.memory: expected a size such as 512m or 2g"),
        ("resources: {memory: 0g}", "expected a size such as 512m or 2g"),
        ("resources: {memory: 1.5g}", "expected a size such as 512m or 2g"),
        ("resources: {log: 1t}", "expected a size such as 512m or 2g"),
        ("resources: {memory: 5m}", "1: $.resources.memory: expected at least 6m"),
        ("resources: {pids: 0}", "1: $.resources.pids: expected at least 1, got 0"),
        ("resources: {pids: 1.5}", "1: $.resources.pids: expected a whole number, got 1.5"),
        # text
        ("network: 'a\n", "2:1: not usable YAML: found unexpected end of stream"),
        ("a: [1\n", "not usable YAML: "),
        ("a: 1\n---\nb: 2\n", "2:1: not usable YAML: but found another document"),
        ("\tnetwork: needed", "1:1: not usable YAML: found character '\\t' that cannot start"),
        (
            "a: &x 1\nb: *x\n",
            "2:4: not usable YAML: the alias *x is not allowed; write the value out",
        ),
        ("network: !!python/name:os.system needed", "1:10: not usable YAML: the tag tag:yaml.org"),
        ("training: {idle_s: !!float .nan}", "not usable YAML: the tag tag:yaml.org,2002:float"),
        ("claims: [" + "a," * 20_000, "not usable YAML: more than 20000 keys and values"),
        ("[" * 21, "1:21: not usable YAML: more than 20 levels"),
        ('network: "\\UFFFFFFFF"', "not usable YAML: "),
        ('network: "\\U00110000"', "not usable YAML: "),
        ("network: a\n# \x07", "2:3: the character '\\x07' is not allowed in YAML"),
        (b"network: a\nx: \xff", "2:4: not UTF-8"),
        ('network: "\\ud800"', "1: $.network: half of a surrogate pair"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_place(
    folder: Path, text: str | bytes, expected: str
) -> None:
    told = problems(folder, text)

    assert any(expected in line for line in told), told


def test_all_mistakes_of_all_kinds_are_told_together_in_the_order_of_lines(folder: Path) -> None:
    text = """\
claims: [training, hosting, tuning]
network: maybe
training:
  channels:
    training: {path: data/irs.csv, contenttype: text/csv}
  fault: {channels: {train: gone}}
hosting:
  startup_s: 5
  startup_s: 60
  requests:
    - {name: a, body_path: nowhere}
latancy: {}
"""

    told = problems(folder, text)

    assert [line.split(":")[0] for line in told] == [
        "2", "5", "5", "6", "6", "8", "9", "11", "12",
    ]  # fmt: skip
    assert told[-1] == "12: $.latancy: unknown key; did you mean 'latency'?"
    missing = f"cannot read '{folder / 'data/irs.csv'}': No such file or directory"
    assert f"5: $.training.channels.training.path: {missing}" in told


def test_a_wrong_claim_does_not_make_the_sections_wrong(folder: Path) -> None:
    assert len(problems(folder, "claims: [training, hostng]\nhosting: {}\n")) == 1


def test_a_wrong_value_is_told_once(folder: Path) -> None:
    assert len(problems(folder, "hosting: {model: [a]}")) == 1
    assert len(problems(folder, "hosting: {requests: [a]}")) == 1
    assert len(problems(folder, "training: {channels: {a: }}")) == 1
    assert len(problems(folder, "training: {fault: {channels: 5}}")) == 1
    assert len(problems(folder, "training: {channels: [a], fault: {channels: {a: empty}}}")) == 1


def test_at_most_ten_mistakes_are_told_and_the_others_counted(folder: Path) -> None:
    told = problems(folder, "".join(f"key{n}: 1\n" for n in range(25)))

    assert len(told) == 11
    assert told[9].startswith("10: $.key9: unknown key")
    assert told[10] == " and 15 more problems"


def test_a_long_or_odd_value_is_told_in_one_short_line(folder: Path) -> None:
    (told,) = problems(folder, 'network: "' + "\\u202E\\e[31m\\n" * 1000 + '"')

    assert len(told) < 400
    assert told.isprintable()


def test_a_whole_number_may_be_written_with_a_point(folder: Path) -> None:
    pids = read(folder, "resources: {pids: 5.0}").resources.pids

    assert repr(pids) == "5"


def test_an_odd_name_that_is_suggested_stays_in_its_line(folder: Path) -> None:
    text = 'training: {channels: {"\\n": {data: x}}, fault: {channels: {a: empty}}}'

    assert problems(folder, text)[1].endswith("training has no such channel; known here: '\\n'")


def test_many_unknown_keys_do_not_take_long(folder: Path) -> None:
    told = problems(folder, "".join(f"k{n}:\n" for n in range(9_000)))

    assert told[10] == " and 8990 more problems"


def test_an_unusable_declaration_is_the_users_problem() -> None:
    assert issubclass(DeclarationError, UsageProblem)


def test_a_missing_declaration_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError) as raised:
        load(tmp_path / "no.yaml", origin="option")

    assert str(raised.value) == (
        f"{tmp_path / 'no.yaml'}: the declaration cannot be read: No such file or directory"
    )


def test_a_folder_or_an_impossible_name_is_no_declaration(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="Is a directory"):
        load(tmp_path, origin="option")
    with pytest.raises(DeclarationError, match="null byte"):
        load(tmp_path / "a\0b", origin="option")


def test_a_huge_declaration_is_not_read(folder: Path) -> None:
    text = "#" * (1 << 20)

    assert read(folder, "{}" + text[2:]).declared
    with pytest.raises(DeclarationError, match="larger than 1 MiB"):
        read(folder, "{}" + text)


# The files that are named ----------------------------------------------------------------------


CHANNEL = "training: {channels: {c: {path: box}}}"


def channel_problem(folder: Path) -> str:
    (told,) = problems(folder, CHANNEL)
    return told.removeprefix("1: $.training.channels.c.path: ")


@pytest.fixture
def box(folder: Path) -> Path:
    (folder / "box" / "inner").mkdir(parents=True)
    (folder / "box" / "inner" / "a.csv").write_bytes(b"a")
    return folder / "box"


def test_the_files_of_a_folder_come_in_the_order_of_their_names(folder: Path, box: Path) -> None:
    for name in ("d.csv", "b.csv", "e.csv", "a.csv", "c.csv"):
        (box / name).write_bytes(b"")

    training = read(folder, CHANNEL).training

    assert training is not None
    names = [name for name, _ in training.channels[0].files]
    assert names == ["a.csv", "b.csv", "c.csv", "d.csv", "e.csv", "inner/a.csv"]


def test_links_inside_a_folder_are_followed(folder: Path, box: Path) -> None:
    (box / "also").symlink_to("inner")
    (box / "b.csv").symlink_to("inner/a.csv")

    training = read(folder, CHANNEL).training

    assert training is not None
    names = [name for name, _ in training.channels[0].files]
    assert names == ["also/a.csv", "b.csv", "inner/a.csv"]


def test_a_folder_may_itself_be_named_by_a_link(folder: Path, box: Path) -> None:
    box.rename(folder / "real")
    box.symlink_to("real")

    training = read(folder, CHANNEL).training

    assert training is not None
    assert training.channels[0].files == (("inner/a.csv", b"a"),)


@pytest.mark.parametrize("target", ["..", "../data", "../model.tar.gz", "/etc/hostname"])
def test_a_link_out_of_the_folder_is_refused(folder: Path, box: Path, target: str) -> None:
    (box / "inner" / "out").symlink_to(Path("..") / target)

    assert channel_problem(folder) == f"cannot use '{box}': the link 'out' leads out of the folder"


def test_a_link_in_a_circle_is_refused(folder: Path, box: Path) -> None:
    (box / "inner" / "up").symlink_to("..")

    told = channel_problem(folder)

    assert told == f"cannot use '{box}': the link 'up' leads back to a folder above it"


@pytest.mark.parametrize("target", ["nowhere", "self"])
def test_a_link_to_nowhere_is_refused(folder: Path, box: Path, target: str) -> None:
    (box / "self").symlink_to(target)

    assert channel_problem(folder).startswith(f"cannot read '{box / target}': ")


def test_a_pipe_is_refused_and_not_waited_for(folder: Path, box: Path) -> None:
    os.mkfifo(box / "pipe")
    os.mkfifo(folder / "body")

    assert channel_problem(folder) == f"cannot use '{box}': 'pipe' is not a regular file"
    (told,) = problems(folder, "hosting: {requests: [{body_path: body}]}")
    assert told.endswith("'body' is not a regular file")
    (told,) = problems(folder, "hosting: {model: body}")
    assert told.endswith("'body' is not a regular file")


def test_a_folder_without_files_is_refused(folder: Path) -> None:
    (folder / "box" / "inner").mkdir(parents=True)

    assert channel_problem(folder) == f"cannot use '{folder / 'box'}': the folder has no files"


def test_a_folder_is_neither_a_model_nor_a_body(folder: Path) -> None:
    assert (
        problems(folder, "hosting: {model: data, requests: [{body_path: data}]}")
        == [
            f"1: $.hosting.requests[0].body_path: cannot use '{folder / 'data'}': "
            "'data' is not a regular file",
            f"1: $.hosting.model: cannot use '{folder / 'data'}': 'data' is not a regular file",
        ][::-1]
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"text", b"\x1f\x8b", gzip.compress(b"no tar file" * 99, mtime=0), bytes(10240)],
)
def test_a_model_is_a_tar_file_compressed_with_gzip(folder: Path, content: bytes) -> None:
    (folder / "model.tar.gz").write_bytes(content)

    (told,) = problems(folder, "hosting: {model: model.tar.gz}")

    assert told.endswith("it is no tar file compressed with gzip, as a model.tar.gz is")


def test_a_file_name_that_is_not_utf_8_is_refused(folder: Path, box: Path) -> None:
    Path(os.fsdecode(os.fsencode(box) + b"/\xff.csv")).write_bytes(b"")

    assert channel_problem(folder).endswith("the file name '\\udcff.csv' is not UTF-8")


def test_folders_too_deep_are_refused(folder: Path, box: Path) -> None:
    deep = box
    for _ in range(70):
        deep /= "d"
    deep.mkdir(parents=True)

    assert channel_problem(folder).endswith("more than 64 folders below each other")


def test_the_files_of_all_channels_share_one_bound(
    folder: Path, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declaration_files, "_MOST_BYTES", 100)
    (box / "b.csv").write_bytes(b"b" * 60)
    two = "training: {channels: {c: {path: box/b.csv}, d: {path: box/b.csv}}}"

    assert read(folder, CHANNEL).declared
    (told,) = problems(folder, two)

    assert told == (
        f"1: $.training.channels.d.path: cannot use '{box / 'b.csv'}': "
        "all named files together have more than 100 bytes"
    )


@pytest.mark.parametrize(
    "content", [b"", b"root:x:0:0", b"\x1f\x8b", gzip.compress(b"no tar", mtime=0)]
)
def test_a_model_that_is_no_archive_is_refused(folder: Path, content: bytes) -> None:
    (folder / "model.tar.gz").write_bytes(content)

    (told,) = problems(folder, "hosting: {model: model.tar.gz}")
    assert told.endswith("it is no tar file compressed with gzip, as a model.tar.gz is")


def test_a_large_model_does_not_count_against_the_bound(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declaration_files, "_MOST_BYTES", 10)
    (folder / "model.tar.gz").write_bytes(archive(b"m" * 1000))

    assert read(folder, "hosting: {model: model.tar.gz}").declared


def test_a_huge_file_is_refused_before_it_is_read(folder: Path, box: Path) -> None:
    with (box / "sparse").open("wb") as file:
        file.truncate(1 << 40)

    assert channel_problem(folder).endswith("have more than 1073741824 bytes")


def test_too_many_files_are_refused(
    folder: Path, box: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declaration_files, "_MOST_ENTRIES", 5)
    for number in range(6):
        (box / f"{number}.csv").write_bytes(b"")

    assert channel_problem(folder).endswith("more than 5 files and folders in all")


# Mutilated declarations ------------------------------------------------------------------------


fuzzed = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

# None of these names a file of the machine that could be large or block.
plain_text = st.text(alphabet=st.characters(exclude_characters="/"), max_size=12)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | plain_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
    max_leaves=6,
)


def readable_or_refused(folder: Path, text: str | bytes) -> None:
    """Reading ends in a declaration or in lines that name the file, and in nothing else."""
    try:
        said = read(folder, text)
    except DeclarationError as error:
        told = str(error).split("\n")
        assert all(line.startswith(f"{folder / 'sm-conformance.yaml'}:") for line in told)
    else:
        assert said.sha256 is not None


@fuzzed
@given(raw=st.binary(max_size=60))
def test_bytes_that_mean_nothing_make_no_traceback(folder: Path, raw: bytes) -> None:
    readable_or_refused(folder, raw)


@fuzzed
@given(
    start=st.integers(0, len(FULL)),
    length=st.integers(0, 30),
    text=st.text(
        alphabet=st.sampled_from("\n \t:-,[]{}\"'|>&*!%@`#?<=~0.eax\\U\x00\x85"), max_size=8
    ),
)
def test_a_declaration_with_a_damaged_stretch_makes_no_traceback(
    folder: Path, start: int, length: int, text: str
) -> None:
    readable_or_refused(folder, FULL[:start] + text + FULL[start + length :])


def places(value: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a document below its root."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner:
        yield (*where, key)
        if isinstance(item, dict | list):
            yield from places(item, (*where, key))


PLACES = list(places(yaml.safe_load(FULL)))


@fuzzed
@given(where=st.sampled_from(PLACES), value=anything, key=st.none() | plain_text)
def test_a_declaration_with_a_strange_value_or_key_makes_no_traceback(
    folder: Path, where: tuple[str | int, ...], value: Any, key: str | None
) -> None:
    document = yaml.safe_load(FULL)
    parent = document
    for step in where[:-1]:
        parent = parent[step]
    parent[where[-1]] = value
    if key is not None and isinstance(parent, dict):
        parent[key] = parent.pop(where[-1])

    readable_or_refused(folder, yaml.safe_dump(document, allow_unicode=True))


@fuzzed
@given(value=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_quoted_text_is_a_hyperparameter_unchanged(folder: Path, value: str) -> None:
    text = yaml.safe_dump({"training": {"hyperparameters": {"a": value}}}, default_style='"')

    training = read(folder, text).training

    assert training is not None
    assert training.hyperparameters == {"a": value}


# The schema ------------------------------------------------------------------------------------


def schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and all schemas inside it."""
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from schemas(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from schemas(value)


SCHEMA = specs.read_schema("declaration")


def test_the_schema_is_a_draft_2020_12_schema() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_every_property_of_the_schema_is_described_and_every_mapping_closed() -> None:
    for schema in schemas(SCHEMA):
        for name, inner in schema.get("properties", {}).items():
            if isinstance(inner, dict) and schema.get("type") == "object":
                assert inner.get("description"), name
        if schema.get("type") == "object":
            assert "additionalProperties" in schema, schema
            assert ("properties" in schema) == (schema["additionalProperties"] is False), schema


def test_every_rule_of_the_schema_has_words_for_its_failure() -> None:
    worded = {
        "additionalProperties", "allOf", "dependentRequired", "enum", "items", "maxItems",
        "maxLength", "maxProperties", "maximum", "minItems", "minimum", "oneOf", "properties",
        "propertyNames", "required", "type", "uniqueItems",
    }  # fmt: skip
    silent = {"$schema", "$id", "$comment", "$defs", "$ref", "title", "description", "default"}

    for schema in schemas({"properties": SCHEMA["properties"], "$defs": SCHEMA["$defs"]}):
        # A property may have such a name; its value is then a schema of its own.
        if any(isinstance(schema.get(key), str | list) for key in ("type", "enum", "pattern")):
            others = set(schema) - worded - silent
            assert not others or "title" in schema, schema


def test_what_the_schema_accepts_from_the_example_is_what_is_read(folder: Path) -> None:
    assert not list(Draft202012Validator(SCHEMA).iter_errors(yaml.safe_load(FULL)))
    assert read(folder, FULL).declared
