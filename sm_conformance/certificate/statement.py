"""The in-toto statement that a certificate signs: which image was judged, how, and what came of it.

The predicate is of our own type. Its ``result``, ``configuration``, ``passedTests`` and
``warnedTests`` mean what those of in-toto's test-result predicate mean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import rfc8785

from sm_conformance.judgement.finding import Verdict

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://sm-conformance.invalid/certificate/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
_WARNED = (Verdict.ADVICE, Verdict.WAIVED)


def canonical(data: Any) -> bytes:
    """JSON data as its one canonical encoding (RFC 8785)."""
    return rfc8785.dumps(data)


def sha256(content: bytes) -> str:
    """The digest of ``content``, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def statement(
    report: Mapping[str, Any],
    *,
    declaration: Mapping[str, Any] | None,
    evidence: Mapping[str, Mapping[str, Any]],
    issued: date,
    expires: date,
) -> dict[str, Any]:
    """The statement on what ``report`` says; ``evidence`` has size and digest of each file by name.

    The subjects are the judged images. Each has the digest of its configuration, which names all
    layers, and that of its manifest where it is known.
    """
    images = report["candidate"]["images"]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [subject for image in images for subject in _subjects(image)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "result": "PASSED",
            "configuration": [
                {"name": "report.json", "digest": {"sha256": sha256(canonical(report))}},
                {
                    "name": "clauses.yaml",
                    "digest": {"sha256": report["suite"]["clauses_sha256"]},
                },
                *(
                    [
                        {
                            "name": "declaration.json",
                            "digest": {"sha256": sha256(canonical(declaration))},
                        }
                    ]
                    if declaration is not None
                    else []
                ),
            ],
            "passedTests": _keys(report, (Verdict.PASS,)),
            "warnedTests": _keys(report, _WARNED),
            "failedTests": _keys(report, (Verdict.FAIL,)),
            "issuedOn": issued.isoformat(),
            "expiresOn": expires.isoformat(),
            "profile": report["profile"],
            "claims": report["declaration"]["claims"],
            "waivers": report["waivers"],
            "suite": report["suite"],
            "engine": report["engine"],
            "images": images,
            "evidence": {name: dict(facts) for name, facts in evidence.items()},
        },
    }


def _subjects(image: Mapping[str, Any]) -> list[dict[str, Any]]:
    digests = (image["config_digest"], image["manifest_digest"])
    return [
        {"name": image["reference"], "digest": {"sha256": digest.removeprefix("sha256:")}}
        for digest in digests
        if digest is not None
    ]


def _keys(report: Mapping[str, Any], verdicts: Sequence[Verdict]) -> list[str]:
    return [
        f"{finding['clause']} {finding['name']}"
        for finding in report["findings"]
        if finding["verdict"] in verdicts
    ]
