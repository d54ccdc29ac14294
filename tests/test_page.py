"""The page is checked as a browser reads it: parsed, not searched for pieces of markup."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from jinja2 import UndefinedError
from markup import Element, Page
from reports import (
    DIGEST,
    HIDDEN,
    HOSTILE,
    LONG_WORD,
    all_verdicts,
    everywhere,
    finding,
    report,
    route,
)

from sm_conformance import specs
from sm_conformance.judgement.finding import Verdict
from sm_conformance.judgement.page import render


def shown(data: dict[str, Any]) -> Element:
    """The page of a report that the schema accepts."""
    jsonschema.validate(data, specs.read_schema("report"))
    return Page(render(data)).root


def section(page: Element, heading: str) -> Element:
    """The section whose heading has this id."""
    return page.one("section", **{"aria-labelledby": heading})


def order(page: Element) -> list[str]:
    return [each.attributes["id"] for each in page.all("h2")]


# -- conclusion -------------------------------------------------------------------------------


def test_a_conformant_image_is_told_so_first_and_nothing_failed() -> None:
    page = shown(report(finding("IMG-001 train-starts")))

    assert page.one("h1").text.endswith("Conformant")
    assert page.one("title").text == "Conformant: registry.example/churn:3 (sm-conformance)"
    assert "you can ship it" in page.one("div", class_="conclusion").text
    assert order(page) == ["said", "clauses", "latency", "again", "evidence", "uncovered", "about"]


def test_the_page_keeps_its_order_when_there_is_something_of_everything() -> None:
    page = shown(all_verdicts())

    assert order(page) == [
        "failed",
        "advice",
        "unsettled",
        "said",
        "waivers",
        "clauses",
        "latency",
        "again",
        "evidence",
        "uncovered",
        "about",
    ]


def test_waivers_are_said_with_the_conclusion_everywhere() -> None:
    page = shown(report(finding("IMG-001 train-starts"), finding("IMG-023 logs", "waived")))

    assert page.one("h1").text.endswith("Conformant with 1 waiver")
    assert page.one("title").text.startswith("Conformant with 1 waiver:")
    assert "or is waived by its owner" in page.one("div", class_="conclusion").text
    assert "the reason of waived" in section(page, "waivers").text
    assert "but for what is waived" in section(page, "said").text


def test_the_image_is_named_with_its_digests_and_the_profile() -> None:
    data = report(profile="strict")
    data["candidate"]["images"][0]["manifest_digest"] = "sha256:" + "77" * 32

    facts = shown(data).one("header").one("dl").text

    for text in ("registry.example/churn:3", "linux/amd64", DIGEST, "77" * 32, "strict"):
        assert text in facts
    assert "training and hosting" in facts


def test_a_manifest_that_was_pushed_is_the_images_and_one_that_is_not_known_is_not_made_up() -> (
    None
):
    data = report()
    data["candidate"]["images"][0]["repo_digests"] = ["registry.example/churn@sha256:" + "88" * 32]

    facts = shown(data).one("header").one("dl").text
    data["pushed"] = {"reference": "registry.example/churn:4", "digest": "sha256:" + "77" * 32,
                      "media_type": "application/json", "size": 9}  # fmt: skip
    pushed = shown(data).one("header").one("dl").text

    assert "Pulled or pushed as" in facts
    assert "88" * 32 in facts
    assert "77" * 32 in pushed
    assert "Manifest digest" in pushed
    assert "88" * 32 not in pushed


def test_two_images_are_both_named() -> None:
    data = report()
    first = data["candidate"]["images"][0]
    data["candidate"]["images"] = [
        first | {"roles": ["training"]},
        first | {"roles": ["hosting"], "reference": "other:1"},
    ]

    page = shown(data)

    assert "Image for training registry.example/churn:3" in page.one("header").text
    assert "Image for hosting other:1" in page.one("header").text
    assert "registry.example/churn:3, other:1" in page.one("title").text


def test_doubts_with_one_reason_are_told_once_with_what_to_do() -> None:
    keys = ["TRAIN-010 strings", "TRAIN-068 ends"]
    data = report(
        *(finding(key, "not-run", reason="input was guessed: declare `channels`") for key in keys),
        finding("HOST-002 ping", "blocked", reason="blocked by HOST-001 listens"),
        finding("IMG-023 logs", "not-run", reason="not selected"),
        conclusion="inconclusive",
        exit_status=3,
        doubts=[f"{key} is not-run: input was guessed: declare `channels`" for key in keys]
        + ["HOST-002 ping is blocked: blocked by HOST-001 listens", "limits were changed"],
    )

    page = shown(data)
    doubts = section(page, "doubts").all("div", class_="group")

    assert page.one("h1").text.endswith("Inconclusive")
    assert "Do not ship on this" in page.one("div", class_="conclusion").text
    assert order(page)[0] == "doubts"
    assert len(doubts) == 3
    assert [each.text for each in doubts[0].all("a")] == keys
    assert doubts[0].one("code").text == "channels"
    assert "Do what the reason says" in doubts[0].text
    assert "Repair what blocks it" in doubts[1].text
    assert "limits were changed" in doubts[2].text
    assert all("To do:" in doubt.text for doubt in doubts)
    assert [each.text for each in section(page, "unsettled").all("a")] == ["IMG-023 logs"]


@pytest.mark.parametrize("verdict", ["advice", "waived", "error"])
def test_a_doubt_of_any_verdict_is_told_with_what_to_do(verdict: str) -> None:
    said = finding("HOST-002 ping", verdict)
    doubt = f"HOST-002 ping is {verdict}: {said['reason'] or 'waived'}"

    page = shown(report(said, conclusion="inconclusive", exit_status=3, doubts=[doubt]))
    (group,) = section(page, "doubts").all("div", class_="group")

    assert group.one("a").text == "HOST-002 ping"
    assert "To do:" in group.text


def test_an_inconclusive_report_without_a_doubt_says_that_it_gives_no_reason() -> None:
    page = shown(report(conclusion="inconclusive", exit_status=3))

    assert "gives no reason" in section(page, "doubts").text


def test_a_doubt_that_names_no_clause_is_not_lost_when_something_failed() -> None:
    page = shown(all_verdicts())

    assert "a doubt of its own" in section(page, "unsettled").text


def test_a_run_that_was_not_complete_says_so_before_the_conclusion() -> None:
    text = shown(report(complete=False)).one("body").text

    assert 0 <= text.find("This run was not complete") < text.find("Conformant")
    assert "This run was not complete" not in shown(report()).text


def test_a_result_that_was_not_judged_again_counts_no_launches() -> None:
    page = shown(report(cached={"judged_at": "2026-11-20T08:15:42+00:00"}, launches=0))

    assert "Not judged again" in page.text
    assert "Nothing was launched for it" in section(page, "said").text
    assert "launched 0 times" not in page.text
    assert "launched 7 times as the platform" in section(shown(report()), "said").text


def test_changed_limits_are_said_before_the_conclusion_with_their_values() -> None:
    data = report(
        limits_changed={"startup_limit_s": 5},
        conclusion="inconclusive",
        exit_status=3,
        doubts=["x"],
    )

    text = shown(data).one("body").text

    assert 0 <= text.find("startup_limit_s to 5") < text.find("Inconclusive")
    assert "Limits of the contract were changed" not in shown(report()).text


# -- findings ---------------------------------------------------------------------------------


def test_a_card_tells_all_that_a_user_needs() -> None:
    said = finding("TRAIN-064 failure-file", "fail")
    page = shown(report(said, conclusion="nonconformant", exit_status=1))

    card = section(page, "failed").one("article")
    text = card.text.replace("`", "")

    assert "Do not ship it as it is" in page.one("div", class_="conclusion").text
    for name in ("sentence", "matters", "expected", "actual", "fix", "evidence"):
        assert said[name].replace("`", "") in text, name
    log, repeat = card.all("pre")
    assert log.raw.strip("\n") == "Traceback\nValueError: no data"
    assert repeat.raw.strip("\n") == said["repeat"]
    assert "promise" in text
    assert "SageMaker AI Developer Guide" in text


def test_a_card_without_anything_optional_has_no_empty_places() -> None:
    bare = dict.fromkeys(("expected", "actual", "fix", "repeat", "evidence", "scenario"))
    said = finding("TRAIN-064 failure-file", "fail", log=[], **bare)

    card = section(shown(report(said, conclusion="nonconformant")), "failed").one("article")

    assert [each.text for each in card.all("dt")] == ["If you ship this"]
    assert card.all("pre") == []
    assert "None" not in card.text


def test_a_clause_of_another_edition_is_shown_without_sources() -> None:
    said = finding("TRAIN-064 failure-file", "fail", clause="XYZ-999", name="of-later")

    page = shown(report(said, conclusion="nonconformant", exit_status=1))

    assert section(page, "failed").one("article").all("details") == []
    assert [each.text for each in section(page, "clauses").all("h3")] == ["XYZ"]


def test_advice_is_folded_and_shows_what_was_seen_while_folded() -> None:
    page = shown(report(finding("TRAIN-065 no-failure-on-success", "advice", actual="13 bytes")))

    (advice,) = section(page, "advice").all("details", class_="advice")

    assert "open" not in advice.attributes
    assert "13 bytes" in advice.all("summary")[0].text
    assert "How to fix it" in advice.text
    assert "One piece of advice" in page.one("div", class_="conclusion").text


def test_unsettled_clauses_are_listed_with_their_reasons() -> None:
    page = shown(all_verdicts())
    unsettled = section(page, "unsettled").text

    for verdict in ("blocked", "not-run", "error"):
        assert f"the reason of {verdict}" in unsettled
    assert "the reason of n/a" not in unsettled


def test_every_finding_stands_in_the_table_of_its_chapter_with_its_verdict_in_words() -> None:
    keys = ["IMG-001 train-starts", "TRAIN-064 failure-file", "NET-002 isolated", "HOST-002 ping"]
    page = shown(report(*(finding(key) for key in reversed(keys))))

    clauses = section(page, "clauses")
    rows = [row for row in clauses.all("tr") if row.all("td")]

    titles = [each.text for each in clauses.all("h3")]
    assert titles == ["Image", "Training", "Isolation", "Hosting"]
    assert [row.one("th", scope="row").text.split(" ")[0] for row in rows] == [
        key.split(" ")[0] for key in keys
    ]
    assert all("pass" in row.one("span", class_="mark").text for row in rows)


def test_every_verdict_has_its_own_word_and_sign() -> None:
    rows = [row for row in section(shown(all_verdicts()), "clauses").all("tr") if row.all("td")]
    marks = [row.one("span", class_="mark") for row in rows]

    assert {mark.text.split(" ")[1] for mark in marks} == {verdict.value for verdict in Verdict}
    assert len({mark.text.split(" ")[0] for mark in marks}) == len(Verdict)


def test_verdicts_are_counted_and_those_without_a_clause_left_out() -> None:
    page = shown(
        report(
            finding("IMG-001 train-starts"),
            finding("IMG-002 serve-starts"),
            finding("IMG-023 logs", "advice"),
        )
    )

    counts = [each.text for each in page.one("ul", class_="counts").all("li")]

    assert counts == ["✓ pass 2", "! advice 1"]


# -- load -------------------------------------------------------------------------------------

LOAD = {
    "callers": 4, "requests": 1200, "failed": 3, "swapped": 2, "seconds": 0.51, "per_second": 2352.9,
    "slowest_ms": 54.3, "pings": 21, "pings_failed": 0, "slowest_ping_ms": 12.0,
    "slowest_connect_ms": 3.5,
}  # fmt: skip


def test_what_several_callers_showed_stands_beside_the_latency() -> None:
    text = section(shown(report(load=LOAD)), "latency").text

    assert "Callers 4 Requests 1,200 A second 2,353 Not 2xx 3 Another's answer 2" in text
    assert "Slowest ping 12.0 ms Slowest connection 3.50 ms" in text
    assert "21 pings went on beside them, of which none failed" in text


def test_connections_that_cannot_be_seen_are_not_told_under_load_either() -> None:
    page = shown(report(load={**LOAD, "slowest_connect_ms": None, "pings_failed": 2}))

    assert "Slowest connection not seen" in section(page, "latency").text
    assert "of which 2 failed" in section(page, "latency").text


def test_without_load_there_is_no_word_of_callers() -> None:
    assert "callers" not in section(shown(report(load=None)), "latency").text


# -- latency ----------------------------------------------------------------------------------


def figure(samples: list[float], **changed: Any) -> Element:
    page = shown(report(latency={"/ping": route(samples, **changed)}))
    return section(page, "latency").one("figure")


def percent(element: Element, name: str) -> float:
    value = element.attributes[name]
    assert value.endswith("%"), value
    return float(value[:-1])


@pytest.mark.parametrize(
    "samples",
    [
        [1.0],
        [0.0],
        [0.0] * 50 + [60000.0],
        [2.0] * 100,
        [1.0, 1.1, 900.0],
        [1.0] * 999 + [5.0],
        [0.4 + n / 1000 for n in range(10000)],
    ],
    ids=[
        "one",
        "zero",
        "zeros and a minute",
        "all equal",
        "one far away",
        "one in a thousand",
        "ten thousand",
    ],
)
@pytest.mark.parametrize("bound", [None, 0.5, 5000.0])
def test_a_picture_stays_on_its_plot(samples: list[float], bound: float | None) -> None:
    picture = figure(samples, bound_ms=bound)

    bars = picture.all("rect")
    base = float(picture.one("line", class_="axis", x1="0").attributes["y1"])
    *ticks, title = picture.all("text", **{"text-anchor": "middle"})

    assert bars
    for bar in bars:
        assert 0 <= percent(bar, "x") <= percent(bar, "x") + percent(bar, "width") <= 100.01
        assert float(bar.attributes["height"]) >= 2
        assert float(bar.attributes["y"]) + float(bar.attributes["height"]) == pytest.approx(base)
    for line in picture.all("line", class_="mark-line"):
        assert 0 <= percent(line, "x1") <= 100
    assert len(picture.all("line", class_="mark-bound")) == (bound is not None)
    assert title.text.startswith("time of one request in ms")
    assert ticks
    assert len({tick.text for tick in ticks}) == len(ticks) <= 10
    assert all(0 <= percent(tick, "x") <= 100 for tick in ticks)


def test_the_marks_of_a_picture_name_the_percentiles_and_the_bound() -> None:
    picture = figure([float(n) for n in range(1, 101)], bound_ms=250.0)

    labels = [each.text for each in picture.all("text", class_="label")]
    places = [percent(each, "x1") for each in picture.all("line", class_="mark-line")]

    assert labels == [
        "p50 50.0 ms",
        "p90 90.0 ms",
        "p99 99.0 ms",
        "maximum 100 ms",
        "bound of p99 250 ms",
    ]
    assert places == sorted(set(places))
    assert places[-1] < 100
    assert all(label in picture.one("svg", role="img").attributes["aria-label"] for label in labels)


def test_with_few_samples_the_maximum_stands_for_p99_and_the_page_says_so() -> None:
    data = report(latency={"/ping": route([1.0, 2.0, 3.0])})

    latency = section(shown(data), "latency")

    assert "With fewer than 100 requests the maximum stands for p99." in latency.text
    assert [each.text for each in latency.all("text", class_="label")][-1] == (
        "maximum, stands for p99 3.00 ms"
    )


def test_the_axis_is_logarithmic_only_where_a_linear_one_would_squeeze_the_times() -> None:
    assert "time of one request in ms, logarithmic" in figure([1.0] * 99 + [80.0]).text
    assert "logarithmic" not in figure([1.0] * 99 + [15.0]).text


def test_the_highest_bar_has_the_height_of_the_plot_and_its_number_beside_it() -> None:
    picture = figure([1.0] * 70 + [2.0] * 35)

    heights = [float(bar.attributes["height"]) for bar in picture.all("rect")]

    assert heights == [110, 55]
    assert "70" in [each.text for each in picture.all("text")]


FLOOR = {"count": 100, "p50_ms": 0.15, "p90_ms": 0.2, "p99_ms": 0.4, "max_ms": 0.5,
         "measured": "over the loopback"}  # fmt: skip


def at_rate(samples: list[float], **changed: Any) -> dict[str, Any]:
    """The part of a route's figures that tells of a load."""
    load = route(samples, rate_per_s=50.0, harness_late_p99_ms=0.3, most_under_way=7, floor=FLOOR)
    del load["bound_ms"], load["connect_ms"]
    return load | changed


