"""Opens what a run judges with, and clears everything away whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import replace
from enum import IntEnum
from typing import TypeVar

from sm_conformance.engine.protocol import Engine
from sm_conformance.errors import UsageProblem
from sm_conformance.hold_open.desk import Desk
from sm_conformance.judgement import finding as findings
from sm_conformance.judgement.card import card
from sm_conformance.judgement.finding import Sight
from sm_conformance.judgement.outcome import Broken
from sm_conformance.laboratory.lab import Lab
from sm_conformance.observed.run import Cause
from sm_conformance.rules import Options, read_rules
from sm_conformance.run_folder import RunFolder
from sm_conformance.session import Session, open_session

Result = TypeVar("Result")

_LOOK_S = 0.05
_DECLARED = {
    "option": "the one that was named",
    "file": "sm-conformance.yaml in the current folder",
    "image": "the one that the image carries",
    "aws": "made of the requests to AWS",
    "default": "none; what it needs is guessed",
}


class How(IntEnum):
    """How a launch went, as an exit status."""

    WELL = 0
    BADLY = 1
    UNKNOWN = 3  # nobody can be blamed: guessed input, a bound of ours, the network


@contextmanager
def opened(
    options: Options,
    half: str,
    *,
    desk: Desk,
    engine: Callable[[], Engine],
    hold_off: Callable[[], None],
) -> Iterator[Session]:
    """A session whose launches the desk follows; ``half`` is "training" or "hosting".

    ``hold_off`` is called before anything is cleared away: from then on nobody shall break that off.
    Raises UsageProblem for what the user can mend and HarnessTrouble when the engine fails.
    """
    if not (options.image or "").strip():
        raise UsageProblem("name an image")
    rules = read_rules(options)
    folder = RunFolder(None)
    try:
        there = engine()
        try:
            session = open_session(options, rules, there, folder=folder.path)
            claims = session.candidate.claims
            if half not in claims:
                raise UsageProblem(
                    f"the declaration claims {', '.join(sorted(claims))}, not {half}"
                )
        except BaseException:
            hold_off()
            there.close()
            raise
        desk.hide(session.mask)
        session = replace(session, lab=Lab(replace(session.lab.bench, made=desk.follow)))
        try:
            for note in session.rules.notes:
                desk.say(f"note: {note}")
            desk.say(f"declaration: {_DECLARED[session.rules.declaration.origin]}")
            yield session
        finally:
            hold_off()
            session.close()
    finally:
        folder.leave(keep=False)


def attended(future: Future[Result], desk: Desk) -> Result:
    """What came of the work; the desk shows meanwhile what goes on, and Ctrl-C is heard."""
    while not future.done():
        desk.show()
        wait([future], timeout=_LOOK_S)
    desk.show(last=True)
    return future.result()


def told(session: Session, cause: Cause) -> str:
    """Why a launch did not go well, as the card of the clause that it breaks, or in a line."""
    if cause.blames is None:
        return cause.actual
    rules = session.rules
    outcome = Broken(
        expected=cause.expected,
        actual=cause.actual,
        fix=cause.fix,
        caused_promise=cause.ordinary,
    )
    found = findings.judge(rules.contract.clause(cause.blames), rules.profile, outcome, Sight())
    return card(found)
