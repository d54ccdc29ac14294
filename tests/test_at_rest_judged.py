"""Images are judged where they lie, by the command line, and no engine is needed or asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest
import requests
from handmade import (
    ATTESTED,
    Made,
    attested,
    described,
    digest,
    file,
    index,
    layout,
    oci,
    saved,
    tar,
    written,
)
from miniatures.judging import OTHERS_OFF, Judged, judged
from registries import named, pushed, pushed_index, registry
from strange_registry import strange, typed

from sm_conformance import cli, specs
from sm_conformance.at_rest.engine import AtRest
from sm_conformance.at_rest.remote import InRegistry
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.observed.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
)
from sm_conformance.registry.client import Repository

ROOT = Path(__file__).resolve().parent.parent
HOSTING = "IMG-017 manifest-hosting"
TRAINING = "IMG-017 manifest-training"
FORM = {HOSTING, TRAINING}
STATIC = {
    "IMG-005 exec-form", "IMG-006 no-init-entrypoint", "IMG-011 nothing-baked-in-opt-ml",
    "IMG-012 root-hosting", "IMG-016 architecture", "IMG-021 no-secrets-in-image",
}  # fmt: skip
SAID = "claims: [training, hosting]\nnetwork: isolated\n"


@dataclass
class Disk:
    """What is told of a disk."""

    free: int


class Found(Judged):
    """What a run came to, with no engine to be had."""

    def keys(self, *verdicts: str) -> set[str]:
        """The clauses with these verdicts."""
        return set(self.with_verdict(*verdicts))


Check = Callable[..., Found]


@pytest.fixture
def check(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Judges with the options that are named."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")

    def called(*arguments: str, declaration: str = SAID) -> Found:
        (pytester.path / "sm-conformance.yaml").write_text(declaration, "utf-8")
        shutil.rmtree(pytester.path / "report", ignore_errors=True)
        result = pytester.runpytest_inprocess(
            *OTHERS_OFF, "-p", "no:cacheprovider", "--sm-report=report", *arguments
        )
        found = judged(pytester, result)
        return Found(found.status, found.output, found.errors, found.report)

    return called


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with registry(tmp_path_factory.mktemp("registry")) as host:
        yield host


# -- archives --------------------------------------------------------------------------------------


def test_of_an_archive_the_static_clauses_are_judged_and_the_rest_is_not_run(
    check: Check,
) -> None:
    written(Path("image.tar"), saved((Made(), ["team/model:3"])))

    found = check("--sm-archive=image.tar")

    assert found.status == 3, found.output
    assert found.keys("pass") >= STATIC
    assert not found.keys("fail", "advice", "error", "blocked"), found.output
    others = [one for one in found.report["findings"] if one["verdict"] == "not-run"]
    assert len(others) > 50
    assert all(
        "nothing is launched of an image that lies in an archive" in one["reason"]
        for one in others
        if one["clause"] != "IMG-017"
    )
    report = found.report
    assert (report["conclusion"], report["launches"], report["complete"]) == (
        "inconclusive",
        0,
        True,
    )
    assert "nothing was launched: such a run is never conformant" in report["doubts"]
    assert report["engine"]["name"] == "archive"
    assert report["candidate"]["images"][0]["reference"] == "team/model:3"
    jsonschema.validate(report, specs.read_schema("report"))
    assert "nothing was launched" in (Path("report/report.html")).read_text("utf-8")
    assert "docker load --input image.tar" in found.output


def test_what_is_wrong_with_an_image_shows_in_an_archive_too(check: Check) -> None:
    sinful = Made(
        config={"Entrypoint": ["/bin/sh", "-c", "train"], "User": "1000",
                "Env": ["TOKEN=ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5A"]},
        layers=[tar(file("opt/ml/model/weights", b"123"))],
    )  # fmt: skip
    written(Path("image.tar"), oci(sinful))

    found = check("--sm-archive=image.tar", declaration=SAID + "hosting: {model: none}\n")

    assert found.keys("fail", "advice") >= {
        "IMG-005 exec-form", "IMG-012 root-hosting", "IMG-021 no-secrets-in-image",
    }  # fmt: skip
    assert "ghp_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5A" not in found.output


def test_a_foreign_program_is_noticed_without_a_launch(check: Check) -> None:
    arm = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00" + bytes(60)
    foreign = Made(architecture="arm64", layers=[tar(file("program", arm))])
    written(Path("image.tar"), oci(foreign))

    found = check("--sm-archive=image.tar")

    assert (found.status, found.keys("fail")) == (1, {"IMG-016 architecture"}), found.output


def test_the_form_in_an_archive_is_advice_for_what_copies_it_may_write_another(
    check: Check,
) -> None:
    written(Path("image.tar"), attested(Made()))

    found = check("--sm-archive=image.tar")

    assert (found.status, found.keys("advice")) == (3, FORM), found.output
    assert "1 build attestation" in found.output


def test_the_declaration_that_an_image_carries_is_read_of_its_layers(check: Check) -> None:
    carrying = Made(
        config={"Labels": {"sm-conformance.declaration": "/said"}},
        layers=[tar(file("said/sm-conformance.yaml", b"claims: [training]\n")), tar(file("x"))],
    )
    written(Path("image.tar"), oci(carrying))

    found = check("--sm-archive=image.tar", "--sm-hermetic")

    assert found.report["declaration"]["from"] == "image", found.output
    assert found.report["declaration"]["claims"] == ["training"]


def test_layers_that_are_packed_as_nobody_reads_leave_their_clauses_open(check: Check) -> None:
    held = Made()
    zstd = b"\x28\xb5\x2f\xfd" + bytes(20)
    said = json.loads(held.manifest())
    said["layers"] = [described("application/vnd.oci.image.layer.v1.tar+zstd", zstd)]
    raw = json.dumps(said).encode()
    parts = {digest(one): one for one in (raw, held.said, zstd)}
    written(Path("image.tar"), layout(index(described(OCI_MANIFEST, raw)), parts))

    found = check("--sm-archive=image.tar")

    assert found.status == 3, found.output
    assert "zstd" in found.findings["IMG-011 nothing-baked-in-opt-ml"]["reason"]
    assert found.findings["IMG-011 nothing-baked-in-opt-ml"]["verdict"] == "not-run"
    assert found.findings["IMG-005 exec-form"]["verdict"] == "pass"
    assert not found.keys("error", "fail")


def test_of_several_images_one_is_named(check: Check) -> None:
    written(Path("two.tar"), saved((Made(), ["a:1"]), (Made(config={"User": "7"}), ["b:1"])))

    unnamed = check("--sm-archive=two.tar")
    found = check("--sm-image=a:1", "--sm-archive=two.tar")

    assert unnamed.status == 4
    assert "two.tar holds several images, name one: a:1; b:1" in unnamed.errors
    assert found.status == 3, found.output
    assert found.report["candidate"]["images"][0]["config_digest"] == digest(Made().said)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sm-archive=none.tar"], "cannot be read"),
        (["--sm-archive=sm-conformance.yaml"], "no archive of images"),
        (["--sm-archive="], "--sm-archive is empty"),
        (["--sm-image=a:1", "--sm-archive=image.tar"], "no image 'a:1'"),
        (["--sm-archive=image.tar", "--sm-registry"], "name one of the two"),
        (["--sm-archive=image.tar", "--sm-baseline=a:1"], "nothing is launched here"),
        (["--sm-image=a:1", "--sm-registry"], "names no registry"),
    ],
)
def test_what_cannot_be_judged_ends_with_one_message_and_status_4(
    arguments: list[str], told: str, check: Check
) -> None:
    written(Path("image.tar"), oci(Made()))

    found = check(*arguments)

    assert (found.status, found.report) == (4, {}), found.output
    said = found.output + found.errors
    assert told in said
    assert "Traceback" not in said


def test_the_command_line_takes_an_archive_without_a_further_name(tmp_path: Path) -> None:
    written(tmp_path / "image.tar", saved((Made(), ["team/model:3"])))

    done = subprocess.run(
        [sys.executable, "-m", "sm_conformance", "check", "--archive=image.tar"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DOCKER_HOST": "unix:///nowhere"},
    )  # fmt: skip

    assert done.returncode == 3, done.stdout + done.stderr
    assert "judged team/model:3 (training and hosting)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["--archive="], "--archive is empty"), (["--registry"], "name an image"), ([], "name an image")],
)  # fmt: skip
def test_the_command_line_wants_something_to_judge(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", *arguments]) == 4
    assert told in capsys.readouterr().err


def test_the_gate_and_a_certificate_want_an_engine(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("gate", "certify"):
        with pytest.raises(SystemExit):
            cli.main([command, "--archive=image.tar", "--push=localhost:1/a:1"])
    assert "unrecognized arguments" in capsys.readouterr().err


# -- registries ------------------------------------------------------------------------------------


def test_a_manifest_of_dockers_form_in_a_registry_is_kept(host: str, check: Check) -> None:
    reference = f"{host}/team/lawful:1"
    manifest = pushed(reference, Made())

    found = check(f"--sm-image={reference}", "--sm-registry")

    assert found.status == 3, found.output
    assert found.keys("pass") >= STATIC | FORM
    assert not found.keys("fail", "advice", "error")
    (image,) = found.report["candidate"]["images"]
    assert image["manifest_digest"] == manifest.digest
    assert image["config_digest"] == manifest.config_digest
    assert found.report["engine"]["name"] == "registry"
    by_digest = check(f"--sm-image={host}/team/lawful@{manifest.digest}", "--sm-registry")
    assert by_digest.report["candidate"]["images"][0]["manifest_digest"] == manifest.digest


def sins(host: str) -> dict[str, tuple[str, str]]:
    """References of images that no model can be made of, and what is told of each."""
    made, arm, proof = Made(), Made(architecture="arm64"), Made(layers=[tar(file("proof"))])
    amd64, arm64 = (
        {"platform": {"os": "linux", "architecture": one}} for one in ("amd64", "arm64")
    )
    forms = {name: f"{host}/team/{name}:1" for name in ("oci", "attested", "platforms")}
    pushed(forms["oci"], made, media_type=OCI_MANIFEST)
    pushed_index(
        forms["attested"],
        index(named(made, OCI_MANIFEST, **amd64), named(proof, OCI_MANIFEST, annotations=ATTESTED)),
        (made, OCI_MANIFEST), (proof, OCI_MANIFEST),
    )  # fmt: skip
    pushed_index(
        forms["platforms"],
        index(named(arm, OCI_MANIFEST, **arm64), named(made, OCI_MANIFEST, **amd64)),
        (arm, OCI_MANIFEST), (made, OCI_MANIFEST),
    )  # fmt: skip
    return {
        forms["oci"]: (OCI_MANIFEST, "is a manifest of the type"),
        forms["attested"]: (OCI_INDEX, "(linux/amd64, 1 build attestation)"),
        forms["platforms"]: (OCI_INDEX, "(linux/arm64, linux/amd64)"),
    }


def test_other_forms_in_a_registry_break_exactly_the_clause_of_the_manifest(
    host: str, check: Check
) -> None:
    for reference, (media_type, told) in sins(host).items():
        found = check(f"--sm-image={reference}", "--sm-registry")

        assert found.status == 1, found.output
        assert (found.keys("fail"), found.keys("advice")) == ({HOSTING}, {TRAINING}), found.output
        finding = next(one for one in found.report["findings"] if one["verdict"] == "fail")
        assert media_type in finding["actual"]
        assert told in finding["actual"]
        assert found.report["candidate"]["images"][0]["platform"] == "linux/amd64"


def test_for_training_another_form_is_advice(host: str, check: Check) -> None:
    reference = f"{host}/team/trains:1"
    pushed(reference, Made(), media_type=OCI_MANIFEST)

    found = check(f"--sm-image={reference}", "--sm-registry", declaration="claims: [training]\n")

    assert (found.status, found.keys("fail"), found.keys("advice")) == (3, set(), {TRAINING})


def test_what_is_not_in_a_registry_is_told(host: str, check: Check) -> None:
    found = check(f"--sm-image={host}/team/none:1", "--sm-registry")
    assert (found.status, f"there is no {host}/team/none:1" in found.errors) == (4, True)

    found = check("--sm-image=127.0.0.1:9/team/none:1", "--sm-registry")
    assert (found.status, "no registry answers" in found.output + found.errors) == (3, True)


def test_a_registry_that_hands_over_other_bytes_is_not_believed(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = f"{host}/team/forged:1"
    pushed(reference, Made())
    source = InRegistry(credentials=lambda _: None)
    iterate = requests.Response.iter_content

    def forged(answer: requests.Response, size: int = 1) -> Iterator[bytes]:
        for piece in iterate(answer, size):
            yield piece.replace(b"/program", b"/imposed") if b"/program" in piece else piece

    monkeypatch.setattr(requests.Response, "iter_content", forged)
    with pytest.raises(HarnessTrouble, match="other bytes than"):
        source.find(reference)
    source.close()


def test_a_registry_that_hands_over_another_manifest_is_not_believed() -> None:
    raw = Made().manifest()
    source = InRegistry(credentials=lambda _: None)

    with (
        strange(lambda *_: typed(raw, OCI_MANIFEST)) as there,
        pytest.raises(HarnessTrouble, match="another manifest than"),
    ):
        source.find(f"{there.host}/team/forged@sha256:{'0' * 64}")
    source.close()


def test_a_layer_that_the_disk_has_no_room_for_is_not_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = Made().manifest()
    source = InRegistry(credentials=lambda _: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(free=10))

    with strange(lambda *_: typed(raw, OCI_MANIFEST)) as there:
        with pytest.raises(HarnessTrouble, match="half of what is free"):
            source.find(f"{there.host}/team/large:1")
        assert not [path for path, _ in there.asked if "/blobs/" in path]
    source.close()


def test_a_layer_that_is_larger_than_its_manifest_says_is_given_up(host: str) -> None:
    made = Made()
    reference = f"{host}/team/small:1"
    repository = Repository(reference, credentials=lambda _: None)
    for blob in made.blobs.values():
        repository.put_blob(blob)
    raw = made.manifest(DOCKER_MANIFEST)
    size = json.loads(raw)["layers"][0]["size"]
    raw = raw.replace(f'"size": {size}'.encode(), f'"size": {size - 1}'.encode())
    repository.put_manifest(raw, DOCKER_MANIFEST, "1")
    source = InRegistry(credentials=lambda _: None)

    with pytest.raises((HarnessTrouble, UsageProblem), match=r"more than|another size"):
        AtRest(source).image(reference)
    source.close()


def test_a_list_of_dockers_own_is_no_single_platform_either() -> None:
    from sm_conformance.observed.manifest import Place, form_of

    form = form_of(DOCKER_LIST, index(named(Made(), DOCKER_MANIFEST)), Place.REGISTRY)

    assert not form.accepted
    assert form.describe().startswith("an index of the type")
