"""What an image must do without: a network, and AWS around it."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.judgement.outcome import NotApplicable, NotRun, demand
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.run import Server, TrainRun


def _works(observed: TrainRun | Server) -> bool:
    return observed.ready if isinstance(observed, Server) else observed.good


@clause("NET-002", "isolated", given=("train-plain", "serve-plain"))
def test_isolated(observed: TrainRun | Server, candidate: Candidate, bench: Bench) -> None:
    """An image that is declared isolated trains and serves without any network, and without stalling on attempts to reach one."""
    if candidate.declaration.network == "needed":
        raise NotApplicable("the declaration says `network: needed`")
    if isinstance(observed, Server) and not bench.engine.facts().isolation_proved:
        raise NotRun("that no packet leaves cannot be proved on this engine", excused=True)
    demand(_works(observed), expected="it works isolated", actual=observed.story())


@clause("NET-003", "no-aws-environment", given=("train-plain", "serve-plain"))
def test_no_aws_environment(observed: TrainRun | Server) -> None:
    """The image does its contract work without AWS variables, without `~/.aws` and without the metadata service."""
    demand(_works(observed), expected="it works without AWS variables", actual=observed.story())
