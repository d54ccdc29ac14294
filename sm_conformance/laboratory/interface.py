"""Repeats a training that failed without any interface on an isolated network.

Two things may come of it: it wanted no more than the interface, or it is seen what it tried to reach.
"""

from __future__ import annotations

import math
from dataclasses import replace

from sm_conformance.engine.protocol import Network
from sm_conformance.inputs.scenario import Scenario
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.training import train
from sm_conformance.laboratory.wording import missed_network
from sm_conformance.observed.run import TrainRun

# Of a training that said that it missed the network, and is only looked at once more. Without an
# interface it gave up at once; with one it may dial somebody who never answers.
_LEAST_LOOK_S = 10.0


def with_interface(bench: Bench, scenario: Scenario, run: TrainRun) -> TrainRun:
    """The run on an isolated network, where one without any interface failed for want of it.

    Else the same run, with what its repetition tried to reach. ``resourceconfig.json`` names eth0,
    as on the platform; a program may lawfully look it up.
    """
    if not run.failed or bench.network(Network.NONE, lifted=False) is Network.OPEN:
        return run
    missed = missed_network(run.logs) is not None
    patience_s = max(_LEAST_LOOK_S, 3 * run.seconds) if missed else math.inf

    def once_more(name: str, *, reachable: bool, patience_s: float = math.inf) -> TrainRun | None:
        conditions = replace(scenario.conditions, reachable=reachable)
        name = f"{scenario.name}-{name}"
        return train(bench, scenario, conditions, name=name, patience_s=patience_s)

    other = once_more("with-interface", reachable=True, patience_s=patience_s)
    if other is None:
        return run
    run = replace(run, sought=other.sought)
    if missed or not other.good:
        return run
    bare = once_more("without-interface", reachable=False)
    if bare is None or bare.good:
        return run  # it fails now and then, whatever it is given
    bench.wants_interface.set()
    return other
