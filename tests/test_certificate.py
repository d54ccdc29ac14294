"""Certificates: what a changed one, another image's or an old one comes to."""

from __future__ import annotations

import argparse
import base64
import copy
import hashlib
import json
import os
import random
import shlex
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from markup import Page
from reports import DIGEST, finding, report

from sm_conformance import cli
from sm_conformance.certificate import command, signing
from sm_conformance.certificate.bundle import Bundle, decoded, evidence_of
from sm_conformance.certificate.issuing import certificate
from sm_conformance.certificate.statement import canonical, statement
from sm_conformance.certificate.verifying import Demands, claims, refusals
from sm_conformance.contract import clause
from sm_conformance.errors import UsageProblem

TODAY = date(2026, 11, 21)
PROMISE = "TRAIN-063 exit-nonzero"
WAIVABLE = "TRAIN-064 failure-reason"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("keys")
    signing.make_keys(folder / "our.key", folder / "our.pub")
    return folder / "our.key", folder / "our.pub"


def conformant(**changed: Any) -> dict[str, Any]:
    """The report of an image that kept everything."""
    contract = clause.load()
    found = [finding(one.key, "n/a" if one.on_requests else "pass") for one in contract.asserted]
    return report(*found, **changed)


def run_of(folder: Path, said: dict[str, Any]) -> Path:
    """The folder that a run with this report leaves."""
    evidence = folder / "evidence" / "train-plain"
    evidence.mkdir(parents=True)
    (evidence / "stdout.log").write_text("epoch=1\n", "utf-8")
    (evidence / "model.tar").write_bytes(bytes(100_000))
    (folder / "report.json").write_text(json.dumps(said), "utf-8")
    (folder / "declaration.json").write_text('{"claims": ["training"]}', "utf-8")
    return folder


def made(folder: Path, private: Path, said: dict[str, Any] | None = None, days: int = 30) -> bytes:
    return certificate(
        run_of(folder, said or conformant()),
        sign=lambda payload, kind: signing.signed_with_key(payload, kind, private),
        issued=TODAY,
        expires=TODAY + timedelta(days=days),
    )


def judged(content: bytes, public: Path, *, today: date = TODAY, **demands: Any) -> tuple[str, ...]:
    """Why it is refused, as a verifier is told; empty when it holds."""
    try:
        bundle = decoded(content)
    except UsageProblem as error:
        return (str(error),)
    return refusals(
        bundle, signing.public_key(public), clause.load(), Demands(today=today, **demands)
    )


