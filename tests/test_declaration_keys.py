"""What a declaration says beyond the first needs: ranges, code, expectations, waivers."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from sm_conformance import specs
from sm_conformance.contract import clause
from sm_conformance.declaration.loading import load, load_document
from sm_conformance.declaration.problems import DeclarationError, Problems
from sm_conformance.declaration.values import (
    ALL_GPUS,
    Channel,
    Code,
    Declaration,
    Expectation,
    Hosting,
    Hyperparameter,
    Metric,
    Objective,
    Training,
    Waiver,
)
from sm_conformance.inputs.archive import pack

EVERYTHING = """\
claims: [training, hosting, tuning, script-mode, gpu]
training:
  hyperparameters:
    name: 0.10
    rounds: {value: 2, type: integer, min: 1, max: 1000000, required: true, tunable: true}
    rate: {default: 0.10, type: continuous, min: 1e-3, max: .5}
    kernel: {value: yes, type: categorical, values: [yes, 1.0, linear]}
    note: {type: free-text, default: ''}
    unset: {type: integer, min: 1}
  channels:
    training:
      content_type: text/csv
      content_types: [application/jsonlines]
      modes: [File, FastFile]
      generate: {rows: 2, columns: 2, label: last, classes: 2, header: true}
    extra: {data: x, modes: [Pipe], compression: gzip, required: false}
  metrics:
    - {name: validation:accuracy, regex: 'accuracy=([0-9.]+)'}
    - {name: loss, regex: '(?P<value>\\S+) loss (again)?'}
  objective: {metric: validation:accuracy, goal: Maximize}
  entrypoint: [/bin/sh, -c]
  arguments: [run, 5, true, 0.10]
  code: {path: src, entry_point: lib/train.py}
hosting:
  content_types: [text/csv, application/json]
  accepts: [application/json]
  code: {path: src, entry_point: serve.py}
  requests:
    - {body: x}
    - {body: x, expect: {content_type: text/csv, body: "1\\n"}}
    - {body: x, expect: {body_path: src/serve.py}}
    - {body: x, expect: {matches: '^[0-9]$'}}
    - {body: x, expect: {schema: {type: array, items: {type: number}}}}
    - {body: x, takes_s: 55}
    - {body: '["x"]', schema: {type: array}}
    - {body: '["x"]', schema_path: texts.json}
