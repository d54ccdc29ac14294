"""Launches one training job and observes it to its end."""

from __future__ import annotations

import math
import time
from pathlib import Path

from sm_conformance.engine.protocol import Container, Launch
from sm_conformance.inputs.scenario import Conditions, Scenario
from sm_conformance.inputs.training import TrainingInputs, build
from sm_conformance.laboratory import evidence, repeating
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.bounds import reached
from sm_conformance.laboratory.instead import ServerInstead
from sm_conformance.laboratory.launching import OPEN_FOLDERS, launch_of
from sm_conformance.laboratory.stopping import commands, not_stopped, stop, wait_until_going
from sm_conformance.laboratory.watch import watch
from sm_conformance.laboratory.written import what_was_written
from sm_conformance.observed.facts import Exit
from sm_conformance.observed.output import NOTHING, OutputTree, read_file, read_tree
from sm_conformance.observed.refusal import told_late
from sm_conformance.observed.run import Ending, Stop, TrainRun

_FAILURE_BYTES = 1024 * 1024


def train(
    bench: Bench,
    scenario: Scenario,
    conditions: Conditions,
    *,
    name: str | None = None,
    may_serve: bool = False,
    patience_s: float = math.inf,
    hurry_s: float = math.inf,
    stop_after_s: float = 0.0,
) -> TrainRun | None:
    """One training under ``conditions``; None where they do not exist for this candidate.

    ``patience_s`` bounds the wait for its end where less than the ordinary patience is wanted; after
    ``hurry_s`` seconds it is over as soon as it is seen to be still working. Where the scenario
    stops it, it is stopped no sooner than ``stop_after_s`` seconds after its start.
    With ``may_serve`` it ends as soon as a server is found to have been started in its place.
    """
    inputs = build(bench.candidate.declaration, conditions)
    if inputs is None:
        return None
    launch = launch_of(bench, inputs, conditions, name=name or scenario.name)
    folder = bench.folder(launch.name)
    evidence.write_inputs(folder, inputs.files, open_folders=OPEN_FOLDERS)
    with bench.container(launch) as container, bench.quiet.busy():
        instead = ServerInstead(bench, scenario, container) if may_serve else None
        return _observe(
            bench,
            scenario,
            launch,
            inputs,
            container,
            folder,
            conditions.fault,
            instead,
            hurry_s,
            patience_s,
            stop_after_s,
        )


def _observe(
    bench: Bench,
    scenario: Scenario,
    launch: Launch,
    inputs: TrainingInputs,
    container: Container,
    folder: Path,
    fault: str | None,
    instead: ServerInstead | None,
    hurry_s: float,
    patience_s: float,
    stop_after_s: float,
) -> TrainRun:
    problem = container.start()
    stopped: Stop | None = None
    answer: str | None = None
    processes: tuple[str, ...] = ()
    ending, found = Ending.NEVER_STARTED, None
    if problem is None:
        if "stop" in scenario.steps:
            stopped = _stop(bench, container, not_before_s=stop_after_s)
            ending, found = Ending.STOPPED, stopped.exit
        else:
            ending, found, answer = _wait(
                bench, container, instead, patience_s=patience_s, hurry_s=hurry_s
            )
        if found is None:
            processes = commands(container)
    sought = container.sought()
    seconds = time.monotonic() - container.started_at
    model, output = NOTHING, NOTHING
    if found is None and problem is None:
        container.signal("SIGKILL")
        container.wait(10.0)
    if problem is None:
        model = _collect(bench, container, folder, "model")
        output = _collect(bench, container, folder, "output")
    added = "written" in scenario.steps and problem is None
    written = what_was_written(bench, container, folder) if added else None
    logs = evidence.write_logs(folder, container)
    evidence.write_sought(folder, sought)
    if problem is None and (problem := told_late(found, logs)) is not None:
        ending = Ending.NEVER_STARTED
    return TrainRun(
        scenario=scenario.name,
        ending=ending,
        exit=found,
        problem=problem,
        seconds=seconds,
        logs=logs,
        model=model,
        output=output,
        failure=read_file(folder / "output.tar", "failure", _FAILURE_BYTES)
        if not problem
        else None,
        guessed=inputs.guessed,
        fault=fault,
        stop=stopped,
        limits_reached=reached(bench.candidate.declaration.resources, found, logs, model, output),
        repeat=_repeat(bench, launch, stopped),
        evidence=folder,
        processes=processes,
        answer=answer,
        sought=sought,
        written=written,
    )


def _wait(
    bench: Bench,
    container: Container,
    instead: ServerInstead | None,
    *,
    patience_s: float,
    hurry_s: float,
) -> tuple[Ending, Exit | None, str | None]:
    declaration = bench.candidate.declaration
    idle_s = (declaration.training.idle_s if declaration.training else None) or bench.limits.idle_s
    longest_s = declaration.resources.time_s or bench.limits.training_patience_s
    return watch(
        bench,
        container,
        idle_s=idle_s,
        patience_s=min(longest_s, patience_s),
        hurry_s=hurry_s,
        answer=instead.answer if instead else None,
    )


def _stop(bench: Bench, container: Container, *, not_before_s: float) -> Stop:
    limit_s = bench.limits.training_stop_limit_s
    patience_s = bench.limits.progress_patience_s
    why_not = wait_until_going(container, patience_s=patience_s, not_before_s=not_before_s)
    if why_not is not None:
        return not_stopped(why_not, limit_s=limit_s)
    return stop(bench, container, limit_s=limit_s)


def _repeat(bench: Bench, launch: Launch, stopped: Stop | None) -> str:
    if stopped is None:
        return repeating.repeat_training(launch, name=launch.name)
    return repeating.repeat_stopped_training(
        launch,
        name=launch.name,
        after_s=stopped.after_s,
        limit_s=bench.limits.training_stop_limit_s,
    )


def _collect(bench: Bench, container: Container, folder: Path, part: str) -> OutputTree:
    archive = folder / f"{part}.tar"
    whole = container.save(f"/opt/ml/{part}", archive, bench.bounds().output_bytes)
    return read_tree(archive, whole=whole)
