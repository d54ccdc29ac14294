"""A server and its health, judged on miniatures: declared responses, and what is said of one that fails."""

from __future__ import annotations

import pytest
from miniatures.declared import SERVES
from miniatures.found_out import judge_here
from miniatures.serving import expecting
from miniatures.sins import HASTE

pytestmark = pytest.mark.usefixtures("hasty")


def test_responses_that_are_as_declared_are_lawful(pytester: pytest.Pytester) -> None:
    declaration = expecting(
        {"content_type": "text/csv", "matches": "^0$"}, {"schema": {"items": {"const": 0}}}
    )

    found = judge_here(pytester, "lawful", declaration=declaration)

    assert found.findings["HOST-010 expected-response"]["verdict"] == "pass"
    assert (found.status, found.said) == (0, {}), found.output


def test_a_declared_request_that_is_refused_has_not_the_declared_response(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "only-csv", declaration=expecting(json={"body": "[0]"}))

    assert found.said == {
        "HOST-010 expected-response": "fail", "HOST-021 content-types": "advice",
    }  # fmt: skip
    assert "request-json: 415" in found.findings["HOST-010 expected-response"]["actual"]


def test_a_server_that_refuses_only_under_load_is_lawful(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "rate-limited", declaration=SERVES, limits={"ping_spacing_s": 0.1})

    assert found.with_verdict("fail", "advice") == {
        "HOST-006 stays-healthy": "advice", "HOST-010 invocation": "advice",
    }, found.output  # fmt: skip


def test_a_server_that_ends_when_it_is_idle_is_found_by_watching_it(
    pytester: pytest.Pytester,
) -> None:
    limits = {"ping_spacing_s": 0.25}

    found = judge_here(
        pytester, "ends-when-idle", "--sm-watch=5", declaration=SERVES, limits=limits
    )
    lawful = judge_here(pytester, "lawful", "--sm-watch=0.5", declaration=SERVES, limits=limits)

    told = found.with_verdict("fail", "advice")
    assert told == {"HOST-006 stays-healthy": "fail"}, found.output
    assert "by itself" in found.findings["HOST-006 stays-healthy"]["actual"]
    assert lawful.said == {}, lawful.output


def test_a_server_that_load_made_ill_is_not_watched_and_not_blamed_for_its_idleness(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "stays-sick", "--sm-watch=1", declaration=SERVES)

    assert found.said == {"HOST-006 healthy-under-load": "advice"}, found.output


def test_a_reply_larger_than_the_platform_hands_on_fails_where_hosting_is_claimed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "floods", declaration=SERVES)

    assert found.said == {"HOST-010 invocation": "fail"}
    assert "larger than is read" in found.findings["HOST-010 invocation"]["actual"]


def test_a_missing_network_excuses_no_client_error(pytester: pytest.Pytester) -> None:
    unsaid = {key: value for key, value in SERVES.items() if key != "network"}
    found = judge_here(pytester, "ping-404", declaration=unsaid, limits=HASTE)

    assert found.said == {"HOST-002 ping": "fail"}


def test_a_server_that_ends_is_not_told_to_add_a_route(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "gives-up", declaration=SERVES, limits=HASTE)

    assert "why the server ended" in found.findings["HOST-002 ping"]["fix"]
    assert "exited with 3" in found.output
    assert "no licence found" in found.output.partition("last log lines:")[2]
