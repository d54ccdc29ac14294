"""The page on paper, as a certificate, and of reports that are larger than any run makes."""

from __future__ import annotations

import re
import shlex
from typing import Any

import jsonschema
import pytest
from markup import Element, Page
from reports import DIGEST, HOSTILE, finding, report, route
from sampling import first

from sm_conformance import specs
from sm_conformance.contract import clause
from sm_conformance.judgement.page import Signature, render

BROKEN = {"conclusion": "nonconformant", "exit_status": 1}


def shown(data: dict[str, Any], signature: Signature | None = None) -> Element:
    jsonschema.validate(data, specs.read_schema("report"))
    return Page(render(data, signature)).root


def section(page: Element, heading: str) -> Element:
    return page.one("section", **{"aria-labelledby": heading})


def block(style: str, start: str) -> str:
    """What stands between the braces that follow ``start``."""
    at = style.index("{", style.index(start)) + 1
    depth, end = 1, at
    while depth:
        depth += {"{": 1, "}": -1}.get(style[end], 0)
        end += 1
    return style[at : end - 1]


def colours(part: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))


def contrast(one: str, other: str) -> float:
    """The ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


# -- how it looks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("where", [":root", "prefers-color-scheme: dark", "@media print"])
def test_all_text_has_contrast_enough_to_be_read(where: str) -> None:
    style = shown(report()).one("style").raw
    of = colours(block(style, where))

    pairs = [(ink, "paper") for ink in ("text", "soft", "link", "good", "bad", "open", "calm")]
    pairs += [(ink, "panel") for ink in ("text", "soft", "link", "bad")]
    pairs += [(ink, f"{ink}-back") for ink in ("good", "bad", "open", "calm")]
    pairs += [("text", f"{back}-back") for back in ("good", "bad", "open", "calm")]
    assert {pair: contrast(of[pair[0]], of[pair[1]]) for pair in pairs
            if contrast(of[pair[0]], of[pair[1]]) < 4.5} == {}  # fmt: skip


def test_on_paper_nothing_is_painted_behind_text_and_nothing_stays_shut() -> None:
    printed = block(shown(report()).one("style").raw, "@media print")
    of = colours(printed)

    assert {of[name] for name in of if name.endswith("-back")} == {"#ffffff"}
    assert (of["paper"], of["panel"], of["text"]) == ("#ffffff", "#ffffff", "#000000")
    assert "content-visibility: visible" in block(printed, "details::details-content { content")
    assert "display: none" in block(printed, "nav, summary::marker")
    # A text that scrolls on a screen would be cut on paper.
    assert "max-height: none" in block(printed, "dd.said")
    assert "pre-wrap" in block(printed, "pre {")


def test_on_paper_no_row_and_no_picture_is_cut_and_heads_of_tables_come_again() -> None:
    printed = block(shown(report()).one("style").raw, "@media print")

    kept = next(line for line in printed.splitlines() if "break-inside: avoid; }" in line
                and "figure" in line)  # fmt: skip
    assert {"figure", "tr", ".signature", ".facts"} <= set(
        kept.partition("{")[0].replace(" ", "").split(",")
    )
    assert "table-header-group" in block(printed, "thead")
    assert "break-after: avoid" in block(printed, "h2, h3, h4")


def test_rules_for_a_phone_are_not_those_for_narrow_paper() -> None:
    style = shown(report()).one("style").raw

    assert "@media screen and (max-width: 40rem)" in style
    assert "@media (max-width" not in style


def test_every_sheet_of_paper_names_the_image_that_was_judged() -> None:
    style = shown(report()).one("style").raw

    assert f'content: "sm-conformance  conformant  {DIGEST}"' in style


@pytest.mark.parametrize("digest", ['"; } } body { display: none } /*', "</style><script>", "x"])
def test_what_is_no_digest_comes_into_no_style(digest: str) -> None:
    data = report()
    data["candidate"]["images"][0]["config_digest"] = digest

    style = shown(data).one("style").raw

    assert "@bottom-left { content" not in style
    assert digest not in style or digest == "x"


# -- what it says ----------------------------------------------------------------------------------


def test_it_says_what_is_claimed_and_what_is_not() -> None:
    says, says_not = section(shown(report()), "said").one("div", class_="pair").all("ul")

    claims = frozenset[str]().union(*(one.claims for one in clause.load().asserted))
    assert "hosting, training" in says.text
    assert {"gpu", "marketplace"} <= claims
    for claim in claims - {"hosting", "training"}:
        assert claim in says_not.text
    assert "training" not in says_not.text.replace("training-", "")
    assert "secure" in says_not.text


@pytest.mark.parametrize(
    ("changed", "word"),
    [({}, "kept every clause"), (BROKEN, "breaks"),
     ({"conclusion": "inconclusive", "exit_status": 3, "doubts": ["x"]}, "not known")],
)  # fmt: skip
def test_it_does_not_say_more_than_the_conclusion(changed: dict[str, Any], word: str) -> None:
    said = section(shown(report(finding("IMG-001 train-starts", "fail"), **changed)), "said").text

    assert word in said
    assert ("kept every clause" in said) == (word == "kept every clause")


def test_the_day_of_the_judgement_and_the_edition_stand_at_the_top() -> None:
    facts = shown(report()).one("header").one("dl").text

    assert "2026-11-21 08:15:42 UTC" in facts
    assert "edition 2026-11, as sm-conformance 0.1.0" in facts


def test_a_waiver_stands_in_the_open_with_who_is_excused_and_what_was_seen() -> None:
    said = finding("IMG-023 logs", "waived", actual="not a line in 40 s", expected="a line")
    page = shown(
        report(
            said,
            waivers=[{"clause": "IMG-023 logs", "reason": "quiet", "expires": "2027-01-31"}],
        )
    )

    waivers = section(page, "waivers")
    (row,) = [row.text for row in waivers.all("tr") if row.all("td")]
    assert row == "IMG-023 logs 2027-01-31 quiet"
    assert "not a line in 40 s" in waivers.one("article").text
    assert "#waivers" in [link.attributes["href"] for link in page.one("nav").all("a")]


def test_each_clause_says_what_was_done_and_leads_to_that_launch() -> None:
    page = shown(
        report(
            finding("TRAIN-068 ends", scenario="train-plain", evidence="evidence/train-plain"),
            finding("IMG-016 architecture", scenario=None, evidence=None),
            finding("HOST-002 ping", "not-run", scenario="serve-plain", evidence=None),
        )
    )
    rows = {row.one("th").text: row for row in section(page, "clauses").all("tr", role="row")
            if row.all("td")}  # fmt: skip
    launched, read, unknown = (
        next(row for name, row in rows.items() if part in name) for part in ("ends", "arch", "ping")
    )

    place = launched.one("a").attributes["href"][1:]
    (launch,) = page.all("tr", id=place)
    assert "launched in the most ordinary way" in launch.text
    assert "Done: launch train-plain. Seen: kept." in launched.text
    assert "Done: read, without a launch. Seen: kept." in read.text
    assert "Done" not in unknown.text


def test_the_commands_to_judge_again_are_one_word_where_they_have_to_be() -> None:
    data = report(profile="my profile.yaml")
    image = data["candidate"]["images"][0]
    hostile = "a:1; rm -rf $HOME `id`"
    data["candidate"]["images"] = [
        image | {"roles": ["training"], "reference": hostile},
        image | {"roles": ["hosting"], "reference": "b:2"},
    ]

    lines = section(shown(data), "again").one("pre").raw.strip().splitlines()

    first, second, install, check = (shlex.split(line) for line in lines)
    assert first == ["docker", "image", "inspect", "--format", "{{.Id}}", hostile]
    assert second[-1] == "b:2"
    assert install == ["pip", "install", "sm-conformance==0.1.0"]
    assert check == [
        "sm-conformance", "check", f"--train-image={hostile}", "--serve-image=b:2",
        "--declaration=sm-conformance.yaml", "--profile=my profile.yaml", "--examples=3",
    ]  # fmt: skip


# -- a certificate ---------------------------------------------------------------------------------


def signature(**changed: Any) -> Signature:
    said = {
        "file": "churn 3.json", "key_id": "ab" * 32, "issued": "2026-11-21", "expires": "2027-11-21",
        "subjects": (("registry.example/churn:3", "4f" * 32),), "statement_sha256": "cd" * 32,
        "files": 12, "included": 9, "checked": "verified on 2026-12-01 with that key",
    }  # fmt: skip
    return Signature(**said | changed)


def test_a_certificate_is_called_one_and_says_who_signed_what_until_when() -> None:
    page = shown(report(), signature())
    said = section(page, "signature").text

    assert page.one("title").text.startswith("Certificate, Conformant: registry.example/churn:3")
    assert page.one("p", class_="name").text.startswith("Certificate of conformance")
    for text in (
        "2026-11-21",
        "2027-11-21",
        "ab" * 32,
        "cd" * 32,
        f"sha256:{'4f' * 32}",
        "12 files",
    ):
        assert text in said
    assert "Waivers none" in said
    assert "anybody could have written it" in said


def test_a_report_is_called_no_certificate() -> None:
    page = shown(report())

    assert "ertificate" not in page.one("header").text
    assert page.all("section", class_="signature") == []


def test_a_certificate_speaks_to_who_gets_the_image_and_a_report_to_who_made_it() -> None:
    told = {
        name: shown(*parts).one("div", class_="conclusion").text
        for name, parts in {"report": (report(),), "certificate": (report(), signature())}.items()
    }

    assert "you can ship it" in told["report"]
    assert "you" not in told["certificate"]
    assert "Every clause of the container contract that can stop" in told["certificate"]


def test_the_page_of_a_certificate_tells_how_to_verify_the_certificate_itself() -> None:
    command = section(shown(report(), signature()), "signature").one("pre").text

    assert shlex.split(command) == [
        "sm-conformance", "verify", "churn 3.json", "--key", "issuer.pub",
        f"--digest=sha256:{'4f' * 32}",
    ]  # fmt: skip


def test_no_text_of_a_signature_becomes_markup() -> None:
    page = shown(report(), signature(file=HOSTILE, key_id=HOSTILE, checked=HOSTILE,
                                     subjects=((HOSTILE, HOSTILE),)))  # fmt: skip

    assert page.all("script") == []
    assert section(page, "signature").text.count("<script>alert(1)</script>") >= 4


# -- more than any run makes -----------------------------------------------------------------------


@pytest.mark.parametrize("verdict", first(1, ["fail", "pass", "advice", "waived"]))
def test_ten_thousand_findings_are_all_there_and_the_page_stays_bounded(verdict: str) -> None:
    rule = finding("TRAIN-064 failure-file", verdict)
    data = report(*(rule | {"name": f"n{at}"} for at in range(10_000)), **BROKEN)

    text = render(data)

    assert len(text) < 10_000 * 1200 + 2_000_000
    assert all(f'<tr id="TRAIN-064-n{at}" ' in text for at in range(10_000))
    assert text.count("<article") + text.count('<details class="advice"') == (
        0 if verdict == "pass" else 200
    )
    assert ("9,800 more stand in" in text) == (verdict != "pass")


def test_very_long_texts_are_cut_and_the_page_says_so() -> None:
    lines = "\n".join(f"line {at}" for at in range(10_000))
    said = finding("TRAIN-064 failure-file", "fail", actual=lines, expected="x" * 100_000,
                   log=[f"log {at}" for at in range(10_000)], scenario="s" * 5000)  # fmt: skip
    data = report(said, **BROKEN, latency={"/ping": route([1.0] * 100)})

    text = render(data)
    card = section(Page(text).root, "failed").one("article")

    assert len(text) < 400_000
    assert "line 59 … (" in card.text
    assert "line 60" not in card.text
    assert "x … (92,000 more characters)" in card.text
    # Of a log the end tells most.
    assert card.one("pre", **{"aria-label": "Last log lines"}).text.endswith("log 9999")
