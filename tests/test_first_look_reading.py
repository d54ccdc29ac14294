"""What ``init`` reads in programs, logs and refusals, and how it writes it down."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from miniatures.candidates import MINIATURES
from miniatures.container import Miniature
from miniatures.engine import MiniatureEngine
from miniatures.lawful import LAWFUL

from sm_conformance.declaration.document import parse
from sm_conformance.declaration.problems import Problems, Where
from sm_conformance.first_look import clues, payloads
from sm_conformance.first_look import reading as first_look_reading
from sm_conformance.first_look.command import written
from sm_conformance.first_look.data import OTHERS, PLAIN, Table
from sm_conformance.first_look.draft import Draft
from sm_conformance.first_look.files import TextFile, read_program
from sm_conformance.first_look.fitting import fitted
from sm_conformance.first_look.plan import Plan
from sm_conformance.first_look.reading import Reading
from sm_conformance.first_look.writing import annotated, comment, outcommented
from sm_conformance.observed.facts import Exit
from sm_conformance.observed.http import Reply
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.output import NOTHING
from sm_conformance.observed.run import Ending, TrainRun


def reading(*texts: str) -> Reading:
    return first_look_reading.read(
        TextFile(path=f"/opt/program/{nth}", text=text) for nth, text in enumerate(texts)
    )


# -- names in a program's text -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("path = '/opt/ml/input/data/training'", ["training"]),
        ("The data lies in /opt/ml/input/data/corpus.", ["corpus"]),
        ("os.environ['SM_CHANNEL_TEST_SET']", ["test_set"]),
        ("channel_name='training'", ["training"]),
        ("channel_name <- 'train'", ["train"]),
        ("os.path.join(input_path, 'eval')", ["eval"]),
        ("os.path.join('/opt/ml/input/data', \"fit\")", ["fit"]),
        ("path = '/opt/ml/input/data/' + name", []),
        ("path = '/opt/ml/input/data/{}'.format(name)", []),
        ("path = '/opt/ml/input/config/resourceconfig.json'", []),
    ],
)
def test_channels_are_found(text: str, names: list[str]) -> None:
    assert list(reading(text).channels) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hyperparameters.get('rounds', '3')", ("rounds", "3", None)),
        ("x = int(hyperparameters.get('rounds', 3))", ("rounds", "3", "integer")),
        ("x = float(hyperparameters['eta'])", ("eta", None, "continuous")),
        ('json.load(hyperparameters).get("depth", 0.5)', ("depth", "0.5", None)),
        ("params = read_hyperparameters()\nn = params.get('n', None)", ("n", None, None)),
        (
            "with open(hyperparameters_path) as tc:\n    tp = json.load(tc)\nint(tp['leaves'])",
            ("leaves", None, "integer"),
        ),
        ("given <- read_hyperparameters()\ngiven[['degree']]", ("degree", None, None)),
        ("# hyperparameters\ntraining_params$thresh", ("thresh", None, None)),
        (
            "given = hyperparameters()\nwhole(given, 'restarts', default=1, lowest=1)",
            ("restarts", "1", None),
        ),
        ("given <- hyperparameters()\nn(given, 'k', default = 10L)", ("k", "10", None)),
        ("hyperparameters.get('prune', True)", ("prune", "true", None)),
        ("hyperparameters.get('kind', 'gini')", ("kind", "gini", None)),
        ("hyperparameters.get('when', os.getcwd())", ("when", None, None)),
    ],
)
def test_hyperparameters_are_found_with_what_the_program_falls_back_to(
    text: str, found: tuple[str, str | None, str | None]
) -> None:
    (setting,) = reading(text).settings

    assert (setting.name, setting.default, setting.kind) == found


def test_options_are_hyperparameters_where_a_toolkit_makes_options_of_them() -> None:
    script = """
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--model-dir", type=str, default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--train", type=str)
"""
    assert reading(script).settings == ()

    found = reading("from sagemaker_training.cli.train import main", script)
    assert found.toolkit == "/opt/program/0"
    assert [(one.name, one.default, one.kind) for one in found.settings] == [
        ("epochs", "10", "integer"),
        ("lr", "0.1", "continuous"),
    ]


def test_content_types_keys_columns_and_model_files_are_found() -> None:
    found = reading(
        """
@app.route("/invocations")
def predict():
    if request.content_type == "text/csv; charset=utf-8": pass
    if request.content_type in ("application/json", 'image/png'): pass
    rows = request.json["samples"]
