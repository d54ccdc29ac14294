"""Compares the suite with raw Docker SDK calls, in one run on one machine.

    python benchmarks/bench.py [--image sm-conformance/reference:latest] [--rounds 5]

Prints ratios, each measured alternately with what it is compared to:

* the wall time of judging the image against a script that makes the same launches one after another
  with the Docker SDK and asks each server once;
* the same for the clauses of training alone;
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
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import docker
import yaml
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
# Beside the ordinary, the failing and the stopped one.
_FURTHER = (
    "train-together", "train-no-hyperparameters", "train-no-channels", "train-encoded-values",
)  # fmt: skip
# Of three lawful values and three that are not, as many as `--sm-examples` has by default.
_EXAMPLES_EACH = 2


class Raw:
    """The same launches with nothing but the Docker SDK, one after another."""

    def __init__(self, image: str) -> None:
        self.api = docker.APIClient(version="auto")
        self.image = image
        self.declaration = load(DECLARATION, origin="option")

    def inputs(self, conditions: Conditions) -> bytes:
        made = build(self.declaration, conditions)
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

    def trainings(self) -> bytes:
        """The launches that the clauses of training make; the model of the ordinary one."""
        model = self.train(self.inputs(Conditions()))
        self.train(self.inputs(replace(Conditions(), fault="declared")))
        self.train(self.inputs(load_scenario("train-stopped").conditions), stop=True)
        for name in _FURTHER:
            self.train(self.inputs(load_scenario(name).conditions))
        for middle in ("mean", "median", "mode") * _EXAMPLES_EACH:
            self.train(self.inputs(replace(Conditions(), add_hyperparameters={"middle": middle})))
        return model

    def everything(self) -> None:
        """The launches that the suite makes."""
        network = self.api.create_network("sm-conformance-bench", internal=True)["Id"]
        try:
            model = self.trainings()
            self.serve(network, model)
            self.serve(network, model)
        finally:
            self.api.remove_network(network)


def answers(url: str, body: bytes | None = None, content_type: str = "") -> bool:
    """Whether a request is answered with 200."""
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            reply.read()
            return bool(reply.status == 200)
    except OSError:
        return False


def judge(image: str, folder: Path, declaration: Path = DECLARATION) -> dict[str, object]:
    """One judgement as a user runs it; its report."""
    done = subprocess.run(
        [sys.executable, "-m", "sm_conformance", "check", image, f"--declaration={declaration}",
         f"--report={folder}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        sys.exit(f"{image} is not conformant, so there is nothing to compare:\n{done.stdout}")
    report: dict[str, object] = json.loads((folder / "report.json").read_text("utf-8"))
    return report


def training_only(folder: Path) -> Path:
    """The declaration with the claim of training alone, written to ``folder``."""
    said = yaml.safe_load(DECLARATION.read_text("utf-8"))
    del said["hosting"]
    for channel in said["training"]["channels"].values():
        channel["path"] = str(DECLARATION.parent / channel["path"])
    written = folder / "training.yaml"
    written.write_text(yaml.safe_dump({**said, "claims": ["training"]}), "utf-8")
    return written


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
    whole, training = Compared("suite"), Compared("training clauses")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        only = training_only(folder)
        raw.train(raw.inputs(Conditions()))  # warm: the image's files are in memory from here on
        for at in range(options.rounds):
            whole.add(partial(judge, options.image, folder / f"{at}"), raw.everything)
            training.add(partial(judge, options.image, folder / f"t{at}", only), raw.trainings)
        owns = own_times(raw, options, folder / "own")
    print(f"{'':<58} {'min':>8} {'median':>8} {'max':>8}")
    whole.show()
    training.show()
    row("harness's own time for one training launch", owns, "ms", 1000)


@dataclass(slots=True)
class Compared:
    """A judgement and the same launches made raw, measured one after the other."""

    name: str
    walls: list[float] = field(default_factory=list)
    judgings: list[float] = field(default_factory=list)
    raws: list[float] = field(default_factory=list)
    launches: object = 0

    def add(self, judged: Callable[[], dict[str, object]], raw: Callable[[], object]) -> None:
        """Measures both once."""
        began = time.perf_counter()
        report = judged()
        self.walls.append(time.perf_counter() - began)
        self.judgings.append(float(str(report["elapsed_s"])))
        self.launches = report["launches"]
        self.raws.append(seconds(raw))

    def show(self) -> None:
        """Prints the times and their ratios."""
        row(f"{self.name}, {self.launches} launches: whole process", self.walls)
        row(f"{self.name}: judging alone, from its report", self.judgings)
        row(f"{self.name}: raw SDK, the launches one after another", self.raws)
        for what, times in (("whole process", self.walls), ("judging", self.judgings)):
            ratios = [a / b for a, b in zip(times, self.raws, strict=True)]
            row(f"{self.name}: ratio {what} / raw", ratios, "")


def own_times(raw: Raw, options: argparse.Namespace, folder: Path) -> list[float]:
    """`laboratory.train` less the same calls made raw, pair by pair."""
    wanted = Options(image=options.image, declaration=DECLARATION)
    rules: Rules = read_rules(wanted)
    session = open_session(wanted, rules, DockerEngine(), folder=folder)
    scenario = load_scenario("train-plain")
    inputs = raw.inputs(scenario.conditions)
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
