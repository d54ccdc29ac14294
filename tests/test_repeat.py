"""The command that a finding prints shows the same fault to who runs it in the report's folder."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from docker import APIClient
from real_engine import NO_EXAMPLES, SAMPLES, Judged, docker, image, judging
from test_mutants import JUDGED, load
from together import REPEATED

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Repeated:
    """What a finding said, and what its command did."""

    actual: str
    command: str
    status: int
    output: str
    report: Path
    evidence: Path


@pytest.fixture(autouse=True)
def _alone_and_without_leftovers() -> Iterator[None]:
    """The printed commands use one name, so only one of several test processes may run them."""
    with (Path(tempfile.gettempdir()) / "sm-repeat.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        subprocess.run(["docker", "rm", "-f", "sm-repeat"], capture_output=True, check=False)
        subprocess.run(["docker", "network", "rm", "sm-repeat"], capture_output=True, check=False)
        assert docker("ps", "-aq", "--filter", "name=^sm-repeat$") == ""
        assert docker("network", "ls", "-q", "--filter", "name=^sm-repeat$") == ""


def repeat_shared(request: pytest.FixtureRequest, mutant: str) -> Repeated:
    """Runs the command of the finding on the clause that a mutant breaks, where it is judged anyway."""
    assert mutant in REPEATED, "it would be judged in another process as well"
    sin = load(SAMPLES / "mutants" / mutant)
    return repeated(JUDGED[mutant].seen_by(request), sin.breaks, sin.verdict)


def repeat(folder: Path, mutant: str, *arguments: str) -> Repeated:
    """Judges a mutant and runs the command of the finding on the clause that it breaks."""
    sin = load(SAMPLES / "mutants" / mutant)
    limits = folder / "limits.yaml"
    limits.write_text(yaml.safe_dump(sin.limits), "utf-8")
    options = [f"--sm-limits={limits}"] if sin.limits else []
    return repeat_finding(folder, sin.tag, sin.breaks, sin.verdict, *options, *arguments)


def repeat_finding(folder: Path, tag: str, key: str, verdict: str, *arguments: str) -> Repeated:
    """Judges an image and runs the command of the finding ``key``, which has this verdict."""
    with judging(folder, tag, NO_EXAMPLES, *arguments) as run:
        status, output = run.finish()
        judged = Judged(status, output, run.read_report(), folder=run.report)
    return repeated(judged, key, verdict)


def repeated(judged: Judged, key: str, verdict: str) -> Repeated:
    """Runs the command of the finding ``key``, which has this verdict."""
    findings = judged.report["findings"]
    (found,) = [one for one in findings if f"{one['clause']} {one['name']}" == key]
    assert found["verdict"] == verdict, judged.output
    done = run_again(judged.folder, found["repeat"])
    return Repeated(
        actual=found["actual"] or "",
        command=found["repeat"],
        status=done.returncode,
        output=done.stdout + done.stderr,
        report=judged.folder,
        evidence=judged.folder / found["evidence"],
    )


def run_again(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Runs a printed command in a shell."""
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_training_that_fails_without_a_reason_does_so_again(
    request: pytest.FixtureRequest,
) -> None:
    seen = repeat_shared(request, "TRAIN-064-failure-file-says-nothing")

    assert seen.status == 1, seen.output
    assert not (seen.evidence / "opt/ml/output/failure").exists()


def test_a_training_that_leaves_no_model_leaves_none_again(request: pytest.FixtureRequest) -> None:
    seen = repeat_shared(request, "TRAIN-070-model-saved-elsewhere")

    assert seen.status == 0, seen.output
    assert list((seen.evidence / "opt/ml/model").iterdir()) == []


def test_a_training_that_went_well_and_exits_with_1_does_so_again(
    request: pytest.FixtureRequest,
) -> None:
    seen = repeat_shared(request, "TRAIN-063-exit-zero-ends-with-1")

    assert "exited with 1" in seen.actual
    assert seen.status == 1, seen.output
    assert list((seen.evidence / "opt/ml/model").iterdir()), "it went well otherwise"


def test_a_malformed_body_gets_the_same_wrong_answer_by_curl(tmp_path: Path) -> None:
    seen = repeat(tmp_path, "HOST-025-malformed-body-answers-500", "-k", "malformed_body")

    ping, _, answer = seen.output.rpartition("HTTP/1.")
    assert "500 Internal Server Error" in seen.actual
    assert " 200 OK" in ping
    assert answer.partition(" ")[2].startswith("500 "), seen.output


def test_a_request_in_flight_is_cut_again(tmp_path: Path) -> None:
    found = repeat(tmp_path, "HOST-061-finishes-requests-ends-at-once", "-k", "finishes_requests")

    assert "connection" in found.actual
    assert "HTTP/1.1 200" in found.output.partition("docker kill")[0]  # the ping before
    assert "Empty reply" in found.output or "reset" in found.output, found.output


def test_a_front_hides_its_dead_server_again(tmp_path: Path) -> None:
    found = repeat(
        tmp_path, "HOST-062-dies-with-server-answers-pings-for-it", "-k", "dies_with_server"
    )

    assert "ping 200" in found.actual
    assert "nobody is there" in found.output, found.output


def test_a_ping_gets_the_same_wrong_answer_by_curl(request: pytest.FixtureRequest) -> None:
    seen = repeat_shared(request, "HOST-002-ping-answers-500")

    assert "500 Internal Server Error" in seen.actual
    answer = seen.output.rpartition("HTTP/1.")[2]
    assert answer.partition(" ")[2].startswith("500 "), seen.output
    assert docker("inspect", "--format", "{{.State.Running}}", "sm-repeat") == "true\n"


def test_a_good_request_gets_the_same_wrong_answer_by_curl(request: pytest.FixtureRequest) -> None:
    seen = repeat_shared(request, "HOST-010-invocation-answers-500")

    assert "500 Internal Server Error" in seen.actual
    ping, _, answer = seen.output.rpartition("HTTP/1.")
    assert " 200 OK" in ping
    assert answer.partition(" ")[2].startswith("500 "), seen.output


def test_what_a_user_other_than_root_did_works_again_and_a_server_can_be_repeated_twice(
    tmp_path: Path,
) -> None:
    api = APIClient()
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with image(api, "repeat-user", "USER 1234:1234") as tag:
        trained = repeat_finding(first, tag, "TRAIN-070 model", "pass", "-k", "test_model")
        assert trained.status == 0, trained.output
        assert list((trained.evidence / "opt/ml/model").iterdir())

        # A model of the user's own lies elsewhere than the evidence.
        own = tmp_path / "my own.tar.gz"
        shutil.copyfile(trained.evidence / "model.tar.gz", own)
        options = (f"--sm-model-data={own}", "-k", "test_ping and not bound and not time")
        served = repeat_finding(second, tag, "HOST-002 ping", "pass", *options)
        again = run_again(served.report, served.command)
    api.close()

    for output in (served.output, again.stdout):
        assert " 200 OK" in output
