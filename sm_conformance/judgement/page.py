"""The report as one HTML page that needs nothing beside itself.

What is said lies in ``page.html.j2`` and the parts that it includes, how it looks in ``page.css`` and
``print.css``; here the report is only sorted into the order of the page. A page stays bounded: of very
many broken clauses only so many have a card, and a text is cut that nobody would read to its end.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from sm_conformance import specs
from sm_conformance.contract import clause
from sm_conformance.contract.clause import Disposition
from sm_conformance.judgement.finding import Verdict
from sm_conformance.judgement.page_text import MOST_LINES, code, short, visible
from sm_conformance.judgement.picture import PLOT_PX, in_ms, pictures

CHAPTERS = {
    "IMG": "Image",
    "TRAIN": "Training",
    "NET": "Isolation",
    "HOST": "Hosting",
    "BATCH": "Batch transform",
    "MME": "Multi-model endpoints",
    "PIPE": "Inference pipelines",
    "PROC": "Processing",
    "MKT": "Marketplace",
}
_UNSETTLED = (Verdict.ERROR, Verdict.NOT_RUN, Verdict.BLOCKED)
_MOST_CARDS = 200
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_Finding = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Group:
    """What several clauses have in common, and those clauses."""

    kind: str
    text: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What the page of a certificate says of its signature.

    ``subjects`` are names and SHA-256 digests in hexadecimal digits, ``checked`` is who looked at the
    signature and when, ``files`` counts the evidence and ``included`` what of it is handed over.
    """

    file: str
    key_id: str
    issued: str
    expires: str
    subjects: tuple[tuple[str, str], ...]
    statement_sha256: str
    files: int
    included: int
    checked: str

    @property
    def command(self) -> str:
        """The command by which a reader verifies the certificate itself."""
        words = ["sm-conformance", "verify", self.file, "--key", "issuer.pub"]
        words += [f"--digest=sha256:{digest}" for _, digest in self.subjects[:1]]
        return shlex.join(words)


