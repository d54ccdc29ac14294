"""The other forms of a report: SARIF for code scanning, Markdown for a pull request, a badge."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from reports import HIDDEN, HOSTILE, all_verdicts, everywhere, finding, report, route
from sarif_pydantic import Sarif

from sm_conformance.contract import clause
from sm_conformance.judgement import badge, forms, sarif, summary

SVG = "{http://www.w3.org/2000/svg}"


def run_of(data: dict[str, Any]) -> dict[str, Any]:
    """The one run of the log, once an independent reader has taken the whole."""
    log = sarif.render(data)
    Sarif.model_validate_json(json.dumps(log))
    (run,) = log["runs"]
    return dict(run)


def read(data: dict[str, Any]) -> tuple[str, list[str]]:
    """The summary as a reader of Markdown takes it: its HTML, and the kinds of its tokens."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    text = summary.render(data)
    kinds = [
        token.type for block in parser.parse(text) for token in (block, *(block.children or ()))
    ]
    return parser.render(text), kinds


# -- SARIF -----------------------------------------------------------------------------------------


def test_broken_clauses_are_results_and_everything_else_is_none() -> None:
    run = run_of(all_verdicts())

    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    verdicts = {
        f"{one['clause']} {one['name']}": one["verdict"] for one in all_verdicts()["findings"]
    }
    expected = {"fail": "error", "advice": "warning", "waived": "note"}
    assert levels == {key: expected[said] for key, said in verdicts.items() if said in expected}


def test_a_result_points_to_its_rule_which_says_how_to_fix_it_and_where_it_comes_from() -> None:
    run = run_of(all_verdicts())
    (failed,) = [result for result in run["results"] if result["level"] == "error"]

    rule = run["tool"]["driver"]["rules"][failed["ruleIndex"]]

    known = next(one for one in clause.load().clauses if one.key == failed["ruleId"])
    assert rule["id"] == failed["ruleId"]
    assert rule["shortDescription"]["text"] == finding(known.key)["sentence"]
    assert known.fix in rule["help"]["text"]
    assert "Sources: " in rule["help"]["text"]


def test_a_waived_clause_is_suppressed_with_its_reason() -> None:
    run = run_of(all_verdicts())
    (waived,) = [result for result in run["results"] if result["level"] == "note"]

    (suppression,) = waived["suppressions"]
    assert suppression["status"] == "accepted"
    assert suppression["justification"]
    assert not any("suppressions" in one for one in run["results"] if one is not waived)


def test_what_was_not_judged_is_told_by_the_run_itself() -> None:
    (invocation,) = run_of(all_verdicts())["invocations"]

    told = [one["message"]["text"] for one in invocation["toolExecutionNotifications"]]
    assert len(told) == sum(
        one["verdict"] in ("error", "not-run", "blocked") for one in all_verdicts()["findings"]
    )
    assert invocation["exitCode"] == 1


def test_an_interrupted_run_is_not_called_successful() -> None:
    (invocation,) = run_of(report(complete=False))["invocations"]

    assert invocation["executionSuccessful"] is False


@pytest.mark.parametrize("text", [HOSTILE, HIDDEN])
def test_no_result_holds_hidden_characters(text: str) -> None:
    run = run_of(everywhere(all_verdicts(), text))

    for result in run["results"]:
        assert all(line.isprintable() for line in result["message"]["text"].split("\n"))


# -- Markdown --------------------------------------------------------------------------------------


def test_the_summary_begins_with_the_conclusion_and_names_what_is_broken() -> None:
    html, _ = read(all_verdicts())

    broken = next(one for one in all_verdicts()["findings"] if one["verdict"] == "fail")
    assert html.startswith("<h3>sm-conformance: <strong>not conformant</strong> with 1 waiver</h3>")
    assert f"<code>{broken['clause']} {broken['name']}</code>" in html
    assert html.index("Broken") < html.index("Waived") < html.index("Advice")


def test_a_conformant_image_gets_a_few_lines() -> None:
    data = report(finding("IMG-001 train-starts"), latency={"/ping": route([1.0] * 100)})

    text = summary.render(data)

    assert text.startswith("### sm-conformance: conformant\n")
    assert "- `/ping`: p50 1.0 ms, p99 1.0 ms of 100 requests\n" in text
    assert len(text.splitlines()) < 10


def test_doubts_are_listed_where_they_decide() -> None:
    text = summary.render(
        report(conclusion="inconclusive", exit_status=3, doubts=["no [data] given"])
    )

    assert "- no \\[data\\] given\n" in text


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        HIDDEN,
        "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
        "a | b\n\n# heading\n- item @everyone `code` **bold**",
        "`" * 9 + "|",
    ],
)
def test_a_candidate_writes_no_markup_into_the_summary(text: str) -> None:
    plain, hostile = all_verdicts(), everywhere(all_verdicts(), text)

    _, expected = read(plain)
    html, kinds = read(hostile)

    assert {"link_open", "image", "html_inline", "html_block"}.isdisjoint(
        set(kinds) - set(expected)
    )
    assert kinds.count("tr_open") == expected.count("tr_open")
    assert kinds.count("heading_open") == expected.count("heading_open")
    assert "<script" not in html


# -- badge -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "conformant"),
        ({"conclusion": "nonconformant"}, "nonconformant"),
        ({"conclusion": "inconclusive"}, "inconclusive"),
        ({"complete": False}, "interrupted"),
    ],
)
def test_the_badge_says_the_conclusion(changed: dict[str, Any], words: str) -> None:
    root = ET.fromstring(badge.render(report(**changed)))

    assert [text.text for text in root.iter(f"{SVG}text")] == ["SageMaker contract", words]
    assert root.attrib["aria-label"] == f"SageMaker contract: {words}"


def test_the_badge_does_not_hide_waivers() -> None:
    root = ET.fromstring(badge.render(report(finding("IMG-012 root-training", "waived"))))

    assert [text.text for text in root.iter(f"{SVG}text")][1] == "conformant with 1 waiver"


# -- all of them -----------------------------------------------------------------------------------


def test_all_forms_are_written_from_one_report(tmp_path: Path) -> None:
    data = all_verdicts()

    forms.write(data, tmp_path, declaration={})

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "badge.svg", "report.html", "report.json", "report.sarif", "summary.md",
    ]  # fmt: skip
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == data
    assert json.loads((tmp_path / "report.sarif").read_text("utf-8")) == sarif.render(data)


def test_the_declaration_is_kept_beside_the_report(tmp_path: Path) -> None:
    said = {"claims": ["training"], "waivers": [{"expires": date(2027, 1, 31)}]}

    forms.write(report(), tmp_path, declaration=said)

    kept = json.loads((tmp_path / "declaration.json").read_text("utf-8"))
    assert kept == {"claims": ["training"], "waivers": [{"expires": "2027-01-31"}]}
