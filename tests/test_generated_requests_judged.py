"""Requests that are made up, judged on miniatures: what is kept of them, and what else may be the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from miniatures.declared import REQUESTS, SERVES
from miniatures.found_out import SERVERS, assert_found_out, judge_here
from miniatures.sins import Sin

pytestmark = pytest.mark.usefixtures("hasty")


def test_no_request_is_to_blame_where_memory_ran_out_that_we_bounded(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "starves", declaration=SERVES, limits={"sample_requests": 2})

    assert found.with_verdict("fail", "advice") == {}, found.output
    told = found.findings["HOST-029 survives-mutilated-requests"]
    assert told["verdict"] == "not-run"
    assert "ended with 137, killed for lack of memory" in told["reason"]
    assert "declare `resources: {memory: 8g}`" in told["reason"]
    assert found.report["launches"] == SERVERS - 1, "nobody looked for who is to blame"


def test_a_server_that_ends_after_some_number_of_requests_is_told_that(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "tires", declaration=SERVES, limits={"sample_requests": 2})

    assert found.said == {"HOST-029 survives-mutilated-requests": "advice"}, found.output
    told = found.findings["HOST-029 survives-mutilated-requests"]
    assert "another server was sent good ones alone, and after 1" in told["actual"]
    assert told["actual"].endswith("of them the server ended with 0")
    assert "NaN" not in told["actual"]
    assert "for i in $(seq 1" in told["repeat"]
    assert "No request that was bad is the reason" in told["fix"]
    assert found.report["launches"] == SERVERS - 1 + 2


@pytest.mark.parametrize("image", ["numbers-its-answers", "two-workers"])
def test_answers_that_differ_by_themselves_are_lawful(
    image: str, pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, declaration=SERVES)

    assert found.said.keys() <= {"HOST-014 pipelined-requests", "HOST-012 own-answers"}, (
        found.output
    )
    assert found.with_verdict("advice", "fail") == {}, found.output
    assert found.status == 0


ROWS = {
    "type": "array", "minItems": 1, "maxItems": 9,
    "items": {"type": "array", "minItems": 4, "maxItems": 4,
              "items": {"type": "integer", "minimum": 0, "maximum": 9}},
}  # fmt: skip


def with_schema(**expect: Any) -> dict[str, Any]:
    """A declaration that says which requests of JSON are lawful, and what the replies are."""
    row, json = REQUESTS
    request = {
        **json,
        "body": "[[5, 3, 1, 0]]",
        "schema": ROWS,
        **({"expect": expect} if expect else {}),
    }
    return {**SERVES, "hosting": {**SERVES["hosting"], "requests": [row, request]}}


@pytest.mark.parametrize(
    ("sin", "body"),
    [
        (Sin("takes-one-row", "HOST-010 lawful-requests", "advice",
             says="'[[0, 0, 0, 0], [0, 0, 0, 0]]': 400 Bad Request", declaration=with_schema()),
         [[0, 0, 0, 0], [0, 0, 0, 0]]),
        (Sin("answers-with-text", "HOST-010 lawful-requests", "advice",
             says="$[0]: 'none' is not of type 'integer'",
             declaration=with_schema(schema={"items": {"type": "integer"}})),
         [[0, 0, 0, 0], [0, 0, 0, 0]]),
    ],
    ids=str,
)  # fmt: skip
def test_a_lawful_request_that_is_not_answered_well_is_made_simple_and_kept(
    sin: Sin, body: Any, pytester: pytest.Pytester
) -> None:
    pytest.importorskip("hypothesis_jsonschema")

    found = judge_here(pytester, sin.image, declaration=sin.declaration)

    assert_found_out(sin, found)
    kept = pytester.path / "report/evidence/serve-strange/requests/lawful-requests"
    assert json.loads(kept.read_bytes()) == body
    assert found.findings[sin.breaks]["repeat"].endswith(
        'requests/lawful-requests "http://$at/invocations"'
    )


def test_lawful_requests_that_are_answered_well_keep_the_clause(
    pytester: pytest.Pytester,
) -> None:
    pytest.importorskip("hypothesis_jsonschema")
    said = with_schema(schema={"items": {"const": 0}}, content_type="application/json")

    found = judge_here(pytester, "lawful", declaration=said)

    assert found.findings["HOST-010 lawful-requests"]["verdict"] == "pass"
    assert (found.status, found.said) == (0, {}), found.output


def test_without_examples_no_request_is_made_up(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "breaks-on-nan", "--sm-examples=0", declaration=with_schema())

    assert found.said == {
        "HOST-010 lawful-requests": "not-run", "HOST-025 mutilated-requests": "not-run",
        "HOST-029 survives-mutilated-requests": "not-run",
    }  # fmt: skip
    assert (found.status, found.report["conclusion"]) == (0, "conformant")
