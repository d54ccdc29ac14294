"""The page is checked as a browser reads it: parsed, not searched for pieces of markup."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest

from sm_conformance import specs
from sm_conformance.contract import clause
from sm_conformance.contract.clause import Disposition
from sm_conformance.judgement.finding import Verdict
from sm_conformance.judgement.page import render

HOSTILE = """<script>alert(1)</script> ]]> --> </style></pre>"' onload=x {{ 7*7 }} & &lt; """
HIDDEN = "safe\u202etxt.exe\x1b[2J\x00\ud800"
LONG_WORD = "x" * 3000
DIGEST = "sha256:" + "4f" * 32
VOID = {"meta", "br", "rect", "line"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child.walk()

    @property
    def text(self) -> str:
        """What a reader sees: lines and runs of blanks are one blank."""
        return re.sub(r"\s+", " ", self.raw).strip()

    @property
    def raw(self) -> str:
        return "".join(child if isinstance(child, str) else child.raw for child in self.children)

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """Elements below, by tag and by the words of ``class_`` or the value of other attributes."""
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return [
            element
            for element in self.walk()
            if element.tag == tag
            and all(
                value in element.attributes.get(name, "").split()
                if name == "class"
                else element.attributes.get(name) == value
                for name, value in wanted.items()
            )
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        (element,) = self.all(tag, **attributes)
        return element


class Page(HTMLParser):
    """Builds the tree; a tag that is closed by another, or never, is a fault of the page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]
        self.feed(text)
        self.close()
        assert self._open == [self.root], [element.tag for element in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"an attribute twice in {tag}: {attrs}"
        self._open[-1].children.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)


def finding(key: str, verdict: str = "pass", **changed: Any) -> dict[str, Any]:
    """The finding of a clause of the contract, as the judgement fills it for this verdict."""
    rule = clause.load().clause(key)
    broken = verdict in ("fail", "advice")
    launched = verdict not in ("n/a", "error")
    return {
        "clause": rule.number,
        "name": rule.name,
        "level": rule.level.value,
        "consequence": rule.consequence.value,
        "promise": rule.promise is not None,
        "verdict": verdict,
        "reason": None if broken or verdict == "pass" else f"the reason of {verdict}",
        "sentence": rule.sentence,
        "matters": rule.matters,
        "expected": "a reason in /opt/ml/output/failure" if broken else None,
        "actual": "no file after exit status 1" if broken else None,
        "fix": rule.fix if broken else None,
        "scenario": "train-failing" if launched else None,
        "repeat": "docker run --rm --network none repo:tag train" if launched else None,
        "evidence": "evidence/train-failing" if launched else None,
        "log": ["Traceback", "ValueError: no data"] if launched else [],
        "excused": False,
    } | changed


def route(samples: list[float], **changed: Any) -> dict[str, Any]:
    ordered = sorted(samples)

    def rank(percent: int) -> float:
        return ordered[math.ceil(percent * len(ordered) / 100) - 1] if ordered else 0.0

    return {
        "count": len(samples),
        "p50_ms": rank(50),
        "p90_ms": rank(90),
        "p99_ms": rank(99),
        "max_ms": rank(100),
        "p99_is_max": len(samples) < 100,
        "failures": 0,
        "bound_ms": None,
        "connect_ms": None,
        "samples_ms": samples,
    } | changed


def report(*findings: dict[str, Any], **changed: Any) -> dict[str, Any]:
    contract = clause.load()
    return {
        "schema": "sm-conformance/report/1",
        "candidate": {
            "images": [
                {
                    "roles": ["training", "hosting"],
                    "reference": "registry.example/churn:3",
                    "config_digest": DIGEST,
                    "manifest_digest": None,
                    "platform": "linux/amd64",
                }
            ]
        },
        "suite": {"version": "0.1.0", "edition": "2026-11", "clauses_sha256": contract.sha256},
        "declaration": {"from": "file", "sha256": "ab" * 32, "claims": ["hosting", "training"]},
        "profile": "platform",
        "waivers": [],
        "seed": 20261,
        "engine": {
            "name": "docker",
            "version": "27.0",
            "platform": "linux/amd64",
            "way": "direct",
            "isolation_proved": True,
            "cpus": 2,
        },
        "limits_changed": {},
        "conclusion": "conformant",
        "doubts": [],
        "exit_status": 0,
        "findings": list(findings),
        "not_judged": [
            {
                "clause": rule.number,
                "name": rule.name,
                "disposition": rule.disposition.value,
                "because": rule.because or "",
            }
            for rule in contract.clauses
            if rule.disposition is not Disposition.ASSERTED
        ],
        "latency": {},
        "launches": 7,
        "elapsed_s": 6.123,
        "complete": True,
    } | changed


def test_sketch():
    pass
