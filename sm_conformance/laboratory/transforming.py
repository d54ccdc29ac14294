"""Names the cause when a server in a batch transform job does not come as far as the ordinary one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sm_conformance.declaration.values import SampleRequest
from sm_conformance.inputs.scenario import Conditions, Scenario
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.lifting import slug
from sm_conformance.laboratory.server_cause import comes_so_far
from sm_conformance.laboratory.wording import bound_reached, lifted, missed_network, nobody
from sm_conformance.observed.run import Cause, Ending, Server, Stage

_DECLARE = (
    "what is to be transformed was guessed from the sample request, which may be for the declared "
    "model: say `hosting: {transform: …}`"
)


def cause(
    bench: Bench,
    scenario: Scenario,
    server: Server,
    *,
    model: Path | None,
    first: SampleRequest | None,
) -> Cause | None:
    """Why it did not become ready or answer the good request; None where it did.

    ``model`` is what it was handed, which is the one of its own training where there is one;
    ``first`` is the first request of the declared job, which stands for the sample request.
    """
    sample = server.replies.get("sample")
    if server.ready and (sample is None or sample.ok):
        return None
    missed, story = Stage.STARTED, f"in a batch transform job, {server.story()}"
    if sample is not None:
        missed = Stage.ANSWERED
        story = f"in a batch transform job, the first request: {sample.describe()}"
    if server.limits_reached:
        return bound_reached(missed, story, server.limits_reached)
    assert server.ordinary is not None, "it is held against the ordinary one"
    line = missed_network(server.logs)
    if line is not None and missed_network(server.ordinary.logs) is None:
        return _broken(
            missed,
            "MKT-015 isolated",
            "it transforms without a network",
            f"{story}; its log says: {line}",
        )

    def works(conditions: Conditions, handed: Path | None, name: str) -> bool:
        return comes_so_far(
            bench, scenario, server, conditions, missed, model=handed, name=name, first=first
        )

    if server.ending is Ending.PATIENCE:
        # One that was given its whole window is not given another one for each condition.
        return nobody(missed, story)
    if works(scenario.conditions, model, "again"):
        return nobody(missed, f"{story}; repeated unchanged it worked: judge again")
    for lift in scenario.lifts:
        if lift.conditions.open_network and not bench.allow_network:
            continue
        if works(lift.conditions, model, slug(lift)):
            found = lifted(missed, lift, story, server.sought, unstable=False)
            return replace(found, ordinary=False)
    if server.other_model and works(scenario.conditions, bench.given_model, "given"):
        if missed is Stage.ANSWERED and first is None:
            return nobody(missed, f"{story}; {_DECLARE}")
        assert bench.given_model is not None
        return _broken(
            missed,
            "MKT-026 round-trip",
            "it works with the model that its own training leaves",
            f"{story}; with the declared model {bench.given_model.name} it works",
        )
    if missed is Stage.ANSWERED and first is not None:
        return _broken(
            missed, "MKT-012 validation", "2xx to each request of the declared job", story
        )
    return nobody(missed, story)


def _broken(missed: Stage, blames: str, expected: str, actual: str) -> Cause:
    return Cause(missed=missed, blames=blames, expected=expected, actual=actual, ordinary=False)
