"""One image on its whole way: the gate, the certificate, the registry, and who verifies it there."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from as_cosign import attested
from real_engine import ROOT, docker
from registries import catalogue, registry

from sm_conformance import specs
from sm_conformance.observed.manifest import DOCKER_MANIFEST

BASE = "sm-conformance-base:bookworm"
# All that this image holds of a system: a shell and what it cannot do itself.
PROGRAMS = ("/bin/sh", "/bin/cat", "/bin/sleep", "/lib64/ld-linux-x86-64.so.2",
            "/lib/x86_64-linux-gnu/libc.so.6")  # fmt: skip
TRAIN = r"""#!/bin/sh
# Counts the rows of its data; knows nothing but the shell.
failed() {
    echo "$1" > /opt/ml/output/failure
    echo "$1" >&2
    exit 1
}
save() {
    echo "rows=$rows rounds=$round" > /opt/ml/model/model.txt
}
rows=0 round=0
trap 'save; exit 0' TERM
said=$(cat /opt/ml/input/config/hyperparameters.json) || failed "there are no hyperparameters"
rounds=${said#*\"rounds\"*:}
rounds=${rounds#*\"}
rounds=${rounds%%\"*}
case $rounds in '' | *[!0-9]*) failed "rounds is no number: $rounds" ;; esac
for file in /opt/ml/input/data/training/*; do
    [ -e "$file" ] || failed "there is no data in the channel training"
    [ -f "$file" ] || continue
    while read -r row; do rows=$((rows + 1)); done < "$file"
done
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    echo "round $round of $rounds: $rows rows"
    sleep 0.05 &
    wait $!
done
save
"""
SAID = """
claims: [training]
network: isolated
training:
  hyperparameters: {rounds: 2}
  channels: {training: {content_type: text/csv, data: "1,2\\n3,4\\n"}}
  fault: {hyperparameters: {rounds: many}}
  lasts: {hyperparameters: {rounds: 1000000}}
"""


@pytest.fixture(scope="module")
def shell() -> Iterator[str]:
    """A lawful image of two megabytes, which is pushed in no time."""
    reference = f"sm-conformance/test-shell:{os.getpid()}"
    found = subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False)
    if found.returncode:
        pytest.skip(f"there is no {BASE}, of which python sample_images/build.py makes the images")
    made = docker("create", BASE, "-").strip()
    held = io.BytesIO()
    try:
        with tarfile.open(fileobj=held, mode="w") as archive:
            for name in PROGRAMS:
                add(archive, name, copied(made, name))
            add(archive, "/bin/train", TRAIN.encode())
    finally:
        docker("rm", made)
    command = ["docker", "import", "--change", "ENV PATH=/bin", "-", reference]
    subprocess.run(command, input=held.getvalue(), capture_output=True, check=True)
    yield reference
    docker("rmi", "-f", docker("image", "inspect", "-f", "{{.Id}}", reference).strip())


def copied(container: str, name: str) -> bytes:
    """A file of a container, links followed."""
    command = ["docker", "cp", "-L", f"{container}:{name}", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        member = archive.next()
        opened = archive.extractfile(member) if member else None
        assert opened is not None
        return opened.read()


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name.lstrip("/"))
    member.mode, member.size = 0o755, len(content)
    archive.addfile(member, io.BytesIO(content))


@pytest.mark.engine
def test_gate_certify_attach_and_verify_against_a_real_registry(tmp_path: Path, shell: str) -> None:
    (tmp_path / "said.yaml").write_text(SAID, "utf-8")
    judging = ["--declaration=said.yaml", "--examples=0"]

    def run(*arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "sm_conformance", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    with registry(tmp_path) as host:
        target = f"{host}/team/shell:1"
        run("keygen", "--output=our")
        told = run("gate", shell, f"--push={target}", *judging)

        said = json.loads((tmp_path / "sm-conformance-report/report.json").read_text("utf-8"))
        jsonschema.validate(said, specs.read_schema("report"))
        pushed = said["pushed"]
        assert f"gate: open; pushed {target}" in told
        assert (pushed["reference"], pushed["media_type"]) == (target, DOCKER_MANIFEST)
        verdicts = {f"{one['clause']} {one['name']}": one["verdict"] for one in said["findings"]}
        assert verdicts["IMG-017 manifest-training"] == "pass"

        run("verify", target, "--key=our.pub", status=1)
        run("certify", shell, "--key=our.key", "--output=certificate.json", *judging)
        run("attach", "certificate.json", target)

        holds = run("verify", target, "--key=our.pub", "--require=platform")
        assert "this certificate holds" in holds
        assert pushed["digest"] in holds
        run("verify", "certificate.json", "--key=our.pub", f"--digest={pushed['digest']}")
        (statement,) = attested(host, "team/shell", pushed["digest"], tmp_path / "our.pub")
        assert statement["predicate"]["claims"] == ["training"]
        assert catalogue(host) == ["team/shell"]
        docker("rmi", target)
