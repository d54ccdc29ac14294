"""Several callers at once, judged on miniatures: whose answers are compared, and what is lawful."""

from __future__ import annotations

from typing import Any

import pytest
from miniatures.concurrency import SLOW
from miniatures.declared import REQUESTS, SERVES
from miniatures.found_out import judge_here

from sm_conformance.laboratory.steps import load as loading

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize(
    ("image", "limit_s", "verdict", "said"),
    [
        ("thinks", 2, "pass", ""),
        ("thinks", 3, "not-run", " s; to see limits up to 3 s, declare one with takes_s: 2.75"),
        ("thinks", 1.2, "not-run", "did not succeed: "),
        ("fails-at-once", 1, "not-run", "the slow request did not succeed: 504"),
    ],
)
def test_a_slow_request_shows_a_time_limit_only_where_it_was_cut_by_one(
    image: str, limit_s: float, verdict: str, said: str, pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, declaration=SLOW, limits={"invocation_limit_s": limit_s})

    assert found.with_verdict("fail", "advice", "error", "blocked") == {}, found.output
    slow = found.findings["HOST-011 own-timeouts"]
    assert (slow["verdict"], said in (slow["reason"] or "")) == (verdict, True), slow["reason"]


def test_an_answer_that_is_another_than_declared_only_under_load_is_found(
    pytester: pytest.Pytester,
) -> None:
    requests = [{**REQUESTS[0], "expect": {"body": "0"}}, REQUESTS[1]]
    declared = {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}

    found = judge_here(pytester, "adds-callers-up", declaration=declared)
    nobody_said = judge_here(pytester, "adds-callers-up", declaration=SERVES)

    assert found.said == {"HOST-012 own-answers": "fail"}, found.output
    assert "none that is declared" in found.findings["HOST-012 own-answers"]["actual"]
    assert nobody_said.said == {}, nobody_said.output


LOAD = {
    "HOST-004 ping-under-load", "HOST-006 healthy-under-load", "HOST-009 connect-under-load",
    "HOST-012 concurrent", "HOST-012 own-answers",
}  # fmt: skip


@pytest.mark.parametrize("image", ["one-after-another", "differs-in-batches"])
def test_who_serves_one_after_another_or_in_batches_is_lawful(
    image: str, pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.with_verdict("pass").keys() >= LOAD


@pytest.mark.parametrize(
    ("image", "requests", "said"),
    [
        ("numbered", REQUESTS, "answered differently each time"),
        ("lawful", REQUESTS[1:], "declare a further request that is answered differently"),
    ],
)
def test_answers_that_cannot_be_told_apart_are_not_compared(
    image: str, requests: list[Any], said: str, pytester: pytest.Pytester
) -> None:
    declaration = {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}

    found = judge_here(pytester, image, declaration=declaration)

    assert found.status == 0, found.output
    assert found.said.keys() <= {"HOST-012 own-answers", "HOST-014 pipelined-requests"}
    assert found.said["HOST-012 own-answers"] == "not-run"
    assert said in found.findings["HOST-012 own-answers"]["reason"]


def test_one_request_that_has_rows_is_asked_in_two_lengths(pytester: pytest.Pytester) -> None:
    declaration = {**SERVES, "hosting": {**SERVES["hosting"], "requests": REQUESTS[:1]}}

    found = judge_here(pytester, "keeps-the-request-in-a-global", declaration=declaration)

    assert found.said == {"HOST-012 own-answers": "fail"}, found.output
    assert (
        "alone-row that to alone-row-longer"
        in (actual := found.findings["HOST-012 own-answers"]["actual"])
        or "alone-row-longer that to alone-row" in actual
    )


def test_who_mixes_answers_up_also_alone_is_not_told_that_callers_do_it(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "moody", declaration=SERVES)

    assert found.status == 0, found.output
    assert found.said.keys() <= {"HOST-012 own-answers", "HOST-014 pipelined-requests"}
    assert found.said["HOST-012 own-answers"] == "not-run"
    assert "also when nothing else" in found.findings["HOST-012 own-answers"]["reason"]


def test_who_is_too_slow_to_be_asked_alone_often_enough_is_not_blamed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "ask_on", lambda *_, **__: None)

    found = judge_here(pytester, "keeps-the-request-in-a-global", declaration=SERVES)

    assert (found.status, found.said) == (0, {"HOST-012 own-answers": "not-run"}), found.output
    assert "too slow to ask it alone" in found.findings["HOST-012 own-answers"]["reason"]


def test_what_load_showed_is_in_the_report_and_in_one_line(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", declaration=SERVES)

    load = found.report["load"]
    assert (load["callers"], load["failed"], load["swapped"], load["pings_failed"]) == (4, 0, 0, 0)
    assert load["requests"] >= load["callers"]
    assert load["per_second"] == pytest.approx(load["requests"] / load["seconds"], rel=0.01)
    (line,) = [one for one in found.output.splitlines() if one.startswith("load: ")]
    assert line.startswith(f"load: 4 callers, {load['requests']} requests in ")
