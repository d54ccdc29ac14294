"""What a candidate knows in secret is nowhere in what a run prints and leaves, whatever it does with it."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from urllib.parse import quote

import pytest
from miniatures.candidates import MINIATURES
from miniatures.container import Miniature
from miniatures.declared import BOTH
from miniatures.engine import MiniatureEngine
from miniatures.found_out import hurry, judge_here
from miniatures.inside import Answer, Inside
from miniatures.lawful import LAWFUL, fit, serving, training

from sm_conformance.aws import commands
from sm_conformance.engine.protocol import Bounds, Launch
from sm_conformance.hold_open.command import Wish, launch
from sm_conformance.laboratory import repeating
from sm_conformance.observed.facts import Layer

KEY = "AKIAQ3EGRIPXLVH7QW2Z"
TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5A"
PASSWORD = "tr0ub4dor+3/x"
PEM_LINE = "MIIEowIBAAKCAQEAw7Zq3nV8xR5tY2kL9pQ1sD4fG6hJ8mN0bVcX3zA5wE7rT9yU"
DECLARED = "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"
ALL = (KEY, TOKEN, PASSWORD, PEM_LINE, DECLARED)
SAID = " ".join(ALL)


def gossip(inside: Inside) -> None:
    """Tells everybody."""
    inside.stdout.put(f"I know {SAID}\n".encode())
    for byte in SAID.encode():
        inside.stderr.put(bytes((byte,)))
    inside.stderr.put(base64.b64encode(SAID.encode()) + b"\n" + quote(SAID).encode() + b"\n")


def leave(inside: Inside) -> None:
    """Leaves it in names and contents of artefacts."""
    fit(inside)
    (inside.root / "model" / KEY).write_text(json.dumps(SAID), "utf-8")
    (inside.root / "model" / "weights.json.gz").write_bytes(b"no gzip " + SAID.encode())


def tell(headers: Message, body: bytes) -> Answer:
    """Tells it in the header and the body of each answer, and fails where it may."""
    if headers.get("Content-Type", "").startswith("text/csv"):
        return 200, f'text/csv; note="{TOKEN}"', f"0 {SAID}\n".encode()
    return 500, f"text/plain; note={KEY}", json.dumps(SAID).encode()


TELLTALE = Miniature(
    story="It tells what it knows wherever it can.",
    train=training(gossip, leave),
    serve=serving(invocation=tell),
    environment={"UPLOAD": KEY, "PEM": f"-----BEGIN PRIVATE KEY-----\\n{PEM_LINE}\\n-----END"},
    labels={"built-with": TOKEN},
    layers=(Layer(f"RUN pip install -i https://ci:{quote(PASSWORD, safe='')}@pypi.corp.io/ x", 1),),
)
SECRETIVE = {
    **BOTH,
    "training": {
        **BOTH["training"],
        "environment": {"HF_TOKEN": DECLARED, "A_B": TOKEN, "PLAIN": "1"},
    },
}


@pytest.fixture(autouse=True)
def _telltale(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, pages=True)
    monkeypatch.setitem(MINIATURES, "telltale", TELLTALE)


def forms(secret: str) -> Iterator[bytes]:
    """What may stand nowhere: the secret, and its middle, in each writing."""
    for text in (secret, secret[2:-2]):
        yield text.encode()
        yield quote(text, safe="").encode()
        yield json.dumps(text)[1:-1].encode()
    yield base64.b64encode(secret.encode())[2:-4]


def assert_nowhere(content: bytes, where: object) -> None:
    for secret in ALL:
        for form in forms(secret):
            assert form not in content, f"{secret} stands in {where}"


def assert_nowhere_in(folder: Path) -> int:
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        assert_nowhere(str(path).encode(), "a name")
        content = path.read_bytes()
        if path.name == "model.tar.gz":
            content = gzip.decompress(content)
        assert_nowhere(content, path)
    return len(files)


def test_nothing_that_is_printed_or_left_holds_a_secret(pytester: pytest.Pytester) -> None:
    judged = judge_here(pytester, "telltale", "-v", declaration=SECRETIVE)

    assert judged.findings["IMG-021 no-secrets-in-image"]["verdict"] == "advice"
    assert f"note={'*' * len(KEY)}" in judged.output
    assert_nowhere(judged.output.encode(), "the terminal")
    assert_nowhere(judged.errors.encode(), "the terminal")
    assert assert_nowhere_in(pytester.path / "report") > 50
    log = (pytester.path / "report/evidence/train-plain/stdout.log").read_text("utf-8")
    assert f"I know {'*' * len(KEY)} {'*' * len(TOKEN)}" in log
    assert (pytester.path / "report/declaration.json").is_file()


def test_a_failing_training_tells_no_secret_either(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(inside: Inside) -> None:
        gossip(inside)
        raise RuntimeError(f"cannot sign in with {SAID}")

    monkeypatch.setitem(MINIATURES, "telltale", TELLTALE.__class__(
        story=TELLTALE.story, train=training(fail), serve=LAWFUL.serve,
        environment=TELLTALE.environment, labels=TELLTALE.labels, layers=TELLTALE.layers,
    ))  # fmt: skip

    judged = judge_here(pytester, "telltale", declaration=SECRETIVE)

    assert judged.status == 1
    assert "cannot sign in with ****" in judged.output
    assert_nowhere(judged.output.encode(), "the terminal")
    assert assert_nowhere_in(pytester.path / "report") > 10
    repeat = _repeat(judged.findings)
    assert 'export HF_TOKEN="${HF_TOKEN:?is a secret that is not shown: set it first}"' in repeat
    assert "export A_B=" in repeat
    assert " -e HF_TOKEN " in repeat
    assert " -e A_B " in repeat
    assert " -e PLAIN=1 " in repeat


def _repeat(findings: dict[str, dict[str, str]]) -> str:
    return next(one["repeat"] for one in findings.values() if one["scenario"] == "train-plain")


def test_without_a_secret_the_evidence_is_what_was_said(pytester: pytest.Pytester) -> None:
    judge_here(pytester, "lawful")

    evidence = pytester.path / "report/evidence/train-plain"
    assert "*" not in (evidence / "stdout.log").read_text("utf-8")


def test_a_second_run_leaves_nothing_of_the_first_in_its_report(pytester: pytest.Pytester) -> None:
    judge_here(pytester, "lawful")
    report = pytester.path / "report"
    assert (report / "evidence/serve-plain").is_dir()
    (report / "notes").touch()

    trained = {name: part for name, part in BOTH.items() if name != "hosting"}
    judge_here(pytester, "lawful", declaration={**trained, "claims": ["training"]})

    assert not (report / "evidence/serve-plain").exists()
    assert (report / "evidence/train-plain").is_dir()
    assert (report / "notes").is_file()


@pytest.mark.parametrize("command", ["serve", "train"])
def test_what_is_held_open_shows_no_secret(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)

    def dies(inside: Inside) -> int:
        gossip(inside)
        return 1

    monkeypatch.setitem(
        MINIATURES, "telltale",
        TELLTALE.__class__(
            story=TELLTALE.story, train=dies, serve=dies, environment=TELLTALE.environment,
            labels=TELLTALE.labels, layers=TELLTALE.layers,
        ),
    )  # fmt: skip
    (tmp_path / "d.json").write_text(
        json.dumps(
            {
                **SECRETIVE,
                "hosting": {"model": "none", "requests": SECRETIVE["hosting"]["requests"]},
            }
        ),
        "utf-8",
    )
    wish = Wish(
        command=command,  # type: ignore[arg-type]
        image="telltale",
        claims={"declaration": "d.json"},
        out="out" if command == "train" else None,
    )

    launch(wish, engine=MiniatureEngine, hold_off=lambda: None)

    said = capsys.readouterr()
    assert "I know ****" in said.out
    assert_nowhere((said.out + said.err).encode(), "the terminal")


def test_a_declaration_that_is_printed_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.json").write_text(json.dumps(SECRETIVE), "utf-8")

    made = commands.specification({"declaration": "d.json"})

    assert DECLARED not in made.text
    assert_nowhere(made.text.encode(), "the specification")


def test_a_command_names_a_secret_variable_without_its_value() -> None:
    launched = Launch(
        name="x", image="repo:tag", arguments=("train",), bounds=_bounds(),
        environment={"T": TOKEN}, hostname="algo-1",
    )  # fmt: skip

    said = repeating.repeat_training(launched, name="x")

    assert TOKEN not in said
    assert said.splitlines()[0].startswith("export T=")
    assert " -e T " in said


def _bounds() -> Bounds:
    return Bounds(memory_bytes=1, pids=1, log_bytes=1, output_bytes=1)
