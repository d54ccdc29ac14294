"""Compares the suite with raw Docker SDK calls, in one run on one machine.

    python benchmarks/bench.py [--image sm-conformance/reference:latest] [--rounds 5]

Prints two ratios, each measured alternately with what it is compared to:

* the wall time of judging the image against a script that makes the same launches one after another
  with the Docker SDK and asks each server once;
* the harness's own time for one training launch: `laboratory.train` less the same calls made raw.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import docker
from docker.types import Mount

from sm_conformance.declaration.loading import load
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.inputs.archive import pack
from sm_conformance.inputs.scenario import Conditions
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.inputs.training import build
from sm_conformance.laboratory.training import train
from sm_conformance.rules import Options, Rules, read_rules
from sm_conformance.session import open_session

ROOT = Path(__file__).resolve().parent.parent
DECLARATION = ROOT / "sample_images" / "reference" / "sm-conformance.yaml"
PARTS = ("input", "model", "output")


class Raw:
    """The same launches with nothing but the Docker SDK, one after another."""

    def __init__(self, image: str) -> None:
        self.api = docker.APIClient(version="auto")
        self.image = image
        self.declaration = load(DECLARATION, origin="option")

    def inputs(self, **changes: object) -> bytes:
        made = build(self.declaration, Conditions(**changes))  # type: ignore[arg-type]
        assert made is not None
        return pack(made.files)

    def train(self, inputs: bytes, *, stop: bool = False) -> bytes:
        """One job: volumes, inputs in, start, wait, outputs out, remove. Returns the model's tar."""
        volumes = [self.api.create_volume()["Name"] for _ in PARTS]
        mounts = [
            Mount(f"/opt/ml/{part}", volume, type="volume", no_copy=True)
            for part, volume in zip(PARTS, volumes, strict=True)
        ]
        host = self.api.create_host_config(
            mounts=mounts, network_mode="none", extra_hosts={"algo-1": "127.0.0.1"}
        )
        made = self.api.create_container(
            self.image, command=["train"], hostname="algo-1", host_config=host
        )["Id"]
        self.api.put_archive(made, "/opt/ml", inputs)
        self.api.start(made)
        if stop:
            next(iter(self.api.logs(made, stream=True, follow=True)))
            self.api.kill(made, "SIGTERM")
        self.api.wait(made)
        model = b"".join(self.api.get_archive(made, "/opt/ml/model")[0])
        b"".join(self.api.get_archive(made, "/opt/ml/output")[0])
        self.api.logs(made)
        self.api.remove_container(made, force=True)
        for volume in volumes:
            self.api.remove_volume(volume)
        return model

    def serve(self, network: str, model: bytes) -> None:
        """One server: the model in, the first 200, one invocation, a stop, gone."""
        volume = self.api.create_volume()["Name"]
        mounts = [Mount("/opt/ml", volume, type="volume", no_copy=True)]
        filler = self.api.create_container(
            self.image, command=["-"], host_config=self.api.create_host_config(mounts=mounts)
        )["Id"]
        self.api.put_archive(filler, "/opt/ml", model)
        self.api.remove_container(filler)
        mounts = [Mount("/opt/ml", volume, type="volume", no_copy=True, read_only=True)]
        host = self.api.create_host_config(mounts=mounts, network_mode=network)
        made = self.api.create_container(self.image, command=["serve"], host_config=host)["Id"]
        self.api.start(made)
        networks = self.api.inspect_container(made)["NetworkSettings"]["Networks"]
        address = f"http://{next(iter(networks.values()))['IPAddress']}:8080"
        while not answers(f"{address}/ping"):
            time.sleep(0.03)
        sample = self.declaration.hosting.requests[0]  # type: ignore[union-attr]
        assert answers(f"{address}/invocations", sample.body, sample.content_type or "")
        self.api.stop(made, timeout=30)
        self.api.logs(made)
        self.api.remove_container(made, force=True)
        self.api.remove_volume(volume)

    def everything(self) -> int:
        """The launches that the suite makes; how many they were."""
        network = self.api.create_network("sm-conformance-bench", internal=True)["Id"]
        try:
            model = self.train(self.inputs())
            self.train(self.inputs(fault="declared"))
            self.train(self.inputs(lasting=True), stop=True)
            self.train(self.inputs(add_hyperparameters={"_tuning_objective_metric": "x"}))
            self.train(self.inputs(no_hyperparameters=True))
            self.train(self.inputs(odd_files=True))
            self.serve(network, model)
            self.serve(network, model)
        finally:
            self.api.remove_network(network)
        return 8


def answers(url: str, body: bytes | None = None, content_type: str = "") -> bool:
    """Whether a request is answered with 200."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            reply.read()
            return bool(reply.status == 200)
    except OSError:
        return False


def judge(image: str, folder: Path) -> dict[str, object]:
    """One judgement as a user runs it; its report."""
    done = subprocess.run(
        [sys.executable, "-m", "sm_conformance", "check", image, f"--declaration={DECLARATION}",
         f"--report={folder}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"{image} is not conformant, so there is nothing to compare:\n{done.stdout}")
    report: dict[str, object] = json.loads((folder / "report.json").read_text("utf-8"))
    return report


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def row(name: str, values: list[float], unit: str = "s", scale: float = 1.0) -> None:
    """One line: minimum, median and maximum."""
    low, middle, high = (x * scale for x in (min(values), statistics.median(values), max(values)))
    print(f"{name:<58} {low:8.3f} {middle:8.3f} {high:8.3f}  {unit}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--image", default="sm-conformance/reference:latest")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    raw = Raw(options.image)
    walls, judgings, raws, owns = [], [], [], []
    launches: object = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        raw.train(raw.inputs())  # warm: the image's files are in memory from here on
        for at in range(options.rounds):
            began = time.perf_counter()
            report = judge(options.image, folder / f"{at}")
            walls.append(time.perf_counter() - began)
            judgings.append(float(str(report["elapsed_s"])))
            launches = report["launches"]
            raws.append(seconds(raw.everything))
        owns = own_times(raw, options, folder / "own")
    print(f"{'':<58} {'min':>8} {'median':>8} {'max':>8}")
    row(f"suite, {launches} launches: whole process", walls)
    row("suite: judging alone, from its report", judgings)
    row("raw SDK, 8 launches one after another", raws)
    row("ratio whole process / raw", [a / b for a, b in zip(walls, raws, strict=True)], "")
    row("ratio judging / raw", [a / b for a, b in zip(judgings, raws, strict=True)], "")
    row("harness's own time for one training launch", owns, "ms", 1000)


def own_times(raw: Raw, options: argparse.Namespace, folder: Path) -> list[float]:
    """`laboratory.train` less the same calls made raw, pair by pair."""
    wanted = Options(image=options.image, declaration=DECLARATION)
    rules: Rules = read_rules(wanted)
    session = open_session(wanted, rules, DockerEngine(), folder=folder)
    scenario = load_scenario("train-plain")
    inputs = raw.inputs()
    try:
        return [
            seconds(lambda: train(session.lab.bench, scenario, scenario.conditions))
            - seconds(lambda: raw.train(inputs))
            for _ in range(4 * options.rounds)
        ]
    finally:
        session.close()


if __name__ == "__main__":
    main()
