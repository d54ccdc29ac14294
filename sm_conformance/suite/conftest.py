"""Fixtures of the suite: what each clause looks at. Acting is done here, asserting in the clauses."""

from __future__ import annotations

from pathlib import Path

import pytest

from sm_conformance.binding import binding_of
from sm_conformance.candidate import Candidate
from sm_conformance.contract.limits import Limits
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.run import Server, TrainRun
from sm_conformance.pytest_run.run import RUN_KEY
from sm_conformance.scans.scan import Scan
from sm_conformance.suite.requests import Told


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without an image there is nothing to judge, whoever collects this folder."""
    return None if RUN_KEY in config.stash else True


@pytest.fixture
def given(request: pytest.FixtureRequest) -> str:
    """The scenario that the clause looks at; a parameter where there are several."""
    binding = binding_of(request.function)
    assert binding is not None and len(binding.given) == 1, "the clause names no one scenario"
    return binding.given[0]


@pytest.fixture
def observed(request: pytest.FixtureRequest, given: str) -> TrainRun | Server | None:
    """What the scenario turned into; None when it could not be launched to any purpose.

    A clause that needs any stage never sees None: the plugin says before what that means for it.
    """
    found = request.config.stash[RUN_KEY].observation(given)
    return found if isinstance(found, TrainRun | Server) else None


@pytest.fixture
def run(observed: TrainRun | Server | None) -> TrainRun | None:
    """The training that the clause's scenario turned into."""
    return observed if isinstance(observed, TrainRun) else None


@pytest.fixture
def server(observed: TrainRun | Server | None) -> Server | None:
    """The server that the clause's scenario turned into."""
    return observed if isinstance(observed, Server) else None


@pytest.fixture
def bench(request: pytest.FixtureRequest) -> Bench:
    """Candidate, engine and limits."""
    return request.config.stash[RUN_KEY].session.lab.bench


@pytest.fixture
def told(request: pytest.FixtureRequest) -> Told:
    """What the static rules say of the clause on the requests to AWS."""
    binding = binding_of(request.function)
    assert binding is not None
    return request.config.stash[RUN_KEY].session.breaches.get(binding.key)


@pytest.fixture
def scans(request: pytest.FixtureRequest) -> tuple[Scan, ...]:
    """What scanners found, as far as the user handed it over."""
    found: tuple[Scan, ...] = request.config.stash[RUN_KEY].session.scans
    return found


@pytest.fixture
def candidate(bench: Bench) -> Candidate:
    """Who is judged."""
    return bench.candidate


@pytest.fixture
def limits(bench: Bench) -> Limits:
    """The platform's numbers."""
    return bench.limits