def resigned(content: bytes, private: Path, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A certificate whose statement was changed by somebody who has the key."""
    bundle = decoded(content)
    said = bundle.statement
    change(said)
    envelope = signing.signed_with_key(canonical(said), bundle.envelope.payload_type, private)
    return Bundle(envelope, bundle.report, bundle.declaration, bundle.evidence).encoded()


def changed(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """A certificate around whose statement something was changed, in its canonical encoding."""
    data = json.loads(content)
    change(data)
    return canonical(data)


# -- what holds ------------------------------------------------------------------------------------


def test_a_certificate_of_a_conformant_run_holds(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    private, public = keys
    content = made(tmp_path, private)

    assert judged(content, public) == ()
    assert judged(content, public, digest=DIGEST, profile="platform", waivers=False) == ()


def test_it_says_in_words_what_it_claims_and_what_not(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    told = "\n".join(claims(decoded(made(tmp_path, keys[0])), today=TODAY))

    assert f"registry.example/churn:3 {DIGEST}" in told
    assert "30 days left" in told
    assert "does not say" in told


def test_the_statement_is_what_in_toto_and_other_verifiers_expect(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    data = json.loads(made(tmp_path, keys[0]))["envelope"]
    payload = base64.b64decode(data["payload"])
    kind = data["payloadType"].encode()
    (signature,) = data["signatures"]

    said = json.loads(payload)

    public = load_pem_public_key(keys[1].read_bytes())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    # As DSSE has it, by hand: other programs verify without our library.
    encoded = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    public.verify(base64.b64decode(signature["sig"]), encoded, ec.ECDSA(SHA256()))
    assert said["_type"] == "https://in-toto.io/Statement/v1"
    assert said["subject"] == [
        {"name": "registry.example/churn:3", "digest": {"sha256": DIGEST.removeprefix("sha256:")}}
    ]
    assert said["predicate"]["result"] == "PASSED"
    assert PROMISE in said["predicate"]["passedTests"]


def test_small_evidence_is_handed_over_and_large_is_named_by_its_digest(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    bundle = decoded(made(tmp_path, keys[0]))

    evidence = bundle.statement["predicate"]["evidence"]
    assert bundle.evidence == {"train-plain/stdout.log": b"epoch=1\n"}
    assert evidence["train-plain/model.tar"]["size"] == 100_000
    assert evidence["train-plain/model.tar"]["included"] is False


def test_what_lies_beside_the_launches_is_no_evidence(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    said = conformant()
    folder = run_of(tmp_path / "run", said)
    (folder / "evidence" / "notes").write_text("mine", "utf-8")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (folder / "evidence" / "link").symlink_to(tmp_path / "mine")

    bundle = decoded(
        certificate(
            folder,
            sign=lambda payload, kind: signing.signed_with_key(payload, kind, keys[0]),
            issued=TODAY,
            expires=TODAY + timedelta(days=1),
        )
    )

    assert set(bundle.statement["predicate"]["evidence"]) == {
        "train-plain/stdout.log",
        "train-plain/model.tar",
    }


def test_large_evidence_is_never_in_memory_as_a_whole(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    folder = run_of(tmp_path, conformant())
    with (folder / "evidence" / "train-plain" / "model.tar").open("wb") as file:
        file.truncate(64 << 20)

    tracemalloc.start()
    try:
        facts, _ = evidence_of(folder / "evidence")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert facts["train-plain/model.tar"]["sha256"] == hashlib.sha256(bytes(64 << 20)).hexdigest()
    assert most < 8 << 20


@pytest.mark.parametrize(
    "text",
    ["9223372036854775807", "-9007199254740993", "1e16", "1e400", "123456789012345678901234"],
)
def test_a_number_that_canonical_json_has_no_form_for_is_a_text_in_the_certificate(
    text: str, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    run_of(tmp_path, conformant())
    (tmp_path / "declaration.json").write_text(f'{{"most": [{text}], "least": -7.5}}', "utf-8")

    content = certificate(
        tmp_path,
        sign=lambda payload, kind: signing.signed_with_key(payload, kind, keys[0]),
        issued=TODAY,
        expires=TODAY,
    )

    assert judged(content, keys[1]) == ()
    assert decoded(content).declaration == {"most": [str(json.loads(text))], "least": -7.5}


def test_a_text_that_is_no_unicode_is_a_message(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    said = conformant(doubts=["\ud800"])

    with pytest.raises(UsageProblem, match="has no canonical form"):
        made(tmp_path, keys[0], said)


def test_a_command_can_sign(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    private, public = keys
    program = tmp_path / "sign.py"
    program.write_text(
        "import base64, sys\n"
        "from cryptography.hazmat.primitives.asymmetric import ec\n"
        "from cryptography.hazmat.primitives.hashes import SHA256\n"
        "from cryptography.hazmat.primitives.serialization import load_pem_private_key\n"
        f"key = load_pem_private_key(open({str(private)!r}, 'rb').read(), None)\n"
        "signed = key.sign(sys.stdin.buffer.read(), ec.ECDSA(SHA256()))\n"
        # In lines, as the program base64 writes it.
        "print(base64.encodebytes(signed).decode())\n",
        "utf-8",
    )
    key = signing.public_key(public)
    command = shlex.join([sys.executable, str(program)])

    content = certificate(
        run_of(tmp_path / "run", conformant()),
        sign=lambda payload, kind: signing.signed_by_command(payload, kind, command, key),
        issued=TODAY,
        expires=TODAY + timedelta(days=1),
    )

    assert judged(content, public) == ()


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("no-such-program-anywhere", "cannot be run"),
        ("false", "ended with 1"),
        ("echo AAAA", "is no signature of that public key"),
        ("'", "cannot be run"),
        ("", "names no program"),
        ("sh -c 'echo one >&2; echo two >&2; exit 3'", "ended with 3: one two$"),
    ],
)
def test_a_command_that_does_not_sign_is_said(
    command: str, told: str, keys: tuple[Path, Path]
) -> None:
    with pytest.raises(UsageProblem, match=told):
        signing.signed_by_command(b"{}", "text/plain", command, signing.public_key(keys[1]))


# -- what is refused -------------------------------------------------------------------------------


def test_a_hundred_changes_of_one_byte_are_all_refused(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    content = made(tmp_path, keys[0])
    chance = random.Random(20261121)
    accepted = []

    for _ in range(100):
        at, other = chance.randrange(len(content)), chance.randrange(1, 256)
        bad = bytearray(content)
        bad[at] ^= other
        if not judged(bytes(bad), keys[1]):
            accepted.append((at, other))

    assert accepted == []


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content + b"\n",
        lambda content: b" " + content,
        lambda content: json.dumps(json.loads(content)).encode(),
        lambda content: content[:-1],
        lambda content: content.replace(b'"bundle"', b'"bundle":1,"bundle"', 1),
        lambda content: b"",
        lambda content: b"[]",
        lambda content: b"[" * 100_000,
        lambda content: b"\xff\xfe",
    ],
)
def test_another_encoding_of_the_same_is_no_certificate(
    change: Callable[[bytes], bytes], tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    assert judged(change(made(tmp_path, keys[0])), keys[1])


def test_what_was_signed_with_another_key_is_refused(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    signing.make_keys(tmp_path / "other.key", tmp_path / "other.pub")

    told = judged(made(tmp_path, keys[0]), tmp_path / "other.pub")

    assert told == ("it is not signed by this key, or what is signed was changed",)


def worse(data: dict[str, Any]) -> None:
    data["report"]["findings"][0]["verdict"] = "fail"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (worse, "the report or the declaration in it is not the one that was signed"),
        (
            lambda data: data["declaration"].update(claims=["hosting"]),
            "the report or the declaration in it is not the one that was signed",
        ),
        (
            lambda data: data["evidence"].update({"train-plain/stdout.log": "AAAA"}),
            "the evidence 'train-plain/stdout.log' is not the one that was signed",
        ),
        (
            lambda data: data["evidence"].clear(),
            "the evidence in it is not the one that was signed",
        ),
        (
            lambda data: data["evidence"].update(more="AAAA"),
            "the evidence in it is not the one that was signed",
        ),
        (
            lambda data: data["envelope"]["signatures"][0].update(keyid="00"),
            "not signed by this key",
        ),
        (lambda data: data["envelope"].update(payloadType="text/plain"), "not as it has to be"),
        (lambda data: data.update(more=1), "not as it has to be"),
        (lambda data: data["report"].pop("findings"), "the report is not as it has to be"),
    ],
)
def test_what_was_changed_around_the_signature_is_named(
    change: Callable[[dict[str, Any]], object],
    told: str,
    tmp_path: Path,
    keys: tuple[Path, Path],
) -> None:
    reasons = judged(changed(made(tmp_path, keys[0]), change), keys[1])

    assert any(told in reason for reason in reasons), reasons


def without(key: str) -> dict[str, Any]:
    said = conformant()
    said["findings"] = [one for one in said["findings"] if f"{one['clause']} {one['name']}" != key]
    return said


def changed_finding(key: str, **changed: Any) -> dict[str, Any]:
    said = conformant()
    for one in said["findings"]:
        if f"{one['clause']} {one['name']}" == key:
            one.update(changed)
    return said


def unasked() -> dict[str, Any]:
    """The report of a run on requests to AWS that says nothing of them."""
    said = conformant()
    said["declaration"]["from"] = "aws"
    asked = {one.key for one in clause.load().asserted if one.on_requests}
    said["findings"] = [
        one for one in said["findings"] if f"{one['clause']} {one['name']}" not in asked
    ]
    return said


def not_run(key: str) -> dict[str, Any]:
    said = conformant()
    for one in said["findings"]:
        if f"{one['clause']} {one['name']}" == key:
            one.update(verdict="not-run", reason="not reached")
    return said


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (without(PROMISE), f"{PROMISE} is not-run: not in the report"),
        (not_run(PROMISE), f"{PROMISE} is not-run: not reached"),
        (conformant(limits_changed={"startup_limit_s": 1}), "limits were changed"),
        (
            conformant(suite={"version": "9", "edition": "2030-01", "clauses_sha256": "0" * 64}),
            "it was judged by other clauses (suite 9, edition 2030-01)",
        ),
        (conformant(profile="lenient"), "its profile is not known here"),
        (
            conformant(profile="marketplace"),
            "takes for granted what it does not claim: marketplace",
        ),
        (
            conformant(engine={"name": "archive", "version": "", "way": "none"}),
            "nothing was launched",
        ),
        (changed_finding(PROMISE, verdict="waived", promise=False), f"{PROMISE!r} is on no clause"),
        (changed_finding(WAIVABLE, verdict="waived"), f"{WAIVABLE} is waived by no waiver"),
        (changed_finding(PROMISE, level="SHOULD"), f"{PROMISE!r} is on no clause"),
        (
            conformant(waivers=[{"clause": WAIVABLE, "reason": "r", "expires": "for ever"}]),
            "'for ever' in it is no day",
        ),
        (
            conformant(waivers=[{"clause": WAIVABLE, "reason": "r", "expires": "2026-W01-1"}]),
            "'2026-W01-1' in it is not how a day is written",
        ),
        (unasked(), "is not-run: not in the report"),
    ],
)
def test_a_signed_report_that_leaves_something_out_is_refused(
    said: dict[str, Any], told: str, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    reasons = judged(made(tmp_path, keys[0], said), keys[1])

    assert any(told in reason for reason in reasons), reasons


def test_a_file_that_lies_where_it_is_verified_is_no_profile(
    tmp_path: Path, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"story": "What our releases are held to.", "fails": [{"promise": True}]}
    (tmp_path / "lenient.yaml").write_text(json.dumps(own), "utf-8")
    monkeypatch.chdir(tmp_path)
    said = conformant()
    content = made(tmp_path / "run", keys[0], said)
    bundle = decoded(content)
    said["profile"] = "lenient.yaml"
    predicate = bundle.statement["predicate"]
    about = statement(
        said, declaration=bundle.declaration, evidence=predicate["evidence"],
        issued=TODAY, expires=TODAY,
    )  # fmt: skip
    envelope = signing.signed_with_key(canonical(about), bundle.envelope.payload_type, keys[0])
    forged = Bundle(envelope, said, bundle.declaration, bundle.evidence).encoded()

    for demands in ({}, {"profile": "platform"}):
        told = judged(forged, keys[1], **demands)
        assert any("'lenient.yaml' is a file" in one for one in told), told


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said["predicate"]["passedTests"].append("HOST-999 more"),
        lambda said: said["subject"][0]["digest"].update(sha256="0" * 64),
        lambda said: said["predicate"].update(profile="strict"),
        lambda said: said["predicate"].update(waivers=[]),
        lambda said: said["predicate"]["evidence"].clear(),
    ],
    ids=["a clause more", "another image", "another profile", "no waivers", "no evidence"],
)
def test_a_statement_that_says_more_than_its_report_is_refused(
    change: Callable[[dict[str, Any]], object], tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    said = waived()
    content = resigned(made(tmp_path, keys[0], said), keys[0], change)

    assert judged(content, keys[1])


def waived(expires: str = "2026-12-31") -> dict[str, Any]:
    """The report of an image with a clause that is waived."""
    key = "TRAIN-064 failure-reason"
    waiver = {"clause": key, "reason": "an old library", "expires": expires}
    said = conformant(waivers=[waiver])
    for one in said["findings"]:
        if f"{one['clause']} {one['name']}" == key:
            one.update(verdict="waived", reason="waived")
    return said


def test_waivers_are_told_and_can_be_refused(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    content = made(tmp_path, keys[0], waived())

    assert judged(content, keys[1]) == ()
    assert "an old library" in "\n".join(claims(decoded(content), today=TODAY))
    (told,) = judged(content, keys[1], waivers=False)
    assert "TRAIN-064 failure-reason is waived" in told


def test_a_waiver_that_has_expired_since_takes_the_certificate_with_it(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    content = made(tmp_path, keys[0], waived("2026-11-30"))

    assert judged(content, keys[1]) == ()
    (told,) = judged(content, keys[1], today=date(2026, 12, 1))
    assert told == "its waiver of TRAIN-064 failure-reason expired on 2026-11-30"


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (TODAY + timedelta(days=30), ()),
        (TODAY + timedelta(days=31), ("it expired on 2026-12-21",)),
        (TODAY - timedelta(days=1), ("it is from 2026-11-21, a day to come",)),
    ],
)
def test_it_holds_from_its_first_day_to_its_last(
    today: date, told: tuple[str, ...], tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    assert judged(made(tmp_path, keys[0]), keys[1], today=today) == told


def test_the_certificate_of_another_image_is_refused(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    (told,) = judged(made(tmp_path, keys[0]), keys[1], digest="sha256:" + "0" * 64)

    assert told.startswith("it is the certificate of another image")


def test_a_weaker_profile_than_the_verifier_demands_is_refused(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    weak = made(tmp_path / "weak", keys[0], conformant(profile="platform"))
    strong = made(tmp_path / "strong", keys[0], conformant(profile="strict"))

    assert judged(strong, keys[1], profile="platform") == ()
    (told,) = judged(weak, keys[1], profile="strict")
    assert told == "it was judged by the profile 'platform', which demands less than 'strict'"


@pytest.mark.parametrize(
    ("has", "enough"),
    [
        ("platform", {"platform"}),
        ("strict", {"platform", "strict"}),
        # What is listed runs isolated; what strict adds to platform no listing is refused for.
        ("marketplace", {"platform", "marketplace"}),
    ],
)
def test_a_profile_is_enough_where_it_fails_as_much_and_takes_as_much_for_granted(
    tmp_path: Path, keys: tuple[Path, Path], has: str, enough: set[str]
) -> None:
    claims = [*claimed(), "marketplace"]
    said = conformant(profile=has)
    said["declaration"]["claims"] = claims
    content = made(tmp_path, keys[0], said)

    taken = {
        name
        for name in ("platform", "strict", "marketplace")
        if judged(content, keys[1], profile=name) == ()
    }
    assert taken == enough


def claimed() -> list[str]:
    """What the image of the reports here claims."""
    claims: list[str] = conformant()["declaration"]["claims"]
    return claims


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"conclusion": "nonconformant"}, "only what was found conformant"),
        ({"conclusion": "inconclusive"}, "only what was found conformant"),
        ({"complete": False}, "only what was found conformant"),
        ({"profile": "./mine.yaml"}, "which a verifier does not have"),
    ],
)
def test_nothing_else_is_certified(
    said: dict[str, Any], told: str, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    with pytest.raises(UsageProblem, match=told):
        made(tmp_path, keys[0], conformant(**said))


# -- keys ------------------------------------------------------------------------------------------


def test_a_private_key_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    private, public = tmp_path / "k.key", tmp_path / "k.pub"
    signing.make_keys(private, public)
    before = private.read_bytes()

    with pytest.raises(UsageProblem, match="never written over"):
        signing.make_keys(private, public)

    assert private.stat().st_mode & 0o777 == 0o600
    assert private.read_bytes() == before


def test_an_encrypted_key_wants_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(signing.PASSWORD, "open sesame")
    signing.make_keys(tmp_path / "k.key", tmp_path / "k.pub")

    assert signing.signed_with_key(b"{}", "text/plain", tmp_path / "k.key").signatures
    monkeypatch.setenv(signing.PASSWORD, "another")
    with pytest.raises(UsageProblem, match="is not its password"):
        signing.signed_with_key(b"{}", "text/plain", tmp_path / "k.key")
    monkeypatch.delenv(signing.PASSWORD)
    with pytest.raises(UsageProblem, match="is encrypted: set SM_KEY_PASSWORD"):
        signing.signed_with_key(b"{}", "text/plain", tmp_path / "k.key")


def test_a_password_that_no_key_can_have_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(signing.PASSWORD, "x" * 2000)

    assert cli.main(["keygen", f"--output={tmp_path / 'k'}"]) == 4
    assert capsys.readouterr().err.startswith("sm-conformance keygen: SM_KEY_PASSWORD: ")
    assert list(tmp_path.iterdir()) == []


def test_a_password_may_be_in_any_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(signing.PASSWORD, os.fsdecode(b"gr\xfc\xdfe"))
    signing.make_keys(tmp_path / "k.key", tmp_path / "k.pub")

    assert signing.signed_with_key(b"{}", "text/plain", tmp_path / "k.key").signatures


@pytest.mark.parametrize("text", [b"", b"no key", b"\xff" * 100])
def test_what_is_no_key_is_said_to_be_none(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.write_bytes(text)

    with pytest.raises(UsageProblem, match="holds no public key"):
        signing.public_key(path)
    with pytest.raises(UsageProblem, match="holds no private key"):
        signing.signed_with_key(b"{}", "text/plain", path)


# -- the commands ----------------------------------------------------------------------------------


def test_verify_ends_with_a_status_and_says_why(
    tmp_path: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    content = made(tmp_path / "run", keys[0])
    good.write_bytes(content)
    bad.write_bytes(content + b" ")
    at = f"--at={TODAY}"

    assert cli.main(["verify", str(good), f"--key={keys[1]}", at]) == 0
    assert capsys.readouterr().out.endswith("this certificate holds\n")
    assert cli.main(["verify", str(bad), f"--key={keys[1]}", at]) == 1
    told = capsys.readouterr().out
    assert told.startswith("refused: it is not in its canonical encoding")
    assert told.endswith("this certificate does not hold\n")


def test_a_strangers_words_are_no_lines_and_no_colours_of_the_terminal(
    tmp_path: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = "\x1b[2J\nc.json: this certificate holds\u202e"
    said = waived()
    said["waivers"][0]["reason"] = hostile
    good = made(tmp_path / "run", keys[0], said)
    for content, status in ((good, 0), (changed(good, lambda data: data.update({hostile: 1})), 1)):
        (tmp_path / "c.json").write_bytes(content)

        assert (
            cli.main(["verify", str(tmp_path / "c.json"), f"--key={keys[1]}", f"--at={TODAY}"])
            == status
        )

        told = capsys.readouterr().out
        assert not any(mark in told for mark in ("\x1b", "\u202e"))
        assert "c.json: this certificate holds" not in told.splitlines()


def test_the_page_of_a_certificate_that_holds_is_written(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    content = made(tmp_path / "run", keys[0], waived())
    (tmp_path / "churn.json").write_bytes(content)
    target = tmp_path / "page.html"

    arguments = ["verify", str(tmp_path / "churn.json"), f"--key={keys[1]}", f"--page={target}"]
    assert cli.main([*arguments, f"--at={TODAY}"]) == 0

    page = Page(target.read_text("utf-8")).root
    said = page.one("section", **{"aria-labelledby": "signature"}).text
    bundle = decoded(content)
    (key_id,) = bundle.envelope.signatures
    for text in (key_id, DIGEST, TODAY.isoformat(), (TODAY + timedelta(days=30)).isoformat(),
                 hashlib.sha256(bundle.envelope.payload).hexdigest(),
                 "Waivers TRAIN-064 failure-reason until 2026-12-31",
                 f"verified on {TODAY} with that key", "verify churn.json --key"):  # fmt: skip
        assert text in said
    assert "platform" in page.one("header").all("dl")[0].text
    assert str(tmp_path) not in target.read_text("utf-8")


@pytest.mark.parametrize("spoil", ["a byte", "the key", "the day", "the profile"])
def test_no_page_is_written_of_a_certificate_that_does_not_hold(
    tmp_path: Path, keys: tuple[Path, Path], spoil: str
) -> None:
    content = made(tmp_path / "run", keys[0])
    (tmp_path / "c.json").write_bytes(content + b" " * (spoil == "a byte"))
    signing.make_keys(tmp_path / "other.key", tmp_path / "other.pub")
    key = tmp_path / "other.pub" if spoil == "the key" else keys[1]
    day = TODAY + timedelta(days=31 if spoil == "the day" else 0)
    demands = ["--require=strict"] if spoil == "the profile" else []

    status = cli.main(["verify", str(tmp_path / "c.json"), f"--key={key}", f"--at={day}",
                       f"--page={tmp_path / 'page.html'}", *demands])  # fmt: skip

    assert status == 1
    assert not (tmp_path / "page.html").exists()


def test_a_page_is_never_written_over(
    tmp_path: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.json").write_bytes(made(tmp_path / "run", keys[0]))
    (tmp_path / "page.html").write_text("mine", "utf-8")

    status = cli.main(["verify", str(tmp_path / "c.json"), f"--key={keys[1]}", f"--at={TODAY}",
                       f"--page={tmp_path / 'page.html'}"])  # fmt: skip

    assert status == 4
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "page.html").read_text("utf-8") == "mine"


def options(folder: Path, key: Path, output: str) -> argparse.Namespace:
    return argparse.Namespace(
        key=str(key), sign_command=None, public_key=None, valid_days="30", profile=None, report=None,
        output=str(folder / output), image="registry.example/churn:3", train_image=None,
        serve_image=None,
    )  # fmt: skip


def test_certifying_leaves_the_certificate_and_its_page(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    def check(given: argparse.Namespace) -> int:
        run_of(Path(given.report), conformant())
        return 0

    assert command.certify(options(tmp_path, keys[0], "churn.json"), check) == 0

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "churn-report", "churn.html", "churn.json",
    ]  # fmt: skip
    page = Page((tmp_path / "churn.html").read_text("utf-8")).root
    assert page.one("p", class_="name").text.startswith("Certificate of conformance")
    content = (tmp_path / "churn.json").read_bytes()
    assert judged(content, keys[1], today=datetime.now(UTC).date()) == ()


def test_the_report_of_another_run_is_not_certified(
    tmp_path: Path, keys: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = options(tmp_path, keys[0], "churn.json")
    asked.image = "registry.example/another:1"

    def check(given: argparse.Namespace) -> int:
        run_of(Path(given.report), conformant())
        return 0

    assert command.certify(asked, check) == 3
    assert "another run has written there" in capsys.readouterr().err
    assert not (tmp_path / "churn.json").exists()


@pytest.mark.parametrize("there", ["churn.json", "churn.html"])
def test_certifying_writes_over_nothing_and_does_not_judge_then(
    tmp_path: Path, keys: tuple[Path, Path], there: str
) -> None:
    (tmp_path / there).write_text("mine", "utf-8")

    def check(given: argparse.Namespace) -> int:
        raise AssertionError(given)

    assert command.certify(options(tmp_path, keys[0], "churn.json"), check) == 4
    assert [path.name for path in tmp_path.iterdir()] == [there]


def test_what_is_not_conformant_gets_neither_certificate_nor_page(
    tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    assert command.certify(options(tmp_path, keys[0], "churn.json"), lambda _: 1) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["verify", "none.json", "--key={public}"], "none.json cannot be read"),
        (["verify", "none.json", "--key=none.pub"], "none.pub cannot be read"),
        (["verify", "x", "--key={public}", "--digest=sha256:12"], "--digest: expected sha256:"),
        (["verify", "x", "--key={public}", "--require=platfrom"], "did you mean 'platform'?"),
        (["verify", "x", "--key={public}", "--at=tomorrow"], "--at: expected a day"),
        (["certify", "a:b"], "name either --key FILE or --sign-command COMMAND"),
        (["certify", "a:b", "--sign-command=true"], "--public-key FILE"),
        (
            ["certify", "a:b", "--sign-command=", "--public-key={public}"],
            "it names no program",
        ),
        (
            ["certify", "a:b", "--sign-command=none-such", "--public-key={public}"],
            "it names no program",
        ),
        (["certify", "a:b", "--key={private}", "--profile=./strict"], "is a file of yours"),
        (["certify", "a:b", "--key={private}", "--output="], "it is the name of no file"),
        (["certify", "a:b", "--key={private}", "--output=/"], "it is the name of no file"),
        (["certify", "a:b", "--key={public}"], "holds no private key"),
        (["certify", "a:b", "--key={private}", "--valid-days=0"], "--valid-days: expected 1"),
        (["certify", "a:b", "--key={private}", "--output={public}"], "is there already"),
        (["certify", "--key={private}"], "name an image"),
        (["certify", "a:b", "--key={private}", "--output=c.html"], "call the certificate .json"),
        (["keygen", "-o", "{folder}/no/such/folder"], "cannot be written"),
    ],
)
def test_a_users_mistake_is_one_message_and_status_4(
    arguments: list[str],
    told: str,
    tmp_path: Path,
    keys: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"private": keys[0], "public": keys[1], "folder": tmp_path}

    status = cli.main([argument.format(**given) for argument in arguments])

    said = capsys.readouterr()
    assert status == 4
    assert told in said.err
    assert len(said.err.splitlines()) == 1


def test_a_report_is_not_changed_by_looking_at_it(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    bundle = decoded(made(tmp_path, keys[0]))
    before = copy.deepcopy(dict(bundle.report))

    refusals(bundle, signing.public_key(keys[1]), clause.load(), Demands(today=TODAY))

    assert bundle.report == before
