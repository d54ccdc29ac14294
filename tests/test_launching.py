"""What a declaration says of a launch is how it is launched, and how its command repeats it."""

from __future__ import annotations

import json
import shlex
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from miniatures.candidates import MINIATURES
from miniatures.declared import BOTH, SERVES, TRAINING, TRAINS
from miniatures.engine import MiniatureEngine
from miniatures.inside import Inside

from sm_conformance.candidate import Candidate
from sm_conformance.contract import limits
from sm_conformance.declaration.loading import load
from sm_conformance.engine.protocol import Bounds, Launch
from sm_conformance.inputs.scenario import Conditions
from sm_conformance.inputs.training import build
from sm_conformance.judgement.outcome import Broken, NotApplicable
from sm_conformance.laboratory import repeating
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.lab import Lab
from sm_conformance.laboratory.launching import as_started, launch_of
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.observed.facts import StartProblem
from sm_conformance.observed.run import Cause, Server, Stage, TrainRun
from sm_conformance.suite.test_image import test_train_starts as judge_start
from sm_conformance.suite.test_training_ends import test_exit_nonzero as judge_exit

MakeBench = Callable[..., Bench]
HASTE = {"sample_requests": 2, "connect_tries": 2, "idle_s": 0.3, "startup_limit_s": 0.4}


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[MakeBench]:
    """A bench with a miniature and a declaration, which may name files of the test's folder."""
    engines: list[MiniatureEngine] = []

    def make(said: dict[str, Any], image: str = "lawful") -> Bench:
        file = tmp_path / "declaration.yaml"
        file.write_text(yaml.safe_dump(said), "utf-8")
        engine = MiniatureEngine()
        engines.append(engine)
        facts = engine.image(image)
        return Bench(
            engine=engine,
            candidate=Candidate(
                training=facts, hosting=facts, declaration=load(file, origin="option")
            ),
            limits=replace(limits.load(), **HASTE),  # type: ignore[arg-type]
            direct=True,
            evidence=tmp_path / "evidence",
            quiet=Quiet(tmp_path / ".lock"),
        )

    yield make
    assert [engine.left for engine in engines] == [0] * len(engines)


def training(**said: Any) -> dict[str, Any]:
    return {**TRAINS, "training": {**TRAINING, **said}}


def launched(bench: Bench, **conditions: Any) -> Launch:
    how = Conditions(**conditions)
    inputs = build(bench.candidate.declaration, how)
    assert inputs is not None
    return launch_of(bench, inputs, how, name="train-plain")


def words(launch: Launch) -> list[str]:
    """The words of the printed command."""
    return shlex.split(repeating.repeat_training(launch, name=launch.name))


def observed(bench: Bench, scenario: str) -> TrainRun | Server | Cause:
    lab = Lab(bench)
    try:
        return lab.observe(scenario)
    finally:
        lab.close()
        lab.join()


# Bounds ----------------------------------------------------------------------------------------


def test_declared_resources_bound_the_launch(make_bench: MakeBench) -> None:
    bench = make_bench({"resources": {"cpus": 0.5, "shm": "1g", "gpus": 1, "memory": "1g"}})

    bounds = launched(bench).bounds

    assert (bounds.cpus, bounds.shm_bytes, bounds.gpus) == (0.5, 1 << 30, 1)
    assert bounds.memory_bytes == 1 << 30


def test_resources_that_are_not_declared_are_the_engines(make_bench: MakeBench) -> None:
    bounds = launched(make_bench({})).bounds

    assert (bounds.cpus, bounds.shm_bytes, bounds.gpus) == (None, None, None)


def test_more_processors_than_there_are_are_all_of_them(make_bench: MakeBench) -> None:
    assert launched(make_bench({"resources": {"cpus": 64}})).bounds.cpus == 2


def test_a_server_is_bounded_in_the_same_way(make_bench: MakeBench) -> None:
    bench = make_bench({**SERVES, "resources": {"cpus": 1, "shm": "2m", "gpus": "all"}})

    server = observed(bench, "serve-plain")

    assert isinstance(server, Server)
    assert isinstance(bench.engine, MiniatureEngine)
    bounds = bench.engine.launches[0].bounds
    assert (bounds.cpus, bounds.shm_bytes, bounds.gpus) == (1.0, 2 << 20, -1)
    assert "--cpus 1 --shm-size 2097152 --gpus all" in server.repeat


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ({}, []),
        ({"cpus": 1.5}, ["--cpus", "1.5"]),
        ({"shm_bytes": 1 << 30}, ["--shm-size", "1073741824"]),
        ({"gpus": -1}, ["--gpus", "all"]),
        ({"gpus": 2}, ["--gpus", "2"]),
    ],
)
def test_the_printed_command_has_the_declared_bounds(
    make_bench: MakeBench, bounds: dict[str, Any], said: list[str]
) -> None:
    launch = launched(make_bench({}))
    plain = Bounds(memory_bytes=1, pids=2, log_bytes=3, output_bytes=4)

    told = words(replace(launch, bounds=replace(plain, **bounds)))

    at = told.index("--pids-limit") + 2
    assert told[at : at + len(said)] == said
    named = [word for word in told if word in ("--cpus", "--shm-size", "--gpus")]
    assert named == said[:1]


