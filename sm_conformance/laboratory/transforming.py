"""Names the cause when a server that is rehearsed for a listing does not come as far as the ordinary one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sm_conformance.inputs.scenario import Conditions, Scenario
from sm_conformance.laboratory.attribution import comes_so_far, slug
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.wording import bound_reached, lifted, missed_network, nobody
from sm_conformance.observed.run import Cause, Ending, Server, Stage


def cause(
    bench: Bench, scenario: Scenario, server: Server, ordinary: Server, *, model: Path | None
) -> Cause | None:
    """Why it did not become ready or answer the sample request; None where it did.

    ``model`` is what it was handed, which is the one of its own training where there is one.
    """
    sample = server.replies.get("sample")
    if server.ready and (sample is None or sample.ok):
        return None
    missed, story = Stage.STARTED, f"as in a batch transform job, {server.story()}"
    if sample is not None:
        missed = Stage.ANSWERED
        story = f"as in a batch transform job, the sample request: {sample.describe()}"
    if server.limits_reached:
        return bound_reached(missed, story, server.limits_reached)
    line = missed_network(server.logs)
    if line is not None and missed_network(ordinary.logs) is None:
        return Cause(
            missed=missed,
            blames="MKT-015 isolated",
            expected="it transforms without a network",
            actual=f"{story}; its log says: {line}",
            ordinary=False,
        )

    def works(conditions: Conditions, handed: Path | None, name: str) -> bool:
        return comes_so_far(bench, scenario, server, conditions, missed, model=handed, name=name)

    def again() -> bool:
        return works(scenario.conditions, model, "again")

    # One that was given its whole window is not given another one for each condition.
    patient = server.ending is not Ending.PATIENCE
    for lift in scenario.lifts if patient else ():
        if lift.conditions.open_network and not bench.allow_network:
            continue
        if works(lift.conditions, model, slug(lift)):
            found = lifted(missed, lift, story, server.sought, unstable=again())
            return replace(found, ordinary=False)
    given = bench.given_model
    if (
        patient
        and given is not None
        and given != model
        and works(scenario.conditions, given, "given")
    ):
        if again():
            return nobody(missed, f"{story}; repeated unchanged it worked: judge again")
        return Cause(
            missed=missed,
            blames="MKT-026 round-trip",
            expected="it works with the model that its own training leaves",
            actual=f"{story}; with the declared model {given.name} it works",
            ordinary=False,
        )
    return nobody(missed, story)
