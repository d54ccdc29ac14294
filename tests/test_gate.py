"""The gate, with a real engine and a real registry: what is pushed is what was judged, or nothing is."""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import socket
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from real_engine import REFERENCE, ROOT, docker
from registries import catalogue, registry
from reports import DIGEST, finding, report
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from sm_conformance import cli, specs
from sm_conformance.certificate import signing
from sm_conformance.certificate.issuing import certificate
from sm_conformance.contract import clause
from sm_conformance.contract import profile as profiles
from sm_conformance.engine.credentials import credentials
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.pushing import push
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.gate import command
from sm_conformance.gate.pushed import barred
from sm_conformance.observed.manifest import DOCKER_MANIFEST, OCI_INDEX
from sm_conformance.registry.asking import is_loopback
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import Manifest
from sm_conformance.run_folder import RunFolder

PLATFORM = profiles.load("platform")


@pytest.fixture(scope="module")
def tiny() -> Iterator[str]:
    """An image of a few bytes: engines compress what they push, and that takes time."""
    reference = f"sm-conformance/test-tiny:{os.getpid()}"
    made(reference, b"one")
    yield reference
    forget(reference)


def made(reference: str, content: bytes) -> str:
    """The digest of an image with one small file."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        member = tarfile.TarInfo("file")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    done = subprocess.run(
        ["docker", "import", "-", reference], input=held.getvalue(), capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[str]:
    with registry(tmp_path) as host:
        reference = f"{host}/team/model:3"
        yield reference
        forget(reference)


def forget(reference: str) -> None:
    subprocess.run(["docker", "rmi", reference], capture_output=True, check=False)


def judged(reference: str, **changed: Any) -> dict[str, Any]:
    """The report of a run that found an image conformant."""
    said = report(finding("TRAIN-063 exit-nonzero"), **changed)
    (image,) = said["candidate"]["images"]
    said.update({"conclusion": "conformant", "exit_status": 0, "doubts": []})
    image["reference"] = reference
    image["config_digest"] = docker("image", "inspect", "-f", "{{.Id}}", reference).strip()
    return said


def pass_through(
    target: str,
    folder: Path,
    said: dict[str, Any],
    *,
    status: int = 0,
    no_waivers: bool = False,
    image: str | None = None,
    profile: str | None = None,
) -> int:
    """The gate's own status, where judging came to ``status`` and a report."""
    options = argparse.Namespace(
        image=image or said["candidate"]["images"][0]["reference"],
        push=target, report=str(folder), no_waivers=no_waivers, profile=profile,
    )  # fmt: skip

    def check(_: argparse.Namespace) -> int:
        (folder / "report.json").write_text(json.dumps(said), "utf-8")
        return status

    return command.gate(options, check)


# -- with an engine and a registry -----------------------------------------------------------------


