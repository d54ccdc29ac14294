"""Waivers: a reason and a day, or an error; never a promise; never unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from sm_conformance.contract import clause, profile
from sm_conformance.declaration.values import Waiver
from sm_conformance.judgement import finding as findings
from sm_conformance.judgement import waivers
from sm_conformance.judgement.conclusion import Conclusion, Judgement, conclude
from sm_conformance.judgement.finding import Finding, Sight, Verdict
from sm_conformance.judgement.outcome import Broken

CONTRACT = clause.load()
PLATFORM = profile.load("platform")
STRICT = profile.load("strict")
TODAY = date(2026, 11, 21)
LATER = TODAY + timedelta(days=90)
TRAINS = frozenset({"training"})
STOPS = "TRAIN-060 stops-in-time"
PROMISE = "TRAIN-064 failure-file"


def waiver(key: str = STOPS, expires: date = LATER) -> Waiver:
    return Waiver(clause=key, reason="the library is being replaced", expires=expires)


def finding(key: str, verdict: str) -> Finding:
    kept = findings.judge(CONTRACT.clause(key), STRICT, None, Sight())
    return replace(kept, verdict=verdict, reason=None if verdict == "pass" else "so it is")


def judged(*given: Waiver, **verdicts: str) -> Judgement:
    """All clauses of training pass but for ``verdicts`` (by name), as the waivers let them count."""
    found = []
    for one in CONTRACT.asserted:
        if one.applies(TRAINS):
            name = one.name.replace("-", "_")
            found.append(waivers.waived(finding(one.key, verdicts.get(name, "pass")), given))
    return conclude(
        CONTRACT, STRICT, TRAINS, found, missing="", changed_limits=False, waivers=given
    )


@pytest.mark.parametrize("verdict", ["fail", "advice", "blocked", "not-run"])
def test_a_waived_clause_no_longer_stands_in_the_way(verdict: str) -> None:
    found = judged(waiver(), stops_in_time=verdict)

    assert (found.conclusion, found.doubts) == (Conclusion.CONFORMANT, ())
    (waived,) = [one for one in found.findings if one.verdict == "waived"]
    assert waived.key == STOPS
    assert waived.reason is not None
    for said in ("2027-02-19", "the library is being replaced", f"it is {verdict}", "so it is"):
        assert said in waived.reason


def test_without_the_waiver_the_same_clause_fails() -> None:
    assert judged(stops_in_time="fail").conclusion is Conclusion.NONCONFORMANT


def test_a_waiver_excuses_its_own_clause_alone() -> None:
    found = judged(waiver(), stops_in_time="fail", exit_nonzero="fail")

    assert found.conclusion is Conclusion.NONCONFORMANT


def test_a_promise_that_is_waived_is_never_conformant() -> None:
    found = judged(waiver(PROMISE), failure_file="fail")

    assert found.conclusion is Conclusion.INCONCLUSIVE
    assert any(PROMISE in doubt for doubt in found.doubts)


def test_trouble_of_the_harness_cannot_be_waived() -> None:
    found = judged(waiver(), stops_in_time="error")

    assert found.conclusion is Conclusion.INCONCLUSIVE
    assert found.count(Verdict.WAIVED) == 0


@pytest.mark.parametrize("verdict", ["pass", "n/a"])
def test_a_waiver_that_excuses_nothing_is_told(verdict: str) -> None:
    found = judged(waiver(), stops_in_time=verdict)

    assert found.conclusion is Conclusion.INCONCLUSIVE
    assert found.doubts == (f"the waiver of {STOPS} excuses nothing ({verdict}): remove it",)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([waiver("TRAIN-060 stops-in-tim")], f"did you mean '{STOPS}'"),
        ([waiver("nonsense")], "`sm-conformance clauses` lists all"),
        ([waiver("HOST-003 ping-paths")], "no clause that is judged"),
        ([waiver(), waiver()], "is waived twice"),
        ([waiver(expires=TODAY - timedelta(days=1))], "expired on 2026-11-20"),
    ],
)
def test_a_waiver_that_cannot_be_used_is_an_error(given: list[Waiver], said: str) -> None:
    ((_, _, told),) = waivers.problems(given, CONTRACT, today=TODAY)
    assert said in told


def test_a_waiver_counts_on_its_last_day() -> None:
    assert list(waivers.problems([waiver(expires=TODAY)], CONTRACT, today=TODAY)) == []


def test_a_cause_that_broke_a_promise_can_be_waived_like_any_clause() -> None:
    broken = Broken(expected="it works", actual="it does not", caused_promise=True)
    failed = findings.judge(CONTRACT.clause("TRAIN-087 no-sm-variables"), PLATFORM, broken, Sight())

    assert failed.verdict == "fail"
    assert waivers.waived(failed, [waiver("TRAIN-087 no-sm-variables")]).verdict == "waived"