def test_the_floor_stands_beside_the_figures_and_in_the_picture() -> None:
    latency = section(shown(report(latency={"/ping": route([1.0, 2.0], floor=FLOOR)})), "latency")

    assert "Floor, p50 and p99 0.150 ms, 0.400 ms" in latency.text
    assert "in the same run, over the loopback." in latency.text
    (mark,) = latency.all("line", class_="mark-floor")
    assert percent(mark, "x1") < 10
    assert "floor (p50 of an echo server) 0.150 ms" in latency.one("figure").text


def test_the_first_request_stands_apart() -> None:
    latency = section(shown(report(latency={"/ping": route([1.0], first_ms=812.5)})), "latency")

    assert "First of all, apart 812 ms" in latency.text


def test_a_load_has_a_picture_of_its_own_and_the_bound_stands_there() -> None:
    samples = [float(n) for n in range(1, 401)]
    load = at_rate(samples, p99_low_ms=390.0, p99_high_ms=400.0)
    figures = route([1.0, 2.0], bound_ms=90.0, at_rate=load)

    latency = section(shown(report(latency={"/invocations": figures})), "latency")

    alone, loaded = latency.all("figure")
    assert alone.all("line", class_="mark-bound") == []
    (bound,) = loaded.all("line", class_="mark-bound")
    assert 20 < percent(bound, "x1") < 25
    (sure,) = loaded.all("line", class_="sure")
    assert 93 < percent(sure, "x1") < percent(sure, "x2") < 97
    assert "/invocations at 50 requests a second" in latency.text
    assert "Sent late by the harness, p99 0.300 ms" in latency.text
    assert "95 % sure: p99 is between 390 ms and 400 ms" in latency.text


