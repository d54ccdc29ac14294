"""Registries that lie, dawdle or send on: none of them gets a password, an hour, or a certificate."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from reports import DIGEST, finding, report
from strange_registry import Answer, Say, digest, entry, holder, holding, page, strange, typed

from sm_conformance import cli
from sm_conformance.certificate import signing
from sm_conformance.certificate.issuing import certificate
from sm_conformance.contract import clause
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.observed.manifest import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from sm_conformance.registry import asking
from sm_conformance.registry.client import Repository

BASIC = f"Basic {base64.b64encode(b'we:sesame').decode()}"
OTHER = "sha256:" + "e0" * 32
LAWFUL = json.dumps({"config": {"digest": DIGEST}, "layers": []}).encode()


@pytest.fixture(autouse=True)
def no_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))


@pytest.fixture
def certified(tmp_path: Path) -> bytes:
    """The certificate of the image with the digest ``DIGEST``; its public key is ``our.pub``."""
    signing.make_keys(tmp_path / "our.key", tmp_path / "our.pub")
    found = [
        finding(one.key, "n/a" if one.on_requests else "pass") for one in clause.load().asserted
    ]
    (tmp_path / "report.json").write_text(json.dumps(report(*found)), "utf-8")
    today = datetime.now(UTC).date()

    def sign(payload: bytes, kind: str) -> Any:
        return signing.signed_with_key(payload, kind, tmp_path / "our.key")

    return certificate(tmp_path, sign=sign, issued=today, expires=today)


def attached(content: bytes, *pages: Answer, image: Answer | None = None) -> dict[str, Answer]:
    """The answers of a registry that holds an image with an attached certificate."""
    manifest = holder(content)
    return {
        "manifests/1": image or typed(LAWFUL, DOCKER_MANIFEST),
        f"manifests/{digest(manifest)}": typed(manifest, OCI_MANIFEST),
        f"blobs/{digest(content)}": Answer(content),
        **{f"next-{number}": one for number, one in enumerate(pages[1:], 1)},
        **({} if not image else {f"manifests/{digest(image.body)}": image}),
        "": Answer(status=404) if not pages else pages[0],
    }


def verify(say: Say, folder: Path, *, which: str = ":1") -> int:
    with strange(say) as there:
        return cli.main(["verify", f"{there.host}/team/model{which}", f"--key={folder}/our.pub"])


# -- which image lies there ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [DOCKER_MANIFEST, OCI_MANIFEST, "application/json"])
def test_a_certificate_is_found_at_its_image(kind: str, tmp_path: Path, certified: bytes) -> None:
    answers = attached(certified, page(entry(holder(certified))), image=typed(LAWFUL, kind))

    assert verify(holding(answers), tmp_path) == 0


def said(*pairs: tuple[str, Any]) -> bytes:
    """A JSON object that may say a thing twice."""
    return f"{{{', '.join(f'{json.dumps(name)}: {json.dumps(text)}' for name, text in pairs)}}}".encode()


OURS, THEIRS = {"digest": DIGEST}, {"digest": OTHER}
AMBIGUOUS = {
    "an index that names a configuration too": (
        said(("config", OURS), ("manifests", [THEIRS])), OCI_INDEX,
    ),
    "a manifest that names manifests too": (
        said(("config", OURS), ("manifests", [THEIRS]), ("layers", [])), DOCKER_MANIFEST,
    ),
    "one that names them in other letters": (
        said(("config", OURS), ("Manifests", [THEIRS])), DOCKER_MANIFEST,
    ),
    "two configurations": (said(("config", OURS), ("config", OURS)), DOCKER_MANIFEST),
    "two configurations for who minds no case": (
        said(("config", OURS), ("Config", THEIRS), ("layers", [])), DOCKER_MANIFEST,
    ),
    "two digests for who minds no case": (
        said(("config", {"digest": DIGEST, "dige\u017ft": OTHER}), ("layers", [])), OCI_MANIFEST,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_what_engines_may_read_as_another_image_is_not_the_certified_one(
    name: str, tmp_path: Path, certified: bytes
) -> None:
    raw, kind = AMBIGUOUS[name]
    answers = attached(certified, page(entry(holder(certified))), image=typed(raw, kind))

    assert verify(holding(answers), tmp_path) == 1


def test_another_manifest_than_that_with_the_digest_is_not_believed(
    tmp_path: Path, certified: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = attached(certified, page(entry(holder(certified))))
    answers[f"manifests/{OTHER}"] = answers["manifests/1"]

    assert verify(holding(answers), tmp_path, which=f"@{OTHER}") == 3
    assert f"handed over another manifest than {OTHER}" in capsys.readouterr().err


def test_an_index_of_several_images_has_no_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = json.dumps(
        {"manifests": [{"platform": {"os": "linux", "architecture": one}} for one in "ab"]}
    ).encode()
    signing.make_keys(tmp_path / "our.key", tmp_path / "our.pub")
    found = [
        finding(one.key, "n/a" if one.on_requests else "pass") for one in clause.load().asserted
    ]
    about = report(*found)
    about["candidate"]["images"][0]["manifest_digest"] = digest(raw)
    (tmp_path / "report.json").write_text(json.dumps(about), "utf-8")
    today = datetime.now(UTC).date()
    made = certificate(
        tmp_path,
        sign=lambda payload, kind: signing.signed_with_key(payload, kind, tmp_path / "our.key"),
        issued=today,
        expires=today,
    )
    answers = attached(made, page(entry(holder(made))), image=typed(raw, OCI_INDEX))

    assert verify(holding(answers), tmp_path) == 1
    assert "linux/a, linux/b" in capsys.readouterr().out
    (tmp_path / "c.json").write_bytes(made)
    with strange(holding(answers)) as there:
        assert cli.main(["attach", str(tmp_path / "c.json"), f"{there.host}/team/model:1"]) == 4


# -- what is attached ------------------------------------------------------------------------------


def others(many: int) -> list[dict[str, str]]:
    return [entry(str(number).encode(), "application/spdx+json") for number in range(many)]


def test_a_certificate_is_found_among_many_things_of_others(
    tmp_path: Path, certified: bytes
) -> None:
    answers = attached(certified, page(*others(150), entry(holder(certified))))

    assert verify(holding(answers), tmp_path) == 0


def test_a_certificate_is_found_on_a_later_page(tmp_path: Path, certified: bytes) -> None:
    answers = attached(
        certified,
        page(*others(3), Link='</next-1?n=3>; rel="next"'),
        page(*others(3), Link='<next-2>; rel="next"'),
        page(entry(holder(certified))),
    )

    assert verify(holding(answers), tmp_path) == 0


@pytest.mark.parametrize(
    "first",
    [
        Answer(status=500),
        Answer(status=403),
        typed(b"<html>", "text/html"),
        page(Link='<http://localhost:1/next>; rel="next"'),
        page(Link='</again>; rel="next"'),
    ],
    ids=["broken", "forbidden", "no JSON", "on another host", "without an end"],
)
def test_what_cannot_be_listed_is_trouble_and_no_missing_certificate(
    first: Answer, tmp_path: Path, certified: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(holding(attached(certified, first)), tmp_path) == 3
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == 1
    assert "no certificate is attached" not in told.out


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_registry_without_an_index_has_it_under_a_tag(
    status: int, tmp_path: Path, certified: bytes
) -> None:
    answers = attached(certified, Answer(status=status))
    tag = digest(LAWFUL).replace(":", "-")
    answers = {f"manifests/{tag}": page(entry(holder(certified))), **answers}

    assert verify(holding(answers), tmp_path) == 0


def test_one_that_cannot_be_had_keeps_no_good_one_back(tmp_path: Path, certified: bytes) -> None:
    bad, gone = b"other bytes", b"gone"
    index = page(entry(holder(gone)), entry(holder(bad)), entry(holder(certified)))
    more = {
        f"manifests/{digest(holder(bad))}": typed(holder(bad), OCI_MANIFEST),
        f"blobs/{digest(bad)}": Answer(b"forged"),
        f"manifests/{digest(holder(gone))}": typed(holder(gone), OCI_MANIFEST),
        f"blobs/{digest(gone)}": Answer(status=404),
    }

    assert verify(holding({**more, **attached(certified, index)}), tmp_path) == 0
    index = page(entry(holder(gone)))
    assert verify(holding({**more, **attached(certified, index)}), tmp_path) == 3


# -- passwords -------------------------------------------------------------------------------------


def repository(host: str, *, known: bool = True) -> Repository:
    user = ("we", "sesame") if known else None
    return Repository(f"{host}/team/model:1", credentials=lambda _: user)


def guarded(realm: Callable[[str], str], answer: Answer) -> Say:
    """A registry that wants the token ``T``, which ``realm`` gives for the password."""

    def say(path: str, headers: Mapping[str, str]) -> Answer:
        if path.startswith("/token"):
            known = headers.get("Authorization") == BASIC
            return Answer(b'{"token": "T"}') if known else Answer(status=401)
        if headers.get("Authorization") == "Bearer T":
            return answer
        where = realm(headers["Host"])
        return Answer(
            status=401, headers={"Www-Authenticate": f'Bearer realm="{where}",service="x"'}
        )

    return say


def test_a_password_goes_to_where_the_registry_says_that_one_logs_in() -> None:
    with strange(
        guarded(lambda host: f"http://{host}/token", typed(LAWFUL, OCI_MANIFEST))
    ) as there:
        found = repository(there.host).manifest()

    assert found is not None
    assert found.config_digest == DIGEST
    assert [told for path, told in there.asked if path.startswith("/token")] == [BASIC]


@pytest.mark.parametrize(("status", "logged_in"), [(401, False), (403, True)])
def test_who_is_only_sent_on_to_gets_no_password(status: int, logged_in: bool) -> None:
    def ask(path: str, headers: Mapping[str, str]) -> Answer:
        realm = f"http://{headers['Host']}/token"
        return Answer(status=status, headers={"Www-Authenticate": f'Bearer realm="{realm}"'})

    with strange(ask) as other:
        sent_on = Answer(status=307, headers={"Location": f"http://{other.host}/blob"})
        say = guarded(lambda host: f"http://{host}/token", sent_on)
        with (
            strange(say if logged_in else holding({"": sent_on})) as there,
            pytest.raises(HarnessTrouble),
        ):
            repository(there.host).manifest()

    assert {path for path, _ in other.asked} == {"/blob"}
    assert [told for _, told in other.asked if told] == []


def test_dockers_own_registry_is_asked_where_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def say(path: str, _: Mapping[str, str]) -> Answer:
        if path.endswith("/uploads/"):
            return Answer(
                status=202, headers={"Location": "/v2/team/model/blobs/uploads/7?state=x"}
            )
        return Answer(status=201) if "/uploads/7" in path else typed(LAWFUL, OCI_MANIFEST)

    with strange(say) as there:
        monkeypatch.setitem(asking._ELSEWHERE, "docker.io", there.host)
        known = []
        found = Repository("docker.io/team/model:1", credentials=known.append)
        assert found.manifest() is not None
        found.put_blob(b"{}")

    assert known == ["docker.io"], "as `docker login` has it"
    assert [path.partition("?")[0] for path, _ in there.asked] == [
        "/v2/", "/v2/team/model/manifests/1", "/v2/team/model/blobs/uploads/",
        "/v2/team/model/blobs/uploads/7",
    ]  # fmt: skip


def test_a_file_is_handed_to_no_other_host() -> None:
    with strange(holding({})) as other:
        elsewhere = f"http://localhost:{other.host.rpartition(':')[2]}/upload"
        sent_on = Answer(status=202, headers={"Location": elsewhere})
        with (
            strange(guarded(lambda host: f"http://{host}/token", sent_on)) as there,
            pytest.raises(HarnessTrouble, match="sends on to localhost"),
        ):
            repository(there.host).put_blob(b"{}")

    assert other.asked == []


def test_no_password_is_sent_in_the_clear_to_another_machine() -> None:
    realm = "http://registry.example/token"
    with (
        strange(guarded(lambda _: realm, Answer())) as there,
        pytest.raises(HarnessTrouble, match="would have the password in the clear"),
    ):
        repository(there.host).manifest()


def test_a_password_of_another_program_does_not_take_the_place_of_the_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login pip password other\n", "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with strange(
        guarded(lambda host: f"http://{host}/token", typed(LAWFUL, OCI_MANIFEST))
    ) as there:
        assert repository(there.host).manifest() is not None


def test_an_address_that_opens_a_store_is_not_shown() -> None:
    signed = "http://127.0.0.1:1/store?X-Amz-Signature=5e54e3"
    sent_on = Answer(status=307, headers={"Location": signed})
    with strange(holding({"": sent_on})) as there, pytest.raises(HarnessTrouble) as trouble:
        repository(there.host, known=False).manifest()

    assert "5e54e3" not in str(trouble.value)
    assert "127.0.0.1" in str(trouble.value)


# -- what lasts, and what is nonsense --------------------------------------------------------------


def endless(write: Callable[[bytes], object]) -> None:
    for _ in range(64):
        write(bytes(1 << 20))


def dripping(write: Callable[[bytes], object]) -> None:
    for _ in range(100):
        write(b" ")
        time.sleep(0.05)


BODIES = {
    "greeting": lambda answer: {"/v2/": answer},
    "manifest": lambda answer: {"manifests/1": answer},
    "referrers": lambda answer: {"manifests/1": typed(LAWFUL, OCI_MANIFEST), "": answer},
}


def asked(where: str, answer: Answer) -> None:
    def say(path: str, _: Mapping[str, str]) -> Answer:
        plain = path.partition("?")[0]
        answers = {"manifests/1": typed(LAWFUL, OCI_MANIFEST), **BODIES[where](answer)}
        return next((one for end, one in answers.items() if plain.endswith(end)), Answer())

    with strange(say) as there:
        found = repository(there.host, known=False)
        found.manifest()
        found.referrers(DIGEST, artifact_type="x")


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("where", BODIES)
def test_an_answer_without_an_end_is_given_up(where: str, status: int) -> None:
    with pytest.raises(HarnessTrouble, match="more than 4194304 bytes"):
        asked(where, Answer(status=status, write=endless))


@pytest.mark.parametrize("where", BODIES)
def test_an_answer_that_comes_drop_by_drop_is_given_up(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sm_conformance.registry.asking._SMALL_S", 0.2)
    began = time.monotonic()

    with pytest.raises(HarnessTrouble, match="comes too slowly"):
        asked(where, Answer(write=dripping))
    assert time.monotonic() - began < 3


def test_a_file_that_comes_drop_by_drop_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sm_conformance.registry.asking._LONGEST_S", 0.2)
    began = time.monotonic()

    def say(path: str, _: Mapping[str, str]) -> Answer:
        return Answer(write=dripping) if "/blobs/" in path else Answer()

    with strange(say) as there, pytest.raises(HarnessTrouble, match="comes too slowly"):
        repository(there.host, known=False).blob(DIGEST, limit_bytes=1 << 20)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=401, headers={"Www-Authenticate": 'Bearer service="x"'}),
        Answer(status=401, headers={"Www-Authenticate": "Bearer"}),
        Answer(status=401),
        Answer(status=302, headers={"Location": "http://[/"}),
        Answer(status=302, headers={"Location": f"http://{'a' * 70}.example/"}),
        Answer(status=302, headers={"Location": "file:///etc/passwd"}),
        Answer(status=200, headers={"Content-Encoding": "gzip"}, body=b"no gzip"),
    ],
    ids=["no realm", "no words", "no way in", "no address", "no host", "a file", "no gzip"],
)
@pytest.mark.parametrize("known", [True, False])
def test_an_answer_that_is_nonsense_is_trouble_of_one_line(known: bool, answer: Answer) -> None:
    with (
        strange(holding({"manifests/1": answer})) as there,
        pytest.raises(HarnessTrouble) as trouble,
    ):
        repository(there.host, known=known).manifest()

    assert "\n" not in str(trouble.value)


@pytest.mark.parametrize("token", [b"[]", b"7", b"{}", b"<html>", b'{"token": ["T"]}'])
def test_a_token_that_is_none_is_trouble_of_one_line(token: bytes) -> None:
    def say(path: str, headers: Mapping[str, str]) -> Answer:
        if path.startswith("/token"):
            return Answer(token)
        realm = f"http://{headers['Host']}/token"
        return Answer(status=401, headers={"Www-Authenticate": f'Bearer realm="{realm}"'})

    with strange(say) as there, pytest.raises(HarnessTrouble) as trouble:
        repository(there.host).manifest()

    assert "\n" not in str(trouble.value)


# -- references and credentials --------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    [
        "registry.example/Team/model:3", "registry.example/team/model:a b",
        "registry.example/team/model:3?x=y", "registry.example/team/model:3#x",
        "registry.example/team/../model:3", "registry.example/team//model:3", "a..b/model:3",
        "registry.example/team/model:-3", f"registry.example/team/model:{'3' * 129}",
        "registry.example/team/model@sha256:12", "r\u00e9gistry.example/model:3",
        f"{'a' * 300}.example:x/model:3", "registry.example/team/model:3\n",
        f"registry.example/team/model@sha256:{'0' * 64}",
        f"registry.example/team/model:3@sha256:{'0' * 64}",
    ],
)  # fmt: skip
def test_where_nothing_can_be_pushed_to_is_said_before_anything_is_judged(
    reference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["gate", "image:1", f"--push={reference}"]) == 4
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "no such image" not in told


@pytest.mark.parametrize(
    "reference",
    [
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/churn-model:1.2.3_rc-1",
        "localhost:5000/a:b", "[::1]:5000/a__b/c--d/e.f:V", f"r.example/a@sha256:{'0' * 64}",
    ],
)  # fmt: skip
def test_a_reference_that_engines_take_is_taken(reference: str) -> None:
    assert Repository(reference, credentials=lambda _: None).reference == reference


def helper(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A credential helper for every registry that prints ``text``."""
    program = folder / "docker-credential-ours"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\ncat {folder}/answer\n", "utf-8")
    program.chmod(0o755)
    (folder / "answer").write_text(text, "utf-8")
    (folder / "config.json").write_text('{"credsStore": "ours"}', "utf-8")
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_what_a_credential_helper_knows_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sm_conformance.engine.credentials import credentials

    helper(tmp_path, '{"ServerURL": "x", "Username": "AWS", "Secret": "s3same"}', monkeypatch)

    assert credentials("registry.example") == ("AWS", "s3same")


@pytest.mark.parametrize("text", ["", "oops\n", "[]", "{}", '{"Username": 7}', "null", "\x00"])
def test_a_credential_helper_that_answers_nonsense_is_a_message(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sm_conformance.engine.credentials import credentials

    helper(tmp_path, text, monkeypatch)

    with pytest.raises(UsageProblem, match=r"credentials of registry\.example cannot be had"):
        credentials("registry.example")


@pytest.mark.parametrize(
    "text", ["{", '{"auths": {"a": 7}}', '{"auths": {"a": {"auth": "?"}}}', "[]"]
)
def test_a_configuration_of_docker_that_is_none_is_a_message_or_nothing(
    text: str, tmp_path: Path
) -> None:
    from sm_conformance.engine.credentials import credentials

    (tmp_path / "config.json").write_text(text, "utf-8")

    found, told = None, ""
    try:
        found = credentials("registry.example")
    except UsageProblem as problem:
        told = str(problem)
    assert found is None
    assert "\n" not in told
