"""The conclusion of a run follows from all findings: no green by omission, no red by misfortune."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sm_conformance.contract import clause, profile
from sm_conformance.contract.clause import Clause
from sm_conformance.errors import HarnessTrouble
from sm_conformance.judgement import finding as findings
from sm_conformance.judgement.attributed import attributed
from sm_conformance.judgement.conclusion import (
    Conclusion,
    ExitStatus,
    Judgement,
    conclude,
    exit_status,
)
from sm_conformance.judgement.finding import Finding, Sight, Verdict, judge, worst
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun, demand
from sm_conformance.observed.run import Cause, Stage

CONTRACT = clause.load()
PLATFORM = profile.load("platform")
STRICT = profile.load("strict")
BOTH = frozenset({"training", "hosting"})
SIGHT = Sight(scenario="s", repeat="docker run", evidence="evidence/s", log=("last words",))

PROMISE = CONTRACT.clause("TRAIN-063 exit-zero")
SHOULD_PROMISE = CONTRACT.clause("TRAIN-070 model")
MUST = CONTRACT.clause("HOST-001 listens")
MUST_LOSES = CONTRACT.clause("TRAIN-060 stops-in-time")
SHOULD = CONTRACT.clause("HOST-022 response-type")

BROKEN = Broken(expected="this", actual="that")


def all_pass() -> dict[str, Finding]:
    return {one.key: judge(one, PLATFORM, None, SIGHT) for one in CONTRACT.asserted}


def concluded(
    *changed: Finding,
    without: tuple[Clause, ...] = (),
    claims: frozenset[str] = BOTH,
    rules: profile.Profile = PLATFORM,
    changed_limits: bool = False,
) -> Judgement:
    """The judgement where all passes but for what was ``changed`` or left out."""
    found = all_pass() | {one.key: one for one in changed}
    for left in without:
        del found[left.key]
    return conclude(
        CONTRACT, rules, claims, found.values(), missing="left out", changed_limits=changed_limits
    )


def found(one: Clause, outcome: Exception | None, rules: profile.Profile = PLATFORM) -> Finding:
    return judge(one, rules, outcome, SIGHT)  # type: ignore[arg-type]


# -- one finding -----------------------------------------------------------------------------------


def test_a_clause_that_says_nothing_is_kept() -> None:
    passed = found(MUST, None)

    assert (passed.verdict, passed.reason, passed.log) == ("pass", None, ())
    assert (passed.scenario, passed.evidence) == ("s", "evidence/s")


@pytest.mark.parametrize(
    ("one", "platform", "strict"),
    [
        (PROMISE, "fail", "fail"),
        (SHOULD_PROMISE, "fail", "fail"),
        (MUST, "fail", "fail"),
        (MUST_LOSES, "advice", "fail"),
        (SHOULD, "advice", "advice"),
    ],
    ids=lambda value: value.key if isinstance(value, Clause) else value,
)
def test_a_broken_clause_weighs_by_promise_level_and_consequence(
    one: Clause, platform: str, strict: str
) -> None:
    assert found(one, BROKEN).verdict == platform
    assert found(one, BROKEN, STRICT).verdict == strict


def test_a_broken_clause_that_broke_a_promise_weighs_as_much() -> None:
    caused = Broken(expected="this", actual="that", caused_promise=True)

    assert found(SHOULD, caused).verdict == "fail"


def test_what_is_only_worth_telling_never_fails() -> None:
    told = Broken(expected="this", actual="that", caused_promise=True, only_advice=True)

    assert found(PROMISE, told, STRICT).verdict == "advice"


def test_a_broken_clause_carries_what_a_card_needs() -> None:
    broken = found(MUST, BROKEN)

    assert (broken.expected, broken.actual, broken.fix) == ("this", "that", MUST.fix)
    assert (broken.repeat, broken.log, broken.reason) == ("docker run", ("last words",), None)
    own = found(MUST, Broken(expected="a", actual="b", fix="so", repeat="curl"))
    assert (own.fix, own.repeat) == ("so", "curl")


def test_other_outcomes_keep_their_reasons() -> None:
    blocked = found(MUST, Blocked("IMG-001 train-starts"))
    excused = found(MUST, NotRun("no direct way", excused=True))
    not_applicable = found(MUST, NotApplicable("declared so"))

    assert (blocked.verdict, blocked.reason) == ("blocked", "blocked by IMG-001 train-starts")
    assert (excused.verdict, excused.reason, excused.excused) == ("not-run", "no direct way", True)
    assert (not_applicable.verdict, not_applicable.reason) == ("n/a", "declared so")


def test_a_demand_that_is_met_says_nothing() -> None:
    demand(True, expected="a", actual="b")
    with pytest.raises(Broken, match="expected: a\n  actual: b"):
        demand(False, expected="a", actual="b")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_finding_survives_the_way_between_processes(verdict: Verdict) -> None:
    one = replace(found(MUST, BROKEN), verdict=verdict.value)

    assert Finding.from_dict(one.as_dict()) == one
    assert isinstance(one.as_dict()["log"], list)


def test_several_items_fold_into_the_worst() -> None:
    order = [
        found(MUST, BROKEN), findings.error(MUST, "disk full"), found(MUST, Blocked("x")),
        found(MUST, NotRun("x")), found(SHOULD, BROKEN), found(MUST, None),
        found(MUST, NotApplicable("x")),
    ]  # fmt: skip

    for at, worse in enumerate(order):
        for better in order[at:]:
            assert worst(worse, better) is worse or worse.verdict == better.verdict
            assert worst(better, worse).verdict == worse.verdict


# -- the whole run ---------------------------------------------------------------------------------


def test_all_passed_is_conformant() -> None:
    judgement = concluded()

    assert (judgement.conclusion, judgement.doubts) == (Conclusion.CONFORMANT, ())
    assert judgement.count(Verdict.PASS) == len(CONTRACT.asserted)
    assert [one.key for one in judgement.findings] == [one.key for one in CONTRACT.asserted]


def test_one_failure_is_nonconformant_whatever_else_there_is() -> None:
    judgement = concluded(
        found(MUST, BROKEN), findings.error(PROMISE, "disk full"), changed_limits=True
    )

    assert judgement.conclusion is Conclusion.NONCONFORMANT


def test_advice_is_not_in_the_way() -> None:
    judgement = concluded(found(SHOULD, BROKEN), found(MUST_LOSES, BROKEN))

    assert judgement.conclusion is Conclusion.CONFORMANT
    assert judgement.count(Verdict.ADVICE) == 2


@pytest.mark.parametrize(
    "one",
    [
        findings.error(MUST, "disk full"),
        found(MUST, Blocked("HOST-002 ping")),
        found(MUST, NotRun("may need the network")),
    ],
    ids=lambda one: str(one.verdict),
)
def test_what_could_fail_and_was_not_judged_is_a_doubt(one: Finding) -> None:
    judgement = concluded(one)

    assert judgement.conclusion is Conclusion.INCONCLUSIVE
    (doubt,) = judgement.doubts
    assert doubt == f"{MUST.key} is {one.verdict}: {one.reason}"


def test_trouble_of_the_harness_is_a_doubt_whatever_clause_it_met() -> None:
    one = findings.error(SHOULD, "disk full")

    judgement = concluded(one)

    assert judgement.conclusion is Conclusion.INCONCLUSIVE
    assert judgement.doubts == (f"{SHOULD.key} is error: disk full",)


@pytest.mark.parametrize(
    "one",
    [
        found(SHOULD, Blocked("x")),
        found(SHOULD, NotRun("x")),
        found(MUST_LOSES, NotRun("x")),
        found(MUST, NotRun("x", excused=True)),
        found(MUST, NotApplicable("x")),
    ],
    ids=lambda one: f"{one.key}-{one.verdict}",
)
def test_what_could_not_fail_or_is_excused_is_none(one: Finding) -> None:
    assert concluded(one).conclusion is Conclusion.CONFORMANT


def test_under_another_profile_other_clauses_could_have_failed() -> None:
    one = found(MUST_LOSES, NotRun("x"), STRICT)

    assert concluded(one, rules=STRICT).conclusion is Conclusion.INCONCLUSIVE


def test_a_clause_that_was_left_out_is_not_run_and_says_so() -> None:
    judgement = concluded(without=(MUST, SHOULD))

    assert judgement.conclusion is Conclusion.INCONCLUSIVE
    left = {one.key: one.reason for one in judgement.findings if one.verdict == Verdict.NOT_RUN}
    assert left == {MUST.key: "left out", SHOULD.key: "left out"}


def test_what_the_image_does_not_claim_does_not_apply() -> None:
    hosting = tuple(one for one in CONTRACT.asserted if not one.applies(frozenset({"training"})))

    judgement = concluded(without=hosting, claims=frozenset({"training"}))

    assert judgement.conclusion is Conclusion.CONFORMANT
    ping = next(one for one in judgement.findings if one.key == "HOST-002 ping")
    assert (ping.verdict, ping.reason) == ("n/a", "the image does not claim hosting")


def test_nothing_judged_is_not_green() -> None:
    nothing = conclude(CONTRACT, PLATFORM, BOTH, (), missing="left out", changed_limits=False)
    away = {one.key: found(one, NotApplicable("x")) for one in CONTRACT.asserted}
    not_applicable = conclude(
        CONTRACT, PLATFORM, BOTH, away.values(), missing="left out", changed_limits=False
    )

    assert nothing.conclusion is Conclusion.INCONCLUSIVE
    assert not_applicable.conclusion is Conclusion.INCONCLUSIVE
    assert not_applicable.doubts == ("no clause that can fail was judged",)


def test_only_advisory_clauses_passed_is_not_green() -> None:
    away = {
        one.key: found(one, NotApplicable("x") if PLATFORM.can_fail(one) else None)
        for one in CONTRACT.asserted
    }

    judgement = conclude(
        CONTRACT, PLATFORM, BOTH, away.values(), missing="left out", changed_limits=False
    )

    assert judgement.conclusion is Conclusion.INCONCLUSIVE


def test_changed_limits_are_never_conformant() -> None:
    judgement = concluded(changed_limits=True)

    assert judgement.conclusion is Conclusion.INCONCLUSIVE
    assert judgement.doubts == (
        "limits were changed with --sm-limits; such a run is never conformant",
    )


def test_a_waived_clause_is_no_doubt_and_a_waived_promise_is() -> None:
    waived = replace(found(MUST, BROKEN), verdict=Verdict.WAIVED.value)
    promise = replace(found(PROMISE, BROKEN), verdict=Verdict.WAIVED.value)

    assert concluded(waived).conclusion is Conclusion.CONFORMANT
    assert concluded(promise).conclusion is Conclusion.INCONCLUSIVE


@pytest.mark.parametrize("claim", ["gpu", "serverless", "efa", "model-trainer", "multi-model"])
def test_a_claim_of_which_only_facts_of_the_image_are_judged_is_a_doubt(claim: str) -> None:
    judgement = concluded(claims=BOTH | {claim})

    assert judgement.conclusion is Conclusion.INCONCLUSIVE
    assert judgement.doubts == (
        f"the claim {claim!r} is not judged by this edition: judge without it to see the rest",
    )


def test_several_findings_of_one_clause_fold_into_the_worst() -> None:
    pair = [*all_pass().values(), found(MUST, BROKEN), found(MUST, None)]

    judgement = conclude(CONTRACT, PLATFORM, BOTH, pair, missing="", changed_limits=False)

    assert judgement.conclusion is Conclusion.NONCONFORMANT
    assert judgement.count(Verdict.FAIL) == 1


def test_only_conformant_is_zero() -> None:
    statuses = {one: int(exit_status(one)) for one in Conclusion}

    assert statuses == {
        Conclusion.CONFORMANT: 0, Conclusion.NONCONFORMANT: 1, Conclusion.INCONCLUSIVE: 3,
    }  # fmt: skip
    assert (int(ExitStatus.INTERRUPTED), int(ExitStatus.UNUSABLE)) == (2, 4)


# -- what a cause means for a clause ---------------------------------------------------------------


def cause(blames: str | None, missed: Stage = Stage.GOOD) -> Cause:
    return Cause(missed=missed, blames=blames, expected="this", actual="that")


def test_without_a_cause_the_clause_looks_for_itself() -> None:
    assert attributed(CONTRACT, PROMISE.key, Stage.GOOD, None) is None


def test_the_clause_to_blame_is_broken_with_the_weight_of_the_promise() -> None:
    outcome = attributed(CONTRACT, "TRAIN-010 strings", Stage.GOOD, cause("TRAIN-010 strings"))

    assert isinstance(outcome, Broken)
    assert (outcome.actual, outcome.caused_promise) == ("that", True)


def test_clauses_that_need_what_was_missed_are_blocked_and_others_are_not() -> None:
    why = cause("TRAIN-010 strings", Stage.GOOD)

    blocked = attributed(CONTRACT, PROMISE.key, Stage.GOOD, why)
    later = attributed(CONTRACT, PROMISE.key, Stage.ANSWERED, why)

    assert isinstance(blocked, Blocked)
    assert blocked.by == "TRAIN-010 strings"
    assert isinstance(later, Blocked)
    assert attributed(CONTRACT, "IMG-023 logs", Stage.STARTED, why) is None


def test_where_nobody_is_to_blame_the_clause_is_not_run() -> None:
    outcome = attributed(CONTRACT, PROMISE.key, Stage.GOOD, cause(None))

    assert isinstance(outcome, NotRun)
    assert (outcome.reason, outcome.excused) == ("that", False)


def test_a_cause_that_names_no_clause_is_a_bug_and_shows_at_once() -> None:
    with pytest.raises(KeyError):
        attributed(CONTRACT, PROMISE.key, Stage.GOOD, cause("TRAIN-999 nothing"))


def test_trouble_is_no_outcome() -> None:
    with pytest.raises(TypeError):
        found(MUST, HarnessTrouble("disk full"))
