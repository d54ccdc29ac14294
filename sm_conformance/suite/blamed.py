"""What follows for a clause when a server had ended or failed after a request that it was sent."""

from __future__ import annotations

from typing import NoReturn

from sm_conformance.judgement.outcome import Broken, NotRun
from sm_conformance.laboratory.steps.generated import FATAL
from sm_conformance.observed.harm import Blame
from sm_conformance.observed.run import Server

_NOT_THEIRS = (
    "No request that was bad is the reason: find in its log why it ended. Keep nothing of a request "
    "once it is answered (memory, files, connections), and let a supervisor renew a worker that is "
    "to live for so many requests."
)


def not_by_our_bounds(server: Server, said: str, *, excused: bool = False) -> None:
    """Raises NotRun, with the lines to declare, where a bound of the harness's own was reached."""
    if server.limits_reached:
        declared = "`, `".join(server.limits_reached)
        raise NotRun(
            f"{said}; a bound of the harness was reached: declare `{declared}`", excused=excused
        )


def blame(server: Server, said: str, *, expected: str, request: str, after: str) -> NoReturn:
    """Raises Broken, with the ``request`` that is to blame where one is, else NotRun.

    ``said`` is what was seen after that request, which with the good one ``after`` it is shown by
    the commands of these names.
    """
    sent, well = server.curls.get(request, ""), server.curls.get(after, "")
    not_by_our_bounds(server, said, excused=True)
    harm = server.harm
    if harm is None or harm.suspect != request.removesuffix(FATAL) or harm.blame is Blame.REQUEST:
        raise Broken(expected=expected, actual=said, repeat=f"{server.curl(request)}\n{well}")
    if harm.blame is Blame.NUMBER:
        raise Broken(
            expected="a server that goes on, however many requests it is sent",
            actual=f"after {harm.asked} requests, of which the last was no more to blame than the "
            f"others: another server was sent good ones alone, and after {harm.times} of them "
            f"{harm.seen}",
            fix=_NOT_THEIRS,
            repeat=server.curl_often("sample", max(harm.times, harm.asked), apart_s=0),
            only_advice=True,
        )
    if harm.blame is Blame.OFTEN:
        raise Broken(
            expected=expected,
            actual=f"{said}; so it was with another server when it was sent that {harm.times} times",
            repeat=f"{server.repeat}\nfor i in $(seq {harm.times}); do {sent}; done\n{well}",
        )
    raise NotRun(
        f"{said}; nothing became of another server that was sent the same, nor of one that was sent "
        f"as many good requests, so this launch tells nothing",
        excused=True,
    )
