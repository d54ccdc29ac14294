"""Images on a real engine: what is seen of them without a start, and how they are started."""

from __future__ import annotations

import ast
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker import APIClient
from real_engine import BOUNDS, MIB, PATIENCE_S, image, left_of

from sm_conformance.candidate import Candidate
from sm_conformance.contract import limits
from sm_conformance.declaration.loading import load
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.protocol import Launch
from sm_conformance.inputs.scenario import Conditions
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.inputs.training import build
from sm_conformance.laboratory import refused
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.evidence import write_logs
from sm_conformance.laboratory.launching import launch_of
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.laboratory.startable import hindrance
from sm_conformance.laboratory.training import train
from sm_conformance.observed.facts import FileFacts
from sm_conformance.observed.output import Entry
from sm_conformance.observed.refusal import told_late

pytestmark = pytest.mark.engine

PATH = "/nowhere:/bin"
ARGV = b"#!/usr/bin/python3\nprint(open('/proc/1/cmdline').read().split(chr(0))[2:-1])\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    opened = DockerEngine()
    try:
        yield opened
    finally:
        opened.close()
        assert left_of(opened.run_id) == []


@pytest.fixture(scope="module")
def api() -> Iterator[APIClient]:
    client = APIClient()
    yield client
    client.close()


def member(name: str, content: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """One member of an image's file system."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o755
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.SYMTYPE, linkname=target)


SCRIPT = b"#!/bin/sh\nexit 0\n"
# From scratch: no shell, no folder but these.
BARE = [
    member("bin", type=tarfile.DIRTYPE),
    member("bin/plain", SCRIPT, mode=0o640),
    member("bin/script", SCRIPT),
    member("bin/windows", b"#!/bin/sh\r\nexit 0\r\n"),
    member("bin/text", b"exit 0\n"),
    member("bin/empty"),
    member("bin/folder", type=tarfile.DIRTYPE),
    link("bin/away", "/gone/for/ever"),
    link("bin/round", "round"),
    link("bin/near", "script"),
    link("linked", "bin"),
    member("bin/pipe", type=tarfile.FIFOTYPE),
    member("opt/ml/model/big", bytes(2 * MIB)),
    member("opt/ml/model/deep/small", b"x"),
    link("opt/ml/output", "/opt/ml/model"),
]


@pytest.fixture(scope="module")
def bare(api: APIClient) -> Iterator[str]:
    """An image of a few files and nothing else."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as made:
        for info, content in BARE:
            made.addfile(info, io.BytesIO(content))
    tag = f"sm-conformance/test-bare:{os.getpid()}"
    repository, _, version = tag.partition(":")
    api.import_image_from_data(held.getvalue(), repository=repository, tag=version)
    try:
        yield tag
    finally:
        api.remove_image(tag, force=True)


# -- without a start -------------------------------------------------------------------------------


def test_files_are_looked_at_through_links_without_a_shell(engine: DockerEngine, bare: str) -> None:
    found = engine.stat(
        bare,
        ["/bin/plain", "/linked/near", "/bin/away", "/bin/round", "/bin/folder", "/bin/pipe",
         "/bin/nothing", "/bin/plain/below", "/" + "x" * 300, "/bin/a\0b", "/bin/empty"],
    )  # fmt: skip

    assert found == {
        "/bin/plain": FileFacts(path="/bin/plain", kind="file", mode=0o640, size_bytes=17),
        "/linked/near": FileFacts(path="/bin/script", kind="file", mode=0o755, size_bytes=17),
        "/bin/away": found["/bin/away"],
        "/bin/round": found["/bin/round"],
        "/bin/folder": found["/bin/folder"],
        "/bin/pipe": found["/bin/pipe"],
        "/bin/empty": FileFacts(path="/bin/empty", kind="file", mode=0o755, size_bytes=0),
    }
    assert (found["/bin/away"].kind, found["/bin/away"].path) == ("link", "/gone/for/ever")
    assert found["/bin/round"].kind == "link"
    assert (found["/bin/folder"].kind, found["/bin/pipe"].kind) == ("folder", "other")


def test_a_listing_names_files_and_ends_at_its_bound(engine: DockerEngine, bare: str) -> None:
    wanted = ["/opt/ml/model", "/opt/ml/output", "/opt/ml/input", "/bin/script"]

    whole = engine.listing(bare, wanted, 8 * MIB)
    cut = engine.listing(bare, wanted[:1], MIB)

    assert set(whole) == {"/opt/ml/model", "/opt/ml/output"}
    for tree in whole.values():
        assert tree.whole
        assert tree.files == (
            Entry(name="big", kind="file", size=2 * MIB),
            Entry(name="deep/small", kind="file", size=1),
        )
    assert not cut["/opt/ml/model"].whole
    assert cut["/opt/ml/model"].files[0].name == "big"


def test_the_head_of_what_is_no_file_is_none(engine: DockerEngine, bare: str) -> None:
    heads = {
        path: engine.file_head(bare, path, 9)
        for path in ("/linked/near", "/bin/away", "/bin/round", "/bin/folder", "/bin/plain/x")
    }

    assert heads.pop("/linked/near") == b"#!/bin/sh"
    assert set(heads.values()) == {None}


def test_the_layers_tell_how_an_image_was_made_and_how_large_it_is(
    engine: DockerEngine, api: APIClient
) -> None:
    lines = ("ENV MARK=here", "RUN head -c 3000000 /dev/zero > /zeros")
    with image(api, "layers", *lines) as tag:
        layers = engine.layers(tag)

    assert "MARK=here" in layers[-2].command
    assert "/dev/zero" in layers[-1].command
    assert layers[-1].size_bytes == 3_000_000
    assert layers[0].size_bytes > MIB


def test_an_imported_image_tells_at_least_its_size(engine: DockerEngine, bare: str) -> None:
    assert sum(layer.size_bytes for layer in engine.layers(bare)) > 2 * MIB


@pytest.mark.parametrize(
    ("program", "seen"),
    [
        ("nothing", "no folder of PATH holds a file named nothing"),
        ("/bin/nothing", "the image has no file /bin/nothing"),
        ("plain", "/bin/plain has the mode 0640"),
        ("script", "/bin/script names the interpreter /bin/sh, which the image does not have"),
        ("near", "/bin/script names the interpreter /bin/sh"),
        ("windows", "/bin/windows has the line ends of Windows"),
        ("text", "/bin/text is text whose first line names no interpreter"),
        ("empty", "/bin/empty is empty"),
        ("folder", "/bin/folder is a folder"),
        ("/bin/away", "a link leads to /gone/for/ever, which"),
        ("pipe", "/bin/pipe is no regular file"),
    ],
)
def test_what_an_engine_cannot_start_is_explained(
    engine: DockerEngine, bare: str, tmp_path: Path, program: str, seen: str
) -> None:
    made = engine.create(
        Launch(name="test", image=bare, arguments=(program,), bounds=BOUNDS,
               environment={"PATH": PATH})
    )  # fmt: skip
    try:
        problem = made.start()
        if problem is None:
            problem = told_late(made.wait(PATIENCE_S), write_logs(tmp_path, made))
    finally:
        made.remove()
    found = hindrance(engine, replace(engine.image(bare), environment={"PATH": PATH}), program)

    assert problem is not None, "nothing was to be explained"
    assert found is not None
    assert seen in found.seen


def test_what_starts_is_not_explained(engine: DockerEngine, api: APIClient) -> None:
    lines = ("COPY argv /usr/local/bin/train", "RUN chmod +x /usr/local/bin/train",
             "ENTRYPOINT []")  # fmt: skip
    with image(api, "sound", *lines, files={"argv": ARGV}) as tag:
        assert hindrance(engine, engine.image(tag), "train") is None


# -- the forms of a start --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def argv(api: APIClient) -> Iterator[str]:
    """An image that prints the arguments of its first process."""
    lines = ("COPY argv /opt/argv", "RUN chmod +x /opt/argv",
             'ENTRYPOINT ["/opt/argv", "own"]', 'CMD ["command"]')  # fmt: skip
    with image(api, "argv", *lines, files={"argv": ARGV}) as tag:
        yield tag


def bench_of(engine: DockerEngine, tag: str, training: Mapping[str, Any], tmp_path: Path) -> Bench:
    """A bench for an image that is claimed for training."""
    file = tmp_path / "sm-conformance.yaml"
    file.write_text(yaml.safe_dump({"claims": ["training"], "training": dict(training)}), "utf-8")
    facts = engine.image(tag)
    return Bench(
        engine=engine,
        candidate=Candidate(training=facts, hosting=None, declaration=load(file, origin="option")),
        limits=limits.load(),
        direct=True,
        evidence=tmp_path / "evidence",
        quiet=Quiet(tmp_path / ".lock"),
    )


REPLACED = ["/opt/argv", "other"]


@pytest.mark.parametrize(
    ("training", "seen"),
    [
        ({}, ["own", "train"]),
        ({"entrypoint": REPLACED}, ["other"]),
        ({"arguments": ["--rounds", "a b"]}, ["own", "--rounds", "a b"]),
        ({"entrypoint": REPLACED, "arguments": ["fit"]}, ["other", "fit"]),
    ],
    ids=["neither", "entrypoint", "arguments", "both"],
)
def test_entrypoint_and_arguments_reach_the_first_process_as_on_the_platform(
    engine: DockerEngine, argv: str, tmp_path: Path, training: Mapping[str, Any], seen: list[str]
) -> None:
    bench = bench_of(engine, argv, training, tmp_path)
    inputs = build(bench.candidate.declaration, Conditions())
    assert inputs is not None

    with bench.container(launch_of(bench, inputs, Conditions(), name="argv")) as made:
        assert made.start() is None
        found = made.wait(PATIENCE_S)

    assert found is not None
    assert found.code == 0
    assert ast.literal_eval(made.log.stdout().decode()) == seen


def test_a_script_from_a_channel_is_run_by_an_interpreter_and_not_by_itself(
    engine: DockerEngine, argv: str, tmp_path: Path
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code/run.sh").write_text("#!/bin/sh\necho done > /opt/ml/model/weights\n")
    script = "/opt/ml/input/data/code/run.sh"
    channels = {"code": {"content_type": "text/plain", "path": str(tmp_path / "code")}}
    scenario = load_scenario("train-plain")

    def trained(entrypoint: list[str]) -> tuple[Bench, Any]:
        said = {"entrypoint": entrypoint, "channels": channels}
        bench = bench_of(engine, argv, said, tmp_path)
        return bench, train(bench, scenario, scenario.conditions)

    _, run = trained(["/bin/sh", script])
    bench, alone = trained([script])

    assert run.good, run.story()
    assert run.model.files[0].name == "weights"
    assert alone.problem is not None
    cause = refused.cause(bench, "training", alone.problem, alone.story())
    assert cause.blames == "IMG-003 on-path"
    assert "comes with the input" in cause.actual
    assert "/bin/sh" in str(cause.fix)
