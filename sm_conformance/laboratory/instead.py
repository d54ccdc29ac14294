"""Notices a server that was started where a training was asked for."""

from __future__ import annotations

import time
from dataclasses import replace

from sm_conformance.engine.protocol import Container
from sm_conformance.inputs.requests import PLATFORM_HEADERS
from sm_conformance.inputs.scenario import Scenario
from sm_conformance.inputs.training import build
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.launching import launch_of
from sm_conformance.laboratory.watch import IdleWatch
from sm_conformance.observed.http import exchange

_PORT = 8080
_ASKED_S = 10.0
_POLL_S = 0.05
_QUIET_S = 10.0
_LONGEST_S = 60.0


class ServerInstead:
    """Asks once whether what listens on port 8080 of a training answers pings, and waits a while.

    A training may lawfully show a dashboard while it works. What answers is taken for a server that
    was started instead when it falls quiet, or goes on for longer than a small training takes.
    A training has no network of its own to be asked on, so a second one is, on an isolated network.
    Engines that do not show sockets (see ``Container.listeners``) show nothing here.
    """

    def __init__(self, bench: Bench, scenario: Scenario, container: Container) -> None:
        self._bench = bench
        self._scenario = scenario
        self._container = container
        self._asked = False
        self._said: str | None = None
        self._since = 0.0
        self._quiet: IdleWatch | None = None

    def answer(self) -> str | None:
        """What answered, in words; None where nothing did. Cheap when asked often."""
        if not self._asked and self._listens():
            self._asked = True
            self._said = answer_to_ping(self._bench, self._scenario)
            self._since = time.monotonic()
            self._quiet = IdleWatch(self._container, idle_s=_QUIET_S)
        if self._said is None or self._quiet is None:
            return None
        too_long = time.monotonic() - self._since > _LONGEST_S
        return self._said if too_long or self._quiet.idle() else None

    def _listens(self) -> bool:
        return any(
            listener.port == _PORT and not listener.loopback
            for listener in self._container.listeners()
        )


def answer_to_ping(bench: Bench, scenario: Scenario) -> str | None:
    """What answers ``GET /ping`` of a container started with ``train``; None when nothing does."""
    conditions = replace(scenario.conditions, reachable=True)
    inputs = build(bench.candidate.declaration, conditions)
    assert inputs is not None, "only a fault can be missing, and there is none here"
    launch = launch_of(bench, inputs, conditions, name=f"{scenario.name}-asked")
    with bench.container(launch) as container, bench.quiet.busy():
        if container.start() is not None or container.address is None:
            return None
        deadline = container.started_at + min(_ASKED_S, bench.limits.idle_s)
        while time.monotonic() < deadline and not container.pause(_POLL_S):
            bench.check()
            reply = exchange(
                container.address,
                method="GET",
                path="/ping",
                headers=PLATFORM_HEADERS,
                body=None,
                limit_s=bench.limits.ping_limit_s,
            )
            if reply.status is not None:
                return reply.describe()
    return None
