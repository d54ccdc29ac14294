"""Waivers: what an owner lets pass, with a reason and until a day; never silently."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from sm_conformance.contract.clause import Contract
from sm_conformance.declaration.values import Waiver
from sm_conformance.judgement.finding import Finding, Verdict

_WAIVABLE = (Verdict.FAIL, Verdict.ADVICE, Verdict.BLOCKED, Verdict.NOT_RUN)
_NOT_NEEDED = (Verdict.PASS, Verdict.NOT_APPLICABLE)


def problems(
    waivers: Sequence[Waiver], contract: Contract, *, today: date
) -> Iterator[tuple[int, str, str]]:
    """What is wrong with each waiver: its place in the list, the key at fault, the text.

    One that names no judged clause, a clause for the second time, or a day that is over.
    """
    known = [clause.key for clause in contract.asserted]
    seen: set[str] = set()
    for at, waiver in enumerate(waivers):
        if waiver.clause not in known:
            near = difflib.get_close_matches(waiver.clause, known, n=1)
            hint = (
                f"; did you mean {near[0]!r}?" if near else "; `sm-conformance clauses` lists all"
            )
            yield at, "clause", f"{waiver.clause!r} is no clause that is judged{hint}"
        elif waiver.clause in seen:
            yield at, "clause", f"{waiver.clause!r} is waived twice"
        seen.add(waiver.clause)
        if waiver.expires < today:
            yield (
                at,
                "expires",
                (
                    f"the waiver of {waiver.clause!r} expired on {waiver.expires}: repair what it "
                    "excused, or renew it"
                ),
            )


def waived(finding: Finding, waivers: Iterable[Waiver]) -> Finding:
    """The finding as it counts: what is not kept and is waived no longer fails."""
    waiver = next((one for one in waivers if one.clause == finding.key), None)
    if waiver is None or Verdict(finding.verdict) not in _WAIVABLE:
        return finding
    seen = finding.actual or finding.reason or ""
    reason = f"waived until {waiver.expires}: {waiver.reason} (it is {finding.verdict}: {seen})"
    return replace(finding, verdict=Verdict.WAIVED.value, reason=reason)


def not_needed(waivers: Iterable[Waiver], findings: Iterable[Finding]) -> tuple[str, ...]:
    """What is to be said of waivers that excuse nothing; those of clauses not reached are left alone."""
    verdicts = {finding.key: Verdict(finding.verdict) for finding in findings}
    return tuple(
        f"the waiver of {one.clause} excuses nothing ({verdicts[one.clause].value}): remove it"
        for one in waivers
        if verdicts.get(one.clause) in _NOT_NEEDED
    )
