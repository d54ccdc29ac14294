"""The other forms of a report: SARIF for code scanning, Markdown for a pull request, a badge."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from datetime import date
from html import unescape
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


# What GitHub's code scanning asks of a log, beyond the schema; a file that misses it is refused or cut.


@pytest.mark.parametrize("text", [None, HOSTILE, "x" * 9000, "`a` [b](https://c.example) <i>"])
def test_code_scanning_takes_the_log(text: str | None) -> None:
    data = all_verdicts() if text is None else everywhere(all_verdicts(), text)
    log, run = sarif.render(data), run_of(data)

    assert (log["version"], log["$schema"].endswith("sarif-2.1.0.json")) == ("2.1.0", True)
    assert run["tool"]["driver"]["name"]
    assert len(run["results"]) <= 25_000
    for rule in run["tool"]["driver"]["rules"]:
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert len(rule["id"]) < 9100
        assert len(rule["properties"]["tags"]) <= 10
        assert rule["properties"]["problem.severity"] in {"error", "warning", "recommendation"}
        assert rule["defaultConfiguration"]["level"] in {"note", "warning", "error"}
    for result in run["results"]:
        assert result["message"]["text"]
        assert not re.search(r"(?<!\\)\[", result["message"]["text"])
        (place,) = result["locations"]
        where = place["physicalLocation"]
        # A path relative to the repository: neither a scheme nor a root nor a step up.
        assert re.fullmatch(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*", where["artifactLocation"]["uri"])
        assert where["region"]["startLine"] >= 1
        print_ = result["partialFingerprints"]["primaryLocationLineHash"]
        assert re.fullmatch(r"[0-9a-f]{16}:[0-9]+", print_)


def test_alerts_keep_their_fingerprint_from_run_to_run_and_differ_by_clause() -> None:
    def prints(data: dict[str, Any]) -> dict[str, str]:
        return {
            one["ruleId"]: one["partialFingerprints"]["primaryLocationLineHash"]
            for one in run_of(data)["results"]
        }

    first = all_verdicts()
    second = all_verdicts()
    for one in second["findings"]:
        one.update(actual="something else", log=[])

    assert prints(first) == prints(second)
    assert len(set(prints(first).values())) == len(prints(first)) > 1


def test_the_help_of_a_rule_is_markdown_that_says_what_the_text_says() -> None:
    parser = MarkdownIt("commonmark", {"html": False})
    for rule in run_of(all_verdicts())["tool"]["driver"]["rules"]:
        html = parser.render(rule["help"]["markdown"])
        read_ = unescape(re.sub(r"<[^>]+>", "", html))
        assert " ".join(read_.split()) == " ".join(rule["help"]["text"].replace("`", "").split())
        assert html.startswith("<p><strong>If broken:</strong>")
        assert "<a " not in html


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

    assert "- `no [data] given`\n" in text


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        HIDDEN,
        "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
        "a | b\n\n# heading\n- item @everyone `code` **bold**",
        "`" * 9 + "|",
        "`" * 3 + "@octocat https://evil.example www.evil.example a@evil.example #1 GH-1",
        "</details><details open>\n\n/close\n> quote\n---\n    code\n1. one &#64;octocat",
        "[x]: https://evil.example\n[^1]: note\n$`math`$ ~~gone~~ \\",
        "\u202eevil \u2066@octocat",
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
    # Forges make links and mentions of these everywhere but in code, escaped or not.
    outside = re.sub(r"<code>.*?</code>", "", html, flags=re.DOTALL)
    assert not re.search(r"@[a-z0-9]|://|www\.", outside, re.IGNORECASE)
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


@pytest.mark.parametrize("text", [HOSTILE, HIDDEN])
def test_the_badge_is_a_picture_and_nothing_else(text: str) -> None:
    drawn = badge.render(everywhere(all_verdicts(), text))
    root = ET.fromstring(drawn)

    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "clipPath", "rect", "g", "text"}
    for element in root.iter():
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
        assert not [
            value for value in element.attrib.values() if "url(" in value.replace("url(#round)", "")
        ]
    assert drawn.isascii() or all(char.isprintable() or char == "\n" for char in drawn)


# -- all of them -----------------------------------------------------------------------------------


def test_all_forms_are_written_from_one_report(tmp_path: Path) -> None:
    data = all_verdicts()

    forms.write(data, tmp_path, declaration={})

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "badge.svg", "report.html", "report.json", "report.sarif", "summary.md",
    ]  # fmt: skip
    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == data
    assert json.loads((tmp_path / "report.sarif").read_text("utf-8")) == sarif.render(data)


def test_text_that_is_no_text_can_be_written_too(tmp_path: Path) -> None:
    data = everywhere(all_verdicts(), HIDDEN)

    forms.write(data, tmp_path, declaration={"note": HIDDEN})

    assert json.loads((tmp_path / "report.json").read_text("utf-8")) == data
    assert json.loads((tmp_path / "declaration.json").read_text("utf-8")) == {"note": HIDDEN}
    for name in ("report.html", "report.sarif", "summary.md", "badge.svg"):
        assert not set("\u202e\x1b") & set((tmp_path / name).read_text("utf-8"))


def test_the_declaration_is_kept_beside_the_report(tmp_path: Path) -> None:
    said = {"claims": ["training"], "waivers": [{"expires": date(2027, 1, 31)}]}

    forms.write(report(), tmp_path, declaration=said)

    kept = json.loads((tmp_path / "declaration.json").read_text("utf-8"))
    assert kept == {"claims": ["training"], "waivers": [{"expires": "2027-01-31"}]}