def render(report: Mapping[str, Any], signature: Signature | None = None) -> str:
    """The page for a report that ``specs/schemas/report.schema.json`` accepts.

    With a ``signature`` it is the page of a certificate. Every text of the report is escaped; the
    same report gives the same page. Where a clause comes from and what a launch was is looked up in
    this edition of the contract; a clause that is not in it has no sources.
    """
    findings = report["findings"]
    by_verdict = {
        verdict.value: [f for f in findings if f["verdict"] == verdict] for verdict in Verdict
    }
    doubts = _doubts(report["doubts"], findings)
    launches = _gathered(
        (f["evidence"], f["scenario"] or "", _key(f)) for f in findings if f["evidence"]
    )
    digests = [image["config_digest"] for image in report["candidate"]["images"]]
    page = _environment().get_template("page.html.j2")
    return page.render(
        report=report,
        signature=signature,
        by_verdict=by_verdict,
        sources=_sources(findings),
        doubts=doubts,
        unsettled=_unsettled(by_verdict, doubts, on_top=report["conclusion"] == "inconclusive"),
        chapters=_chapters(findings),
        launches=launches,
        launch_of={(it.kind, it.text): at for at, it in enumerate(launches, start=1)},
        stories={it.text: story for it in launches if (story := _story(it.text))},
        commands=_commands(report),
        unclaimed=sorted(_all_claims() - set(report["declaration"]["claims"])),
        # It goes into a style sheet, where nothing escapes it.
        foot=digests[0] if len(digests) == 1 and _DIGEST.fullmatch(digests[0]) else "",
        most_cards=_MOST_CARDS,
        most_lines=MOST_LINES,
        unjudged=_unjudged(report["not_judged"]),
        pictures={route: pictures(figures) for route, figures in report["latency"].items()},
        plot_px=PLOT_PX,
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("sm_conformance.judgement", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"code": code, "short": short, "anchor": _anchor, "key": _key, "ms": in_ms}
    return made


def _key(finding: _Finding) -> str:
    return f"{finding['clause']} {finding['name']}"


def _anchor(key: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", key)


def _sources(findings: Sequence[_Finding]) -> dict[str, list[tuple[str, str]]]:
    """For each clause what it cites and the title of that; nothing for an unknown clause."""
    titles = {key: it["title"] for key, it in specs.read_yaml("sources.yaml")["sources"].items()}
    cited = {rule.key: rule.sources for rule in clause.load().clauses}
    return {
        _key(finding): [
            (source, titles.get(source.partition(" ")[0], "a public issue on GitHub"))
            for source in cited.get(_key(finding), ())
        ]
        for finding in findings
    }


def _story(scenario: str) -> str | None:
    """What is handed over in a scenario of ours; None for a name that is none."""
    if scenario not in {path.stem for path in specs.path("scenarios").glob("*.yaml")}:
        return None
    return str(specs.read_yaml(f"scenarios/{scenario}.yaml")["story"])


def _all_claims() -> frozenset[str]:
    return frozenset[str]().union(*(rule.claims for rule in clause.load().asserted))


def _commands(report: Mapping[str, Any]) -> list[str]:
    """What judges the same images by the same rules again."""
    images, words = report["candidate"]["images"], ["sm-conformance", "check"]
    for image in images:
        option = {"training": "--train-image=", "hosting": "--serve-image="}
        of_one = len(images) == 1 or len(image["roles"]) != 1
        words.append(("" if of_one else option[image["roles"][0]]) + image["reference"])
    if report["declaration"]["from"] in ("option", "file"):
        words.append("--declaration=sm-conformance.yaml")
    words += [f"--profile={report['profile']}", f"--examples={report['examples']}"]
    return [
        *(
            shlex.join(["docker", "image", "inspect", "--format", "{{.Id}}", image["reference"]])
            for image in images
        ),
        shlex.join(["pip", "install", f"sm-conformance=={report['suite']['version']}"]),
        shlex.join(words),
    ]


def _gathered(rows: Iterable[tuple[str, str, str]]) -> list[_Group]:
    """One group for each kind and text, in the order in which they come."""
    groups: dict[tuple[str, str], list[str]] = {}
    for kind, text, key in rows:
        groups.setdefault((kind, text), []).append(key)
    return [_Group(kind, text, tuple(keys)) for (kind, text), keys in groups.items()]


def _doubts(doubts: Sequence[str], findings: Sequence[_Finding]) -> list[_Group]:
    """The doubts, those that differ only in their clause together; kind "" has no clause."""
    of_clause = {}
    for finding in findings:
        key, verdict, reason = _key(finding), finding["verdict"], finding["reason"] or "waived"
        of_clause[f"{key} is {verdict}: {reason}"] = (verdict, reason, key)
    return _gathered(of_clause.get(doubt, ("", doubt, "")) for doubt in doubts)


def _unsettled(
    by_verdict: Mapping[str, Sequence[_Finding]], doubts: Sequence[_Group], *, on_top: bool
) -> list[_Group]:
    """What was not judged; doubts that the top of the page shows are not said again."""
    said = {key for doubt in doubts for key in doubt.keys} if on_top else set()
    rows = [
        (verdict.value, f["reason"] or "No reason was given.", _key(f))
        for verdict in _UNSETTLED
        for f in by_verdict[verdict]
        if _key(f) not in said
    ]
    loose = [] if on_top else [doubt for doubt in doubts if not doubt.kind]
    return _gathered(rows) + loose


def _chapters(findings: Sequence[_Finding]) -> list[tuple[str, list[_Finding]]]:
    chapters: dict[str, list[_Finding]] = {prefix: [] for prefix in CHAPTERS}
    for finding in findings:
        chapters.setdefault(finding["clause"].partition("-")[0], []).append(finding)
    return [(CHAPTERS.get(prefix, prefix), held) for prefix, held in chapters.items() if held]


def _unjudged(rules: Sequence[Mapping[str, str]]) -> list[tuple[str, list[_Group]]]:
    """For each disposition the reasons, with the rules that share one."""
    return [
        (
            disposition.value,
            _gathered(
                ("", rule["because"], _key(rule))
                for rule in rules
                if rule["disposition"] == disposition
            ),
        )
        for disposition in Disposition
        if any(rule["disposition"] == disposition for rule in rules)
    ]
