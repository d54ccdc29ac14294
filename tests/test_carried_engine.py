"""A declaration that lies in a real image is found by its label, and judged with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import APIClient
from real_engine import NO_EXAMPLES, REFERENCE, SAMPLES, image, judging

from sm_conformance.engine.docker import DockerEngine

pytestmark = pytest.mark.engine

HOME = "/usr/share/sm-conformance"
SAMPLE = SAMPLES / "reference"


@pytest.fixture
def api() -> Iterator[APIClient]:
    made = APIClient()
    yield made
    made.close()


def files() -> dict[str, bytes]:
    """The declaration of the reference and the data that it names, as a build context has them."""
    named = [SAMPLE / "sm-conformance.yaml", *(SAMPLE / "data").rglob("*")]
    return {
        f"declared/{path.relative_to(SAMPLE)}": path.read_bytes()
        for path in named
        if path.is_file()
    }


def test_an_image_is_judged_by_the_declaration_that_it_carries(
    api: APIClient, tmp_path: Path
) -> None:
    lines = (f"COPY declared {HOME}", f'LABEL sm-conformance.declaration="{HOME}"')
    with (
        image(api, "carried", *lines, files=files()) as tag,
        judging(tmp_path, tag, NO_EXAMPLES, declaration=None) as run,
    ):
        status, output = run.finish()
        report = run.read_report()

    assert status == 0, output
    assert report["declaration"]["from"] == "image"
    assert report["declaration"]["claims"] == ["hosting", "training"]
    assert len(report["declaration"]["sha256"]) == 64


def test_what_an_image_holds_is_copied_out_whole_cut_or_not_at_all(tmp_path: Path) -> None:
    engine = DockerEngine()
    try:
        target = tmp_path / "copied.tar"
        assert engine.copy_out(REFERENCE, "/etc/hostname-that-is-not", target, 1 << 20) is None
        assert engine.copy_out(REFERENCE, "/etc", target, 10) is False
        assert engine.copy_out(REFERENCE, "/etc/os-release", target, 1 << 20) is True
        assert target.stat().st_size > 0
    finally:
        engine.close()
