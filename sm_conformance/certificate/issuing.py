"""Makes a certificate of the report of a run that found an image conformant."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from rfc8785 import CanonicalizationError
from securesystemslib.dsse import Envelope

from sm_conformance.certificate.bundle import MOST_BYTES, Bundle, evidence_of
from sm_conformance.certificate.statement import PAYLOAD_TYPE, canonical, statement
from sm_conformance.contract.profile import is_file
from sm_conformance.errors import UsageProblem
from sm_conformance.judgement.conclusion import Conclusion
from sm_conformance.judgement.forms import DECLARATION, REPORT
from sm_conformance.run_folder import EVIDENCE

_MOST_EXACT = 2**53 - 1

Sign = Callable[[bytes, str], Envelope]


def certificate(folder: Path, *, sign: Sign, issued: date, expires: date) -> bytes:
    """The certificate of the run whose report lies in ``folder``, as the bytes of its file.

    ``sign`` makes an envelope of a payload and its type. Raises :class:`UsageProblem` when the
    report is not conformant, or judged by a profile or limits that nobody else has.
    """
    report = _json(folder / REPORT)
    if report["conclusion"] != Conclusion.CONFORMANT or not report["complete"]:
        raise UsageProblem("only what was found conformant is certified")
    if "cached" in report:
        raise UsageProblem("a result of an earlier run is not certified: judge without --cached")
    if is_file(report["profile"]):
        raise UsageProblem(
            f"the profile {report['profile']} is a file of yours, which a verifier does not have"
        )
    declared = folder / DECLARATION
    declaration = _exact(_json(declared)) if declared.is_file() else None
    facts, contents = evidence_of(folder / EVIDENCE)
    try:
        said = statement(
            report, declaration=declaration, evidence=facts, issued=issued, expires=expires
        )
        envelope = sign(canonical(said), PAYLOAD_TYPE)
        made = Bundle(
            envelope=envelope, report=report, declaration=declaration, evidence=contents
        ).encoded()
    except CanonicalizationError as error:
        raise UsageProblem(f"the report has no canonical form: {error}") from error
    if len(made) > MOST_BYTES:
        raise UsageProblem(f"the certificate would have {len(made)} bytes, more than {MOST_BYTES}")
    return made


def _exact(data: Any) -> Any:
    """The data with numbers as texts that canonical JSON, whose numbers are doubles, has no form for."""
    match data:
        case dict():
            return {name: _exact(one) for name, one in data.items()}
        case list():
            return [_exact(one) for one in data]
        case int() | float() if not -_MOST_EXACT <= data <= _MOST_EXACT:
            return str(data)
    return data


def _json(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return data
