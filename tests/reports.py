"""Reports as a run makes them, built for tests."""

from __future__ import annotations

import math
from typing import Any

from sm_conformance.contract import clause
from sm_conformance.contract.clause import Disposition
from sm_conformance.judgement.finding import Verdict

HOSTILE = """<script>alert(1)</script> ]]> --> </style></pre>"' onload=x {{ 7*7 }} & &lt; """
HIDDEN = "safe\u202etxt.exe\x1b[2J\x00\ud800"
LONG_WORD = "x" * 3000
DIGEST = "sha256:" + "4f" * 32


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
        "examples": 3,
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
            if rule.disposition not in (Disposition.ASSERTED, Disposition.DECLARATION)
        ],
        "latency": {},
        "launches": 7,
        "elapsed_s": 6.123,
        "judged_at": "2026-11-21T08:15:42Z",
        "complete": True,
    } | changed


def everywhere(value: Any, text: str) -> Any:
    """The same data with ``text`` in place of each free text."""
    kept = {"schema", "conclusion", "roles", "clauses_sha256", "from", "way", "clause", "level"}
    kept |= {"consequence", "verdict", "disposition", "judged_at"}
    if isinstance(value, dict):
        return {
            name: held if name in kept else everywhere(held, text) for name, held in value.items()
        }
    if isinstance(value, list):
        return [everywhere(held, text) for held in value]
    return text if isinstance(value, str) else value


def all_verdicts() -> dict[str, Any]:
    keys = [rule.key for rule in clause.load().asserted]
    found = [finding(key, verdict) for key, verdict in zip(keys, Verdict, strict=False)]
    return report(
        *found,
        conclusion="nonconformant",
        exit_status=1,
        doubts=["a doubt of its own"],
        limits_changed={"startup_limit_s": 5},
        waivers=[{"clause": keys[5], "reason": "a reason", "expires": "2027-01-31"}],
        latency={"/ping": route([1.0, 2.0]), "/invocations": route([])},
    )