target = "species"
y = frame.pop("label column")
with open(os.path.join(model_path, "model.pkl")) as file: pass
"""
    )

    assert list(found.content_types) == [
        "text/csv; charset=utf-8", "application/json", "image/png",
    ]  # fmt: skip
    assert "samples" in found.keys
    assert list(found.targets) == ["species", "label column"]
    assert list(found.model_files) == ["model.pkl"]
    assert payloads.not_made(found) == ("image/png",)


@given(st.text(max_size=400))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_the_reading(text: str) -> None:
    found = reading(f"hyperparameters /invocations {text}", text)

    assert len(found.settings) <= 20
    assert len(found.channels) <= 8


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "_params", "hyperparameters", "hyperparameters = ", "x = json.load(", '"', "(x, ",
     "channel ", "/opt/ml/input/data/", "Error", "expected 1", "KeyError: '", "target = '"],
)  # fmt: skip
def test_no_text_makes_the_reading_slow(unit: str) -> None:
    text = f"hyperparameters invocations {unit * (60_000 // len(unit))}"
    began = time.monotonic()

    reading(text)
    clues.of_training(run(stderr=text.encode()))
    clues.wanted_columns([], text)

    assert time.monotonic() - began < 5


# -- files of an image -------------------------------------------------------------------------------


def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **parts: object) -> Any:
    made: Miniature = replace(LAWFUL, **parts)  # type: ignore[arg-type]
    monkeypatch.setitem(MINIATURES, "held", made)
    engine = MiniatureEngine()
    found = read_program(engine, engine.image("held"), folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    return found


@pytest.mark.parametrize(
    ("parts", "paths"),
    [
        ({"entrypoint": ("/a/main",), "files": {"/a/main": b"x", "/a/b.py": b"y"}}, ["/a/main", "/a/b.py"]),
        ({"entrypoint": ("python3", "main.py"), "files": {"/main.py": b"x", "/other.py": b"y"}}, ["/main.py"]),
        (
            {"entrypoint": ("python3", "run.py"), "working_directory": "/srv/x",
             "files": {"/srv/x/run.py": b"x", "/srv/x/deep/more.R": b"y"}},
            ["/srv/x/run.py", "/srv/x/deep/more.R"],
        ),
        (
            {"entrypoint": (), "environment": {"PATH": "/opt/program:/bin"},
             "files": {"/opt/program/train": b"#!x", "/opt/program/serve": b"#!y"}},
            ["/opt/program/train", "/opt/program/serve"],
        ),
        (
            {"files": {"/opt/ml/code/train.py": b"x", "/opt/ml/model/weights": b"\0"}},
            ["/opt/ml/code/train.py"],
        ),
        ({"files": {"/program/main": b"\x7fELF\0", "/program/notes.md": b"x"}}, []),
        ({"files": {"/app/site-packages/x.py": b"x", "/app/node_modules/y.js": b"y"}}, []),
        ({"entrypoint": ("/usr/bin/thing",), "files": {"/usr/bin/other": b"#!x"}}, []),
    ],
)  # fmt: skip
def test_the_text_files_near_the_program_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, parts: dict[str, Any], paths: list[str]
) -> None:
    assert [one.path for one in program(monkeypatch, tmp_path, **parts).texts] == paths


@pytest.mark.parametrize(
    ("parts", "missing"),
    [
        ({"entrypoint": (), "files": {"/usr/bin/serve": b"#!x"}}, {"train"}),
        ({"entrypoint": (), "files": {}}, {"train", "serve"}),
        ({"entrypoint": ("tini", "--"), "files": {}}, set()),
        ({"entrypoint": ("/a/main",), "files": {}}, set()),
    ],
)
def test_words_that_lead_nowhere_are_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, parts: dict[str, Any], missing: set[str]
) -> None:
    assert program(monkeypatch, tmp_path, **parts).missing == missing


# -- what failed launches and refusals say ------------------------------------------------------------


def run(*, stderr: bytes = b"", stdout: bytes = b"", failure: bytes | None = None) -> TrainRun:
    return TrainRun(
        scenario="train-plain",
        ending=Ending.EXITED,
        exit=Exit(code=1, memory_killed=False),
        problem=None,
        seconds=0.1,
        logs=Logs(stdout=stdout, stderr=stderr, total_bytes=0, first_after_s=None),
        model=NOTHING,
        output=NOTHING,
        failure=failure,
        guessed=(),
        fault=None,
        stop=None,
        limits_reached=(),
        repeat="",
        evidence=Path(),
    )


def test_a_failed_training_tells_what_it_missed() -> None:
    found = clues.of_training(
        run(
            failure=b"channel 'corpus' is missing: there is no folder /opt/ml/input/data/corpus",
            stdout=b"FileNotFoundError: '/opt/ml/input/data/train/iris.csv'\n",
            stderr=b"error: the following arguments are required: --depth, --rate\n"
            b"hyperparameter leaves is 'x', not a whole number\n",
        )
    )

    assert set(found.channels) == {"corpus", "train"}
    assert found.files == ("iris.csv",)
    assert set(found.keys) == {"depth", "rate", "leaves"}
    assert (found.columns, found.variables) == ((), ())


def test_a_missing_key_is_a_column_a_variable_or_a_hyperparameter() -> None:
    column = clues.of_training(run(stderr=b"pandas/core/frame.py\nKeyError: 'target'"))
    variable = clues.of_training(run(stderr=b"File \"<frozen os>\"\nKeyError: 'SM_MODEL_DIR'"))
    neither = clues.of_training(run(stderr=b"KeyError: 'epochs'"))

    assert (column.columns, variable.variables, neither.keys) == (
        ("target",), ("SM_MODEL_DIR",), ("epochs",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (run(failure=b"\n  ValueError: no\nmore"), "ValueError: no"),
        (run(stderr=b"Traceback\nKeyError: 'x'\nbye\n"), "KeyError: 'x'"),
        (run(stdout=b"one\ntwo\n"), "two"),
        (run(failure=b"\x1b[2Jgone"), "\\x1b[2Jgone"),
        (run(failure=b"x" * 5000), "x" * 200),
        (run(), ""),
    ],
)
def test_the_reason_is_one_short_line_that_is_safe_to_print(found: TrainRun, told: str) -> None:
    assert clues.reason(found) == told


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_log_breaks_the_clues(stderr: bytes, failure: bytes) -> None:
    found = run(stderr=stderr, failure=failure)
    clues.of_training(found)

    assert clues.reason(found).isprintable()


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("X has 4 features, but DecisionTreeClassifier is expecting 10 features as input", (10,)),
        ("4 columns, the model has 13 features", (13,)),
        ("Feature shape mismatch, expected: 7, got 4", (7,)),
        ("expected 99999 features", ()),
        ("expected 0 features", ()),
        ("nothing is wrong", ()),
    ],
)
def test_the_number_of_columns_is_read_in_refusals(text: str, columns: tuple[int, ...]) -> None:
    assert clues.wanted_columns([reply(400, text.encode())], "") == columns


def reply(status: int, body: bytes) -> Reply:
    return Reply(
        method="POST", path="/invocations", status=status, reason="", headers=(), body=body,
        truncated=False, connect_s=None, first_byte_s=None, elapsed_s=0.0, problem=None,
    )  # fmt: skip


def unfit(*problems: tuple[str, list[Any]]) -> Reply:
    said = [{"type": kind, "loc": ["body", *where]} for kind, where in problems]
    return reply(422, json.dumps({"detail": said}).encode())


@pytest.mark.parametrize(
    ("body", "said", "then"),
    [
        ({}, unfit(("missing", ["rows"])), {"rows": 1}),
        ({"rows": 1}, unfit(("list_type", ["rows"])), {"rows": [{}]}),
        ({"rows": 1}, unfit(("type_error.list", ["rows"])), {"rows": [{}]}),
        ({"rows": [{}]}, unfit(("float_type", ["rows", 0])), {"rows": [1.5]}),
        ({}, unfit(("value_error.missing", ["a"]), ("missing", ["b", "c"])), {"a": 1, "b": {"c": 1}}),
        ([1], unfit(("model_attributes_type", [])), {}),
        ({"a": 1}, unfit(("string_type", ["a"])), {"a": "a"}),
        ({"a": 1}, reply(400, b"no"), None),
        ({"a": 1}, reply(422, b"not JSON"), None),
        ({"a": 1}, reply(422, b'{"detail": "no"}'), None),
        ({"a": 1}, reply(422, b"[" * 100_000), None),
        ({"a": 1}, unfit(("missing", ["a"])), None),
        ({"a": 1}, unfit(("missing", [10**9])), None),
        ({"a": 1}, unfit(("missing", ["x"] * 50)), None),
    ],
)  # fmt: skip
def test_a_body_is_changed_as_a_refusal_asks(body: Any, said: Reply, then: Any) -> None:
    assert fitted(body, said) == then


# -- made-up data and requests -------------------------------------------------------------------------


@pytest.mark.parametrize("table", [PLAIN, *OTHERS, Table(target="species")])
def test_every_table_is_one_that_a_declaration_can_ask_for(table: Table, tmp_path: Path) -> None:
    from sm_conformance.declaration.loading import load_document

    section = Plan(channels=("train",), table=table).section()
    made = load_document({"training": section}, folder=tmp_path, path=Path("x.yaml"), origin="file")

    assert made.training is not None
    ((_, content),) = made.training.channels[0].files
    assert content.count(b"\n") >= 30
    assert table.story()


def test_requests_are_asked_once_each_and_in_the_forms_that_the_program_names() -> None:
    found = reading("def invocations(): x['features']", "'text/csv; charset=utf-8'")

    asked = payloads.usual(found, columns=3, features=())

    kinds = [one.content_type for one in asked]
    assert kinds[:3] == ["text/csv", "text/csv; charset=utf-8", "application/json"]
    assert list(json.loads(asked[2].body)) == ["features"]
    assert asked[0].body.count(b",") == 2
    assert len({(one.content_type, one.body) for one in asked}) == len(asked)


# -- writing ---------------------------------------------------------------------------------------------

DOCUMENT: dict[str, Any] = {
    "claims": ["training", "hosting"],
    "training": {
        "hyperparameters": {"rounds": "2", "why": "a long text, " * 9},
        "channels": {"train": {"content_type": "text/csv", "data": "a b c\n" * 60}},
    },
    "hosting": {"requests": [{"name": "one", "body": "1,2\n" * 40}, {"name": "two", "body": "{}"}]},
}
PLACES: list[Where] = [
    (),
    ("claims",),
    ("training",),
    ("training", "hyperparameters"),
    ("training", "channels"),
    ("hosting", "requests"),
    ("hosting", "requests", 1),
    ("hosting", "gone"),
]


def plain(text: str) -> Any:
    problems = Problems(Path("x.yaml"))
    made = parse(text.encode(), problems=problems)
    problems.raise_if_any()
    return made


@given(st.dictionaries(st.sampled_from(PLACES), st.lists(st.text(max_size=80), max_size=3)))
@settings(max_examples=80, deadline=None)
def test_no_note_changes_what_is_declared(notes: dict[Where, list[str]]) -> None:
    assert plain(annotated(DOCUMENT, notes)) == DOCUMENT


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_a_comment_is_nothing_but_a_comment(text: str) -> None:
    lines = comment([text], indent="  ")

    assert all(line.startswith("  #") and line.isprintable() for line in lines)
    assert plain("\n".join([*lines, "a: 1"])) == {"a": 1}


def test_a_note_stands_above_its_place_and_as_deep() -> None:
    lines = annotated(DOCUMENT, {("training", "channels"): ["guessed"]}).splitlines()

    at = lines.index("  # guessed")
    assert lines[at + 1] == "  channels:"


def test_what_is_commented_out_can_be_commented_in_again() -> None:
    lines = outcommented(DOCUMENT)

    assert all(line.startswith("# ") for line in lines)
    assert plain("\n".join(line.removeprefix("# ") for line in lines)) == DOCUMENT


def test_a_note_that_would_come_into_a_value_costs_the_notes_not_the_value() -> None:
    channel: Where = ("training", "channels", "train", "data")
    found = Draft(document=DOCUMENT, notes={(*channel, "x"): ["text"]}, header=["top"])

    assert plain(written(found)) == DOCUMENT


def test_an_empty_document_is_written_as_one() -> None:
    assert plain(written(Draft(header=["nothing"]))) == {}


def test_times_are_told_on_the_terminal_and_not_in_the_file() -> None:
    found = Draft()
    found.not_claimed(
        "hosting", "a server", "GET /ping: 500 after 0.013 s, no connection for 15 s."
    )

    assert found.header == ["Hosting is not claimed: GET /ping: 500, no connection."]
    assert "after 0.013 s" in found.missing[0]