@pytest.mark.parametrize("count", [1, 2, 150, 5000])
def test_the_curve_rises_from_none_to_all(count: int) -> None:
    picture = figure([1.0 + (n * 7919 % count) / count for n in range(count)])

    points = [
        tuple(float(part) for part in point.split(","))
        for point in picture.one("polyline").attributes["points"].split()
    ]

    assert points[0][1] == 110
    assert points[-1][1] == 0
    assert all(a[0] <= b[0] and a[1] >= b[1] for a, b in pairwise(points))
    assert all(0 <= x <= 100 for x, _ in points)
    assert len(points) <= 1000


def test_what_times_look_like_is_told_as_advice_and_escaped() -> None:
    figures = route([1.0], signs=[f"One request at a time {HOSTILE}"])

    latency = section(shown(report(latency={"/ping": figures})), "latency")

    assert "advice, and no part of the verdict" in latency.text
    assert "<script>alert(1)</script>" in latency.text
    assert latency.all("script") == []


def test_requests_that_were_not_answered_well_are_told() -> None:
    latency = section(shown(report(latency={"/ping": route([1.0], failures=1)})), "latency")

    assert "the one request that was not answered with 2xx" in latency.text


def test_without_any_measurement_there_is_a_sentence_and_no_picture() -> None:
    nothing = section(shown(report()), "latency")
    none_sent = section(shown(report(latency={"/ping": route([])})), "latency")

    assert "Nothing was measured" in nothing.text
    assert "No request was measured." in none_sent.text
    assert nothing.all("svg") == none_sent.all("svg") == []


