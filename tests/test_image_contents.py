"""The clauses on what an image holds: what they find, and the lawful images that they leave alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from miniatures.candidates import MINIATURES
from miniatures.engine import MiniatureEngine
from miniatures.lawful import LAWFUL

from sm_conformance.candidate import Candidate
from sm_conformance.contract import limits
from sm_conformance.contract.drivers import MachineImage
from sm_conformance.contract.drivers import load as load_drivers
from sm_conformance.declaration.loading import load
from sm_conformance.declaration.values import nothing_declared
from sm_conformance.judgement.outcome import Broken, NotApplicable, NotRun, Outcome
from sm_conformance.laboratory import cuda
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.observed.facts import Layer
from sm_conformance.suite import test_gpu_image as gpu
from sm_conformance.suite import test_image_contents as contents

ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00" + bytes(60)
KEY = "AKIAQ3EGRIPXLVH7QW2Z"
TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z5A"
LABEL = "com.amazonaws.sagemaker.capabilities."

Look = Callable[..., Outcome | None]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Look:
    """Calls a clause on a miniature that holds what is named, under a declaration; its outcome."""

    def called(
        clause: Callable[..., None], said: Mapping[str, Any] | None = None, **holds: Any
    ) -> Outcome | None:
        monkeypatch.setitem(MINIATURES, "held", replace(LAWFUL, **holds))
        engine = MiniatureEngine()
        declaration = nothing_declared()
        if said is not None:
            file = tmp_path / "sm-conformance.yaml"
            file.write_text(yaml.safe_dump(dict(said)), "utf-8")
            declaration = load(file, origin="option")
        facts = engine.image("held")
        bench = Bench(
            engine=engine,
            candidate=Candidate(training=facts, hosting=facts, declaration=declaration),
            limits=limits.load(),
            direct=True,
            evidence=tmp_path,
            quiet=Quiet(tmp_path / ".lock"),
        )
        given = {"candidate": bench.candidate, "bench": bench, "limits": bench.limits}
        wanted = clause.__annotations__
        try:
            clause(**{name: value for name, value in given.items() if name in wanted})
        except Outcome as outcome:
            return outcome
        return None

    return called


def claims(*named: str, **more: Any) -> dict[str, Any]:
    return {"claims": list(named), **more}


# -- files that are hidden -------------------------------------------------------------------------

TRAINS = claims("training")
WITHOUT_MODEL = claims("hosting", hosting={"model": "none"})
BAKED_MODEL = {"/opt/ml/model/weights": b"1"}


@pytest.mark.parametrize(
    ("said", "files"),
    [
        (TRAINS, {"/opt/ml/input/data/training/rows.csv": b"1,2\n"}),
        (TRAINS, {"/opt/ml/output/failure": b"x"}),
        (TRAINS, {"/opt/ml/checkpoints/last": b"x"}),
        (TRAINS, BAKED_MODEL),
        (claims("training", "hosting"), BAKED_MODEL),
    ],
)
def test_a_file_that_a_mount_hides_is_told(
    look: Look, said: Mapping[str, Any], files: Mapping[str, bytes]
) -> None:
    outcome = look(contents.test_nothing_baked_in_opt_ml, said, files=files)

    assert isinstance(outcome, Broken)
    assert next(iter(files)) in outcome.actual


@pytest.mark.parametrize(
    ("said", "files"),
    [
        (TRAINS, {"/opt/ml/mars.R": b"x", "/opt/ml/code/train.py": b"x"}),
        (TRAINS, {"/opt/ml/model/.keep": b"", "/opt/ml/input/data/.keep": b""}),
        (WITHOUT_MODEL, BAKED_MODEL),
        (WITHOUT_MODEL, {"/opt/ml/input/config/resourceconfig.json": b"{}"}),
        (claims("training", "hosting", hosting={"model": "none"}), BAKED_MODEL),
        (None, {}),
    ],
)
def test_what_is_seen_in_spite_of_the_mounts_is_lawful(
    look: Look, said: Mapping[str, Any] | None, files: Mapping[str, bytes]
) -> None:
    assert look(contents.test_nothing_baked_in_opt_ml, said, files=files) is None


@pytest.mark.parametrize("said", [claims("hosting"), None])
def test_a_baked_model_of_which_nothing_is_said_is_not_judged(
    look: Look, said: Mapping[str, Any] | None
) -> None:
    outcome = look(contents.test_nothing_baked_in_opt_ml, said, files=BAKED_MODEL)

    assert isinstance(outcome, NotRun)
    assert "hosting: {model: none}" in outcome.reason


def test_more_than_is_listed_is_not_judged(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "_LISTED_BYTES", 600)
    files = {f"/opt/ml/input/{number}": b"" for number in range(3)}

    outcome = look(contents.test_nothing_baked_in_opt_ml, TRAINS, files=files)

    assert isinstance(outcome, NotRun)


# -- size, secrets, labels, tools ------------------------------------------------------------------

SERVERLESS = claims("hosting", "serverless")
GIB = 1 << 30


@pytest.mark.parametrize(
    ("sizes", "kept"), [((6 * GIB, 4 * GIB), True), ((6 * GIB, 4 * GIB + 1), False), ((), True)]
)
def test_the_unpacked_layers_are_added_up(look: Look, sizes: tuple[int, ...], kept: bool) -> None:
    layers = tuple(Layer(command="", size_bytes=size) for size in sizes)

    outcome = look(contents.test_serverless_size, SERVERLESS, layers=layers)

    assert (outcome is None) == kept


@pytest.mark.parametrize(
    ("holds", "told"),
    [
        ({"environment": {"NAME": f"id={KEY};"}}, "the variable NAME holds AKIA************QW2Z"),
        ({"labels": {"by": TOKEN}}, "the label by holds ghp_aB"),
        ({"layers": (Layer(command="", size_bytes=1), Layer(f"|1 T={TOKEN} RUN x", 1))}, "step 2"),
        (
            {"environment": {"PEM": "-----BEGIN RSA PRIVATE KEY-----\\n" + "MIIEow" * 20}},
            "a private key in PEM form",
        ),
        ({"environment": {"T": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"}}, "hf_aBc"),
        ({"environment": {"T": "pypi-AgEIcHlwaS5vcmc" + "aB3_-xYz" * 8}}, "pypi-A"),
        ({"environment": {"T": "xoxb-1234567890-aB3dE5fG7hJ9kL1mN3pQ"}}, "xoxb-1"),
        ({"environment": {"T": "glpat-aB3dE5fG7hJ9kL1mN3pQ"}}, "glpat-"),
    ],
)
def test_a_secret_is_told_by_its_place_and_masked(
    look: Look, holds: dict[str, Any], told: str
) -> None:
    outcome = look(contents.test_no_secrets_in_image, TRAINS, **holds)

    assert isinstance(outcome, Broken)
    assert told in outcome.actual
    assert KEY not in outcome.actual
    assert TOKEN not in outcome.actual


def test_a_secret_that_the_history_repeats_is_told_once(look: Look) -> None:
    outcome = look(
        contents.test_no_secrets_in_image, TRAINS,
        environment={"NAME": KEY}, layers=(Layer(command=f"ENV NAME={KEY}", size_bytes=0),),
    )  # fmt: skip

    assert isinstance(outcome, Broken)
    assert outcome.actual.count("holds") == 1


@pytest.mark.parametrize(
    "value",
    [
        "A035C8C19219BA821ECEA86B64E628F8D684696D",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "x" * 36,
        "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "$GITHUB_TOKEN",
        "sha256:" + "0a1b" * 16,
        "-----BEGIN PUBLIC KEY-----\n" + "MIIBIj" * 20,
        "-----BEGIN CERTIFICATE-----\n" + "MIIBIj" * 20,
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    ],
)
def test_what_only_looks_like_a_secret_is_lawful(look: Look, value: str) -> None:
    steps = (Layer(command=f"ENV X={value}", size_bytes=0),)
    holds = {"environment": {"AWS_SECRET_ACCESS_KEY": value}, "labels": {"token": value}}

    assert look(contents.test_no_secrets_in_image, TRAINS, layers=steps, **holds) is None


@pytest.mark.parametrize(
    ("claim", "label", "value", "advice"),
    [
        ("pipeline", "accept-bind-to-port", "false", False),
        ("pipeline", "multi-models", "true", False),
        ("multi-model", "accept-bind-to-port", "true", False),
        ("multi-model", "multi-models", "True", True),
        ("bidirectional", "multi-models", "true", True),
    ],
)
def test_a_claimed_capability_without_its_label_is_told(
    look: Look, claim: str, label: str, value: str, advice: bool
) -> None:
    outcome = look(
        contents.test_capability_labels, claims("hosting", claim), labels={LABEL + label: value}
    )

    assert isinstance(outcome, Broken)
    assert outcome.only_advice == advice


def test_a_label_without_its_claim_is_no_claim_and_one_with_it_suffices(look: Look) -> None:
    said = claims("hosting", "multi-model")
    labels = {LABEL + "multi-models": "true", LABEL + "accept-bind-to-port": "no"}

    assert look(contents.test_capability_labels, said, labels=labels) is None


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ({}, "no libfabric.so.1 and no libefa.so.1"),
        ({"/opt/amazon/efa/lib/libfabric.so.1": ELF}, "no libefa.so.1 there"),
        ({"/opt/elsewhere/libfabric.so.1": ELF, "/usr/lib64/libefa.so.1": ELF}, "no libfabric"),
    ],
)
def test_missing_efa_libraries_are_advice(
    look: Look, files: Mapping[str, bytes], missing: str
) -> None:
    outcome = look(contents.test_efa_libraries, claims("training", "efa"), files=files)

    assert isinstance(outcome, Broken)
    assert missing in outcome.actual
    assert outcome.only_advice


def test_efa_libraries_are_found_where_the_loader_finds_them(look: Look) -> None:
    files = {"/my/libs/libfabric.so.1": ELF, "/usr/lib/x86_64-linux-gnu/libefa.so.1": ELF}
    environment = {"LD_LIBRARY_PATH": "relative::/my/libs/"}

    assert look(
        contents.test_efa_libraries, claims("training", "efa"),
        files=files, environment=environment,
    ) is None  # fmt: skip


@pytest.mark.parametrize(
    ("holds", "missing"),
    [
        ({"files": {"/usr/bin/python3": ELF}}, "no /bin/bash"),
        ({"files": {"/bin/bash": ELF}}, "no python3 or python on PATH"),
        ({"files": {"/bin/bash": ELF, "/opt/python3": ELF}}, "no python3"),
        (
            {"files": {"/bin/bash": ELF, "/bin/python": ELF}, "modes": {"/bin/bash": 0o644}},
            "no /bin/bash",
        ),
        ({"files": {"/bin/python": ELF}, "links": {"/bin/bash": "/usr/bin/bash"}}, "no /bin/bash"),
    ],
)
def test_a_missing_tool_of_the_model_trainer_is_named(
    look: Look, holds: dict[str, Any], missing: str
) -> None:
    said = claims("training", "model-trainer")

    outcome = look(contents.test_model_trainer_tools, said, **holds)

    assert isinstance(outcome, Broken)
    assert missing in outcome.actual


def test_tools_of_the_model_trainer_may_be_links(look: Look) -> None:
    holds = {
        "files": {"/usr/bin/bash": ELF, "/opt/venv/bin/python": ELF},
        "links": {"/bin/bash": "/usr/bin/bash"},
        "environment": {"PATH": "/opt/venv/bin:/bin"},
    }

    assert (
        look(contents.test_model_trainer_tools, claims("training", "model-trainer"), **holds)
        is None
    )


# -- GPU -------------------------------------------------------------------------------------------

GPU = claims("training", "gpu")


def cache(*paths: str) -> bytes:
    """What ldconfig writes of these libraries, as far as it matters here."""
    return b"glibc-ld.so.cache1.1\x02\0\0\0" + b"".join(f"{path}\0".encode() for path in paths)


@pytest.mark.parametrize(
    "holds",
    [
        {"files": {"/usr/lib/x86_64-linux-gnu/libcuda.so.1": ELF}},
        {"files": {"/usr/lib64/libnvidia-ml.so.1": ELF}},
        {"files": {"/usr/bin/nvidia-smi": ELF}},
        {"files": {"/d/libcuda.so.1": ELF}, "environment": {"LD_LIBRARY_PATH": "/d"}},
        {
            "files": {"/usr/lib64/libcuda.so.535.54": ELF},
            "links": {"/usr/lib64/libcuda.so.1": "/usr/lib64/libcuda.so.535.54"},
        },
        {
            "files": {
                "/opt/driver/libcuda.so.1": ELF,
                "/etc/ld.so.cache": cache("/lib/libz.so.1", "/opt/driver/libcuda.so.1"),
            }
        },
    ],
)
def test_a_library_of_the_driver_is_advice(look: Look, holds: dict[str, Any]) -> None:
    outcome = look(gpu.test_no_gpu_driver, GPU, **holds)

    assert isinstance(outcome, Broken)
    assert outcome.only_advice


@pytest.mark.parametrize(
    "holds",
    [
        {},
        {"files": {"/usr/lib64/libcuda.so.1": b""}},
        {"files": {"/usr/lib64/libcuda.so.1": b"INPUT(-lcuda_stub)"}},
        {"files": {"/usr/lib64/libcuda.so.1/x": ELF}},
        {"files": {"/usr/bin/nvidia-smi": b"#!/bin/sh\n"}},
        {"links": {"/usr/lib64/libcuda.so.1": "/gone"}},
        {
            "files": {"/usr/local/cuda/compat/libcuda.so.1": ELF},
            "environment": {"LD_LIBRARY_PATH": "/usr/local/cuda/compat"},
        },
        {
            "files": {"/usr/local/cuda/lib64/stubs/libcuda.so": ELF},
            "environment": {"LD_LIBRARY_PATH": "/usr/local/cuda/lib64/stubs"},
        },
        {
            "files": {"/usr/local/cuda-12.4/compat/libcuda.so.550": ELF},
            "links": {"/usr/lib64/libcuda.so.1": "/usr/local/cuda-12.4/compat/libcuda.so.550"},
        },
        {"files": {"/opt/other/libcuda.so.1": ELF}},
        {"files": {"/etc/ld.so.cache": cache("/opt/gone/libcuda.so.1")}},
        {
            "files": {
                "/usr/local/cuda/compat/libcuda.so.1": ELF,
                "/etc/ld.so.cache": cache("/usr/local/cuda/compat/libcuda.so.1"),
            }
        },
        {"files": {"/opt/other/libcuda.so.1": ELF, "/etc/ld.so.cache": b"/libcuda.so.1\xff\0" * 9}},
    ],
)
def test_what_does_not_stand_in_the_way_of_the_driver_is_lawful(
    look: Look, holds: dict[str, Any]
) -> None:
    assert look(gpu.test_no_gpu_driver, GPU, **holds) is None


CUDA_IMAGE = {"CUDA_VERSION": "12.4.1"}


@pytest.mark.parametrize(
    ("environment", "outcome"),
    [
        (CUDA_IMAGE, Broken),
        ({**CUDA_IMAGE, "NVIDIA_VISIBLE_DEVICES": "void"}, Broken),
        (
            {**CUDA_IMAGE, "NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "video"},
            Broken,
        ),
        ({**CUDA_IMAGE, "NVIDIA_VISIBLE_DEVICES": "all"}, None),
        (
            {**CUDA_IMAGE, "NVIDIA_VISIBLE_DEVICES": "0", "NVIDIA_DRIVER_CAPABILITIES": "all"},
            None,
        ),
        ({}, NotApplicable),
    ],
)
def test_a_cuda_image_asks_for_the_gpus(
    look: Look, environment: Mapping[str, str], outcome: type[Outcome] | None
) -> None:
    found = look(gpu.test_gpu_environment, GPU, environment=environment)

    assert type(found) is (outcome or type(None))


def test_the_runtime_library_shows_a_cuda_image_and_the_request_may_ask_for_the_gpus(
    look: Look,
) -> None:
    files = {"/usr/local/cuda/lib64/libcudart.so.12": ELF}
    asked = {**GPU, "training": {"environment": {"NVIDIA_VISIBLE_DEVICES": "all"}}}

    assert isinstance(look(gpu.test_gpu_environment, GPU, files=files), Broken)
    assert look(gpu.test_gpu_environment, asked, files=files) is None


OLD = MachineImage(name="old", use="batch", driver=470, cuda=(11, 4))
NEW = MachineImage(name="new", use="hosting", driver=580, cuda=(13, 0))
REQUIRE = "cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=tesla,driver>=535,driver<536"


@pytest.mark.parametrize(
    ("needed", "host", "environment", "compatible", "runs"),
    [
        ((11, 8), OLD, {}, False, True),  # minor-version compatibility
        ((10, 2), OLD, {}, False, True),
        ((12, 0), OLD, {}, False, False),
        ((12, 0), OLD, {}, True, True),  # forward compatibility
        ((12, 9), NEW, {}, False, True),
        ((14, 0), NEW, {}, False, False),
        ((12, 4), OLD, {"NVIDIA_REQUIRE_CUDA": REQUIRE}, True, True),
        ((12, 4), NEW, {"NVIDIA_REQUIRE_CUDA": REQUIRE}, False, True),
        ((11, 8), OLD, {"NVIDIA_REQUIRE_CUDA": "cuda>=11.8"}, True, False),
        (
            (11, 8), OLD,
            {"NVIDIA_REQUIRE_CUDA": "cuda>=11.8", "NVIDIA_DISABLE_REQUIRE": "true"}, False, True,
        ),
        ((11, 4), OLD, {"NVIDIA_REQUIRE_CUDA": "driver>=470.57.02"}, False, True),
        ((11, 4), OLD, {"NVIDIA_REQUIRE_CUDA": "arch>=7.0,brand!=geforce"}, False, True),
        ((11, 4), OLD, {"NVIDIA_REQUIRE_CUDA": " "}, False, True),
        ((11, 4), OLD, {"NVIDIA_REQUIRE_CUDA": "driver<450"}, False, False),
    ],
)  # fmt: skip
def test_a_cuda_version_is_held_against_a_driver(
    needed: tuple[int, int],
    host: MachineImage,
    environment: Mapping[str, str],
    compatible: bool,
    runs: bool,
) -> None:
    why = cuda.hindrance(environment, needed, host, forward_compatible=compatible)

    assert (why is None) == runs, why


@pytest.mark.parametrize(
    ("environment", "version"),
    [
        ({"CUDA_VERSION": "12.4.1"}, (12, 4)),
        ({"CUDA_VERSION": "11.0"}, (11, 0)),
        ({"NVIDIA_REQUIRE_CUDA": REQUIRE}, (12, 4)),
        ({"NVIDIA_REQUIRE_CUDA": "brand=tesla,cuda>=11.8"}, (11, 8)),
        ({"CUDA_VERSION": "latest"}, None),
        ({"CUDA_VERSION": "1" * 5000}, None),
        ({}, None),
    ],
)
def test_the_cuda_version_is_read_from_the_environment(
    environment: Mapping[str, str], version: tuple[int, int] | None
) -> None:
    assert cuda.version(environment) == version


SERVES = claims("hosting", "gpu")


def on(name: str) -> dict[str, Any]:
    return {**SERVES, "resources": {"machine_image": name}}


@pytest.mark.parametrize(
    ("said", "version", "outcome", "words"),
    [
        (SERVES, "12.9.0", None, ""),
        (SERVES, "13.0.0", NotRun, "resources: {machine_image: …}"),
        (SERVES, "14.1.0", Broken, "CUDA 14.1 is a major version newer"),
        (on("al2023-ami-sagemaker-inference-gpu-4-1"), "13.0.0", None, ""),
        (on("al2-ami-sagemaker-inference-gpu-2"), "13.0.0", Broken, "driver 535 (CUDA 12.2)"),
        (on("al2030-ami"), "13.0.0", NotRun, "al2030-ami is not known"),
        (claims("training", "gpu"), "13.0.0", NotApplicable, "not published"),
        (claims("batch", "gpu"), "12.1.0", NotRun, "al2-ami-sagemaker-batch-gpu-470"),
        (SERVES, "", NotRun, "CUDA_VERSION"),
    ],
)
def test_the_driver_of_the_chosen_machine_image_decides(
    look: Look,
    said: Mapping[str, Any],
    version: str,
    outcome: type[Outcome] | None,
    words: str,
) -> None:
    found = look(gpu.test_cuda_fits_driver, said, environment={"CUDA_VERSION": version})

    assert type(found) is (outcome or type(None))
    assert words in str(found)


def test_a_forward_compatibility_package_is_found(look: Look) -> None:
    files = {"/usr/local/cuda-13.0/compat/libcuda.so.1": ELF}
    said = on("al2-ami-sagemaker-inference-gpu-2")

    assert look(gpu.test_cuda_fits_driver, said, files=files,
                environment={"CUDA_VERSION": "13.0.1"}) is None  # fmt: skip


def test_the_drivers_are_the_published_ones() -> None:
    found = {(host.use, host.driver, host.cuda) for host in load_drivers()}

    assert found == {
        ("hosting", 535, (12, 2)), ("hosting", 550, (12, 4)), ("hosting", 580, (13, 0)),
        ("batch", 470, (11, 4)), ("batch", 535, (12, 2)),
    }  # fmt: skip
