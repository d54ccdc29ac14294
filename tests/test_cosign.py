"""A certificate lies where cosign looks for attestations, in the form in which it verifies them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from as_cosign import attested
from cryptography.exceptions import InvalidSignature
from handmade import Made
from registries import pushed, registry
from reports import finding, report

from sm_conformance import cli
from sm_conformance.certificate import signing
from sm_conformance.certificate.issuing import certificate
from sm_conformance.certificate.statement import PREDICATE_TYPE
from sm_conformance.contract import clause
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.manifest import OCI_MANIFEST
from sm_conformance.registry import cosign
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import Manifest


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The public key of a pair."""
    signing.make_keys(tmp_path / "our.key", tmp_path / "our.pub")
    return tmp_path / "our.pub"


def certified(folder: Path, image: Manifest, *, by_manifest: bool = True, advice: str = "") -> str:
    """A certificate of an image that kept every clause, signed with the key in ``folder``."""
    found = [
        finding(one.key, "n/a" if one.on_requests else "advice" if one.key == advice else "pass")
        for one in clause.load().asserted
    ]
    said = report(*found, conclusion="conformant", exit_status=0, doubts=[])
    (judged,) = said["candidate"]["images"]
    judged["config_digest"] = image.config_digest
    judged["manifest_digest"] = image.digest if by_manifest else None
    (folder / "report.json").write_text(json.dumps(said), "utf-8")
    today = datetime.now(UTC).date()

    def sign(payload: bytes, kind: str) -> Any:
        return signing.signed_with_key(payload, kind, folder / "our.key")

    held = folder / "certificate.json"
    held.write_bytes(certificate(folder, sign=sign, issued=today, expires=today))
    return str(held)


def test_a_certificate_is_verified_as_cosign_would(
    host: str, tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = pushed(f"{host}/team/signed:1", Made())

    assert cli.main(["attach", certified(tmp_path, image), f"{host}/team/signed:1"]) == 0
    assert cli.main(["attach", str(tmp_path / "certificate.json"), f"{host}/team/signed:1"]) == 0

    (statement,) = attested(host, "team/signed", image.digest, key)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == PREDICATE_TYPE
    assert statement["predicate"]["result"] == "PASSED"
    assert (
        f"--type {PREDICATE_TYPE} {host}/team/signed@{image.digest}" in capsys.readouterr().out
    ), "the command that verifies it is told"
    assert cli.main(["verify", f"{host}/team/signed:1", f"--key={key}"]) == 0


def test_another_key_and_a_changed_payload_are_noticed(
    host: str, tmp_path: Path, key: Path
) -> None:
    image = pushed(f"{host}/team/forged:1", Made())
    assert cli.main(["attach", certified(tmp_path, image), f"{host}/team/forged:1"]) == 0
    signing.make_keys(tmp_path / "other.key", tmp_path / "other.pub")

    with pytest.raises(InvalidSignature):
        attested(host, "team/forged", image.digest, tmp_path / "other.pub")
    repository = Repository(f"{host}/team/forged:1", credentials=lambda _: None)
    ((_, envelope),) = cosign.attestations(repository, image, limit_bytes=1 << 20)
    said = json.loads(envelope)
    said["payload"] = said["payload"].replace("A", "B", 1)
    cosign.attest(repository, image, json.dumps(said).encode(), predicate_type=PREDICATE_TYPE)
    with pytest.raises(InvalidSignature):
        attested(host, "team/forged", image.digest, key)


def test_what_others_attested_stays(host: str, tmp_path: Path, key: Path) -> None:
    image = pushed(f"{host}/team/shared:1", Made())
    repository = Repository(f"{host}/team/shared:1", credentials=lambda _: None)
    for other in (b'{"payload": "b25l"}', b'{"payload": "dHdv"}'):
        cosign.attest(repository, image, other, predicate_type="https://slsa.dev/provenance/v1")

    assert cli.main(["attach", certified(tmp_path, image), f"{host}/team/shared:1"]) == 0

    found = list(cosign.attestations(repository, image, limit_bytes=1 << 20))
    assert [notes["predicateType"] for notes, _ in found] == [
        "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v1", PREDICATE_TYPE,
    ]  # fmt: skip
    assert found[0][1] == b'{"payload": "b25l"}'


def test_a_certificate_that_names_no_manifest_is_not_put_where_cosign_would_refuse_it(
    host: str, tmp_path: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = f"{host}/team/early:1"
    image = pushed(reference, Made())

    assert cli.main(["attach", certified(tmp_path, image, by_manifest=False), reference]) == 0

    repository = Repository(reference, credentials=lambda _: None)
    assert repository.manifest(cosign.tag_of(image)) is None
    assert "certify after the push" in capsys.readouterr().out
    assert cli.main(["verify", reference, f"--key={key}"]) == 0


@pytest.mark.parametrize("there", [b"[]", b'{"layers": 7}', b'{"layers": [{"digest": 7}]}'])
def test_what_is_no_manifest_in_that_place_is_trouble(there: bytes, host: str) -> None:
    image = pushed(f"{host}/team/odd:1", Made())

    class Odd:
        name = "registry.example/team/odd"

        def manifest(self, _: str) -> Manifest:
            return Manifest("sha256:0", OCI_MANIFEST, None, there)

        def put_blob(self, _: bytes) -> str:
            return "sha256:1"

    odd: Any = Odd()
    with pytest.raises(HarnessTrouble, match="is no manifest"):
        cosign.attest(odd, image, b"{}", predicate_type="x")
