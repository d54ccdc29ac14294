"""``init`` writes a first declaration by looking: what it saw to work, and nothing that it did not."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from email.message import Message
from pathlib import Path

import pytest
from miniatures.candidates import MINIATURES
from miniatures.engine import MiniatureEngine
from miniatures.inside import Answer, Inside
from miniatures.lawful import LAWFUL, hyperparameters, invocation, serving, training

from sm_conformance import cli
from sm_conformance.carried import LABEL
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.values import Declaration
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.first_look import hosting, looking, refining, trials
from sm_conformance.first_look.command import Wish, init
from sm_conformance.inputs.generated import flowers
from sm_conformance.laboratory import instead, watch

PROGRAM = b"""\
#!/usr/bin/env python3
FOLDER = Path("/opt/ml/input/data/training")
rounds = int(json.loads(hyperparameters()).get("rounds", "1"))
"""
FILES = {"/program/main": PROGRAM}
OUTPUT = "sm-conformance.yaml"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Miniatures are ready at once, or never; what is written lies in a folder of its own."""
    monkeypatch.setattr(refining, "_LASTS_S", 0.3)
    monkeypatch.setattr(trials, "_HOPELESS_S", 0.3)
    monkeypatch.setattr(hosting, "_WARMING_S", 0.3)
    monkeypatch.setattr(looking, "_BESIDE_S", 1.0)
    monkeypatch.setattr(looking, "_READY_S", 1.0)
    monkeypatch.setattr(instead, "_QUIET_S", 0.2)
    monkeypatch.setattr(instead, "_LONGEST_S", 0.5)
    monkeypatch.setattr(watch, "_ASK_EVERY_S", 0.05)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def engine() -> MiniatureEngine:
    return MiniatureEngine()


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Adds an image that is the lawful one but for some parts; its name."""

    def add(**parts: object) -> str:
        made = replace(LAWFUL, **{"files": FILES, **parts})  # type: ignore[arg-type]
        monkeypatch.setitem(MINIATURES, "looked-at", made)
        return "looked-at"

    return add


def looked(engine: MiniatureEngine, name: str, **wish: object) -> tuple[Declaration, str]:
    """The declaration that was written, and its text."""
    init(Wish(image=name, **wish), engine=lambda: engine)  # type: ignore[arg-type]
    assert engine.left == 0
    return load(Path(OUTPUT), origin="option"), Path(OUTPUT).read_text("utf-8")


# -- what it sees -----------------------------------------------------------------------------------


def test_of_a_lawful_image_it_declares_all_that_judging_needs(
    engine: MiniatureEngine, image: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    found, text = looked(engine, image())

    assert found.claims == {"training", "hosting"}
    assert found.network == "isolated"
    assert found.training is not None
    assert found.training.hyperparameters == {"rounds": "1"}
    assert [channel.name for channel in found.training.channels] == ["training"]
    assert found.training.fault is not None
    assert found.training.fault.hyperparameters == {"rounds": refining.NONSENSE}
    assert found.training.lasts is not None
    assert list(found.training.lasts.hyperparameters) == ["rounds"]
    assert found.hosting is not None
    assert [one.content_type for one in found.hosting.requests] == ["text/csv", "application/json"]
    assert found.hosting.content_types == ("text/csv", "application/json")
    assert "# training: read in /program/main" in text
    assert "# read in /program/main, with what the program falls back to: rounds" in text
    assert "# guessed; answered 200, text/csv: 0" in text
    said = capsys.readouterr().err
    assert f"wrote {OUTPUT}" in said
    assert f"sm-conformance check looked-at --declaration {OUTPUT}" in said


def test_two_looks_at_one_image_write_one_text(
    image: Callable[..., str], engine: MiniatureEngine
) -> None:
    _, first = looked(engine, image())
    _, second = looked(MiniatureEngine(), image(), force=True)

    assert first == second


def test_without_any_text_it_finds_the_channel_by_trying_the_usual_names(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    found, text = looked(engine, image(files={}))

    assert found.training is not None
    assert [channel.name for channel in found.training.channels] == ["training"]
    assert found.training.fault is not None
    assert found.training.fault.channels == {"training": "missing"}
    assert "# training: guessed" in text
    assert "# training succeeds with training alone" in text


def _needs_more(inside: Inside) -> None:
    for name in ("alpha",):
        if name not in hyperparameters(inside):
            raise KeyError(name)
    folder = inside.root / "input/data/corpus"
    if not folder.is_dir():
        raise FileNotFoundError("no such folder: /opt/ml/input/data/corpus")
    if not (folder / "words.csv").is_file():
        raise FileNotFoundError("/opt/ml/input/data/corpus/words.csv is missing")


def _model(inside: Inside) -> None:
    (inside.root / "model/model.bin").write_bytes(b"model")


def test_what_a_failing_training_asks_for_is_given_to_the_next(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    found, text = looked(engine, image(files={}, train=training(_needs_more, _model)))

    assert found.claims is not None
    assert "training" in found.claims
    assert found.training is not None
    assert found.training.hyperparameters == {"alpha": "1"}
    (channel,) = found.training.channels
    assert (channel.name, [name for name, _ in channel.files]) == ("corpus", ["words.csv"])
    assert "# guessed: the value of alpha, which training asked for" in text


def _wants_a_header(inside: Inside) -> None:
    text = next((inside.root / "input/data/training").iterdir()).read_text("utf-8")
    if "species" not in text.splitlines()[0].split(","):
        raise ValueError("undefined columns selected")


def test_a_label_column_that_the_program_names_is_given_that_name(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    files = {"/program/main": PROGRAM + b"target = 'species'\n"}

    found, _ = looked(engine, image(files=files, train=training(_wants_a_header, _model)))

    assert found.training is not None
    (channel,) = found.training.channels
    ((_, content),) = channel.files
    assert content.startswith(b"species,feature_0")


def test_an_image_that_needs_no_channel_is_declared_without_one(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    found, text = looked(engine, image(files={}, train=training(_model), serve=_dies))

    assert found.claims == {"training"}
    assert found.training is not None
    assert (found.training.channels, found.training.fault) == ((), None)
    assert "# no channel and no hyperparameter is needed" in text
    assert "# Not found out: what makes training fail" in text


def test_a_channel_that_the_text_names_and_training_does_without_is_optional(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    files = {"/program/main": PROGRAM + b"other = '/opt/ml/input/data/validation'\n"}

    found, _ = looked(engine, image(files=files))

    assert found.training is not None
    assert [(one.name, one.required) for one in found.training.channels] == [
        ("training", True), ("validation", False),
    ]  # fmt: skip


def test_measures_in_the_log_become_metrics_that_find_them(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    def speak(inside: Inside) -> None:
        inside.say("round 1: train_loss=0.25 time=3")
        inside.say("round 1: validation.accuracy: 9.5e-1")

    found, _ = looked(engine, image(train=training(speak, _model)))

    assert found.training is not None
    assert {(one.name, one.regex) for one in found.training.metrics} == {
        ("train_loss", "train_loss=([-+.0-9e]+)"),
        ("validation.accuracy", r"validation\.accuracy: ([-+.0-9e]+)"),
    }


def test_a_server_without_a_model_is_declared_so(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    found, text = looked(engine, image(train=_dies))

    assert found.claims == {"hosting"}
    assert found.hosting is not None
    assert found.hosting.without_model
    assert "# Training is not claimed: training exited with 127" in text


def test_a_model_that_the_user_gives_is_served_and_named(
    engine: MiniatureEngine, image: Callable[..., str], tmp_path: Path
) -> None:
    archive = tmp_path / "models" / "model.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as made:
        member = tarfile.TarInfo("means.json")
        member.size = 2
        made.addfile(member, io.BytesIO(b"[]"))

    found, text = looked(engine, image(train=_dies), model_data=archive)

    assert found.hosting is not None
    assert found.hosting.model == archive
    assert "model: models/model.tar.gz" in text


def _picky(headers: Message, body: bytes) -> Answer:
    cells = body.decode("utf-8", "replace").split(",")
    if len(cells) != 7:
        return 400, "text/plain", f"X has {len(cells)} features, but expected 7 features".encode()
    return invocation(headers, body)


def test_a_refusal_that_says_how_many_numbers_it_wants_is_obeyed(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    found, _ = looked(engine, image(serve=serving(invocation=_picky)))

    assert found.hosting is not None
    assert found.hosting.requests[0].body.count(b",") == 6


def _typed(headers: Message, body: bytes) -> Answer:
    """A server that validates as FastAPI does."""
    try:
        rows = json.loads(body)["rows"]
    except (ValueError, KeyError, TypeError):
        return _unfit("missing", "rows")
    if not isinstance(rows, list):
        return _unfit("list_type", "rows")
    if not isinstance(rows[0], dict) or "size" not in rows[0]:
        return _unfit("missing", "rows", 0, "size")
    if not isinstance(rows[0]["size"], str):
        return _unfit("string_type", "rows", 0, "size")
    return 200, "application/json", b"[0]"


def _unfit(kind: str, *where: str | int) -> Answer:
    said = {"detail": [{"type": kind, "loc": ["body", *where], "msg": "no"}]}
    return 422, "application/json", json.dumps(said).encode()


def test_refusals_that_name_places_and_types_lead_to_a_request_that_fits(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    found, _ = looked(engine, image(serve=serving(invocation=_typed)))

    assert found.hosting is not None
    assert json.loads(found.hosting.requests[0].body) == {"rows": [{"size": "a"}]}


def test_a_request_that_fits_and_fails_is_shown_as_the_nearest(
    engine: MiniatureEngine, image: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(headers: Message, body: bytes) -> Answer:
        status, kind, text = _typed(headers, body)
        return (500, "text/plain", b"no such size") if status == 200 else (status, kind, text)

    _, text = looked(engine, image(serve=serving(invocation=answer)))

    assert 'the nearest, {"rows": [{"size": "a"}]}: 500 no such size' in capsys.readouterr().err
    assert '#     body: "{\\"rows\\": [{\\"size\\": \\"a\\"}]}"' in text


def test_a_server_that_answers_anything_is_not_said_to_understand_it(
    engine: MiniatureEngine, image: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    def hello(headers: Message, body: bytes) -> Answer:
        return 200, "text/plain", b"hello"

    found, text = looked(engine, image(serve=serving(invocation=hello)))

    assert found.hosting is not None
    assert len(found.hosting.requests) == 1
    assert found.hosting.content_types == ()
    assert "# it answers 2xx whatever the content type" in text
    assert "give a request of your own" in capsys.readouterr().err


def test_an_image_that_runs_a_users_program_is_given_a_small_one(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    def run(inside: Inside) -> None:
        told = hyperparameters(inside)
        if not (inside.root / "input/data/code" / told["sagemaker_program"]).is_file():
            raise RuntimeError("no program")
        _model(inside)

    files = {
        "/program/main": b"#!/usr/bin/python3\nfrom sagemaker_training.cli.train import main\n"
    }

    found, text = looked(engine, image(files=files, train=training(run)))

    assert found.training is not None
    assert found.training.hyperparameters["sagemaker_program"] == "train.py"
    assert [channel.name for channel in found.training.channels] == ["code"]
    assert found.training.fault is not None
    assert found.training.fault.hyperparameters == {"sagemaker_program": refining.NONSENSE}
    assert "# guessed: this image runs a user's program (/program/main)" in text


# -- what it could not find out ---------------------------------------------------------------------


def _dies(inside: Inside) -> int:
    return 127


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("always-fails", "RuntimeError: this never works"),
        ("wants-sm-variables", "it reads the environment variable SM_MODEL_DIR"),
        ("wants-network", "it may need `network: needed`"),
        ("serves-when-told-train", "told `train`, it starts a server (200 OK"),
        ("no-model", "left no file in /opt/ml/model"),
        ("out-of-memory", "say `resources: {memory: 8g}`"),
        ("no-trainer", "nothing that `train` leads to can be run"),
        ("works-on", "allow more with --patience"),
    ],
)
def test_it_says_why_training_is_not_claimed(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    found, text = looked(engine, name, patience_s=2.0)

    assert "training" not in (found.claims or ())
    assert found.training is None
    assert why in " ".join(capsys.readouterr().err.split())
    assert "# Training is not claimed:" in text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ping-404", "GET /ping: 404"),
        ("gives-up", "its log: no licence found"),
        ("port-5000", "it listens on port 5000 instead"),
        ("refuses", "text/plain: 400 not this"),
        ("breaks", "none of 16 requests got a 2xx"),
    ],
)
def test_it_says_why_hosting_is_not_claimed(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    found, text = looked(engine, name)

    assert found.claims == {"training"}
    assert found.hosting is None
    assert why in " ".join(capsys.readouterr().err.split())
    assert "# Hosting is not claimed:" in text


def test_where_nothing_works_it_claims_nothing_and_says_so(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    claimed = init(Wish(image="bad-program"), engine=lambda: engine)

    found = load(Path(OUTPUT), origin="option")
    assert not claimed
    assert (found.claims, found.training, found.hosting) == (None, None, None)
    said = capsys.readouterr().err
    assert "told `train`, the image cannot be started" in said
    assert "told `serve`, the image cannot be started" in said


def test_a_program_that_is_on_no_path_is_not_launched(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    files = {"/usr/bin/serve": b"#!/bin/sh\n"}

    found, text = looked(engine, image(files=files, entrypoint=()))

    assert found.claims == {"hosting"}
    assert "no program `train` on PATH" in text
    assert {launch.arguments for launch in engine.launches} == {("serve",)}


# -- what it is given by a hostile image ------------------------------------------------------------


def test_what_an_image_says_cannot_leave_its_comment(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    evil = "x\nclaims: [marketplace]\n\u2028waivers: []\r\x1b[2J"

    def fail(inside: Inside) -> None:
        raise ValueError(evil)

    def answer(headers: Message, body: bytes) -> Answer:
        return 200, "text/csv; x=\xa0", evil.encode()

    labels = {LABEL: evil, "com.amazonaws.sagemaker.capabilities.multi-models": evil}
    made = image(
        labels=labels,
        entrypoint=("/program/main", evil),
        train=training(fail),
        serve=serving(invocation=answer),
    )

    found, text = looked(engine, made)

    assert found.claims == {"hosting"}
    assert found.waivers == ()
    assert "\x1b" not in text
    assert "\u2028" not in text
    assert all(
        line.lstrip().startswith("#") for line in text.splitlines() if "marketplace" in line
    ), text


def test_names_that_no_declaration_can_have_are_left_out(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    long = "c" * 300
    hostile = f"""
