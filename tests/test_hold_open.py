"""``serve`` and ``train``: a launch as the suite makes it, left to the user, and gone afterwards."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from miniatures.candidates import MINIATURES
from miniatures.declared import BOTH, SERVES, TRAINS
from miniatures.engine import MiniatureEngine
from miniatures.inside import Inside
from miniatures.lawful import LAWFUL
from miniatures.lawful import serving as lawful_server

from sm_conformance import cli, rules
from sm_conformance.contract import limits
from sm_conformance.engine.log import LogCapture
from sm_conformance.engine.protocol import Launch
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.hold_open import desk as desks
from sm_conformance.hold_open import serving
from sm_conformance.hold_open.command import Wish, launch
from sm_conformance.hold_open.desk import Desk
from sm_conformance.hold_open.invitation import invitation

FILE = "sm-conformance.yaml"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its own, and limits that liars are done with soon."""
    monkeypatch.chdir(tmp_path)
    hasty = replace(limits.load(), idle_s=0.4, startup_limit_s=0.5, startup_grace_s=0.1)
    monkeypatch.setattr(rules.limits, "load", lambda: hasty)


@pytest.fixture
def engine() -> Iterator[MiniatureEngine]:
    """Whatever happens, nothing is left on it."""
    made = MiniatureEngine()
    yield made
    assert made.left == 0


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Adds an image that is the lawful one but for some parts; its name."""

    def add(**parts: object) -> str:
        monkeypatch.setitem(MINIATURES, "held", replace(LAWFUL, **parts))  # type: ignore[arg-type]
        return "held"

    return add


@pytest.fixture
def ended_by_the_user(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As soon as a server is announced Ctrl-C is pressed; what the announcement said."""
    announced: list[str] = []

    def announce(talk: Any) -> str:
        announced.append(invitation(talk))
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        return announced[-1]

    monkeypatch.setattr(serving, "invitation", announce)
    return announced


def declare(document: object) -> None:
    Path(FILE).write_text(yaml.safe_dump(document), "utf-8")


def done(engine: MiniatureEngine, command: Any, image: str, **wish: Any) -> int:
    held: list[str] = []
    status = launch(
        Wish(command=command, image=image, claims=wish.pop("claims", {}), **wish),
        engine=lambda: engine,
        hold_off=lambda: held.append("off"),
    )
    assert held
    return int(status)


# -- serve ------------------------------------------------------------------------------------------


def test_a_server_is_announced_followed_and_gone_when_the_user_has_had_enough(
    engine: MiniatureEngine, ended_by_the_user: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    declare({**BOTH, "training": TRAINS["training"]})

    status = done(engine, "serve", "lawful")

    out = capsys.readouterr().out
    assert status == 0
    ready, ping, request = ended_by_the_user[0].splitlines()
    assert ready.startswith("ready at http://127.0.0.1:")
    address = ready.removeprefix("ready at ").removesuffix("; Ctrl-C ends it")
    assert ping == f"curl -i {address}/ping"
    assert request.startswith("printf '%s\\n' 5.1,3.5,1.4,0.2 | curl -i -H 'Host: model.aws.local:")
    assert request.endswith(f"-H 'Content-Type: text/csv' --data-binary @- {address}/invocations")
    lines = out.splitlines()
    assert f"sm-conformance serve: {ready}" in lines
    assert f"  {request}" in lines
    assert lines.index("train-plain | training starts") < lines.index("serve-plain | server starts")
    assert (
        lines[0] == "sm-conformance serve: declaration: sm-conformance.yaml in the current folder"
    )
    assert lines[-1].startswith("sm-conformance serve: ended; ")
    assert [one.name for one in engine.launches] == ["train-plain", "serve-plain"]


def test_the_launch_is_the_one_that_a_judgement_makes(
    engine: MiniatureEngine, ended_by_the_user: list[str], tmp_path: Path
) -> None:
    declare(SERVES | {"hosting": {**SERVES["hosting"], "environment": {"WORD": "x"}}})

    done(engine, "serve", "lawful")

    (made,) = engine.launches
    assert (made.arguments, made.environment["WORD"]) == (("serve",), "x")
    assert (made.places, str(made.network)) == ((), "isolated")


def test_a_published_port_is_said_to_be_one(
    ended_by_the_user: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    engine = MiniatureEngine(way="published")
    declare(SERVES)

    done(engine, "serve", "lawful")

    assert ", a port that the engine publishes; Ctrl-C ends it" in ended_by_the_user[0]
    assert engine.left == 0


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ("one row", "--data-raw 'one row' http"),
        ("@/etc/passwd", "--data-raw @/etc/passwd http"),
        ("a 'b'\nc\n", """printf '%s\\n' 'a '"'"'b'"'"'' c | curl"""),
        ("a\nb", "/sample-request http"),
        ("\x1b[2J", "/sample-request http"),
        ("x" * 301, "/sample-request http"),
        ("", "--data-raw '' http"),
    ],
)
def test_the_sample_command_sends_the_declared_body_as_it_is(
    engine: MiniatureEngine, ended_by_the_user: list[str], body: str, sent: str
) -> None:
    declare({**SERVES, "hosting": {"model": "none", "requests": [{"body": body}]}})

    done(engine, "serve", "lawful")

    request = ended_by_the_user[0].splitlines()[-1]
    assert sent in request
    assert "-H Content-Type: " in request  # else curl would send a form's
    assert request.isprintable()


