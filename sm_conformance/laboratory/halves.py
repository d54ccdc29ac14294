"""What a half that does not work means when nobody said that the image does it.

Most published images do only one half. Without declared claims, a half that fails is then not run
rather than broken, as long as the other half starts; when neither starts, that is a failure.
"""

from __future__ import annotations

from dataclasses import replace

from sm_conformance.inputs.scenario import PLAIN_SERVER, PLAIN_TRAINING
from sm_conformance.laboratory.lab import Lab
from sm_conformance.observed.run import Cause, Server, Stage, TrainRun

_ADVICE = "declare `claims`, or fix this"


def excuse(lab: Lab, given: str, cause: Cause) -> Cause:
    """The cause as it counts without declared claims."""
    if cause.blames == "IMG-016 architecture":
        return cause
    if cause.blames is None and cause.missed is not Stage.STARTED:
        return replace(cause, actual=f"{cause.actual}; {_ADVICE}")
    if not _starts(lab.observe(PLAIN_TRAINING)) and not _starts(lab.observe(PLAIN_SERVER)):
        return cause
    half = "train" if given.startswith("train") else "serve"
    return replace(
        cause,
        blames=None,
        actual=f"no claims are declared and `{half}` does not work ({cause.actual}): {_ADVICE}",
    )


def _starts(observed: TrainRun | Server | Cause) -> bool:
    if isinstance(observed, Cause):
        return False
    return observed.cause is None or observed.cause.missed > Stage.STARTED