a = "/opt/ml/input/data/{long}/x"
b = "/opt/ml/input/data/.."
channel = "bad/name: {{}}"
hyperparameters.get("{long}", "1")
hyperparameters.get("a: b", "1")
target = "x,y\\n"
""".encode()

    found, _ = looked(engine, image(files={"/program/main": PROGRAM + hostile}))

    assert found.claims == {"training", "hosting"}


def test_an_image_full_of_files_is_read_within_bounds(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    many = {f"/program/{nth}.py": b"x = 1\n" * 20_000 for nth in range(200)}

    found, _ = looked(engine, image(files={**FILES, **many}))

    assert found.claims == {"training", "hosting"}


# -- what the user does wrong, and what goes wrong ---------------------------------------------------


def test_an_image_that_is_not_there_is_the_users_mistake(engine: MiniatureEngine) -> None:
    with pytest.raises(UsageProblem, match="the engine has no image 'nobody'"):
        init(Wish(image="nobody"), engine=lambda: engine)

    assert not Path(OUTPUT).exists()


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (Wish(image=" "), "name an image"),
        (Wish(image="lawful", patience_s=0.0), "--patience must be above 0"),
        (Wish(image="lawful", patience_s=float("nan")), "--patience must be above 0"),
        (Wish(image="lawful", model_data=Path("gone.tar.gz")), "no such file"),
        (Wish(image="lawful", output="."), "is a folder"),
        (Wish(image="lawful", output="gone/x.yaml"), "there is no folder"),
        (Wish(image="lawful", output="there.yaml"), "is there already; replace it with --force"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_launched(
    engine: MiniatureEngine, wish: Wish, said: str
) -> None:
    Path("there.yaml").write_text("mine", "utf-8")

    with pytest.raises(UsageProblem, match=said):
        init(wish, engine=lambda: engine)

    assert engine.launches == []
    assert Path("there.yaml").read_text("utf-8") == "mine"


def test_a_file_that_came_meanwhile_is_not_replaced(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    def meanwhile(inside: Inside) -> None:
        Path(OUTPUT).write_text("mine", "utf-8")

    with pytest.raises(UsageProblem, match="cannot be written"):
        init(Wish(image=image(train=training(meanwhile, _model))), engine=lambda: engine)

    assert Path(OUTPUT).read_text("utf-8") == "mine"


@pytest.mark.parametrize("moment", ["create", "start", "save"])
def test_an_engine_that_goes_away_is_the_harness_trouble_and_nothing_is_left(
    engine: MiniatureEngine, moment: str
) -> None:
    with pytest.raises(HarnessTrouble, match=f"the engine went away at {moment}"):
        init(Wish(image=f"engine-dies-at-{moment}"), engine=lambda: engine)

    assert engine.left == 0
    assert not Path(OUTPUT).exists()


@pytest.fixture
def _interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that has Ctrl-C pressed once while it trains, and again while it is removed."""
    presses = iter([True])

    def train(inside: Inside) -> int:
        if next(presses, False):
            os.kill(os.getpid(), signal.SIGINT)
        try:
            inside.wait_for_ever()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
        return 0

    monkeypatch.setitem(MINIATURES, "interrupts", replace(LAWFUL, train=train))


