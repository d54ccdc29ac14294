"""``init`` on the sample images, as they come: it finds what makes each train, fail, last and answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from real_engine import PATIENCE_S, ROOT, left_of, run_of, wait_for

from sm_conformance.declaration.loading import load
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.first_look.command import Wish, init

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Sample:
    """What is to be found of a sample image."""

    image: str
    channel: str
    fault: str
    lasts: str
    content_types: tuple[str, ...]


SAMPLES = (
    Sample("reference", "training", "rounds", "rounds", ("text/csv", "application/json")),
    Sample("decision_tree", "training", "restarts", "restarts", ("text/csv",)),
    Sample("mars", "train", "degree", "rounds", ("text/csv",)),
)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.image)
def test_a_sample_image_is_declared_by_looking_at_it(sample: Sample, tmp_path: Path) -> None:
    engines: list[DockerEngine] = []
    target = tmp_path / "sm-conformance.yaml"

    def engine() -> DockerEngine:
        engines.append(DockerEngine())
        return engines[0]

    claimed = init(
        Wish(image=f"sm-conformance/{sample.image}:latest", output=str(target)), engine=engine
    )

    found = load(target, origin="file")
    assert claimed
    assert (found.claims, found.network) == ({"training", "hosting"}, "isolated")
    assert found.training is not None
    assert found.hosting is not None
    assert [channel.name for channel in found.training.channels] == [sample.channel]
    assert found.training.fault is not None
    assert list(found.training.fault.hyperparameters) == [sample.fault]
    assert found.training.lasts is not None
    assert list(found.training.lasts.hyperparameters) == [sample.lasts]
    assert found.hosting.content_types == sample.content_types
    assert left_of(engines[0].run_id) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_look_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    going = subprocess.Popen(
        [sys.executable, "-m", "sm_conformance", "init", "sm-conformance/reference:latest"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with going:
        run_id = str(wait_for("the look to launch something", lambda: run_of(going.pid)))
        going.send_signal(number)
        _, said = going.communicate(timeout=PATIENCE_S)

    assert going.returncode == 2, said
    assert said.endswith("sm-conformance init: interrupted; nothing was written\n")
    assert left_of(run_id) == []
    assert list(tmp_path.iterdir()) == []
