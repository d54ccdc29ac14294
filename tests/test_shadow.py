"""An earlier image is asked the same as the candidate: what changed is told, and weighs in nothing."""

from __future__ import annotations

import copy
import json
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import Message
from itertools import count
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from miniatures.candidates import MINIATURES
from miniatures.declared import BOTH, SERVES, TRAINS
from miniatures.found_out import hurry, judge_here
from miniatures.inside import Answer as Said
from miniatures.inside import Inside
from miniatures.judging import Judged, judge, provide_engine
from miniatures.lawful import LAWFUL, invocation, serving

from sm_conformance import cli, specs
from sm_conformance.judgement.page import render
from sm_conformance.judgement.shadow import comparison, latency, lines, not_compared
from sm_conformance.laboratory import shadow as asking
from sm_conformance.observed.http import Reply
from sm_conformance.observed.shadow import MOST_BYTES, Answer, Asked, Shadow, answer_of

SCHEMA = Draft202012Validator(specs.read_schema("report"))
IMAGE = {
    "roles": ["hosting"], "reference": "repo:1", "config_digest": "sha256:1",
    "manifest_digest": None, "platform": "linux/amd64",
}  # fmt: skip


def answer(
    body: bytes | str = b"0\n",
    kind: str | None = "application/json",
    status: int | None = 200,
    problem: str | None = None,
) -> Answer:
    return answer_of(
        Reply(
            method="POST", path="/invocations", status=status, reason="", body=_bytes(body),
            headers=() if kind is None else (("Content-Type", kind),), truncated=False,
            connect_s=None, first_byte_s=0.0, elapsed_s=0.0, problem=problem,
        )
    )  # fmt: skip


def _bytes(body: bytes | str) -> bytes:
    return body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")


def compared(new: list[Answer], old: list[Answer]) -> tuple[list[str], list[str]]:
    """The changes and the notes where a candidate answered ``new`` and the baseline ``old``."""
    asked = Asked(name="row", content_type="x/y", candidate=tuple(new), baseline=tuple(old))
    found = comparison(Shadow(model="no model", asked=(asked,)), IMAGE)
    (one,) = found["requests"]
    assert "".join([*one["changes"], *one["notes"], *lines(found)]).isprintable()
    return one["changes"], one["notes"]


def bodies(new: bytes | str, old: bytes | str, kind: str | None = "application/json") -> list[str]:
    """The changes where only the bodies differ."""
    changes, _ = compared([answer(new, kind)] * 2, [answer(old, kind)] * 2)
    return changes


# -- what is no change ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "old", "kind"),
    [
        ("[1, 2]", "[1,2]\n", "application/json"),
        ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}', "application/json"),
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', "text/html"),  # as some frameworks label JSON
        ("[0.1234567]", "[0.1234568]", "application/json"),
        ("[1]", "[1.0]", "application/json"),
        ("[1e-12]", "[0]", "application/json"),
        ("[NaN]", "[NaN]", "application/json"),
        ('{"a": 1}\n{"a": 2}\n', '{"a":1}\n\n{"a":2}', "application/jsonlines"),
        ('{"a": 1}\n{"a": 2}\n', '{"a":1}\n{"a":2.0000001}', "application/x-ndjson; x=y"),
        ("0.70000001,a\n", "0.7, a\r\n", "text/csv; charset=utf-8"),
        ("same\n", "same\r\n", "text/plain"),
        (b"\xff\xfe\n", b"\xff\xfe", "image/png"),
        ("", "", None),
    ],
)
def test_what_means_the_same_is_no_change(
    new: bytes | str, old: bytes | str, kind: str | None
) -> None:
    assert bodies(new, old, kind) == []


def test_what_is_only_written_otherwise_is_noted_with_its_size() -> None:
    changes, notes = compared([answer("[1, 2]")] * 2, [answer("[1,2]")] * 2)

    assert changes == []
    assert notes == [
        "the body means the same and is written otherwise",
        "the body has 6 bytes; it had 5",
    ]