def test_a_gpu_that_the_engine_cannot_give_is_nobodys_fault(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = StartProblem(text="could not select device driver", kind="no-gpu")
    monkeypatch.setitem(MINIATURES, "lawful", replace(MINIATURES["lawful"], problem=problem))

    for said, scenario in ((TRAINS, "train-plain"), (SERVES, "serve-plain")):
        seen = observed(make_bench({**said, "resources": {"gpus": 1}}), scenario)

        assert not isinstance(seen, Cause)
        assert seen.cause is not None
        assert (seen.cause.blames, seen.cause.missed) == (None, Stage.STARTED)
        assert "judge it on a machine with one" in seen.cause.actual


# ENTRYPOINT and arguments (IMG-007) -------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "entrypoint", "arguments"),
    [
        ({}, (), ("train",)),
        ({"entrypoint": ["/bin/sh", "-c"]}, ("/bin/sh", "-c"), ()),
        ({"arguments": ["fit", 5]}, (), ("fit", "5")),
        ({"entrypoint": ["/x"], "arguments": ["a b"]}, ("/x",), ("a b",)),
    ],
)
def test_an_image_is_told_what_the_request_says_or_the_word_train(
    make_bench: MakeBench,
    said: dict[str, Any],
    entrypoint: tuple[str, ...],
    arguments: tuple[str, ...],
) -> None:
    launch = launched(make_bench(training(**said)))

    assert (launch.entrypoint, launch.arguments) == (entrypoint, arguments)