def test_a_report_without_the_single_times_still_gives_the_figures() -> None:
    short = route([1.0, 4.0])
    for optional in ("samples_ms", "bound_ms", "connect_ms", "failures", "p99_is_max"):
        del short[optional]

    latency = section(shown(report(latency={"/invocations": short})), "latency")

    assert "4.00 ms" in latency.text
    assert "there is no picture" in latency.text
    assert latency.all("svg") == []


# -- the rest ---------------------------------------------------------------------------------


def test_evidence_lists_each_launch_once() -> None:
    data = report(
        finding("IMG-001 train-starts"),
        finding("TRAIN-068 ends"),
        finding("HOST-002 ping", evidence="evidence/serve-plain", scenario="serve-plain"),
    )

    rows = [row.text for row in section(shown(data), "evidence").all("tr") if row.all("td")]

    assert rows == [
        "train-failing evidence/train-failing A job that cannot succeed, by the first of these faults "
        "that makes it fail. 2",
        "serve-plain evidence/serve-plain A server with the model, asked the most ordinary things, "
        "measured alone, then asked by several at once, and stopped with SIGTERM. 1",
    ]


def test_without_a_launch_no_evidence_is_promised() -> None:
    page = shown(report(finding("IMG-016 architecture", evidence=None)))

    assert "there is no evidence" in section(page, "evidence").text