@pytest.mark.parametrize("same", [b"\xff\x00", b"[1", b"", b"[" * 5000 + b"]" * 5000])
def test_of_equal_answers_nothing_is_said(same: bytes) -> None:
    assert compared([answer(same)] * 3, [answer(same)] * 3) == ([], [])


@pytest.mark.parametrize(
    "kinds", [("text/csv", "TEXT/CSV"), ("text/csv;charset=utf-8", "text/csv; Charset=UTF-8")]
)
def test_another_spelling_of_a_content_type_is_no_change(kinds: tuple[str, str]) -> None:
    new, old = (answer(kind=kind) for kind in kinds)

    assert compared([new], [old]) == ([], [])


# -- what is one ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("new", "old", "told"),
    [
        ("[0.7]", "[0.4]", "$[0] is 0.7; it was 0.4"),
        ("[0.7001]", "[0.7]", "$[0] is 0.7001; it was 0.7"),
        ("[10000000000000001]", "[10000000000000002]", "$[0] is 1000"),
        ("[true]", "[1]", "$[0] is true; it was 1"),
        ("[null]", "[0]", "$[0] is null; it was 0"),
        ('["1"]', "[1]", '$[0] is "1"; it was 1'),
        ("[1, 2]", "[1]", "$ has 2 items; it had 1"),
        ('{"a": {"b": [1]}}', '{"a": {"b": [2]}}', "$.a.b[0] is 1; it was 2"),
        ('{"a": 1}', "{}", "$.a is new: 1"),
        ("{}", '{"a": [1, 2]}', "$.a is gone; it was a list of 2"),
        ("{}", "[]", "$ is an object of 0; it was a list of 0"),
        ("[1]", "[1", "$ is a list of 1; it was '[1'"),
        (b"\xff\x1b[2J", b"\xfe", "$ is '\\xff\\x1b[2J'; it was '\\xfe'"),
        ('{"\\u001b[2J": 1}', "{}", "$.\\x1b[2J is new: 1"),
        ('["\\ud800"]', '["a"]', '$[0] is "\\ud800"'),
        ("1" * 5000, "1", "$ is '111"),
        ("[1" + "0" * 400 + "]", "[1.5]", "$[0] is 1000"),
    ],
)
def test_what_means_something_else_is_told_with_its_place(
    new: bytes | str, old: bytes | str, told: str
) -> None:
    (change,) = bodies(new, old)

    assert change.startswith(f"the body: {told}")
    assert len(change) < 300


def test_a_cell_of_csv_is_told_with_its_row() -> None:
    assert bodies("1,a\n2,b\n", "1,a\n3,b\n", "text/csv") == [
        "the body: $[1][0] is 2.0; it was 3.0"
    ]


def test_of_many_places_a_few_are_told() -> None:
    changes = bodies(json.dumps(list(range(1000))), json.dumps([-1] * 1000))

    assert len(changes) == 6
    assert changes[-1] == "the body: and further places"


def test_answers_that_are_nested_without_end_are_not_compared_place_by_place() -> None:
    depth = 400
    new, old = ("[" * depth + number + "]" * depth for number in "12")

    assert len(bodies(new, old)) == 1
    assert len(bodies("[" * 100_000, "[" * 99_999)) == 1


def test_bodies_too_large_to_keep_are_held_against_each_other_as_a_whole() -> None:
    large = b"x" * (MOST_BYTES + 1)

    assert answer(large).body is None
    assert bodies(large, large) == []
    (change,) = bodies(large, large[:-1] + b"y")
    assert change.startswith(f'the body: $ is "{MOST_BYTES + 1} bytes with SHA-256 ')


def test_another_status_is_told_and_its_body_is_not_compared() -> None:
    changes, notes = compared([answer("sorry", status=500)] * 2, [answer("[1]")] * 2)

    assert (changes, notes) == (["the status is 500; it was 200"], [])


