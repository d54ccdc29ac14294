"""Secrets are known by their shapes, and hidden however they are written, cut or packed."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import quote

import pytest

from sm_conformance.declaration.problems import shown
from sm_conformance.engine.protocol import Engine
from sm_conformance.laboratory.hidden import mask_of
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.secrecy.files import hide_in
from sm_conformance.secrecy.mask import Mask
from sm_conformance.secrecy.shapes import Secret, hidden_by_name, in_data, secrets

KEY = "AKIAQ3EGRIPXLVH7QW2Z"
TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5A"
SECRET_KEY = "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"
PASSWORD = "tr0ub4dor&3"
PEM_LINES = ("MIIEowIBAAKCAQEAw7Zq3nV8xR5tY2kL9pQ1sD4fG6hJ8mN0bV", "cX3zA5wE7rT9yU1iO3pA5sD7f==")
ENCRYPTED = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A1B2C3D4E5F60718293A4B5C6D7E8F9"
PGP = (
    "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2.0.22 (GNU/Linux)\n\n"
    + "\n".join(PEM_LINES)
    + "\n=aB3d\n-----END PGP PRIVATE KEY BLOCK-----"
)
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + "\n".join(PEM_LINES) + "\n-----END RSA PRIVATE KEY-----"


def values(text: str) -> list[str]:
    return [value for secret in secrets(text) for value in secret.values]


# -- shapes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f"id={KEY};", KEY),
        (f"RUN |1 T={TOKEN} make", TOKEN),
        (f"AWS_SECRET_ACCESS_KEY={SECRET_KEY}", SECRET_KEY),
        (f'"awsSecretKey": "{SECRET_KEY}"', SECRET_KEY),
        (f"aws configure set aws_secret_access_key {SECRET_KEY}", SECRET_KEY),
        (f"PIP_INDEX_URL=https://ci:{PASSWORD}@pypi.corp.io/simple", PASSWORD),
        ("DB=postgres://app:Sx7.fq2Lw@db:5432/app", "Sx7.fq2Lw"),
        ("P=http://me:p%40ss-W0rd@10.0.0.7:3128", "p@ss-W0rd"),
        ("git clone https://oauth2:qkfjwxhz@git.corp.io/a/b", ":qkfjwxhz@"),
        (PEM, PEM_LINES[0]),
        (PEM.replace("\n", "\\n"), PEM_LINES[1]),
        (PEM.replace("---\nM", f"---\n{ENCRYPTED}\n\nM"), PEM_LINES[0]),
        (PEM.replace("---\nM", f"---\n{ENCRYPTED}\n\nM").replace("\n", "\\n"), PEM_LINES[1]),
        (PGP, PEM_LINES[0]),
        ("dckr_pat_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9", "dckr_pat_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9"),
    ],
)
def test_a_secret_is_known_by_its_shape(text: str, value: str) -> None:
    assert value in values(text)


@pytest.mark.parametrize(
    "text",
    [
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_ACCESS_KEY_ID=AKIAXXXXXXXXXXXXXXXX",
        "AWS_SECRET_ACCESS_KEY=" + "x" * 40,
        "AWS_SECRET_ACCESS_KEY=9e107d9d372bb6826bd81d3542a419d6da39a3ee",
        "AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY",
        "https://user:password@pypi.corp.io/simple",
        "https://user:pass@host/",
        "https://user:changeme@host/",
        "https://user:your-token-here@host/",
        "https://user:xxx@host/",
        "https://user:***@host/",
        "https://user:$TOKEN@host/",
        "https://user:${TOKEN}@host/",
        "https://user:$(cat /run/secrets/t)@host/",
        "https://user:<token>@host/",
        "https://user:{token}@host/",
        "https://user:%s@host/",
        "amqp://guest:guest@rabbitmq:5672//",
        "postgres://app:Sx7.fq2Lw@localhost/app",
        "https://user:Sx7.fq2Lw@pypi.example.com/",
        "https://user@host/",
        "https://host:8080/path@2x.png",
        "docker://alpine:3.18.4@sha256:" + "0a1b" * 16,
        "ssh://git@github.com:22/a/b",
        "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
        "PYTHON_SHA256=" + "0a1b" * 16,
        "commit 9e107d9d372bb6826bd81d3542a419d6da39a3ee",
        "-----BEGIN CERTIFICATE-----\n" + PEM_LINES[0] * 2,
        "-----BEGIN PUBLIC KEY-----\n" + PEM_LINES[0] * 2,
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKkR9vQ2xZ7wLmN4pT8sYb1cD6eF3gH5jKaU0iOqZ me",
    ],
)
def test_what_only_looks_like_a_secret_is_none(text: str) -> None:
    assert values(text) == []


def test_a_value_that_is_called_secret_is_hidden_but_not_told() -> None:
    assert values("DB_PASSWORD=correct7horse") == []
    assert [one.values for one in hidden_by_name("DB_PASSWORD", "correct7horse")] == [
        ("correct7horse",)
    ]
    assert list(hidden_by_name("PGPASSWORD", "correct7horse"))
    assert not list(hidden_by_name("MONKEY", "correct7horse"))
    assert not list(hidden_by_name("TOKENIZER", "bert-base-uncased-7"))
    assert not list(hidden_by_name("EOS_TOKEN", "<|endoftext|>"))
    assert not list(hidden_by_name("API_KEY", "your-api-key-1"))


def test_secrets_are_found_deep_in_a_declaration() -> None:
    said = {"training": {"environment": {"HF": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"}}}
    asked = [{"Containers": [{"Environment": {"aws_secret_access_key": SECRET_KEY}}]}]

    assert [one.values[0][:3] for one in in_data(said)] == ["hf_"]
    assert SECRET_KEY in [value for one in in_data(asked) for value in one.values]


def test_a_problem_of_a_declaration_does_not_show_a_secret() -> None:
    assert shown(f"x{TOKEN}"[1:]) == f"'{'*' * len(TOKEN)}'"


# -- hiding ----------------------------------------------------------------------------------------

MASK = Mask(secrets("\n".join([KEY, TOKEN, f"AWS_SECRET_ACCESS_KEY={SECRET_KEY}", PEM])))


@pytest.mark.parametrize("value", [KEY, TOKEN, SECRET_KEY, PEM_LINES[0]])
@pytest.mark.parametrize(
    "written",
    [
        lambda value: value,
        lambda value: quote(value, safe=""),
        lambda value: json.dumps({"key": value}),
        lambda value: json.dumps(value).replace("/", "\\/"),
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: base64.b64encode(b"x" + value.encode() + b"tail").decode(),
        lambda value: base64.urlsafe_b64encode(b"xy" + value.encode() + b"tail").decode(),
        lambda value: value.encode().hex(),
        lambda value: f"{value[:-2]}…",
        lambda value: f"…{value[2:]}",
    ],
)
def test_a_secret_is_hidden_however_it_is_written(value: str, written: object) -> None:
    text = written(value)  # type: ignore[operator]

    hidden = MASK.text(f"before {text} after")

    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert len(hidden) == len(f"before {text} after")
    assert text[4:-4] not in hidden
    assert sum(char != "*" for char in hidden) < len("before  after") + 16


@pytest.mark.parametrize("size", [1, 2, 7, 19, 20, 21, 64])
def test_a_secret_is_hidden_across_the_borders_of_pieces(size: int) -> None:
    data = f"a {KEY}{KEY} b {TOKEN}\n{SECRET_KEY}{PEM}".encode() * 3

    hidden = b"".join(MASK.stream(data[at : at + size] for at in range(0, len(data), size)))

    assert hidden == MASK.content(data)
    assert len(hidden) == len(data)
    for value in (KEY, TOKEN, SECRET_KEY, *PEM_LINES):
        assert value.encode()[3:12] not in hidden


@pytest.mark.parametrize("width", [64, 76])
@pytest.mark.parametrize(
    "value", [PEM_LINES[0] + PEM_LINES[1][:14], TOKEN, "pypi-" + "aB3dE5fG7h" * 20]
)
def test_a_secret_in_base64_is_hidden_wherever_its_lines_are_broken(value: str, width: int) -> None:
    mask = Mask([Secret((value,), "one")])
    for before in range(width):
        encoded = base64.b64encode(b"." * before + value.encode() + b"." * 9).decode()
        lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]

        shown = "".join(mask.text(line) for line in lines)

        secret = range(-(-before * 8 // 6) + 1, (before + len(value)) * 8 // 6 - 1)
        assert sum(shown[at] != "*" for at in secret) < 48
        assert mask.text("\n".join(lines)).replace("\n", "") == shown


def test_without_secrets_nothing_is_changed() -> None:
    assert not Mask()
    assert Mask().text("\udcff AKIA") == "\udcff AKIA"
    assert MASK.text("nothing of the kind, AKIAQ3EGR") == "nothing of the kind, AKIAQ3EGR"


def test_a_short_password_hides_no_words_of_others() -> None:
    mask = Mask(secrets("https://me:conformant@pypi.corp.io/"))

    assert mask.text("conformant") == "conformant"
    assert mask.text("https://me:conformant@x") == f"https://me{'*' * 12}x"


def test_a_candidate_with_thousands_of_secrets_is_not_looked_for_all_day() -> None:
    mask = Mask(Secret((f"secret-{number:05}-value",), "one") for number in range(5000))

    assert "secret-00000" not in mask.text("secret-00000-value")
    assert len(mask._needles) < 3000


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("/opt/ml/model/server1.pem", "/opt/ml/model/saved_model.pb, and no server.pem"),
        ("conformance2026", "sm-conformance: a conformance test"),
        ("Training1job", "Training begins"),
    ],
)
def test_the_words_that_a_secret_is_made_of_are_left_alone_elsewhere(value: str, said: str) -> None:
    (secret,) = hidden_by_name("SIGNING_PRIVATE_KEY", value)
    mask = Mask([secret])

    assert mask.text(said) == said
    assert mask.text(f"it is {value}!") == f"it is {'*' * len(value)}!"


def test_text_without_a_secret_is_the_same_text() -> None:
    assert MASK.text("name-\udcff-of-a-file") == "name-\udcff-of-a-file"
    assert MASK.text(f"\udcff {KEY}").endswith(f" {'*' * len(KEY)}")


def test_what_an_owner_declares_is_hidden_whatever_an_image_is_full_of() -> None:
    tokens = {f"L{number}": f"ghp_{number:036d}abcdefgh" for number in range(400)}
    engine = cast(Engine, SimpleNamespace(layers=lambda _: ()))
    facts = cast(ImageFacts, SimpleNamespace(
        reference="x", config_digest="sha256:1", environment={}, labels=tokens
    ))  # fmt: skip

    mask = mask_of(engine, [facts], {"training": {"environment": {"A": TOKEN}}})

    assert TOKEN not in mask.text(f"told: {TOKEN}")


# -- files -----------------------------------------------------------------------------------------


def archive(*, names: tuple[str, ...]) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name in names:
            member = tarfile.TarInfo(name)
            content = f"holds {TOKEN}".encode() * 100
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
        made.addfile(tarfile.TarInfo("plain"))
    return held.getvalue()


NAMES = (f"model/{KEY}", "model/" + "d" * 120 + f"/{TOKEN}", "model/weights")


@pytest.mark.parametrize("name", ["model.tar", "model.tar.gz"])
def test_an_archive_stays_readable_without_its_secrets(tmp_path: Path, name: str) -> None:
    content = archive(names=NAMES)
    path = tmp_path / "train-plain" / name
    path.parent.mkdir()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    path.chmod(0o640)

    assert hide_in(tmp_path, MASK) == []

    with tarfile.open(path, mode="r:*") as opened:
        members = opened.getmembers()
        held = opened.extractfile(members[0])
        assert held is not None
        told = held.read()
    assert [member.name for member in members][2:] == ["model/weights", "plain"]
    assert members[0].name == f"model/{'*' * len(KEY)}"
    assert TOKEN.encode() not in told
    assert told.startswith(b"holds ***")
    plain = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    assert TOKEN.encode() not in plain
    assert KEY.encode() not in plain
    assert path.stat().st_mode & 0o777 == 0o640


def test_files_without_secrets_and_links_are_left_alone(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text(KEY, "utf-8")
    folder = tmp_path / "evidence"
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    (folder / "stdout.log").write_text("fine\n", "utf-8")
    before = (folder / "stdout.log").stat().st_ino

    assert hide_in(folder, MASK) == []

    assert outside.read_text("utf-8") == KEY
    assert (folder / "stdout.log").stat().st_ino == before


def test_a_secret_that_is_said_to_be_packed_and_is_not_is_hidden_too(tmp_path: Path) -> None:
    (tmp_path / f"{KEY}.gz").write_text(f"{TOKEN}\n", "utf-8")

    hide_in(tmp_path, MASK)

    (path,) = tmp_path.iterdir()
    assert path.name == f"{'*' * len(KEY)}.gz"
    assert path.read_text("utf-8") == f"{'*' * len(TOKEN)}\n"


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("damage", ["cut", "followed"])
def test_a_secret_in_a_damaged_archive_goes_with_it(
    tmp_path: Path, damage: str, long: bool
) -> None:
    noise = random.Random(1).randbytes(3 << 20 if long else 4000)
    packed = gzip.compress(TOKEN.encode() + noise)
    path = tmp_path / "sourcedir.tar.gz"
    path.write_bytes(packed[:-2000] if damage == "cut" else packed + b"and more")
    (tmp_path / "fine.gz").write_bytes(gzip.compress(noise)[:-2000])

    assert hide_in(tmp_path, MASK) == [path]

    assert [one.name for one in tmp_path.iterdir()] == ["fine.gz"]


def test_a_file_in_which_a_secret_cannot_be_hidden_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "stdout.log"
    path.write_text(KEY, "utf-8")

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)

    assert hide_in(tmp_path, MASK) == [path]
    assert not path.exists()
