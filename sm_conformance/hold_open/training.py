"""``train``: runs one ordinary training and hands over what it left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from sm_conformance.engine.protocol import Engine
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.hold_open.desk import Desk
from sm_conformance.hold_open.opening import How, attended, opened, told
from sm_conformance.hold_open.unpacking import unpack
from sm_conformance.inputs.scenario import PLAIN_TRAINING
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.laboratory import training, training_cause
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.interface import with_interface
from sm_conformance.laboratory.trained import model_archive
from sm_conformance.observed.artefacts import size_text
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import TrainRun
from sm_conformance.rules import Options

_FOLDERS = ("model", "output")
_ARCHIVE = "model.tar.gz"
_MOST_OF_A_FAILURE = 500


def train(
    options: Options, out: Path, *, engine: Callable[[], Engine], hold_off: Callable[[], None]
) -> How:
    """Trains once; ``out`` is given model/, output/ and model.tar.gz, none of which may be there.

    Raises UsageProblem for an ``out`` that cannot be used, KeyboardInterrupt, and what ``opened``
    raises.
    """
    _usable(out)
    desk = Desk("train")
    try:
        with opened(options, "training", desk=desk, engine=engine, hold_off=hold_off) as session:
            run = attended(session.lab.submit(ordinary), desk)
            desk.say(run.story())
            for line in _handed_over(run, out, session.lab.bench):
                desk.say(line)
            if run.cause is not None:
                desk.say(told(session, run.cause))
                return How.UNKNOWN if run.cause.blames is None else How.BADLY
            for line in run.limits_reached:
                desk.say(f"it left more than is taken over; declare {line}")
            return How.UNKNOWN if run.limits_reached else How.WELL
    finally:
        desk.show(last=True)


def ordinary(bench: Bench) -> TrainRun:
    """One ordinary training; as in a judgement, it is given an interface if it failed for want of one.

    Where it did not go well its cause is named, without further launches in search of it.
    """
    # Nothing is lifted: who wants the cause named has the suite.
    scenario = replace(load_scenario(PLAIN_TRAINING), steps=(), lifts=())
    candidate = bench.candidate
    may_serve = candidate.one_image and not candidate.claims_are_declared
    run = training.train(bench, scenario, scenario.conditions, may_serve=may_serve)
    assert run is not None, "the ordinary conditions exist for every candidate"
    run = with_interface(bench, scenario, run)
    return replace(run, cause=training_cause.of_training(bench, scenario, run))


def _handed_over(run: TrainRun, out: Path, bench: Bench) -> Iterator[str]:
    """Puts what the training left into ``out``, all of it or nothing; says what was put there."""
    if run.problem is not None:
        return
    limit_bytes = bench.bounds().output_bytes
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in _FOLDERS:
            found = unpack(run.evidence / f"{name}.tar", out / name, limit_bytes=limit_bytes)
            files = "1 file" if found.files == 1 else f"{found.files} files"
            yield f"{out / name}: {files}, {size_text(found.size)}"
            yield from (f"left out: {line}" for line in found.left_out)
            if found.more:
                yield f"left out: {found.more} more"
        model = model_archive(run)
        if model is not None:
            shutil.copyfile(model, out / _ARCHIVE)
            yield f"{out / _ARCHIVE}: the model as the platform hands it on"
    except BaseException as error:
        for name in _FOLDERS:
            shutil.rmtree(out / name, ignore_errors=True)
        (out / _ARCHIVE).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise HarnessTrouble(f"{out} cannot be written: {error.strerror}") from error
        raise
    if run.failure:
        text = run.failure[: 4 * _MOST_OF_A_FAILURE].decode("utf-8", "replace")
        yield f"its failure file says: {printable(text.strip()[:_MOST_OF_A_FAILURE])}"


def _usable(out: Path) -> None:
    """Refuses before anything is launched what could not be written after it."""
    if out.exists() and not out.is_dir():
        raise UsageProblem(f"--out {out}: it is no folder")
    for name in (*_FOLDERS, _ARCHIVE):
        if os.path.lexists(out / name):
            raise UsageProblem(f"--out {out}: {name} is there already; name another folder")
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UsageProblem(f"--out {out}: {there} cannot be written")