def test_the_printed_command_replaces_the_entrypoint_in_the_same_way(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(training(entrypoint=["/bin/sh", "-c"], arguments=["echo $HOME", "x"]))

    told = words(launched(bench))

    assert told[-6:] == ["--entrypoint", "/bin/sh", "lawful", "-c", "echo $HOME", "x"]


def test_what_the_word_train_should_do_is_not_judged_where_it_is_not_said(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(training(entrypoint=["/x"], arguments=["train"]))
    run = observed(bench, "train-plain")

    assert isinstance(run, TrainRun)
    with pytest.raises(NotApplicable, match="replaces the ENTRYPOINT"):
        judge_start(run, bench.candidate)
    judge_start(run, make_bench(TRAINS).candidate)


def test_a_server_is_always_told_serve(make_bench: MakeBench) -> None:
    started = {"entrypoint": ["/x"], "arguments": ["train"]}
    bench = make_bench({**BOTH, "training": {**TRAINING, **started}})

    assert isinstance(observed(bench, "serve-plain"), Server)

    assert isinstance(bench.engine, MiniatureEngine)
    server = next(one for one in bench.engine.launches if one.name == "serve-plain")
    assert (server.entrypoint, server.arguments) == ((), ("serve",))
    assert as_started(bench, "hosting") == (bench.candidate.hosting, "serve")


@pytest.mark.parametrize("kind", ["not-found", "not-executable", "other"])
def test_a_declared_entrypoint_that_cannot_be_executed_is_named(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    problem = StartProblem(text="no", kind=kind)
    monkeypatch.setitem(MINIATURES, "lawful", replace(MINIATURES["lawful"], problem=problem))

    run = observed(make_bench(training(entrypoint=["/opt/nothing"])), "train-plain")

    assert isinstance(run, TrainRun)
    assert run.cause is not None
    assert run.cause.blames == "IMG-003 on-path"
    assert "/opt/nothing" in run.cause.expected


def test_where_the_word_is_replaced_its_place_is_not_lifted(make_bench: MakeBench) -> None:
    lifted = {}
    for said in ({}, {"entrypoint": ["/x"], "arguments": ["train"]}):
        bench = make_bench(training(**said), image="needs-its-command")
        run = observed(bench, "train-plain")
        assert isinstance(run, TrainRun)
        assert isinstance(bench.engine, MiniatureEngine)
        lifted[bool(said)] = [one.name for one in bench.engine.launches]

    assert "train-plain-train-starts" in lifted[False]
    assert "train-plain-train-starts" not in lifted[True]


# A fault out of a declared range ---------------------------------------------------------------


def ranged(**said: Any) -> dict[str, Any]:
    """A training whose owner names a range and no fault."""
    kept = {key: value for key, value in TRAINING.items() if key != "fault"}
    rounds = {"value": "2", "type": "integer", "min": "1", **said}
    return {**TRAINS, "training": {**kept, "hyperparameters": {"rounds": rounds}}}


def test_a_value_out_of_its_range_is_tried_before_nonsense_and_is_only_advice(
    make_bench: MakeBench,
) -> None:
    bench = make_bench(ranged(), image="exit-0-on-fault")

    run = observed(bench, "train-failing")

    assert isinstance(run, TrainRun)
    assert isinstance(bench.engine, MiniatureEngine)
    tried = [one.name.removeprefix("train-failing-") for one in bench.engine.launches[1:]]
    assert tried[-2:] == ["out-of-range", "bad-hyperparameter"]
    assert not run.failed
    with pytest.raises(Broken) as raised:
        judge_exit(run)
    assert raised.value.only_advice


def test_a_training_that_takes_offence_at_its_range_fails_by_that(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def picky(inside: Inside) -> int:
        said = (inside.root / "input" / "config" / "hyperparameters.json").read_text()
        return 0 if json.loads(said)["rounds"] == "2" else 1

    monkeypatch.setitem(MINIATURES, "lawful", replace(MINIATURES["lawful"], train=picky))

    run = observed(make_bench(ranged(max="9")), "train-failing")

    assert isinstance(run, TrainRun)
    assert (run.fault, run.failed) == ("out-of-range", True)
    judge_exit(run)


# A user's program -------------------------------------------------------------------------------


@pytest.fixture
def program(tmp_path: Path) -> dict[str, Any]:
    """A folder with a program, as a declaration names it."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").write_bytes(b"print()")
    return {"path": "src", "entry_point": "main.py"}


def test_a_program_gets_a_folder_of_its_own_in_launch_and_command(
    make_bench: MakeBench, program: dict[str, Any]
) -> None:
    bench = make_bench(training(code=program))

    launch = launched(bench)
    run = observed(bench, "train-plain")

    assert "/opt/ml/code" in [place.path for place in launch.places]
    assert any(word.endswith(":/opt/ml/code") for word in words(launch))
    assert isinstance(run, TrainRun)
    kept = run.evidence / "opt" / "ml" / "code" / "main.py"
    assert kept.read_bytes() == b"print()"
    assert kept.stat().st_mode & 0o777 == 0o755


def test_without_a_program_there_is_no_such_folder(make_bench: MakeBench) -> None:
    launch = launched(make_bench({}))

    assert "/opt/ml/code" not in [place.path for place in launch.places]
    assert not any("code" in word for word in words(launch))


def test_who_is_not_root_may_write_beside_the_program(
    make_bench: MakeBench, program: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MINIATURES, "lawful", replace(MINIATURES["lawful"], user="nobody"))
    bench = make_bench(training(code=program))

    launch = launched(bench)

    assert launch.inputs is not None
    run = observed(bench, "train-plain")
    assert isinstance(run, TrainRun)
    assert (run.evidence / "opt" / "ml" / "code").stat().st_mode & 0o777 == 0o777


def test_a_served_program_lies_in_the_model_and_the_server_is_told(
    make_bench: MakeBench, program: dict[str, Any]
) -> None:
    bench = make_bench({**SERVES, "hosting": {**SERVES["hosting"], "code": program}})

    server = observed(bench, "serve-plain")

    assert isinstance(server, Server)
    assert isinstance(bench.engine, MiniatureEngine)
    launch = bench.engine.launches[0]
    assert launch.environment["SAGEMAKER_PROGRAM"] == "main.py"
    assert launch.environment["SAGEMAKER_SUBMIT_DIRECTORY"] == "/opt/ml/model/code"
    (place,) = launch.places
    assert place.archive is not None
    with tarfile.open(place.archive) as archive:
        assert archive.getnames() == ["code", "code/main.py"]
    assert 'tar -xzf "$PWD"/evidence/serve-plain/model.tar.gz' in server.repeat


def test_the_owners_environment_has_the_last_word(
    make_bench: MakeBench, program: dict[str, Any]
) -> None:
    environment = {"SAGEMAKER_PROGRAM": "other.py"}
    hosting = {**SERVES["hosting"], "code": program, "environment": environment}
    bench = make_bench({**SERVES, "hosting": hosting})

    observed(bench, "serve-plain")

    assert isinstance(bench.engine, MiniatureEngine)
    assert bench.engine.launches[0].environment["SAGEMAKER_PROGRAM"] == "other.py"