def test_an_answer_that_never_came_is_told() -> None:
    changes, _ = compared(
        [answer(b"", None, status=None, problem="timeout")] * 2, [answer("[1]")] * 2
    )

    assert changes == ["the status is none (timeout); it was 200"]


def test_another_content_type_is_told() -> None:
    changes, _ = compared([answer("[1]", "text/plain\x1b[2J")], [answer("[1]", None)])

    assert changes == ["the content type is text/plain\\x1b[2j; it was missing"]


# -- what differs from itself -----------------------------------------------------------------------


def test_what_differs_from_itself_is_not_compared_and_the_rest_is() -> None:
    def said(number: int, score: float) -> Answer:
        return answer(json.dumps({"id": number, "score": score, "at": {"s": number}}))

    steady = compared([said(1, 0.5), said(2, 0.5)], [said(3, 0.5), said(4, 0.5)])
    changed = compared([said(1, 0.7), said(2, 0.7)], [said(3, 0.5), said(4, 0.5)])

    note = "not compared: $.at.s, $.id, which differs from itself in either image"
    assert steady == ([], [note])
    assert changed == (["the body: $.score is 0.7; it was 0.5"], [note])


@pytest.mark.parametrize("side", [0, 1])
def test_it_is_enough_that_one_image_s_answers_differ(side: int) -> None:
    sides = [[answer("[1]"), answer("[2]")], [answer("[3]"), answer("[3]")]]
    new, old = sides if side == 0 else reversed(sides)

    changes, notes = compared(new, old)

    assert changes == []
    assert f"in {('the candidate', 'the baseline')[side]}" in notes[0]


@pytest.mark.parametrize(
    ("first", "second"),
    [("[1]", "[1, 2]"), ("{}", "[]"), (b"\xff", b"\xfe"), ("[1]", "no JSON"), ("true", "1")],
)
def test_answers_of_no_common_form_are_not_compared_at_all(
    first: bytes | str, second: bytes | str
) -> None:
    changes, notes = compared([answer(first), answer(second)], [answer("[7]")] * 2)

    assert changes == []
    assert notes[0] == "not compared: the body, which differs from itself in the candidate"


def test_a_key_that_comes_and_goes_is_no_change() -> None:
    changes, notes = compared(
        [answer('{"a": 1}'), answer('{"a": 1, "b": 2}')], [answer('{"a": 1}')]
    )

    assert changes == []
    assert notes[0] == "not compared: $.b, which differs from itself in the candidate"


def test_numbers_that_differ_from_themselves_within_the_tolerance_are_compared() -> None:
    new = [answer("[0.5000001]"), answer("[0.5000002]")]

    assert compared(new, [answer("[0.5]")] * 2)[0] == []
    assert compared(new, [answer("[0.6]")] * 2)[0] == ["the body: $[0] is 0.5000001; it was 0.6"]


def test_a_status_that_differs_from_itself_is_not_compared() -> None:
    changes, notes = compared([answer(), answer(status=503)], [answer()] * 2)

    assert changes == []
    assert notes == ["the status is not compared: the candidate differs from itself"]


def test_a_content_type_that_differs_from_itself_is_not_compared_but_the_body_is() -> None:
    changes, notes = compared(
        [answer("[1]"), answer("[1]", "text/plain")], [answer("[2]"), answer("[2]")]
    )

    assert changes == ["the body: $[0] is 1; it was 2"]
    assert notes == ["the content type is not compared: the candidate differs from itself"]


# -- latency ----------------------------------------------------------------------------------------


def times(middle: float, spread: float, *, seed: int, count: int = 60) -> list[float]:
    """Times as servers have them: most near the middle, some much later."""
    draw = random.Random(seed)
    return [
        middle + abs(draw.gauss(0, spread)) + (10 * spread if draw.random() < 0.1 else 0)
        for _ in range(count)
    ]


def test_times_of_one_distribution_do_not_differ() -> None:
    for seed in range(200):
        found = latency(times(5, 1, seed=seed), times(5, 1, seed=1000 + seed))
        assert found["finding"] == "same", seed