def test_rules_without_a_verdict_are_counted_by_disposition_and_all_named() -> None:
    data = report()
    uncovered = section(shown(data), "uncovered")
    by_disposition = [rule["disposition"] for rule in data["not_judged"]]

    assert f"{len(data['not_judged'])} rules of the contract" in uncovered.text
    assert f"Not judged yet: {by_disposition.count('not-yet')}" in uncovered.text
    assert f"Cannot be seen from outside: {by_disposition.count('unobservable')}" in uncovered.text
    for rule in data["not_judged"]:
        assert f"{rule['clause']} {rule['name']}" in uncovered.text


def test_a_report_that_judges_every_rule_says_so() -> None:
    page = shown(report(not_judged=[]))

    assert "Every rule of the contract has a verdict" in section(page, "uncovered").text


def test_the_page_ends_with_what_the_run_was_made_with() -> None:
    data = report(
        finding("IMG-001 train-starts"),
    )
    about = section(shown(data), "about").text

    for text in (
        "sm-conformance 0.1.0",
        "2026-11",
        data["suite"]["clauses_sha256"],
        "docker 27.0",
        "20261",
        "ab" * 32,
        "hosting, training",
        "Launches 7",
        "6.1 s",
    ):
        assert text in about


def test_an_engine_that_says_only_its_name_is_enough() -> None:
    page = shown(report(engine={"name": "podman", "version": "5"}))

    assert "podman 5" in section(page, "about").text


