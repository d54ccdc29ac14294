"""What an observation says of a clause before the clause itself looks at it."""

from __future__ import annotations

from sm_conformance.contract.clause import Contract
from sm_conformance.judgement.outcome import Blocked, Broken, NotRun, Outcome
from sm_conformance.observed.run import Cause, Stage


def attributed(contract: Contract, key: str, needs: Stage, cause: Cause | None) -> Outcome | None:
    """What follows for the clause ``key``, which needs a stage, from why a launch went wrong.

    The clause to blame is broken, with the weight of the promise that it broke; those that need
    what was not reached are blocked by it, or not run when nobody is to blame.
    """
    if cause is None:
        return None
    if cause.blames == key:
        return Broken(
            expected=cause.expected,
            actual=cause.actual,
            fix=cause.fix,
            repeat=cause.repeat,
            caused_promise=cause.ordinary,
        )
    if needs < cause.missed:
        return None
    if cause.blames is None:
        return NotRun(cause.actual)
    contract.clause(
        cause.blames
    )  # a cause that names no clause is a bug: fail here, not in a report
    return Blocked(cause.blames)