@pytest.mark.parametrize(("new", "finding"), [(10.0, "slower"), (2.5, "faster")])
def test_a_difference_beyond_noise_is_told_in_words(new: float, finding: str) -> None:
    found = latency(times(new, 0.3, seed=1), times(5, 0.3, seed=2))

    assert found["finding"] == finding
    assert re.fullmatch(
        rf"{finding}: median [0-9.]+ ms; it was 5\.[0-9]+ ms \(60 requests each\)", found["text"]
    )


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ([0.5] * 60, [0.4] * 60),  # nobody notices a tenth of a millisecond
        ([105.0] * 60, [100.0] * 60),  # nor a twentieth
        ([1.0, 9.0] * 29 + [9.0, 9.0], [1.0] * 60),  # half of the requests are as they were
    ],
)
def test_a_small_or_occasional_difference_is_none(new: list[float], old: list[float]) -> None:
    assert latency(new, old)["finding"] == "same"


def test_a_burst_that_meets_both_is_no_difference() -> None:
    burst = [1.0] * 30 + [40.0] * 30

    assert latency(burst, burst)["finding"] == "same"


def test_of_few_times_nothing_is_known() -> None:
    assert latency([1.0] * 4, [9.0] * 4)["finding"] == "unknown"
    assert latency([], [])["text"] == "no times: not all requests were answered well"


