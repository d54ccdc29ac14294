"""Load as a value: what counts against a server, and what a busy machine or a short queue explains."""

from __future__ import annotations

from dataclasses import replace

import jsonschema
import pytest

from sm_conformance import specs
from sm_conformance.declaration.values import SampleRequest
from sm_conformance.inputs.requests import with_last_row_again
from sm_conformance.laboratory.steps import load
from sm_conformance.observed.http import Reply
from sm_conformance.observed.load import (
    Call,
    Load,
    Round,
    alike_but_for_digits,
    call_of,
    judged_ping_s,
)

CALL = Call(
    request="row", status=200, ok=True, problem=None, connect_s=0.001, elapsed_s=0.02, said="200 OK",
    got="row",
)  # fmt: skip
PING = replace(CALL, request="ping", got="")
BROKEN = replace(CALL, status=500, ok=False)
CUT = replace(CALL, status=None, ok=False, problem="closed")
SILENT = replace(CALL, status=None, ok=False, problem="timeout", elapsed_s=10.0)
REFUSED = replace(CALL, status=None, ok=False, problem="refused", connect_s=None)
LATE = replace(CALL, connect_s=1.02)
GOOD = Round(callers=4, seconds=0.5, calls=(CALL,) * 40, pings=(PING,) * 5)
OK = Reply(
    method="POST", path="/invocations", status=200, reason="OK", headers=(), body=b"", truncated=False,
    connect_s=0.001, first_byte_s=0.01, elapsed_s=0.02, problem=None,
)  # fmt: skip


def pinged(*pings: Call) -> Round:
    return replace(GOOD, pings=pings)


def called(*calls: Call) -> Round:
    return replace(GOOD, calls=calls)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (b"7.0\n", b"7.0001\n", True),
        (b"7.0\n", b"31.0\n", False),
        (b"[1, 2]", b"[1, 2.0005]", True),
        (b"[1, 2]", b"[1, 2, 3]", False),
        (b'{"sum": 7.0}', b"7.0", False),
        (b"setosa", b"virginica", False),
        (b"-1e-9", b"1e-9", True),
        (b"", b"", True),
        (b"a" * 100_000, b"b" * 100_000, True),
    ],
)
def test_answers_are_alike_that_differ_in_their_last_digits(
    one: bytes, other: bytes, alike: bool
) -> None:
    assert alike_but_for_digits(one, other) is alike


def test_a_good_round_counts_in_nothing_against_the_server() -> None:
    assert not GOOD.failed()
    assert not GOOD.swapped()
    assert not GOOD.sick_pings()
    assert not GOOD.slow_pings(limit_s=2)
    assert not GOOD.connects_slowly(limit_ms=250, at_least=3)


def test_a_reply_becomes_a_call_without_its_body() -> None:
    call = call_of("row", replace(OK, body=b"x" * 1000), got="row")

    assert (call.ok, call.connected, call.got) == (True, True, "row")
    assert "1000 bytes" in call.said


@pytest.mark.parametrize("bad", [BROKEN, CUT, SILENT])
def test_what_is_connected_and_not_answered_well_has_failed(bad: Call) -> None:
    assert called(CALL, bad).failed() == (bad,)


def test_what_is_not_connected_is_a_matter_of_connections_alone() -> None:
    one = replace(called(CALL, REFUSED), pings=(PING, REFUSED))

    assert not one.failed()
    assert not one.sick_pings()
    assert not one.slow_pings(limit_s=2)
    assert one.slow_connects(limit_ms=250) == (REFUSED, REFUSED)


def test_only_the_answer_to_another_request_is_swapped() -> None:
    other = replace(CALL, got="json")

    assert called(CALL, replace(CALL, got=""), other).swapped() == (other,)


@pytest.mark.parametrize("seconds", [2.01, 2.3, 2.5])
def test_pings_as_slow_as_those_of_images_that_work_are_not_told(seconds: float) -> None:
    assert not pinged(replace(PING, elapsed_s=seconds)).slow_pings(limit_s=2)


def test_a_ping_is_slow_when_it_waits_much_longer_or_in_vain() -> None:
    slow, in_vain = replace(PING, elapsed_s=2.6), replace(SILENT, request="ping")

    assert judged_ping_s(2) == 2.5
    assert pinged(PING, slow, in_vain).slow_pings(limit_s=2) == (slow, in_vain)


