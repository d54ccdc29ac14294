"""Tells whether two trainings came to the same model."""

from __future__ import annotations

from sm_conformance.inputs.scenario import load
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.training import train
from sm_conformance.observed.output import fingerprint
from sm_conformance.observed.run import TrainRun

# Larger models are not compared: reading them takes longer than training did.
_MOST_BYTES = 1 << 30


def same_model(bench: Bench, run: TrainRun, ordinary: TrainRun) -> bool | None:
    """Whether ``run`` left the model of the ordinary run; None where that cannot be known.

    Many trainings come to another model every time, or write the time into it. So where two models
    differ, the ordinary one is made once more: only who repeats that exactly has shown anything.
    """
    first = _fingerprint(ordinary)
    if first is None:
        return None
    if _fingerprint(run) == first:
        return True
    scenario = load(ordinary.scenario)
    again = train(bench, scenario, scenario.conditions, name=f"{scenario.name}-once-more")
    assert again is not None, "the ordinary conditions exist for every candidate"
    return False if _fingerprint(again) == first else None


def _fingerprint(run: TrainRun) -> str | None:
    size = sum(entry.size for entry in run.model.files)
    if not run.good or not run.model.whole or size > _MOST_BYTES:
        return None
    return fingerprint(run.evidence / "model.tar")