resources: {cpus: 1.5, shm: 1g, gpus: all}
waivers:
  - {clause: TRAIN-060 stops-in-time, reason: repaired in March, expires: 2027-01-31}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that ``EVERYTHING`` names."""
    (tmp_path / "src" / "lib").mkdir(parents=True)
    (tmp_path / "src" / "lib" / "train.py").write_bytes(b"train")
    (tmp_path / "src" / "serve.py").write_bytes(b"serve")
    (tmp_path / "list.json").write_bytes(b"[1]")
    (tmp_path / "texts.json").write_bytes(b'{"items": {"type": "string"}}')
    (tmp_path / "sourcedir.tar.gz").write_bytes(packed({"t.py": b""}))
    return tmp_path


def packed(files: dict[str, bytes]) -> bytes:
    """A tar file compressed with gzip."""
    return gzip.compress(pack(files))


def read(folder: Path, text: str) -> Declaration:
    path = folder / "sm-conformance.yaml"
    path.write_text(text, "utf-8")
    return load(path, origin="option")


def problems(folder: Path, text: str) -> list[str]:
    """The problems of ``text``, one per line, without the path of the file."""
    with pytest.raises(DeclarationError) as raised:
        read(folder, text)
    prefix = f"{folder / 'sm-conformance.yaml'}:"
    lines = str(raised.value).split("\n")
    assert all(line.startswith(prefix) for line in lines)
    return [line.removeprefix(prefix) for line in lines]


def training(folder: Path, text: str) -> Training:
    found = read(folder, f"training: {text}").training
    assert found is not None
    return found


def hosting(folder: Path, text: str) -> Hosting:
    found = read(folder, f"hosting: {text}").hosting
    assert found is not None
    return found


# What is read ----------------------------------------------------------------------------------


def test_what_is_said_of_hyperparameters_is_kept_as_it_is_written(folder: Path) -> None:
    said = read(folder, EVERYTHING).training

    assert said is not None
    assert said.hyperparameters == {
        "name": "0.10", "rounds": "2", "rate": "0.10", "kernel": "yes", "note": "",
    }  # fmt: skip
    nothing: dict[str, Any] = {
        "value": None, "kind": None, "low": None, "high": None, "values": (), "required": False,
        "tunable": False, "default": None,
    }  # fmt: skip
    expected: dict[str, dict[str, Any]] = {
        "rounds": {
            "value": "2", "kind": "integer", "low": "1", "high": "1000000", "required": True,
            "tunable": True,
        },
        "rate": {"default": "0.10", "kind": "continuous", "low": "1e-3", "high": ".5"},
        "kernel": {"value": "yes", "kind": "categorical", "values": ("yes", "1.0", "linear")},
        "note": {"kind": "free-text", "default": ""},
        "unset": {"kind": "integer", "low": "1"},
    }  # fmt: skip
    assert said.hyperparameter_specs == tuple(
        Hyperparameter(**{"name": name, **nothing, **parts}) for name, parts in expected.items()
    )


def test_a_request_says_in_which_form_its_answer_streams(folder: Path) -> None:
    text = "claims: [hosting, streaming]\nhosting:\n  requests:\n    - {body: x}\n" + "".join(
        f"    - {{body: x, stream: {{format: {form}}}}}\n" for form in ("sse", "jsonlines", "none")
    )
    said = read(folder, text).hosting
    unclaimed = hosting(folder, "{requests: [{body: x, stream: {format: sse}}]}")

    assert said is not None
    assert [one.stream for one in said.requests] == [None, "sse", "jsonlines", "none"]
    assert [one.stream for one in unclaimed.requests] == ["sse"]


def test_the_other_new_keys_of_a_training_are_read(folder: Path) -> None:
    said = read(folder, EVERYTHING).training

    assert said is not None
    assert said.metrics == (
        Metric(name="validation:accuracy", regex="accuracy=([0-9.]+)"),
        Metric(name="loss", regex=r"(?P<value>\S+) loss (again)?"),
    )
    assert said.objective == Objective(metric="validation:accuracy", goal="Maximize")
    assert (said.entrypoint, said.arguments) == (("/bin/sh", "-c"), ("run", "5", "true", "0.10"))
    assert said.started_otherwise
    files = (("lib/train.py", b"train"), ("serve.py", b"serve"))
    assert said.code == Code(files=files, archive=None, entry_point="lib/train.py")
    made, extra = said.channels
    assert (made.modes, made.content_types) == (("File", "FastFile"), ("application/jsonlines",))
    assert (made.required, made.compression) == (True, "none")
    assert extra == Channel(
        name="extra", content_type=None, files=(("data", b"x"),), modes=("Pipe",),
        required=False, compression="gzip",
    )  # fmt: skip


def test_the_new_keys_of_hosting_resources_and_waivers_are_read(folder: Path) -> None:
    said = read(folder, EVERYTHING)

    assert said.hosting is not None
    assert said.hosting.content_types == ("text/csv", "application/json")
    assert said.hosting.accepts == ("application/json",)
    assert said.hosting.code is not None
    assert said.hosting.code.entry_point == "serve.py"
    nothing = Expectation(content_type=None, body=None, pattern=None, schema=None)
    assert [request.expect for request in said.hosting.requests] == [
        None,
        Expectation(content_type="text/csv", body=b"1\n", pattern=None, schema=None),
        Expectation(content_type=None, body=b"serve", pattern=None, schema=None),
        Expectation(content_type=None, body=None, pattern="^[0-9]$", schema=None),
        Expectation(
            content_type=None, body=None, pattern=None,
            schema={"type": "array", "items": {"type": "number"}},
        ),
        None,
        None,
        None,
    ]  # fmt: skip
    assert [one.takes_s for one in said.hosting.requests] == [*[None] * 5, 55.0, None, None]
    schemas = [request.schema for request in said.hosting.requests]
    assert schemas == [*[None] * 6, {"type": "array"}, {"items": {"type": "string"}}]
    assert nothing not in [request.expect for request in said.hosting.requests]
    assert (said.resources.cpus, said.resources.shm_bytes) == (1.5, 1 << 30)
    assert said.resources.gpus == ALL_GPUS
    assert said.waivers == (
        Waiver(
            clause="TRAIN-060 stops-in-time",
            reason="repaired in March",
            expires=datetime.date(2027, 1, 31),
        ),
    )


def test_a_reason_of_several_lines_becomes_one(folder: Path) -> None:
    said = read(
        folder,
        "waivers:\n- clause: TRAIN-060 stops-in-time\n  expires: 2027-01-31\n"
        "  reason: |\n    first\n    second\n",
    )

    assert said.waivers[0].reason == "first second"


def test_what_is_not_said_stays_unsaid(folder: Path) -> None:
    said = read(folder, "training: {channels: {c: {data: x}}}\nhosting: {requests: [{body: x}]}\n")

    assert said.training is not None
    assert said.training.hyperparameter_specs == ()
    assert (said.training.metrics, said.training.objective, said.training.code) == ((), None, None)
    assert not said.training.started_otherwise
    assert said.training.channels[0].modes == ("File",)
    assert said.training.channels[0].required
    assert said.hosting is not None
    assert (said.hosting.content_types, said.hosting.accepts) == ((), ())
    assert (said.hosting.code, said.hosting.requests[0].expect) == (None, None)
    assert (said.resources.cpus, said.resources.shm_bytes, said.resources.gpus) == (None,) * 3
    assert (said.waivers, dict(said.requests)) == ((), {})


def test_what_the_schema_accepts_from_the_example_is_what_is_read(folder: Path) -> None:
    document = yaml.safe_load(EVERYTHING.replace("2027-01-31", "'2027-01-31'"))

    assert not list(Draft202012Validator(specs.read_schema("declaration")).iter_errors(document))
    assert read(folder, EVERYTHING).declared


def test_a_hyperparameter_may_be_called_like_a_key(folder: Path) -> None:
    said = training(folder, "{hyperparameters: {value: 0.10, default: {value: 1.0}}}")

    assert said.hyperparameters == {"value": "0.10", "default": "1.0"}


@pytest.mark.parametrize(
    "said",
    [
        "{type: integer, min: -5, max: -5, value: -5}",
        "{type: integer, value: 007}",
        "{type: integer, min: 1, max: 9223372036854775808, value: 9223372036854775807}",
        "{type: continuous, min: 1e-6, max: 1e3, value: '1E2', default: 5}",
        "{min: 0, value: 0.5}",
        "{type: categorical, value: red}",
        "{values: [1, 2], default: 2}",
        "{type: free-text, value: '5'}",
        "{value: ''}",
        "{required: true}",
    ],
)
def test_a_range_that_holds_its_values_is_lawful(folder: Path, said: str) -> None:
    (spec,) = training(folder, f"{{hyperparameters: {{a: {said}}}}}").hyperparameter_specs

    assert spec.name == "a"


def test_a_machine_image_may_be_named(folder: Path) -> None:
    named = "al2-ami-sagemaker-inference-gpu-3-1"

    said = read(folder, f"resources: {{machine_image: {named}}}")

    assert said.resources.machine_image == named
    assert read(folder, "resources: {gpus: 1}").resources.machine_image is None


@pytest.mark.parametrize("gpus", [1, 64])
def test_gpus_may_be_counted(folder: Path, gpus: int) -> None:
    assert read(folder, f"resources: {{gpus: {gpus}}}").resources.gpus == gpus


def test_a_packed_program_is_handed_on_as_it_is(folder: Path) -> None:
    said = training(folder, "{code: {sourcedir: sourcedir.tar.gz, entry_point: t.py}}").code

    assert said == Code(
        files=(), archive=(folder / "sourcedir.tar.gz").read_bytes(), entry_point="t.py"
    )


def test_the_module_of_a_package_may_be_its_entry_point(folder: Path) -> None:
    (folder / "src" / "setup.py").write_bytes(b"")

    said = training(folder, "{code: {path: src, entry_point: trainer}}").code

    assert said is not None
    assert said.entry_point == "trainer"


@pytest.mark.parametrize("name", ["src/lib/train.py", "sourcedir.tar.gz", "expected.json"])
def test_the_digest_changes_with_the_new_files_that_are_named(folder: Path, name: str) -> None:
    (folder / "expected.json").write_bytes(b"[]")
    text = (
        "training: {code: {sourcedir: sourcedir.tar.gz}}\n"
        "hosting: {code: {path: src}, requests: [{body: x, expect: {body_path: expected.json}}]}\n"
    )
    before = read(folder, text).sha256
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")

    assert read(folder, text).sha256 != before


def test_every_claim_of_a_clause_can_be_made_and_no_other() -> None:
    known = set().union(*(one.claims for one in clause.load().clauses))
    items = specs.read_schema("declaration")["properties"]["claims"]["items"]

    assert set(items["enum"]) == known


@pytest.mark.parametrize(
    "claims",
    [
        "[batch]",
        "[batch, pipeline]",
        "[hosting, script-mode]",
        "[processing]",
        "[marketplace, gpu]",
    ],
)
def test_claims_that_need_no_other_stand_alone(folder: Path, claims: str) -> None:
    assert read(folder, f"claims: {claims}").claims


def test_a_batch_image_may_say_how_it_serves(folder: Path) -> None:
    assert read(folder, "claims: [batch]\nhosting: {}\n").hosting is not None


# What is wrong ---------------------------------------------------------------------------------


def hyperparameter(said: str) -> str:
    return f"training: {{hyperparameters: {{a: {said}}}}}"


def channel(said: str) -> str:
    return f"training: {{channels: {{c: {said}}}}}"


def later(takes_s: str) -> str:
    return f"hosting: {{requests: [{{body: x}}, {{body: x, takes_s: {takes_s}}}]}}"


def expect(said: str) -> str:
    return f"hosting: {{requests: [{{body: x, expect: {said}}}]}}"


def metrics(said: str) -> str:
    return f"training: {{metrics: {said}}}"


def waiver(said: str) -> str:
    return f"waivers: [{said}]"


LONG = "x" * 3000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # hyperparameters
        (
            "training:\n  hyperparameters:\n    a:\n      vlaue: 5\n",
            "4: $.training.hyperparameters.a.vlaue: unknown key; did you mean 'value'?",
        ),
        (hyperparameter("{}"), "$.training.hyperparameters.a: expected a number, boolean or text"),
        (hyperparameter("{value: [1]}"), "a.value: expected a number, boolean or text"),
        (hyperparameter("{type: float}"), "expected one of integer, continuous, categorical, free"),
        (hyperparameter("{required: yes}"), "a.required: expected true or false, got 'yes'"),
        (
            "training:\n  hyperparameters:\n    a: {type: integer,\n        min: 3, max: 2}\n",
            "4: $.training.hyperparameters.a.min: the least value is above the greatest",
        ),
        (hyperparameter("{min: 2.5, max: 2.25}"), "a.min: the least value is above the greatest"),
        (
            hyperparameter("{type: integer, min: 0.5}"),
            "a.min: expected a whole number, got '0.5'",
        ),
        (
            hyperparameter("{type: integer, value: many}"),
            "a.value: expected a whole number, got 'many'",
        ),
        (hyperparameter("{type: integer, value: 1_0}"), "expected a whole number, got '1_0'"),
        (hyperparameter("{type: integer, value: '٣'}"), "expected a whole number, got '٣'"),
        (hyperparameter("{type: continuous, max: .inf}"), "a.max: expected a number, got '.inf'"),
        (hyperparameter("{type: continuous, max: inf}"), "a.max: expected a number, got 'inf'"),
        (hyperparameter("{type: continuous, max: 1e999}"), "a.max: expected a number, got '1e999'"),
        (hyperparameter("{type: continuous, default: ''}"), "a.default: expected a number, got ''"),
        (hyperparameter("{min: low}"), "a.min: expected a number, got 'low'"),
        (
            hyperparameter("{type: integer, min: 2, value: 1}"),
            "a.value: it is below the least value, 2",
        ),
        (
            hyperparameter("{type: continuous, max: 0.5, default: 0.50001}"),
            "a.default: it is above the greatest value, 0.5",
        ),
        (
            hyperparameter("{type: integer, max: 9007199254740992, value: 9007199254740993}"),
            "a.value: it is above the greatest value, 9007199254740992",
        ),
        (hyperparameter("{type: categorical, min: 1}"), "a: min and max belong to the types"),
        (hyperparameter("{type: free-text, max: 1}"), "a: min and max belong to the types integer"),
        (
            hyperparameter("{type: integer, values: [1]}"),
            "a.values: values belong to the type categorical",
        ),
        (hyperparameter("{min: 1, values: [1]}"), "a: values and a range exclude each other"),
        (
            hyperparameter("{values: [red, blue], value: green}"),
            "a.value: 'green' is none of the values",
        ),
        (
            hyperparameter("{type: categorical, values: [1.0], default: 1}"),
            "a.default: '1' is none of the values",
        ),
        (hyperparameter("{values: []}"), "a.values: expected a list of values, got an empty list"),
        (hyperparameter("{values: [1, 1]}"), "a.values: expected no entry twice, got a list"),
        (hyperparameter(LONG), "$.training.hyperparameters.a: expected at most 2500 characters"),
        (hyperparameter(f"{{default: {LONG}}}"), "a.default: expected at most 2500 characters"),
        (
            f"training: {{hyperparameters: {{{LONG[:257]}: 1}}}}",
            "expected at most 256 characters as the key",
        ),
        (
            f"training: {{lasts: {{hyperparameters: {{{LONG[:257]}: 1}}}}}}",
            "expected at most 256 characters as the key",
        ),
        (
            "training: {hyperparameters: {" + ", ".join(f"h{n}: 1" for n in range(101)) + "}}",
            "$.training.hyperparameters: expected at most 100 entries, got a mapping",
        ),
        (
            "training: {hyperparameters: {a: {value: 1}}, fault: {hyperparameters: {a: 1}}}",
            "$.training.fault: this is the training that succeeds",
        ),
        # requests
        ("hosting: {requests: [{body: x, takes_s: 55}]}", "is sent often: put a slow one behind it"),
        (later("0"), "expected seconds, more than 0 and less than 60, got 0"),
        (later("60"), "expected seconds, more than 0 and less than 60, got 60"),
        (later("long"), "expected seconds, more than 0 and less than 60, got 'long'"),
        # channels
        (channel("{data: x, modes: []}"), "c.modes: expected at least one entry, got an empty"),
        (channel("{data: x, modes: [file]}"), "expected one of File, Pipe, FastFile, got 'file'"),
        (channel("{data: x, modes: [File, File]}"), "c.modes: expected no entry twice"),
        (channel("{data: x, modes: File}"), "c.modes: expected a list, got 'File'"),
        (channel("{data: x, content_types: []}"), "expected a list of 1 to 100 media types"),
        (channel("{data: x, content_types: [ü]}"), "c.content_types[0]: expected a media type"),
        (channel("{data: x, required: 1}"), "c.required: expected true or false, got 1"),
        (channel("{data: x, compression: zip}"), "c.compression: expected one of none, gzip"),
        (channel("{data: x, compression: gzip}"), "c.compression: gzip is for Pipe mode: add"),
        (channel("{generate: {}}"), "expected 'generate' only beside 'content_type'"),
        (
            channel("{generate: {}, data: x, content_type: text/csv}"),
            "$.training.channels.c: expected exactly one of path, data, generate, got data and",
        ),
        (
            channel("{generate: {rows: 0}, content_type: text/csv}"),
            "c.generate.rows: expected at least 1, got 0",
        ),
        (
            channel("{generate: {rows: 1.5}, content_type: text/csv}"),
            "c.generate.rows: expected a whole number, got 1.5",
        ),
        (
            channel("{generate: {rowz: 5}, content_type: text/csv}"),
            "c.generate.rowz: unknown key; did you mean 'rows'?",
        ),
        (
            channel("{generate: {classes: 1}, content_type: text/csv}"),
            "c.generate.classes: expected at least 2, got 1",
        ),
        (
            channel("{generate: {label: middle}, content_type: text/csv}"),
            "c.generate.label: expected one of first, last, none, got 'middle'",
        ),
        # metrics
        (metrics("{}"), "$.training.metrics: expected a list, got an empty mapping"),
        (metrics("[{name: a}]"), "$.training.metrics[0]: regex must be said too"),
        (metrics("[{}]"), "$.training.metrics[0]: name and regex must be said too"),
        (metrics("[{name: '', regex: (a)}]"), "metrics[0].name: expected text of 1 to 255"),
        (metrics("[{name: a, regex: 5}]"), "metrics[0].regex: expected a regular expression of 1"),
        (metrics("[{name: a, regex: '('}]"), "metrics[0].regex: not a regular expression: missing"),
        (metrics("[{name: a, regex: 'a{2,1}(b)'}]"), "metrics[0].regex: not a regular expression"),
        (
            metrics("[{name: a, regex: '" + "(" * 400 + "'}]"),
            "metrics[0].regex: not a regular expression",
        ),
        (
            metrics("[{name: a, regex: '(?:loss)=[0-9]'}]"),
            "metrics[0].regex: it has no group; put the number into parentheses",
        ),
        (metrics(f"[{{name: a, regex: '({LONG[:499]})'}}]"), "expected at most 500 characters"),
        (
            metrics("[{name: a, regex: (a)}, {name: a, regex: (b)}]"),
            "$.training.metrics[1]: another metric is named 'a'",
        ),
        (
            metrics("[" + ", ".join(f"{{name: m{n}, regex: (a)}}" for n in range(41)) + "]"),
            "$.training.metrics: expected at most 40 entries, got a list",
        ),
        (
            "training:\n  metrics: [{name: loss, regex: (a)}]\n"
            "  objective: {metric: los, goal: Minimize}\n",
            "3: $.training.objective.metric: there is no such metric; did you mean 'loss'?",
        ),
        (
            "training: {objective: {metric: a, goal: Minimize}}",
            "there is no such metric; known here: none",
        ),
        ("training: {objective: {metric: a}}", "$.training.objective: goal must be said too"),
        ("training: {objective: {metric: a, goal: max}}", "expected one of Maximize, Minimize"),
        # entrypoint and arguments (IMG-008)
        ("training: {entrypoint: []}", "entrypoint: expected a list of 1 to 100 words, got an"),
        ("training: {arguments: [[a]]}", "$.training.arguments[0]: expected a number, boolean or"),
        ("training: {arguments: train}", "expected a list of 1 to 100 words, got 'train'"),
        ('training: {entrypoint: ["a\\0"]}', "without a null character, got 'a\\x00'"),
        (
            "training: {arguments: [" + "a, " * 101 + "]}",
            "$.training.arguments: expected at most 100 entries",
        ),
        (f"training: {{entrypoint: [{LONG[:257]}]}}", "entrypoint[0]: expected at most 256 char"),
        ("hosting: {entrypoint: [a]}", "$.hosting.entrypoint: unknown key"),
        # code
        ("training: {code: {}}", "$.training.code: expected exactly one of path, sourcedir, got n"),
        (
            "training: {code: {path: src, sourcedir: sourcedir.tar.gz}}",
            "$.training.code: expected exactly one of path, sourcedir, got path and sourcedir",
        ),
        ("training: {code: src}", "$.training.code: expected a mapping, got 'src'"),
        ("training: {code: {path: nowhere}}", "$.training.code.path: cannot read "),
        ("training: {code: {path: src/serve.py}}", "it is a file, not a folder"),
        ("training: {code: {sourcedir: nowhere}}", "$.training.code.sourcedir: cannot read "),
        (
            "training: {code: {sourcedir: src/serve.py}}",
            "serve.py': it is no tar file compressed with gzip",
        ),
        (
            "training: {code: {path: src, entry_point: lib/trian.py}}",
            "code.entry_point: the folder has no such file; did you mean 'lib/train.py'?",
        ),
        (
            "training: {code: {path: src, entry_point: ../train.py}}",
            "code.entry_point: expected a relative file name without '.' and '..' parts",
        ),
        (
            "training: {code: {sourcedir: sourcedir.tar.gz}, channels: {code: {data: x}}}",
            "$.training.channels.code: the packed program is handed over in this channel",
        ),
        ("hosting: {code: {}}", "$.hosting.code: path must be said too"),
        ("hosting: {code: {sourcedir: sourcedir.tar.gz}}", "$.hosting.code.sourcedir: unknown key"),
        # hosting
        ("hosting: {content_types: text/csv}", "expected a list of 1 to 100 media types"),
        ("hosting: {accepts: [a/b, a/b]}", "$.hosting.accepts: expected no entry twice"),
        (expect("{}"), "expect: expected at least one of content_type, body, body_path, matches"),
        (expect("{body: x, matches: x}"), "expect: body and matches exclude each other"),
        (expect("{matches: x, schema: {}}"), "expect: matches and schema exclude each other"),
        (expect("{body: 5}"), "expect.body: expected text (put a bare number in quotes), got 5"),
        (expect("{body_path: nowhere}"), "$.hosting.requests[0].expect.body_path: cannot read"),
        (expect("{body_base64: AA==}"), "expect.body_base64: unknown key; did you mean 'body_p"),
        (expect("{matches: '['}"), "expect.matches: not a regular expression: unterminated"),
        (expect("{matches: ''}"), "expect.matches: expected a regular expression of up to 4096"),
        (expect("{schema: true}"), "expect.schema: expected a mapping that is a JSON Schema, got t"),
        (expect("{schema: {type: objct}}"), "expect.schema: not a JSON Schema: 'objct' is not val"),
        (expect("{schema: {pattern: '('}}"), "expect.schema: not a JSON Schema: '(' is not a 'reg"),
        (expect("{schema: {minimum: low}}"), "expect.schema: not a JSON Schema: 'low' is not of t"),
        (expect("{schema: {$schema: urn:x}}"), "not a JSON Schema: its $schema is unknown"),
        (expect("{schema: {$schema: 5}}"), "not a JSON Schema: its $schema is unknown"),
        (
            expect("{schema: {items: {$ref: 'https://example.com/a'}}}"),
            "expect.schema: a schema that refers elsewhere, to 'https://example.com/a', cannot",
        ),
        (expect("{schema: {items: {$ref: '#/none'}}}"), "a JSON Schema that cannot be followed"),
        (expect("{schema: {$ref: '#'}}"), "a JSON Schema that cannot be followed (RecursionErr"),
        (
            "hosting: {requests: [{body: '[1]', schema: {type: nonsense}}]}",
            "$.hosting.requests[0].schema: not a JSON Schema: 'nonsense' is not valid",
        ),
        (
            "hosting: {requests: [{body: '[1]', schema: {items: {type: string}}}]}",
            "requests[0].schema: the body of the sample does not keep it: $[0]: 1 is not of type",
        ),
        (
            "hosting: {requests: [{body: '1,2', schema: {}}]}",
            "requests[0].schema: the body of the sample is no JSON, and a schema is of JSON alone",
        ),
        (
            "hosting: {requests: [{body: '[1]', schema_path: src/none.json}]}",
            "$.hosting.requests[0].schema_path: cannot read",
        ),
        (
            "hosting: {requests: [{body: '[1]', schema_path: src/serve.py}]}",
            "$.hosting.requests[0].schema_path: expected a JSON Schema in JSON",
        ),
        (
            "hosting: {requests: [{body: '[1]', schema_path: list.json}]}",
            "requests[0].schema_path: expected a JSON Schema that is an object",
        ),
        ("hosting: {requests: [{body: '[1]', schema: {}, schema_path: a}]}",
         "requests[0].schema_path: there is a schema here as well: say one of them"),
        # limits of the API
        (
            "training: {environment: {A: " + LONG[:513] + "}}",
            "$.training.environment.A: expected at most 512 characters",
        ),
        (
            "training: {environment: {" + ", ".join(f"V{n}: 1" for n in range(101)) + "}}",
            "$.training.environment: expected at most 100 entries",
        ),
        ("hosting:\n environment:\n  ? " + LONG[:1025] + "\n  : 1", "expected a variable name of up to 10"),
        (
            "hosting: {environment: {" + ", ".join(f"V{n}: {LONG[:1000]}" for n in range(33)) + "}}",
            "$.hosting.environment: expected at most 32 KB in all",
        ),
        # claims
        ("claims: [streaming, training]", "$.claims: streaming needs hosting among the claims"),
        (
            "claims: [hosting]\nhosting: {requests: [{body: x, stream: {format: sse}}]}",
            "$.hosting.requests[0].stream: the claims do not name streaming: add it to them or remove this",
        ),
        (
            "hosting: {requests: [{body: x, stream: {format: csv}}]}",
            "$.hosting.requests[0].stream.format: expected one of sse, jsonlines, none, got 'csv'",
        ),
        (
            "hosting: {requests: [{body: x, stream: {}}]}",
            "$.hosting.requests[0].stream: format must be said too",
        ),
        (
            "hosting: {requests: [{body: x, stream: true}]}",
            "$.hosting.requests[0].stream: expected a mapping",
        ),
        (
            "hosting: {requests: [{body: x, stream: {form: sse}}]}",
            "did you mean 'format'?",
        ),
        ("claims: [training, pipeline]", "$.claims: pipeline needs hosting or batch among the cl"),
        ("claims: [batch, tuning]", "$.claims: tuning needs training among the claims"),
        ("claims: [marketplce]", "or 19 more, got 'marketplce'; did you mean 'marketplace'?"),
        ("claims: [5]", "$.claims[0]: expected one of training, hosting, "),
        # resources
        ("resources: {cpus: 0}", "$.resources.cpus: expected at least 0.01, got 0"),
        ("resources: {cpus: two}", "$.resources.cpus: expected a number, got 'two'"),
        ("resources: {shm: 64}", "$.resources.shm: expected a size such as 512m or 2g"),
        ("resources: {machine_image: 'a b'}", "machine_image: expected a name of letters, digits"),
        ("resources: {machine_image: 4}", "machine_image: expected a name of letters, digits"),
        ("resources: {gpus: 0}", "gpus: expected a whole number from 1 to 64, or the word all"),
        ("resources: {gpus: none}", "$.resources.gpus: expected a whole number from 1 to 64, or"),
        ("resources: {gpus: true}", "$.resources.gpus: expected a whole number from 1 to 64, or"),
        ("resources: {gpus: 1.5}", "$.resources.gpus: expected a whole number from 1 to 64, or"),
        # waivers
        (waiver("{}"), "$.waivers[0]: clause and reason and expires must be said too"),
        (
            waiver("{clause: TRAIN-060, reason: x, expires: 2027-01-31}"),
            "waivers[0].clause: expected a clause such as TRAIN-060 stops-in-time, got 'TRAIN-060'",
        ),
        (
            waiver("{clause: TRAIN-060 stops-in-time, reason: ' ', expires: 2027-01-31}"),
            "$.waivers[0].reason: expected text without control characters, got ' '",
        ),
        (
            waiver('{clause: TRAIN-060 stops-in-time, reason: "a\\e[2J", expires: 2027-01-31}'),
            "$.waivers[0].reason: expected text without control characters, got 'a\\x1b[2J'",
        ),
        (
            waiver(f"{{clause: TRAIN-060 stops-in-time, reason: {LONG}, expires: 2027-01-31}}"),
            "$.waivers[0].reason: expected at most 1024 characters",
        ),
        (
            "waivers:\n- clause: TRAIN-060 stops-in-time\n  reason: x\n  expires: 2027-02-29\n",
            "4: $.waivers[0].expires: there is no such day: '2027-02-29'",
        ),
        (
            waiver("{clause: TRAIN-060 stops-in-time, reason: x, expires: next year}"),
            "waivers[0].expires: expected a date such as 2027-01-31, got 'next year'",
        ),
        (
            waiver("{clause: TRAIN-060 stops-in-time, reason: x, expires: 20270131}"),
            "waivers[0].expires: expected a date such as 2027-01-31, got 20270131",
        ),
        ("waivers: TRAIN-060 stops-in-time", "$.waivers: expected a list, got 'TRAIN-060 stops-in"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_place(folder: Path, text: str, expected: str) -> None:
    told = problems(folder, text)

    assert any(expected in line for line in told), told


def test_a_wrong_value_is_told_once(folder: Path) -> None:
    assert len(problems(folder, channel("{generate: 5, content_type: text/csv}"))) == 1
    assert len(problems(folder, channel("{generate: {rows: x}, content_type: text/csv}"))) == 1
    assert len(problems(folder, metrics("[a]"))) == 1
    assert len(problems(folder, metrics("[{name: [a], regex: [b]}]"))) == 2
    assert len(problems(folder, expect("5"))) == 1
    assert len(problems(folder, "training: {code: 5}")) == 1
    assert len(problems(folder, waiver("5"))) == 1
    assert len(problems(folder, hyperparameter("{type: [integer], min: 1}"))) == 1


def test_a_regular_expression_of_a_later_python_does_not_warn(
    folder: Path, recwarn: pytest.WarningsRecorder
) -> None:
    assert training(folder, "{metrics: [{name: a, regex: '([[a])'}]}").metrics

    assert not recwarn.list


# A document that was not written as YAML --------------------------------------------------------


def document(folder: Path, said: Any, **options: Any) -> Declaration:
    return load_document(said, folder=folder, path=folder / "request.json", origin="aws", **options)


def test_a_document_is_read_like_a_file(folder: Path) -> None:
    plain = {
        "training": {"hyperparameters": {"a": "0.10"}, "code": {"path": "src"}},
        "waivers": [
            {"clause": "TRAIN-060 stops-in-time", "reason": "x", "expires": "2027-01-31"}
        ],
    }  # fmt: skip
    asked = {"algorithm": {"AlgorithmName": "a"}}

    said = document(folder, plain, requests=asked)

    assert (said.origin, said.path, said.declared) == ("aws", folder / "request.json", True)
    assert said.training is not None
    assert said.training.hyperparameters == {"a": "0.10"}
    assert said.waivers[0].expires == datetime.date(2027, 1, 31)
    assert said.requests == asked


def test_numbers_of_json_become_the_texts_that_are_sent(folder: Path) -> None:
    values = {"a": 5, "b": 0.5, "c": True, "d": {"value": 1.5, "values": [1.5, 2]}}
    said = document(
        folder,
        {"training": {"hyperparameters": values, "environment": {"E": 1}, "arguments": [1]}},
    ).training

    assert said is not None
    assert said.hyperparameters == {"a": "5", "b": "0.5", "c": "true", "d": "1.5"}
    assert said.hyperparameter_specs[0].values == ("1.5", "2")
    assert (said.environment, said.arguments) == ({"E": "1"}, ("1",))


def test_the_digest_of_a_document_is_of_what_it_says(folder: Path) -> None:
    one = document(folder, {"network": "needed", "claims": ["training"]}).sha256

    assert document(folder, {"claims": ["training"], "network": "needed"}).sha256 == one
    assert document(folder, {"network": "needed"}).sha256 != one
    assert document(folder, {"network": "needed"}, raw=b"a").sha256 != (
        document(folder, {"network": "needed"}, raw=b"b").sha256
    )


def test_channels_of_a_request_need_no_data_and_those_of_a_file_do(folder: Path) -> None:
    plain = {"training": {"channels": {"train": {"content_type": "text/csv", "modes": ["Pipe"]}}}}

    said = document(folder, plain, data_elsewhere=True).training

    assert said is not None
    assert said.channels[0].files == ()
    with pytest.raises(DeclarationError, match="exactly one of path, data, generate, got none"):
        document(folder, plain)


def test_data_that_is_said_twice_is_wrong_in_a_request_too(folder: Path) -> None:
    plain = {"training": {"channels": {"train": {"data": "x", "path": "src"}}}}

    with pytest.raises(DeclarationError, match="got path and data"):
        document(folder, plain, data_elsewhere=True)
    with pytest.raises(DeclarationError, match=r"lasts\.channels\.c: .*got none"):
        document(folder, {"training": {"lasts": {"channels": {"c": {}}}}}, data_elsewhere=True)


def test_problems_of_a_document_are_told_with_the_lines_that_are_known(folder: Path) -> None:
    known = Problems(folder / "sm-conformance.yaml")
    known.lines[("network",)] = 7
    known.add((), "this was wrong before")

    with pytest.raises(DeclarationError) as raised:
        document(folder, {"network": "maybe"}, problems=known)

    assert str(raised.value).split("\n") == [
        f"{folder / 'sm-conformance.yaml'}:1: $: this was wrong before",
        f"{folder / 'sm-conformance.yaml'}:7: $.network: expected one of isolated, needed, "
        "got 'maybe'",
    ]


def test_half_a_character_is_refused_wherever_json_has_it(folder: Path) -> None:
    plain = {"hosting": {"requests": [{"body": "\ud800"}]}, "network\udfff": "needed"}

    with pytest.raises(DeclarationError) as raised:
        document(folder, plain)

    assert str(raised.value).count("half of a surrogate pair") == 2
    assert "$.hosting.requests[0].body: half of" in str(raised.value)
    assert str(raised.value).encode(), "it can be printed"


def test_a_document_that_is_nested_for_ever_is_refused(folder: Path) -> None:
    deep: Any = "x"
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(DeclarationError, match="more than 20 levels"):
        document(folder, {"training": deep})


@pytest.mark.parametrize("said", [None, [], 5, "text", {"training": None}, {5: 5}, {"a": {1, 2}}])
def test_a_document_of_any_shape_is_refused_in_words(folder: Path, said: Any) -> None:
    with pytest.raises(DeclarationError, match=r"request\.json:1: \$"):
        document(folder, said)


# A declaration whose author is not trusted ------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "training: {channels: {c: {path: ../secret}}}",
        "training: {channels: {c: {path: ..}}}",
        "training: {channels: {c: {path: link}}}",
        "training: {channels: {c: {path: /etc/hostname}}}",
        "training: {code: {path: ..}}",
        "training: {code: {sourcedir: ../secret}}",
        "hosting: {model: ../secret}",
        "hosting: {requests: [{body_path: ../secret}]}",
        "hosting: {requests: [{body: x, expect: {body_path: link}}]}",
    ],
)
def test_a_confined_declaration_names_nothing_outside_its_folder(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_bytes(b"\x1f\x8b secret")
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "link").symlink_to("../secret")
    file = inner / "sm-conformance.yaml"
    file.write_text(text, "utf-8")

    with pytest.raises(DeclarationError, match="it leads out of the folder of the declaration"):
        load(file, origin="image", confined=True)


def test_a_confined_declaration_may_use_what_lies_beside_it(folder: Path) -> None:
    (folder / "link").symlink_to("src")
    file = folder / "sm-conformance.yaml"
    file.write_text("training: {channels: {c: {path: ./src}, d: {path: link}}}", "utf-8")

    said = load(file, origin="image", confined=True).training

    assert said is not None
    assert said.channels[0].files == said.channels[1].files