# -- with servers -----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr(asking, "_TIMED", 12)


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Adds an earlier image that is the lawful one but for its server; its name."""

    def add(**how: Any) -> str:
        made = replace(LAWFUL, serve=serving(**how))
        monkeypatch.setitem(MINIATURES, "repo:previous", made)
        return "repo:previous"

    return add


def with_baseline(pytester: pytest.Pytester, baseline: str, *arguments: str, **how: Any) -> Judged:
    found = judge_here(pytester, "lawful", f"--sm-baseline={baseline}", *arguments, **how)
    SCHEMA.validate(found.report)
    assert "baseline" in render(found.report)
    return found


def changes(found: Judged) -> dict[str, list[str]]:
    return {one["name"]: one["changes"] for one in found.report["baseline"]["requests"]}


def _ones(headers: Message, body: bytes) -> Said:
    status, kind, said = invocation(headers, body)
    return status, kind, said.replace(b"0", b"1")


def test_an_image_is_like_itself_and_the_conclusion_is_as_without(
    pytester: pytest.Pytester,
) -> None:
    found = with_baseline(pytester, "lawful", declaration=BOTH)

    assert (found.status, found.report["conclusion"]) == (0, "conformant")
    told = found.report["baseline"]
    assert (told["reason"], told["unasked"]) == (None, [])
    assert told["model"] == "the model that the candidate's own training left"
    assert changes(found) == {"row": [], "json": []}
    assert {one["times"] for one in told["requests"]} == {5}
    assert "0 of 2 answers changed (both with the model that the candidate's" in found.output
    assert "the very image that was judged" in render(found.report)


def test_changed_answers_are_told_and_change_no_conclusion(
    pytester: pytest.Pytester, image: Callable[..., str]
) -> None:
    found = with_baseline(pytester, image(invocation=_ones), declaration=SERVES)

    assert (found.status, found.report["conclusion"]) == (0, "conformant")
    assert changes(found) == {
        "row": ["the body: $[0][0] is 0.0; it was 1.0"],
        "json": ["the body: $[0] is 0; it was 1"],
    }
    assert found.report["baseline"]["model"] == "no model"
    assert "baseline repo:previous: 2 of 2 answers changed (both with no model)" in found.output
    assert "baseline json: the body: $[0] is 0; it was 1" in found.output
    # Whoever wants to see more has both answers.
    for launch, said in ((asking.CANDIDATE, "[0]"), (asking.BASELINE, "[1]")):
        reply = pytester.path / "report/evidence" / launch / "replies/request-json.txt"
        assert reply.read_text("utf-8").endswith(said)


def test_the_times_of_either_side_are_its_own(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def thinks(headers: Message, body: bytes) -> Said:
        time.sleep(0.01)
        return invocation(headers, body)

    monkeypatch.setitem(MINIATURES, "thinks", replace(LAWFUL, serve=serving(invocation=thinks)))
    provide_engine(pytester)

    found = judge(
        pytester.runpytest_inprocess, pytester, "thinks", "--sm-baseline=lawful",
        declaration=SERVES,
    )  # fmt: skip

    told = found.report["baseline"]["requests"]
    assert [one["latency"]["count"] for one in told] == [12, 12]
    # Whether that is beyond noise depends on what else this machine does.
    assert all(one["latency"]["candidate_p50_ms"] >= 10 for one in told)
    assert all(one["latency"]["finding"] != "faster" for one in told)
    assert f"baseline row: {told[0]['latency']['text']}" in found.output


def test_answers_with_a_number_of_their_own_are_compared_by_the_rest(
    pytester: pytest.Pytester, image: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = count()

    def numbered(headers: Message, body: bytes) -> Said:
        status, kind, said = invocation(headers, body)
        if status != 200 or "json" not in kind:
            return status, kind, said
        return 200, kind, json.dumps({"id": next(number), "said": json.loads(said)}).encode()

    monkeypatch.setitem(MINIATURES, "numbers", replace(LAWFUL, serve=serving(invocation=numbered)))
    provide_engine(pytester)

    found = judge(
        pytester.runpytest_inprocess, pytester, "numbers", "--sm-baseline=numbers",
        declaration=SERVES,
    )  # fmt: skip

    assert changes(found) == {"row": [], "json": []}
    assert "$.id, which differs from itself in either image" in found.output


def test_an_earlier_image_that_does_not_become_ready_is_reported_as_such(
    pytester: pytest.Pytester,
) -> None:
    found = with_baseline(pytester, "gives-up", declaration=SERVES)

    assert (found.status, found.report["conclusion"]) == (0, "conformant")
    told = found.report["baseline"]
    assert told["requests"] == []
    assert told["reason"].startswith("the baseline did not become ready: the server exited with ")
    assert "baseline gives-up: not compared; the baseline did not become ready" in found.output


def test_an_earlier_image_that_cannot_be_started_is_reported_as_such(
    pytester: pytest.Pytester,
) -> None:
    found = with_baseline(pytester, "no-user", declaration=SERVES)

    assert found.status == 0
    assert "could not be started: unable to find user mallory" in found.report["baseline"]["reason"]


def test_an_earlier_image_that_dies_of_a_request_is_asked_no_more(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(inside: Inside) -> int:
        def last_words(headers: Message, body: bytes) -> Said:
            threading.Timer(0.01, inside.asked_to_stop.set).start()
            return invocation(headers, body)

        return serving(invocation=last_words)(inside)

    monkeypatch.setitem(MINIATURES, "repo:previous", replace(LAWFUL, serve=dies))

    found = with_baseline(pytester, "repo:previous", declaration=SERVES)

    told = found.report["baseline"]
    assert told["reason"] == "the baseline ended by itself"
    assert "json" in told["unasked"]
    assert found.status == 0


def test_of_a_candidate_that_is_not_ready_nothing_is_compared(pytester: pytest.Pytester) -> None:
    provide_engine(pytester)

    found = judge(
        pytester.runpytest_inprocess, pytester, "gives-up", "--sm-baseline=lawful",
        declaration=SERVES,
    )  # fmt: skip

    assert found.status == 1
    assert found.report["baseline"]["reason"].startswith("the candidate did not become ready: ")


def test_without_a_model_nothing_is_compared(pytester: pytest.Pytester) -> None:
    provide_engine(pytester)

    found = judge(
        pytester.runpytest_inprocess, pytester, "always-fails", "--sm-baseline=lawful",
        declaration=BOTH,
    )  # fmt: skip

    assert found.status == 1
    assert found.report["baseline"]["reason"].startswith("there is no model to serve: training ex")


def test_trouble_of_the_engine_with_the_earlier_image_is_told(pytester: pytest.Pytester) -> None:
    found = with_baseline(pytester, "engine-dies-at-start", declaration=SERVES)

    assert found.report["conclusion"] == "conformant"
    assert found.report["baseline"]["reason"] == (
        "the harness was in trouble: the engine went away at start"
    )


def test_an_interruption_while_the_earlier_image_is_waited_for_ends_the_run_in_order(
    pytester: pytest.Pytester,
) -> None:
    provide_engine(pytester)

    found = judge(
        pytester.runpytest_subprocess, pytester, "lawful", "--sm-baseline=interrupts-serving",
        declaration=SERVES,
    )  # fmt: skip

    assert (found.status, found.report["complete"], found.report["exit_status"]) == (2, False, 2)
    assert found.report["baseline"]["reason"] == "the run ended before"
    assert found.output.splitlines()[-1].startswith("interrupted: ")
    assert "Traceback" not in found.output + found.errors


def test_where_the_run_ends_early_it_is_said_that_nothing_was_compared(
    pytester: pytest.Pytester,
) -> None:
    provide_engine(pytester)

    found = judge(
        pytester.runpytest_inprocess, pytester, "gives-up", "--sm-baseline=lawful", "-x",
        declaration=SERVES,
    )  # fmt: skip

    assert found.report["baseline"]["requests"] == []
    assert found.report["baseline"]["reason"]


def test_without_the_option_the_report_says_nothing_of_it(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", declaration=SERVES)

    assert "baseline" not in found.report
    assert "baseline" not in found.output


@pytest.mark.parametrize(
    ("baseline", "declaration", "told"),
    [
        ("none:such", SERVES, "the engine has no image 'none:such'"),
        ("", SERVES, "--sm-baseline is empty"),
        ("lawful", TRAINS, "--sm-baseline compares servers, and this candidate has none"),
    ],
)
def test_a_baseline_that_cannot_be_used_is_one_line_and_status_4(
    pytester: pytest.Pytester, baseline: str, declaration: Any, told: str
) -> None:
    found = judge_here(pytester, "lawful", f"--sm-baseline={baseline}", declaration=declaration)

    assert found.status == 4
    assert told in found.errors
    assert found.report == {}


def test_workers_hand_the_comparison_over(pytester: pytest.Pytester) -> None:
    provide_engine(pytester)

    found = judge(
        pytester.runpytest_subprocess, pytester, "lawful", "--sm-baseline=lawful", "-n", "2",
        declaration=SERVES,
    )  # fmt: skip

    assert found.status == 0, found.output
    assert changes(found) == {"row": [], "json": []}


def test_check_passes_the_option_on(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    for name in ("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "HYPOTHESIS_NO_PLUGINS"):
        monkeypatch.setenv(name, "")  # so that what it is set to does not stay
    monkeypatch.setattr(pytest, "main", lambda words: called.append(words) or 0)

    cli.main(["check", "repo:tag", "--baseline", "repo:previous"])

    assert "--sm-baseline=repo:previous" in called[0]


# -- the page and the schema ------------------------------------------------------------------------


def test_what_stands_in_the_page_is_escaped(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", declaration=SERVES)
    hostile = copy.deepcopy(found.report)
    asked = Asked(
        name="row", content_type=None,
        candidate=(answer('["<script>alert(1)</script>"]'),), baseline=(answer("[1]"),),
    )  # fmt: skip
    hostile["baseline"] = comparison(Shadow(model="no model", asked=(asked,)), IMAGE)
    SCHEMA.validate(hostile)

    page = render(hostile)

    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Compared with" in page


def test_where_nothing_was_compared_the_page_says_why(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", declaration=SERVES)
    found.report["baseline"] = not_compared("the run ended before", IMAGE)
    SCHEMA.validate(found.report)

    assert 'Nothing was compared:</strong> <span class="said">the run ended before' in render(
        found.report
    )
