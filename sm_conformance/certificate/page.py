"""The page of a certificate: what it says, for people who look at it rather than verify it."""

from __future__ import annotations

from sm_conformance.certificate.bundle import Bundle
from sm_conformance.certificate.statement import sha256
from sm_conformance.judgement.page import Signature, render


def page(bundle: Bundle, *, file: str, checked: str) -> str:
    """The HTML of the certificate in ``file``; ``checked`` says who looked at its signature, and when.

    It proves nothing, and says so; write it only of a certificate that holds.
    """
    said = bundle.statement
    predicate = said["predicate"]
    (key_id,) = bundle.envelope.signatures
    return render(
        bundle.report,
        Signature(
            file=file,
            key_id=key_id,
            issued=predicate["issuedOn"],
            expires=predicate["expiresOn"],
            subjects=tuple((one["name"], one["digest"]["sha256"]) for one in said["subject"]),
            statement_sha256=sha256(bundle.envelope.payload),
            files=len(predicate["evidence"]),
            included=len(bundle.evidence),
            checked=checked,
        ),
    )
