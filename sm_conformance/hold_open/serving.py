"""``serve``: starts a server as the suite does and keeps it until the user has had enough."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from sm_conformance.engine.protocol import Engine
from sm_conformance.hold_open.desk import Desk
from sm_conformance.hold_open.invitation import invitation
from sm_conformance.hold_open.opening import How, attended, opened, told
from sm_conformance.hold_open.training import ordinary
from sm_conformance.inputs.scenario import PLAIN_SERVER
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.laboratory import server_cause, servers, serving
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.observed.run import Cause, Server, TrainRun
from sm_conformance.rules import Options
from sm_conformance.session import Session

_LOOK_S = 0.05


def serve(options: Options, *, engine: Callable[[], Engine], hold_off: Callable[[], None]) -> How:
    """Holds a server open until Ctrl-C, which is well, or until it ends by itself.

    Raises KeyboardInterrupt when it was not ready yet, and what ``opened`` raises.
    """
    desk = Desk("serve")
    ready = threading.Event()
    try:
        with opened(options, "hosting", desk=desk, engine=engine, hold_off=hold_off) as session:
            held = session.lab.submit(lambda bench: _held(bench, desk, ready))
            how = _end(session, attended(held, desk), desk)
    except KeyboardInterrupt:
        if not ready.is_set():
            raise
        desk.say("ended; its container, volumes and network are removed")
        how = How.WELL
    finally:
        desk.show(last=True)
    return how


def _held(bench: Bench, desk: Desk, ready: threading.Event) -> Server | Cause:
    """The server when it is over, or why none was started."""

    def trained(name: str) -> TrainRun:
        desk.say(f"no model is named, so one is trained first ({name})")
        return ordinary(bench)

    model = servers.model_to_serve(bench, trained)
    if isinstance(model, Cause):
        return model
    archive, guessed = model

    def hold(talk: Conversation) -> None:
        ready.set()
        desk.say(invitation(talk))
        while not talk.container.pause(_LOOK_S):
            bench.check()

    # Nothing is lifted: who wants the cause named has the suite.
    scenario = replace(load_scenario(PLAIN_SERVER), steps=(), lifts=())
    given = f"the model {archive.name}" if archive else "no model"
    window_s = serving.startup_window_s(bench)
    desk.say(f"started with {given}; /ping has {window_s:.0f} s to answer 200")
    server = serving.serve(
        bench, scenario, scenario.conditions, model=archive, guessed=guessed, further=hold
    )
    return replace(server, cause=server_cause.of_server(bench, scenario, server, model=archive))


def _end(session: Session, outcome: Server | Cause, desk: Desk) -> How:
    cause = outcome if isinstance(outcome, Cause) else outcome.cause
    if isinstance(outcome, Server) and outcome.ready:
        found = outcome.exit
        killed = ", killed for lack of memory" if found and found.memory_killed else ""
        code = f"with exit code {found.code}" if found else "and the engine does not say how"
        desk.say(f"it ended by itself after {outcome.seconds:.1f} s, {code}{killed}")
        return How.BADLY
    assert cause is not None, "a server that is not ready has a cause"
    started = isinstance(outcome, Server)
    desk.say("it did not become ready" if started else "no server was started, for want of a model")
    desk.say(told(session, cause))
    return How.UNKNOWN if cause.blames is None else How.BADLY
