"""The report: everything a run found, as the JSON data that all other forms are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sm_conformance import __version__
from sm_conformance.contract.clause import Contract
from sm_conformance.judgement.conclusion import ExitStatus, Judgement

SCHEMA = "sm-conformance/report/1"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was judged, how and by what, beside the findings themselves.

    ``images``, ``declaration``, ``waivers`` and ``load`` have the form they have in the report; ``latency``
    maps a route to its figures.
    """

    images: Sequence[Mapping[str, Any]]
    declaration: Mapping[str, Any]
    profile: str
    waivers: Sequence[Mapping[str, Any]]
    seed: int
    examples: int
    engine: Mapping[str, Any]
    limits_changed: Mapping[str, Any]
    latency: Mapping[str, Mapping[str, Any]]
    load: Mapping[str, Any] | None
    launches: int
    elapsed_s: float
    # When the run ended, in UTC.
    judged_at: datetime
    complete: bool
    # What the comparison with an earlier image came to, where one was asked for.
    baseline: Mapping[str, Any] | None = None
    # When it was judged, where the result of then was taken.
    cached_of: str | None = None


def build(
    judgement: Judgement, contract: Contract, status: ExitStatus, facts: Circumstances
) -> dict[str, Any]:
    """The report as JSON data, valid against ``specs/schemas/report.schema.json``."""
    return {
        "schema": SCHEMA,
        "candidate": {"images": [dict(image) for image in facts.images]},
        "suite": {
            "version": __version__,
            "edition": contract.edition,
            "clauses_sha256": contract.sha256,
        },
        "declaration": dict(facts.declaration),
        "profile": facts.profile,
        "waivers": [dict(waiver) for waiver in facts.waivers],
        "seed": facts.seed,
        "examples": facts.examples,
        "engine": dict(facts.engine),
        "limits_changed": dict(facts.limits_changed),
        "conclusion": judgement.conclusion.value,
        "doubts": list(judgement.doubts),
        "exit_status": int(status),
        "findings": [finding.as_dict() for finding in judgement.findings],
        "not_judged": [
            {
                "clause": clause.number,
                "name": clause.name,
                "disposition": clause.disposition.value,
                "because": clause.because or "",
            }
            for clause in contract.clauses
            if not clause.is_judged
        ],
        "latency": {route: dict(figures) for route, figures in facts.latency.items()},
        "load": dict(facts.load) if facts.load else None,
        "launches": facts.launches,
        "elapsed_s": round(facts.elapsed_s, 3),
        "judged_at": facts.judged_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "complete": facts.complete,
        **({} if facts.cached_of is None else {"cached": {"judged_at": facts.cached_of}}),
        **({} if facts.baseline is None else {"baseline": dict(facts.baseline)}),
    }
