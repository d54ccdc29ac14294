"""The report as SARIF 2.1.0, for tools that annotate code with what a run found.

Broken clauses are results: those that fail an image are errors, advice is a warning, and a waived
one is suppressed. What was not judged is no result, but a notification of the run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sm_conformance.contract import clause
from sm_conformance.contract.clause import Clause
from sm_conformance.judgement.finding import Verdict
from sm_conformance.judgement.markdown import prose
from sm_conformance.observed.http import printable
from sm_conformance.sources import titled

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Verdict.FAIL: "error", Verdict.ADVICE: "warning", Verdict.WAIVED: "note"}
_UNSETTLED = (Verdict.ERROR, Verdict.NOT_RUN, Verdict.BLOCKED)
# An image has no lines. Where it is made is where a fault is repaired, and viewers want a file.
_WHERE = "Dockerfile"
_MOST_CHARS = 4000
_BRACKET = re.compile(r"([\[\]])")
# Code scanning refuses descriptions that are longer.
_MOST_DESCRIBED = 1024

_Finding = Mapping[str, Any]


def render(report: Mapping[str, Any]) -> dict[str, Any]:
    """The SARIF log, as JSON data, of a report that ``report.schema.json`` accepts."""
    known = {one.key: one for one in clause.load().clauses}
    findings: Sequence[_Finding] = report["findings"]
    ids = [_key(finding) for finding in findings]
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "sm-conformance",
                        "version": report["suite"]["version"],
                        "semanticVersion": report["suite"]["version"],
                        "rules": [_rule(finding, known.get(_key(finding))) for finding in findings],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation(report, ids)],
                "results": [
                    _result(finding, at, report)
                    for at, finding in enumerate(findings)
                    if finding["verdict"] in _LEVELS
                ],
                "properties": {
                    "conclusion": report["conclusion"],
                    "profile": report["profile"],
                    "edition": report["suite"]["edition"],
                    "images": [
                        f"{image['reference']} {image['config_digest']}"
                        for image in report["candidate"]["images"]
                    ],
                },
            }
        ],
    }
    return {name: _visible(value) for name, value in log.items()}


def _rule(finding: _Finding, known: Clause | None) -> dict[str, Any]:
    fix = known.fix if known else finding["fix"] or ""
    sources = [titled(source) for source in known.sources] if known else []
    parts = [
        ("If broken", finding["matters"]),
        ("How to fix", fix),
        ("Sources", "; ".join(sources)),
    ]
    return {
        "id": _key(finding),
        "name": finding["name"],
        "shortDescription": {"text": finding["sentence"][:_MOST_DESCRIBED]},
        "fullDescription": {
            "text": f"{finding['sentence']} {finding['matters']}"[:_MOST_DESCRIBED]
        },
        "help": {
            "text": "\n\n".join(f"{name}: {said}" for name, said in parts if said),
            "markdown": "\n\n".join(f"**{name}:** {prose(said)}" for name, said in parts if said),
        },
        "defaultConfiguration": {"level": "error" if finding["level"] == "MUST" else "warning"},
        "properties": {
            "problem.severity": "error" if finding["level"] == "MUST" else "warning",
            "tags": [finding["level"], finding["consequence"], finding["clause"].partition("-")[0]],
        },
    }


def _result(finding: _Finding, at: int, report: Mapping[str, Any]) -> dict[str, Any]:
    verdict = Verdict(finding["verdict"])
    made: dict[str, Any] = {
        "ruleId": _key(finding),
        "ruleIndex": at,
        "level": _LEVELS[verdict],
        "message": {"text": _message(finding)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _WHERE},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [
                    {"fullyQualifiedName": image["reference"], "kind": "resource"}
                    for image in report["candidate"]["images"]
                ],
            }
        ],
        # The same clause broken in the next run is the same alert.
        "partialFingerprints": {"primaryLocationLineHash": _fingerprint(finding)},
    }
    if verdict is Verdict.WAIVED:
        made["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": finding["reason"] or ""}
        ]
    return made


def _fingerprint(finding: _Finding) -> str:
    """GitHub reads this one alone; without it, it hashes the line, which has nothing to do with it."""
    return f"{hashlib.sha256(_key(finding).encode('utf-8', 'backslashreplace')).hexdigest()[:16]}:1"


def _message(finding: _Finding) -> str:
    waived = finding["verdict"] == Verdict.WAIVED
    parts = (
        [finding["reason"] or finding["sentence"]]
        if waived
        else [
            finding["sentence"],
            f"Expected: {finding['expected']}" if finding["expected"] else "",
            f"Seen: {finding['actual']}" if finding["actual"] else "",
            f"Fix: {finding['fix']}" if finding["fix"] else "",
        ]
    )
    # Brackets make a link in a message, unless they are escaped.
    return _BRACKET.sub(r"\\\1", "\n".join(part for part in parts if part))


def _invocation(report: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    return {
        "executionSuccessful": bool(report["complete"]),
        "exitCode": report["exit_status"],
        "exitCodeDescription": report["conclusion"],
        "toolExecutionNotifications": [
            {
                "level": "error" if finding["verdict"] == Verdict.ERROR else "note",
                "message": {
                    "text": f"{_key(finding)} is {finding['verdict']}: {finding['reason']}"
                },
                "associatedRule": {"id": _key(finding), "index": ids.index(_key(finding))},
            }
            for finding in report["findings"]
            if finding["verdict"] in _UNSETTLED
        ],
    }


def _key(finding: _Finding) -> str:
    return f"{finding['clause']} {finding['name']}"


def _visible(value: Any) -> Any:
    """The same data with nothing hidden in its texts; lines stay lines."""
    if isinstance(value, dict):
        return {name: _visible(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_visible(held) for held in value]
    if isinstance(value, str):
        return "\n".join(printable(line) for line in value.split("\n"))[:_MOST_CHARS]
    return value