def test_a_ping_is_either_slow_or_sick() -> None:
    sick, cut = replace(PING, status=503, ok=False), replace(CUT, request="ping")
    late = replace(sick, elapsed_s=5.0)
    one = pinged(PING, sick, cut, late, SILENT)

    assert one.sick_pings() == (sick, cut, late)
    assert one.slow_pings(limit_s=2) == (SILENT,)


@pytest.mark.parametrize(
    ("slow", "quick", "told"),
    [(2, 3, False), (3, 3, True), (3, 400, False), (60, 400, True), (0, 10, False)],
)
def test_a_queue_that_overflows_once_or_twice_is_lawful(slow: int, quick: int, told: bool) -> None:
    one = called(*[LATE] * slow, *[CALL] * quick)

    assert one.connects_slowly(limit_ms=250, at_least=3) is told


@pytest.mark.parametrize(("swapped", "enough"), [(1, 459), (10, 44), (50, 7), (98, 2), (100, 1)])
def test_the_seldomer_answers_are_mixed_up_the_more_must_be_good_alone(
    swapped: int, enough: int
) -> None:
    other = replace(CALL, got="json")
    seldom = called(*[other] * swapped, *[CALL] * (100 - swapped))

    assert load._telling(Load(rounds=(called(*[other] * 100), seldom))) == enough


def test_one_bad_round_is_no_verdict() -> None:
    bad = called(CALL, BROKEN)

    assert not Load(rounds=(bad,)).each(Round.failed)
    assert not Load(rounds=(bad, GOOD)).each(Round.failed)
    assert Load(rounds=(bad, bad)).each(Round.failed)
    assert not Load().each(Round.failed)


def test_a_server_survives_when_one_request_succeeds_afterwards_and_is_well_when_a_ping_does() -> (
    None
):
    well = Load(rounds=(GOOD,), after=OK, ping_after=OK)
    broken = replace(OK, status=500)

    assert (well.survived, well.well) == (True, True)
    assert (replace(well, ping_after=broken).survived, replace(well, ping_after=broken).well) == (
        True, False,
    )  # fmt: skip
    assert not replace(well, after=broken).survived
    assert not replace(well, ended=True).well


@pytest.mark.parametrize("direct", [True, False])
def test_the_report_has_what_its_schema_says(direct: bool) -> None:
    schema = specs.read_schema("report")
    bad = replace(
        GOOD,
        calls=(CALL, BROKEN, replace(CALL, got="json"), LATE),
        pings=(PING, replace(PING, status=503, ok=False, elapsed_s=0.3)),
    )

    said = Load(rounds=(bad, GOOD)).as_report(direct=direct)

    jsonschema.validate(said, {**schema["$defs"]["load"], "$defs": schema["$defs"]})
    assert said == {
        "callers": 4, "requests": 4, "failed": 1, "swapped": 1, "seconds": 0.5, "per_second": 8.0,
        "slowest_ms": 20.0, "pings": 2, "pings_failed": 1, "slowest_ping_ms": 300.0,
        "slowest_connect_ms": 1020.0 if direct else None,
    }  # fmt: skip
    assert Load(why_not="too slow").as_report(direct=direct) is None


# -- the sample, longer --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "body", "longer"),
    [
        ("text/csv", b"1,2\n", b"1,2\n1,2\n"),
        ("text/csv; charset=utf-8", b"a,b\r\n1,2\r\n", b"a,b\r\n1,2\r\n1,2\r\n"),
        ("Text/CSV", b"1,2", b"1,2\n1,2"),
        ("application/jsonlines", b'{"a": 1}\n', b'{"a": 1}\n{"a": 1}\n'),
    ],
)
def test_a_sample_that_has_rows_has_its_last_row_twice(
    kind: str, body: bytes, longer: bytes
) -> None:
    made = with_last_row_again(SampleRequest("row", kind, None, body))

    assert made is not None
    assert (made.name, made.body) == ("row-longer", longer)


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", b"[1]"), (None, b"1,2\n"), ("text/csv", b""), ("text/csv", b"1,2\n\n")],
)
def test_nothing_is_made_up_where_there_may_be_no_rows(kind: str | None, body: bytes) -> None:
    assert with_last_row_again(SampleRequest("row", kind, None, body)) is None