def test_a_server_that_ends_by_itself_says_how(
    engine: MiniatureEngine, image: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    def dies(inside: Inside) -> int:
        threading.Timer(0.2, inside.asked_to_stop.set).start()
        lawful_server()(inside)
        inside.complain("cannot go on")
        return 7

    declare(SERVES)

    status = done(engine, "serve", image(serve=dies))

    out = capsys.readouterr().out
    assert status == 1
    assert "serve-plain | cannot go on\n" in out
    last = out.splitlines()[-1]
    assert re.fullmatch(r"sm-.* serve: it ended by itself after [0-9.]+ s, with exit code 7", last)


@pytest.mark.parametrize(
    ("candidate", "status", "told"),
    [
        ("gives-up", 1, "HOST-002 ping MUST"),
        ("ping-500", 1, "HOST-002 ping MUST"),
        ("loopback", 1, "HOST-001 listens MUST"),
        ("port-5000", 1, "it listens on port 5000 instead"),
        ("localhost-only", 1, "the same request with `Host: localhost` gets 200"),
        ("no-user", 1, "IMG-"),
    ],
)
def test_a_server_that_does_not_become_ready_is_told_as_on_its_card(
    engine: MiniatureEngine,
    capsys: pytest.CaptureFixture[str],
    candidate: str,
    status: int,
    told: str,
) -> None:
    declare(SERVES)

    assert done(engine, "serve", candidate) == status

    out = capsys.readouterr().out
    assert "sm-conformance serve: it did not become ready\n" in out
    assert told in " ".join(out.split())
    assert "  how to fix  " in out


def test_where_it_may_lack_the_network_nobody_is_blamed(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    declare({"claims": ["hosting"], "hosting": SERVES["hosting"]})

    assert done(engine, "serve", "wants-network-to-serve") == 3

    assert "say `network: needed`" in capsys.readouterr().out


def test_without_a_model_from_training_there_is_no_server(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(BOTH)

    assert done(engine, "serve", "always-fails") == 1

    out = capsys.readouterr().out
    assert "no server was started, for want of a model" in out
    assert "TRAIN-063 exit-zero" in out
    assert "train-plain | RuntimeError: this never works\n" in out
    assert {one.arguments for one in engine.launches} == {("train",)}


def test_an_interruption_before_it_is_ready_is_one(
    engine: MiniatureEngine, image: Callable[..., str]
) -> None:
    def waits(inside: Inside) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        inside.wait_for_ever()
        return 0

    declare(SERVES)

    with pytest.raises(KeyboardInterrupt):
        done(engine, "serve", image(serve=waits))


# -- train ------------------------------------------------------------------------------------------


def test_a_training_is_followed_and_what_it_left_is_handed_over(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(BOTH)

    status = done(engine, "train", "lawful", out="new/kept")

    out = capsys.readouterr().out
    assert status == 0
    assert "train-plain | training starts\n" in out
    assert "sm-conformance train: training exited with 0 after " in out
    assert "new/kept/model: 1 file, " in out
    assert sorted(path.name for path in Path("new/kept").iterdir()) == [
        "model",
        "model.tar.gz",
        "output",
    ]
    assert Path("new/kept/model/means.json").read_text("utf-8").startswith("[")
    assert Path("new/kept/output/data").is_dir()
    (made,) = engine.launches
    assert made.arguments == ("train",)


def test_what_it_handed_over_can_be_served(
    engine: MiniatureEngine, ended_by_the_user: list[str]
) -> None:
    declare(BOTH)

    done(engine, "train", "lawful", out="kept")
    done(engine, "serve", "lawful", model_data="kept/model.tar.gz")

    assert [one.name for one in engine.launches] == ["train-plain", "serve-plain"]
    assert engine.launches[1].places[0].archive == Path("kept/model.tar.gz")


def test_a_failed_training_hands_over_its_reason(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(BOTH)

    assert done(engine, "train", "always-fails", out="kept") == 1

    out = capsys.readouterr().out
    assert "training exited with 1 after " in out
    assert "its failure file says: RuntimeError: this never works\n" in out
    assert "TRAIN-063 exit-zero" in out
    assert Path("kept/output/failure").read_text("utf-8") == "RuntimeError: this never works"
    assert not Path("kept/model.tar.gz").exists()


def test_where_the_wait_was_too_short_nothing_is_known(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(BOTH)

    assert done(engine, "train", "works-on", out="kept", patience_s=0.3) == 3

    assert "was still working when we stopped waiting" in capsys.readouterr().out


def test_where_more_was_left_than_is_taken_over_that_is_said(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(rules.limits.load(), default_output_bytes=2048)
    monkeypatch.setattr(rules.limits, "load", lambda: small)
    declare(BOTH)

    assert done(engine, "train", "lawful", out="kept") == 3

    assert "declare resources: {output: 20g}" in capsys.readouterr().out


def test_a_link_that_leads_away_is_not_handed_over(
    engine: MiniatureEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(BOTH)

    assert done(engine, "train", "links-away", out="kept") == 0

    assert sorted(path.name for path in Path("kept/model").iterdir()) == ["means.json"]
    assert "left out: all: it is a link to /program/weights" in capsys.readouterr().out


def test_an_interrupted_training_hands_over_nothing(engine: MiniatureEngine) -> None:
    declare(BOTH)

    with pytest.raises(KeyboardInterrupt):
        done(engine, "train", "interrupts", out="kept")

    assert not Path("kept").exists()


def test_what_was_half_handed_over_is_taken_back(
    engine: MiniatureEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    declare(BOTH)

    with pytest.raises(HarnessTrouble, match="kept cannot be written: No space left on device"):
        done(engine, "train", "lawful", out="kept")

    assert list(Path("kept").iterdir()) == []


# -- what cannot be used ----------------------------------------------------------------------------


def refused(wish: Wish, engine: Callable[[], MiniatureEngine]) -> str:
    with pytest.raises(UsageProblem) as error:
        launch(wish, engine=engine, hold_off=lambda: None)
    return str(error.value)


@pytest.mark.parametrize(
    ("command", "image", "rest", "told"),
    [
        ("serve", " ", {}, "name an image"),
        ("serve", "none", {}, "the engine has no image 'none'"),
        ("train", "none", {"out": "kept"}, "the engine has no image 'none'"),
        ("serve", "lawful", {"model_data": ""}, "--model-data is empty"),
        ("serve", "lawful", {"model_data": "gone"}, "--model-data gone: no such file"),
        ("serve", "lawful", {"model_data": FILE}, f"--model-data {FILE}: it is no tar file"),
        ("serve", "lawful", {"claims": {"declaration": "gone"}}, "gone"),
        ("serve", "lawful", {"claims": {"s3": "."}}, "--s3 is the data of requests to AWS"),
        ("serve", "lawful", {"claims": {"algorithm": "gone"}}, "gone"),
        ("train", "lawful", {"out": ""}, "--out is empty"),
        ("train", "lawful", {"out": FILE}, f"--out {FILE}: it is no folder"),
        ("train", "lawful", {"out": f"{FILE}/x"}, f"--out {FILE}/x: "),
        ("train", "lawful", {"out": "full"}, "--out full: model is there already"),
        ("train", "lawful", {"out": "kept", "patience_s": 0.0}, "--patience must be above 0"),
        ("train", "lawful", {"out": "kept"}, "the declaration claims hosting, not training"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line_and_nothing_is_launched(
    command: Any, image: str, rest: dict[str, Any], told: str
) -> None:
    declare(SERVES)
    Path("full/model").mkdir(parents=True)
    engine = MiniatureEngine()

    said = refused(
        Wish(command=command, image=image, claims=rest.pop("claims", {}), **rest), lambda: engine
    )

    assert told in said
    assert "--sm-" not in said
    assert "\n" not in said
    assert engine.launches == []
    assert not Path("kept").exists()


@pytest.mark.parametrize("moment", ["create", "start"])
def test_trouble_of_the_engine_is_the_harness_s(engine: MiniatureEngine, moment: str) -> None:
    declare(BOTH)

    with pytest.raises(HarnessTrouble, match=f"the engine went away at {moment}"):
        done(engine, "train", f"engine-dies-at-{moment}", out="kept")


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["train", "lawful", "--out", "kept"], 0, ""),
        (["train", "always-fails", "--out", "kept"], 1, ""),
        (["train", "interrupts", "--out", "kept"], 2, "train: interrupted; what was launched is"),
        (["train", "engine-dies-at-start", "--out", "kept"], 3, "train: the engine went away"),
        (["train", "none", "--out", "kept"], 4, "train: the engine has no image"),
        (["serve", "gives-up"], 1, ""),
        (["serve", "none"], 4, "serve: the engine has no image"),
    ],
)
def test_the_exit_status_says_how_it_ended(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
    told: str,
) -> None:
    monkeypatch.setattr("sm_conformance.engine.docker.DockerEngine", MiniatureEngine)
    declare(BOTH)

    assert cli.main(words) == status

    assert capsys.readouterr().err.startswith(f"sm-conformance {told}" if told else "")


@pytest.mark.parametrize("words", [["train", "repo:tag"], ["serve"], ["serve", "a", "b"]])
def test_a_call_that_lacks_something_is_unusable(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)

    assert ended.value.code == 4


# -- the desk ---------------------------------------------------------------------------------------


class Writing:
    """A container that wrote this, in these pieces."""

    def __init__(self, *pieces: bytes, stderr: bytes = b"") -> None:
        self.log = LogCapture([*((piece, None) for piece in pieces), (None, stderr)])
        assert self.log.finish(5)


def followed(container: Writing, name: str = "it") -> Desk:
    desk = Desk("serve")
    launched: Any = Launch(name=name, image="x", arguments=(), bounds=None)  # type: ignore[arg-type]
    there: Any = container
    assert isinstance(launched, Launch)
    desk.follow(launched, there)
    return desk


def shown(capsys: pytest.CaptureFixture[str], container: Writing) -> list[str]:
    followed(container).show(last=True)
    return capsys.readouterr().out.splitlines()


def test_lines_stand_behind_the_name_of_their_launch(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, Writing(b"on", b"e\ntwo\r\n\n", b"last", stderr=b"bad\n")) == [
        "it | one",
        "it | two",
        "it | ",
        "it | last",
        "it | bad",
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"\x1b[2J\x1b]0;title\x07", r"it | \x1b[2J\x1b]0;title\x07"),
        ("\u202egood\u2066".encode(), r"it | \u202egood\u2066"),
        (b"\xff\xfe", r"it | \xff\xfe"),
        (b"a\tb", "it | a       b"),
        (b"\x00\x08\x08\x08", r"it | \x00\x08\x08\x08"),
    ],
)
def test_what_could_move_a_cursor_is_escaped(
    capsys: pytest.CaptureFixture[str], written: bytes, read: str
) -> None:
    assert shown(capsys, Writing(written + b"\n")) == [read]


def test_no_line_of_a_candidate_passes_for_one_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, Writing(b"x\rsm-conformance serve: ready\n\rsm-conformance serve: y\n"))

    assert all(line.startswith("it | ") for line in lines)


def test_a_progress_bar_is_shown_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, Writing(b"\r 10%", b"\r 50%\r", b"\n"))

    assert lines == ["it | ", "it |  10%", "it |  50%"]


def test_what_has_not_ended_is_held_back_until_it_has(capsys: pytest.CaptureFixture[str]) -> None:
    desk = followed(Writing(b"half"))
    desk.show()
    assert capsys.readouterr().out == ""

    desk.show(last=True)
    desk.show(last=True)

    assert capsys.readouterr().out == "it | half\n"


def test_a_flood_is_cut_and_the_cut_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "_MOST_BYTES", 20)

    lines = shown(capsys, Writing(b"123456789\n" * 10))

    assert lines == ["it | [80 bytes not shown]", "it | 123456789", "it | 123456789"]


def test_a_line_without_an_end_is_shown_in_pieces(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "_LONGEST_LINE", 10)

    assert shown(capsys, Writing(b"x" * 25)) == [f"it | {'x' * n}" for n in (10, 10, 5)]


def test_our_words_come_below_the_log_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    desk = followed(Writing(b"first\n"))
    desk.say("ready\ncurl")

    desk.show()

    assert capsys.readouterr().out == "it | first\nsm-conformance serve: ready\n  curl\n"


def test_a_terminal_that_cannot_show_a_letter_is_shown_its_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as narrow:
        monkeypatch.setattr("sys.stdout", narrow)
        followed(Writing("größe\n".encode())).show()

    assert (tmp_path / "out").read_text("ascii") == "it | gr\\xf6\\xdfe\n"