@pytest.mark.engine
@pytest.mark.long
def test_a_conformant_image_is_judged_pushed_and_read_back(
    tmp_path: Path, target: str, capfd: pytest.CaptureFixture[str]
) -> None:
    done = subprocess.run(
        ["sm-conformance", "gate", REFERENCE, f"--push={target}", "--examples=0",
         f"--declaration={ROOT / 'sample_images/reference/sm-conformance.yaml'}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    found = Repository(target, credentials=credentials).manifest()
    assert found is not None
    assert done.stdout.splitlines()[-2:] == [
        f"gate: open; pushed {target}",
        f"      {target.rpartition(':')[0]}@{found.digest}",
    ]
    said = json.loads((tmp_path / "sm-conformance-report/report.json").read_text("utf-8"))
    assert said["candidate"]["images"][0]["config_digest"] == found.config_digest


@pytest.mark.engine
@pytest.mark.long
def test_a_nonconformant_image_leaves_the_registry_untouched(tmp_path: Path, target: str) -> None:
    bad = next((ROOT / "sample_images/mutants").glob("TRAIN-063-*"))
    done = subprocess.run(
        ["sm-conformance", "gate", f"sm-conformance/mutant-{bad.name.lower()}", f"--push={target}",
         "--examples=0",
         f"--declaration={ROOT / 'sample_images/reference/sm-conformance.yaml'}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == f"gate: closed; nothing was pushed to {target}"
    assert catalogue(target.partition("/")[0]) == []


@pytest.mark.engine
def test_what_was_judged_is_pushed_and_read_back(
    tmp_path: Path, target: str, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = judged(tiny)

    assert pass_through(target, tmp_path, said) == 0

    found = Repository(target, credentials=credentials).manifest()
    assert found is not None
    assert found.config_digest == said["candidate"]["images"][0]["config_digest"]
    assert found.media_type == DOCKER_MANIFEST
    written = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert written["pushed"] == {
        "reference": target, "digest": found.digest, "media_type": found.media_type,
        "size": len(found.raw),
    }  # fmt: skip
    assert capsys.readouterr().out.splitlines()[-2:] == [
        f"gate: open; pushed {target}",
        f"      {target.rpartition(':')[0]}@{found.digest}",
    ]


@pytest.mark.engine
def test_a_tag_that_moved_since_is_refused(
    tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = f"sm-conformance/test-moving:{os.getpid()}"
    try:
        made(reference, b"judged")
        said = judged(reference)
        moved = made(reference, b"another")

        assert pass_through(target, tmp_path, said) == 1
    finally:
        forget(reference)

    assert f"{reference} is {moved} by now" in capsys.readouterr().out
    assert catalogue(target.partition("/")[0]) == []


@pytest.mark.engine
def test_a_registry_whose_tag_leads_elsewhere_after_the_push_is_noticed(
    tmp_path: Path,
    target: str,
    tiny: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reference = f"sm-conformance/test-other:{os.getpid()}"
    other = made(reference, b"other")
    push = DockerEngine.push

    def outrun(engine: DockerEngine, image: str, *, repository: str, tag: str) -> str:
        told = push(engine, image, repository=repository, tag=tag)
        push(engine, other, repository=repository, tag=tag)
        return told

    monkeypatch.setattr(DockerEngine, "push", outrun)

    try:
        assert pass_through(target, tmp_path, judged(tiny)) == 1
    finally:
        forget(reference)
    assert "somebody else has pushed to it" in capsys.readouterr().out


@pytest.mark.engine
@pytest.mark.parametrize("status", [1, 2, 3])
def test_nothing_but_conformant_opens_the_gate(
    status: int, tmp_path: Path, target: str, tiny: str
) -> None:
    assert pass_through(target, tmp_path, judged(tiny), status=status) == status
    assert catalogue(target.partition("/")[0]) == []


@pytest.mark.engine
def test_waivers_can_be_refused(
    tmp_path: Path, target: str, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    waiver = {"clause": "IMG-012 root-training", "reason": "r", "expires": "2027-01-01"}

    assert pass_through(target, tmp_path, judged(tiny, waivers=[waiver]), no_waivers=True) == 1
    assert "IMG-012 root-training" in capsys.readouterr().out
    assert catalogue(target.partition("/")[0]) == []


@pytest.mark.engine
def test_a_registry_that_wants_a_password_gets_that_of_docker_login(
    tmp_path: Path,
    tiny: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with registry(tmp_path, closed=True) as host:
        reference = f"{host}/team/model:3"
        try:
            assert pass_through(reference, tmp_path, judged(tiny)) == 3
            assert "no basic auth credentials" in capsys.readouterr().err
            with pytest.raises(UsageProblem, match="docker login"):
                Repository(reference, credentials=credentials).manifest()

            auth = base64.b64encode(b"we:sesame").decode()
            (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))

            assert pass_through(reference, tmp_path, judged(tiny)) == 0
        finally:
            forget(reference)


@pytest.mark.engine
def test_a_registry_that_is_not_there_is_trouble_and_no_verdict(
    tmp_path: Path, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        reference = f"127.0.0.1:{taken.getsockname()[1]}/team/model:3"
        try:
            assert pass_through(reference, tmp_path, judged(tiny)) == 3
        finally:
            forget(reference)

    assert "pushing " in capsys.readouterr().err


@pytest.mark.engine
def test_a_certificate_is_attached_and_found_again_by_the_image(
    tmp_path: Path, target: str, tiny: str, capsys: pytest.CaptureFixture[str]
) -> None:
    signing.make_keys(tmp_path / "our.key", tmp_path / "our.pub")
    key = f"--key={tmp_path / 'our.pub'}"
    reference = f"sm-conformance/test-bare:{os.getpid()}"
    bare = f"{target.rpartition(':')[0]}:bare"
    try:
        made(reference, b"bare")
        assert pass_through(target, tmp_path, judged(tiny)) == 0
        assert pass_through(bare, tmp_path, judged(reference)) == 0
    finally:
        forget(reference)
        forget(bare)
    said = all_kept(tiny)
    (tmp_path / "report.json").write_text(json.dumps(said), "utf-8")
    held = tmp_path / "certificate.json"
    today = datetime.now(UTC).date()
    held.write_bytes(
        certificate(
            tmp_path,
            sign=lambda payload, kind: signing.signed_with_key(payload, kind, tmp_path / "our.key"),
            issued=today,
            expires=today,
        )
    )
    capsys.readouterr()

    assert cli.main(["verify", target, key]) == 1
    assert "no certificate is attached" in capsys.readouterr().out
    assert cli.main(["attach", str(held), bare]) == 4
    assert "is the certificate of another image" in capsys.readouterr().err
    assert cli.main(["attach", str(held), target]) == 0
    assert cli.main(["attach", str(held), target]) == 0, "twice is once"
    capsys.readouterr()

    assert cli.main(["verify", target, key]) == 0
    assert said["candidate"]["images"][0]["config_digest"] in capsys.readouterr().out
    assert cli.main(["verify", bare, key]) == 1
    assert cli.main(["verify", target, key, f"--digest=sha256:{'0' * 64}"]) == 1
    signing.make_keys(tmp_path / "other.key", tmp_path / "other.pub")
    assert cli.main(["verify", target, f"--key={tmp_path / 'other.pub'}"]) == 1
    assert cli.main(["verify", f"{target}-none", key]) == 4


def all_kept(reference: str) -> dict[str, Any]:
    """The report of an image that kept every clause."""
    found = [
        finding(one.key, "n/a" if one.on_requests else "pass") for one in clause.load().asserted
    ]
    return judged(reference, findings=found)


# -- without ---------------------------------------------------------------------------------------


def test_what_this_engine_would_push_in_a_refused_form_is_not_pushed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = report(finding("IMG-017 manifest-hosting", "advice"), conclusion="conformant")

    assert pass_through("127.0.0.1:1/team/model:3", tmp_path, said) == 1

    told = capsys.readouterr().out
    assert told.startswith("gate: closed; IMG-017 manifest-hosting: ")
    assert told.endswith("Nothing was pushed\n")


NOWHERE = "127.0.0.1:1/team/model:3"


class Engine:
    """An engine that has the judged image and pushes it by ``pushing``."""

    def __init__(self, judged: str, pushing: Callable[[], str]) -> None:
        self.config_digest = judged
        self._pushing = pushing

    def image(self, _: str) -> Engine:
        return self

    def push(self, *_: object, **__: object) -> str:
        return self._pushing()

    def close(self) -> None:
        pass


def with_engine(monkeypatch: pytest.MonkeyPatch, pushing: Callable[[], str]) -> None:
    monkeypatch.setattr(command, "DockerEngine", lambda: Engine(DIGEST, pushing))


def never() -> str:
    raise AssertionError("it was pushed")


@pytest.mark.parametrize(
    "said",
    [
        report(conclusion="nonconformant", exit_status=1),
        report(conclusion="inconclusive", exit_status=3),
        report(complete=False),
    ],
    ids=["nonconformant", "inconclusive", "not complete"],
)
def test_what_the_report_does_not_say_is_not_pushed_whatever_the_status(
    said: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_engine(monkeypatch, never)

    assert pass_through(NOWHERE, tmp_path, said) == 1


def test_the_report_of_another_run_opens_no_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_engine(monkeypatch, never)

    assert pass_through(NOWHERE, tmp_path, report(), image="team/own:1") == 3
    assert "another run has written there" in capsys.readouterr().err


def test_a_report_that_is_gone_by_then_opens_no_gate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = argparse.Namespace(
        image="a:1", push=NOWHERE, report=str(tmp_path / "gone"), no_waivers=False, profile=None
    )

    assert command.gate(options, lambda _: 0) == 3
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_no_run_begins_in_the_folder_of_a_gate_that_is_pushing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pushing() -> str:
        with pytest.raises(UsageProblem, match="another run is writing there"):
            RunFolder(tmp_path)
        raise HarnessTrouble("enough")

    with_engine(monkeypatch, pushing)

    assert pass_through(NOWHERE, tmp_path, report()) == 3
    RunFolder(tmp_path).leave(keep=True)


def test_an_interrupted_push_is_told_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pushing() -> str:
        raise KeyboardInterrupt

    with_engine(monkeypatch, pushing)

    assert pass_through(NOWHERE, tmp_path, report()) == 2
    assert f"whether {NOWHERE} was pushed" in capsys.readouterr().err


def test_what_was_pushed_and_cannot_be_read_back_is_told_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_engine(monkeypatch, lambda: DIGEST)

    assert pass_through(NOWHERE, tmp_path, report()) == 3
    assert f"{NOWHERE} was pushed and could not be read back" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error",
    [ProtocolError("broken"), ReadTimeoutError(None, "", "late"), json.JSONDecodeError("", "", 0)],  # type: ignore[arg-type]
    ids=["broken off", "late", "no JSON"],
)
def test_a_push_that_breaks_off_is_trouble_of_one_line(error: Exception) -> None:
    class Broken:
        def tag(self, *_: object, **__: object) -> None:
            pass

        def push(self, *_: object, **__: object) -> Iterator[dict[str, Any]]:
            yield {"status": "Preparing"}
            raise error

    api: Any = Broken()
    with pytest.raises(HarnessTrouble, match=r"cannot push registry\.example/team/model:3"):
        push(api, DIGEST, repository="registry.example/team/model", tag="3")


def test_a_profile_of_the_users_own_is_read_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ci").mkdir()
    own = {"story": "What our releases are held to.", "fails": [{"promise": True}]}
    (tmp_path / "ci" / "own.yaml").write_text(json.dumps(own), "utf-8")
    monkeypatch.chdir(tmp_path)
    with_engine(monkeypatch, lambda: DIGEST)
    said = report(finding("IMG-017 manifest-hosting", "advice"), profile="own.yaml")

    # The platform's own profile would bar it.
    assert pass_through(NOWHERE, tmp_path, said, profile="ci/own.yaml") == 3
    assert "was pushed" in capsys.readouterr().err
    assert pass_through(NOWHERE, tmp_path, said, profile="ci/none.yaml") == 4


@pytest.mark.parametrize(
    "told",
    [
        finding("IMG-017 manifest-training", "advice"),
        finding("IMG-017 manifest-hosting", "waived"),
        finding("IMG-017 manifest-hosting", "not-run"),
        finding("IMG-023 logs", "advice"),
    ],
    ids=lambda told: f"{told['name']}-{told['verdict']}",
)
def test_what_does_not_fail_by_its_form_is_pushed(told: dict[str, Any]) -> None:
    assert barred(report(told), PLATFORM) is None


@pytest.mark.parametrize(
    "reference",
    ["model:3", "team/model:3", "127.0.0.1:5000/model", "registry.example/", "a b/c:d", "", "/:"],
)
def test_where_to_push_is_a_registry_a_repository_and_a_tag(
    reference: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["gate", "image:1", f"--push={reference}"]) == 4

    assert len(capsys.readouterr().err.splitlines()) == 1


def test_two_images_cannot_pass_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["gate", "--train-image=a:1", "--serve-image=b:1", "--push=localhost:1/a:1"]

    assert cli.main(arguments) == 4
    assert "name one image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True), ("localhost:5000", True), ("127.0.0.1:5000", True), ("127.8.0.1", True),
        ("[::1]:5000", True), ("registry.example", False), ("10.0.0.1:5000", False),
        ("localhost.example:5000", False), ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", False),
    ],
)  # fmt: skip
def test_only_a_registry_on_this_machine_is_spoken_to_in_the_clear(host: str, here: bool) -> None:
    assert is_loopback(host) is here


class Held:
    """A repository that holds one manifest."""

    reference = "registry.example/team/model:3"
    name = "registry.example/team/model"


INDEX = Manifest(
    digest=f"sha256:{'0' * 64}", media_type=OCI_INDEX, config_digest=None,
    raw=b'{"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}}, '
    b'{"annotations": {"vnd.docker.reference.type": "attestation-manifest"}}]}',
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "verdicts"),
    [
        ({}, ["fail", "advice"]),
        ({"profile": "strict"}, ["fail", "advice"]),
        ({"waivers": [{"clause": "IMG-017 manifest-hosting", "reason": "converted later",
                       "expires": "2099-01-01"}]}, ["waived", "advice"]),
    ],
)  # fmt: skip
def test_what_was_pushed_is_judged_and_written_into_every_form_of_the_report(
    changed: dict[str, Any],
    verdicts: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    held: Any = Held()
    keys = ["IMG-017 manifest-hosting", "IMG-017 manifest-training"]
    said = report(
        finding(keys[0], "not-run", reason="not known", excused=True),
        finding(keys[1], "not-run", reason="not known", excused=True),
        finding("IMG-001 train-starts"),
        **{"conclusion": "conformant", "exit_status": 0, "doubts": [], **changed},
    )

    by = profiles.load(said["profile"])
    if "fail" in verdicts:
        with pytest.raises(
            command._Refused, match=r"index of the type .*1 build attestation.*remove"
        ):
            command._tell(said, by, held, INDEX, tmp_path)
    else:
        command._tell(said, by, held, INDEX, tmp_path)
        assert "advice: IMG-017 manifest-training" in capsys.readouterr().out

    now = json.loads((tmp_path / "report.json").read_text("utf-8"))
    jsonschema.validate(now, specs.read_schema("report"))
    assert [one["verdict"] for one in now["findings"]] == [*verdicts, "pass"]
    assert now["pushed"] == {
        "reference": Held.reference, "digest": INDEX.digest, "media_type": OCI_INDEX,
        "size": len(INDEX.raw),
    }  # fmt: skip
    expected = ("nonconformant", 1) if "fail" in verdicts else ("conformant", 0)
    assert (now["conclusion"], now["exit_status"]) == expected
    assert INDEX.digest in (tmp_path / "report.html").read_text("utf-8")
    if "fail" in verdicts:
        assert "manifest-hosting" in (tmp_path / "report.sarif").read_text("utf-8")
        assert "not conformant" in (tmp_path / "summary.md").read_text("utf-8")
        assert "nonconformant" in (tmp_path / "badge.svg").read_text("utf-8")


def test_a_form_that_is_not_claimed_is_left_alone(tmp_path: Path) -> None:
    held: Any = Held()
    said = report(finding("IMG-017 manifest-hosting", "n/a"), finding("IMG-001 train-starts"),
                  conclusion="conformant", exit_status=0, doubts=[])  # fmt: skip

    command._tell(said, PLATFORM, held, INDEX, tmp_path)

    now = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert (now["findings"][0]["verdict"], now["conclusion"]) == ("n/a", "conformant")


def test_a_registry_that_does_not_answer_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(HarnessTrouble, match=f"no registry answers at {host}"):
            Repository(f"{host}/team/model:3", credentials=lambda _: None).manifest()
