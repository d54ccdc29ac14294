"""What was pushed goes into the report: which manifest it is, and what IMG-017 says of it, before and after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sm_conformance.contract import clause
from sm_conformance.contract.clause import Clause
from sm_conformance.contract.profile import Profile
from sm_conformance.declaration.values import Waiver
from sm_conformance.judgement.conclusion import Conclusion, exit_status
from sm_conformance.judgement.finding import Finding, Sight, Verdict, judge
from sm_conformance.judgement.manifest import demand_form
from sm_conformance.judgement.outcome import Broken
from sm_conformance.judgement.waivers import waived
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import Manifest

_NUMBER = "IMG-017"


def with_pushed(
    report: Mapping[str, Any], by: Profile, target: Repository, found: Manifest
) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The report with the manifest that was pushed, and the findings on that manifest by a profile.

    It is nonconformant from now on if one of these fails.
    """
    contract = clause.load()
    waivers = [
        Waiver(one["clause"], one["reason"], date.fromisoformat(one["expires"]))
        for one in report["waivers"]
    ]
    findings = [Finding.from_dict(one) for one in report["findings"]]
    again = {
        one.key: waived(_judged(contract.clause(one.key), by, target, found), waivers)
        for one in findings
        if one.clause == _NUMBER and one.verdict != Verdict.NOT_APPLICABLE
    }
    failed = any(one.verdict == Verdict.FAIL for one in again.values())
    conclusion = Conclusion.NONCONFORMANT if failed else Conclusion(report["conclusion"])
    return {
        **report,
        "findings": [again.get(one.key, one).as_dict() for one in findings],
        "conclusion": conclusion.value,
        "exit_status": int(exit_status(conclusion)),
        "pushed": {
            "reference": target.reference,
            "digest": found.digest,
            "media_type": found.media_type,
            "size": len(found.raw),
        },
    }, tuple(again.values())


def barred(report: Mapping[str, Any], by: Profile) -> Finding | None:
    """What was told of the form in which this engine pushes the image, and fails once it is pushed."""
    contract = clause.load()
    told = (Finding.from_dict(one) for one in report["findings"] if one["clause"] == _NUMBER)
    return next(
        (
            one
            for one in told
            if one.verdict == Verdict.ADVICE and by.can_fail(contract.clause(one.key))
        ),
        None,
    )


def _judged(one: Clause, by: Profile, target: Repository, found: Manifest) -> Finding:
    broken = None
    try:
        demand_form(found.form, target.reference)
    except Broken as outcome:
        broken = outcome
    return judge(one, by, broken, Sight())
