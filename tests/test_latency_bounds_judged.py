"""The owner's bounds of latency, judged on miniatures: with a rate and without one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from miniatures.declared import SERVES
from miniatures.found_out import assert_nobody_blamed, judge_here
from miniatures.latency_bounds import at_rate

from sm_conformance.laboratory.steps import latency
from sm_conformance.observed.latency import summarise
from sm_conformance.observed.paced import Paced, paced

pytestmark = pytest.mark.usefixtures("hasty")


def test_what_is_quick_alone_is_within_a_bound_that_is_declared_without_a_rate(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester, "one-at-a-time", declaration={**SERVES, "latency": {"invocation_p99_ms": 200}},
        limits={"sample_requests": 20},
    )  # fmt: skip

    assert found.findings["HOST-010 invocation-bound"]["verdict"] == "pass", found.output
    assert found.report["latency"]["/invocations"]["at_rate"] is None


def test_refusals_of_what_comes_too_fast_break_no_bound_that_is_declared_without_a_rate(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester, "rate-limited", declaration={**SERVES, "latency": {"invocation_p99_ms": 500}},
        limits={"ping_spacing_s": 0.1},
    )  # fmt: skip

    assert found.with_verdict("fail") == {}, found.output
    told = found.findings["HOST-010 invocation-bound"]
    assert (told["verdict"], "declare a rate that is served" in told["reason"]) == ("not-run", True)


def test_a_lawful_one_keeps_its_bounds_at_a_rate(pytester: pytest.Pytester) -> None:
    declaration = at_rate(40, ping_p99_ms=5000, invocation_p99_ms=5000)

    found = judge_here(pytester, "lawful", declaration=declaration)

    assert (found.status, found.said) == (0, {}), found.output
    for route in ("/ping", "/invocations"):
        at_forty = found.report["latency"][route]["at_rate"]
        assert (at_forty["rate_per_s"], at_forty["count"], at_forty["failures"]) == (40, 40, 0)
        assert at_forty["floor"]["count"] == 4
        assert f"latency {route} at 40 a second: 40 requests" in found.output


def test_a_breach_that_the_harness_may_have_made_itself_is_nobodys_fault(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*given: Any, **how: Any) -> Paced:
        found = paced(*given, **how)
        return replace(found, late=summarise([150.0] * found.late.count, failures=0, seconds=1))

    monkeypatch.setattr(latency, "paced", late)

    found = judge_here(
        pytester, "one-at-a-time", declaration=at_rate(40, invocation_p99_ms=20),
        limits={"sample_requests": 20},
    )  # fmt: skip

    assert_nobody_blamed(
        found, "HOST-010 invocation-bound", "the harness itself was late", "150.0 ms"
    )