# -- hostile text, and what a browser asks ------------------------------------------------------


@pytest.mark.parametrize("text", [HOSTILE, HIDDEN, LONG_WORD, "`", "a `b", "", "{{ report }}"])
def test_no_text_of_a_report_becomes_markup(text: str) -> None:
    calm = shown(all_verdicts())
    hostile = shown(everywhere(all_verdicts(), text))
    allowed = {element.tag for element in calm.walk()}

    assert {element.tag for element in hostile.walk()} <= allowed
    assert hostile.all("script") == []
    for element in hostile.walk():
        assert not [name for name in element.attributes if name.startswith("on")], element
    if text.strip() and "`" not in text and text != HIDDEN:
        assert re.sub(r"\s+", " ", text).strip() in hostile.one("title").text
    assert "49" not in hostile.one("title").text


def test_hidden_characters_are_shown_and_every_page_can_be_written() -> None:
    page = render(everywhere(all_verdicts(), HIDDEN))

    assert page.encode("utf-8")
    assert r"safe\u202etxt.exe\x1b[2J\x00\ud800" in page
    assert all(char.isprintable() or char == "\n" for char in page)


def test_quoted_words_are_shown_as_code_and_a_lone_quote_as_it_is() -> None:
    said = finding("TRAIN-064 failure-file", "fail", fix="say `<b>` or ` alone")

    card = section(shown(report(said, conclusion="nonconformant")), "failed").one("article")

    assert card.one("dd", class_="do").text == "say <b> or ` alone"
    assert card.one("dd", class_="do").one("code").text == "<b>"


def test_the_page_loads_nothing_runs_nothing_and_sends_nothing() -> None:
    page = shown(all_verdicts())

    for element in page.walk():
        assert element.tag not in {"script", "link", "img", "iframe", "object", "form", "base"}
        assert not element.attributes.keys() & {"src", "srcset", "data", "action", "xlink:href"}
        assert element.attributes.get("href", "#").startswith("#")
    style = page.one("style").raw
    assert "url(" not in style
    assert "@import" not in style
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    assert "default-src 'none'" in policy


def test_links_lead_to_one_place_each_and_headings_leave_no_step_out() -> None:
    page = shown(all_verdicts())
    places = [each.attributes["id"] for each in page.walk() if "id" in each.attributes]
    levels = [int(each.tag[1]) for each in page.walk() if re.fullmatch("h[1-6]", each.tag)]

    assert len(places) == len(set(places))
    assert {link.attributes["href"][1:] for link in page.all("a")} <= set(places)
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_the_page_says_its_language_and_tables_say_what_their_heads_are_for() -> None:
    page = shown(all_verdicts())

    assert page.one("html").attributes["lang"] == "en"
    assert {head.attributes["scope"] for head in page.all("th")} == {"col", "row"}


def test_the_same_report_gives_the_same_page_and_is_left_as_it_was() -> None:
    data = all_verdicts()
    before = copy.deepcopy(data)

    assert render(data) == render(copy.deepcopy(data))
    assert data == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.pop("conclusion"),
        lambda data: data.update(conclusion="green"),
        lambda data: data["findings"][0].pop("matters"),
    ],
    ids=["no conclusion", "an unknown conclusion", "half a finding"],
)
def test_a_report_that_the_schema_refuses_makes_no_page(
    spoil: Callable[[dict[str, Any]], Any],
) -> None:
    data = report(finding("TRAIN-064 failure-file", "fail"), conclusion="nonconformant")
    spoil(data)

    with pytest.raises((KeyError, UndefinedError), match=r"conclusion|green|matters"):
        render(data)