@pytest.mark.usefixtures("_interrupted")
def test_ctrl_c_leaves_nothing_even_when_it_is_pressed_again(engine: MiniatureEngine) -> None:
    with pytest.raises(KeyboardInterrupt):
        init(Wish(image="interrupts"), engine=lambda: engine)

    assert engine.left == 0
    assert not Path(OUTPUT).exists()


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def _miniature_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    import sm_conformance.engine.docker

    monkeypatch.setattr(sm_conformance.engine.docker, "DockerEngine", MiniatureEngine)


@pytest.mark.usefixtures("_miniature_engines", "_interrupted")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["lawful"], 0),
        (["bad-program"], 3),
        (["engine-dies-at-start"], 3),
        (["interrupts"], 2),
        (["nobody"], 4),
        (["lawful", "-o", "gone/x.yaml"], 4),
        (["lawful", "--model-data", ""], 4),
    ],
)
def test_the_exit_status_says_what_came_of_it(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["init", *arguments]) == status
    said = capsys.readouterr().err
    assert said.startswith("sm-conformance init: ")
    assert "Traceback" not in said


@pytest.mark.usefixtures("_miniature_engines")
def test_a_dash_writes_to_standard_output_and_the_summary_beside_it(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["init", "lawful", "-o", "-"]) == 0

    out, err = capfd.readouterr()
    written = tmp_path / "again.yaml"
    written.write_text(out, "utf-8")
    assert load(written, origin="option").claims == {"training", "hosting"}
    assert "sm-conformance check lawful" in err
    assert not Path(OUTPUT).exists()


def test_without_an_engine_the_message_says_so(tmp_path: Path) -> None:
    nowhere = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    command = [sys.executable, "-m", "sm_conformance", "init", "lawful"]

    done = subprocess.run(command, env=nowhere, capture_output=True, text=True, check=False)

    assert done.returncode == 3
    assert done.stderr.startswith("sm-conformance init: no container engine answers")


def test_the_help_says_that_nothing_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["init", "--help"])

    assert "It asks nothing" in " ".join(capsys.readouterr().out.split())


def test_the_data_that_it_declares_is_what_it_tried(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    seen: list[bytes] = []

    def remember(inside: Inside) -> None:
        seen.append((inside.root / "input/data/training/data.csv").read_bytes())

    found, _ = looked(engine, image(train=training(remember, _model)))

    assert found.training is not None
    assert found.training.channels[0].files == (("data.csv", seen[-1]),)
    assert seen[-1].count(b"\n") == flowers().count(b"\n")
