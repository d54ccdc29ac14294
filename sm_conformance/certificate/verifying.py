"""Whether a certificate holds, offline: every reason why it does not, and what it claims if it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

from securesystemslib.signer import Key

from sm_conformance.certificate.bundle import Bundle
from sm_conformance.certificate.schema import hold
from sm_conformance.certificate.signing import is_signed_by
from sm_conformance.certificate.statement import canonical, sha256, statement
from sm_conformance.contract import profile as profiles
from sm_conformance.contract.clause import Contract
from sm_conformance.contract.profile import Profile
from sm_conformance.declaration.values import Waiver
from sm_conformance.errors import UsageProblem
from sm_conformance.judgement.conclusion import Conclusion, conclude
from sm_conformance.judgement.finding import Finding, Verdict


@dataclass(frozen=True, slots=True)
class Demands:
    """What a verifier asks of a certificate beyond that it holds.

    ``digest`` is that of the image, of its configuration or its manifest, with ``sha256:`` in
    front; None where any image will do. ``profile`` is the weakest profile that is enough.
    """

    today: date
    digest: str | None = None
    profile: str | None = None
    waivers: bool = True


def refusals(bundle: Bundle, key: Key, contract: Contract, demands: Demands) -> tuple[str, ...]:
    """Why the certificate is refused, the first reason first; empty when it holds.

    What is not signed by ``key`` is not looked at any further.
    """
    if not is_signed_by(bundle.envelope, key):
        return ("it is not signed by this key, or what is signed was changed",)
    try:
        said = bundle.statement
        hold(bundle.report, "report", what="the report")
        return tuple(_refusals(bundle, said, contract, demands))
    except UsageProblem as error:
        return (str(error),)


def _refusals(
    bundle: Bundle, said: Mapping[str, Any], contract: Contract, demands: Demands
) -> Iterator[str]:
    predicate = said["predicate"]
    yield from _of_contents(bundle, said)
    yield from _of_days(predicate, demands)
    yield from _of_judgement(bundle.report, contract)
    if demands.digest is not None:
        yield from _of_image(said, demands.digest)
    if demands.profile is not None:
        yield from _of_profile(predicate["profile"], contract, demands.profile)


def _of_contents(bundle: Bundle, said: Mapping[str, Any]) -> Iterator[str]:
    """The statement is what the report comes to, and speaks of what is handed over."""
    predicate = said["predicate"]
    again = statement(
        bundle.report,
        declaration=bundle.declaration,
        evidence=predicate["evidence"],
        issued=_day(predicate["issuedOn"]),
        expires=_day(predicate["expiresOn"]),
    )
    if canonical(again) != bundle.envelope.payload:
        yield "the report or the declaration in it is not the one that was signed"
    included = {name for name, facts in predicate["evidence"].items() if facts["included"]}
    if included != set(bundle.evidence):
        yield "the evidence in it is not the one that was signed"
    for name, content in bundle.evidence.items():
        facts = predicate["evidence"].get(name)
        if facts is not None and facts["sha256"] != sha256(content):
            yield f"the evidence {name!r} is not the one that was signed"


def _of_days(predicate: Mapping[str, Any], demands: Demands) -> Iterator[str]:
    if _day(predicate["issuedOn"]) > demands.today:
        yield f"it is from {predicate['issuedOn']}, a day to come"
    if _day(predicate["expiresOn"]) < demands.today:
        yield f"it expired on {predicate['expiresOn']}"
    for waiver in predicate["waivers"]:
        if not demands.waivers:
            yield f"{waiver['clause']} is waived, and no waiver is allowed: {waiver['reason']}"
        elif _day(waiver["expires"]) < demands.today:
            yield f"its waiver of {waiver['clause']} expired on {waiver['expires']}"


def _of_judgement(report: Mapping[str, Any], contract: Contract) -> Iterator[str]:
    """The findings come to the conclusion, by this contract."""
    if report["conclusion"] != Conclusion.CONFORMANT or not report["complete"]:
        yield f"the image was not found conformant: {report['conclusion']}"
        return
    if "cached" in report:
        yield "the image was not judged for it: its report is that of an earlier run"
    if report["suite"]["clauses_sha256"] != contract.sha256:
        yield (
            f"it was judged by other clauses (suite {report['suite']['version']}, edition "
            f"{report['suite']['edition']}) than this version has (edition {contract.edition}): "
            "verify it with that version"
        )
        return
    try:
        profile = _ours(report["profile"])
    except UsageProblem as error:
        yield f"its profile is not known here: {error}"
        return
    claims = frozenset(report["declaration"]["claims"])
    if profile.claims - claims:
        unclaimed = ", ".join(sorted(profile.claims - claims))
        yield f"its profile {profile.name!r} takes for granted what it does not claim: {unclaimed}"
    findings = [Finding.from_dict(finding) for finding in report["findings"]]
    yield from _of_findings(findings, {one["clause"] for one in report["waivers"]}, contract)
    again = conclude(
        contract,
        profile,
        claims,
        findings,
        missing="not in the report",
        changed_limits=bool(report["limits_changed"]),
        waivers=[
            Waiver(
                clause=one["clause"],
                reason=one["reason"],
                expires=_day(one["expires"]),
            )
            for one in report["waivers"]
        ],
        with_requests=report["declaration"]["from"] == "aws",
        launched=report["engine"].get("way") != "none",
    )
    if again.conclusion is not Conclusion.CONFORMANT:
        why = "; ".join(again.doubts[:3]) or "a finding is fail"
        yield f"its findings do not come to its conclusion: {why}"


def _of_findings(
    findings: Sequence[Finding], waived: Set[str], contract: Contract
) -> Iterator[str]:
    """Each is of a clause of the contract, with the weight that it has there, and waived in the open."""
    clauses = {one.key: one for one in contract.asserted}
    for finding in findings:
        one = clauses.get(finding.key)
        weight = (finding.level, finding.consequence, finding.promise)
        if one is None or weight != (one.level, one.consequence, one.promise is not None):
            yield f"its finding {finding.key!r} is on no clause of the contract"
        if finding.verdict == Verdict.WAIVED and finding.key not in waived:
            yield f"{finding.key} is waived by no waiver"


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageProblem(f"{text[:40]!r} in it is no day") from error
    if day.isoformat() != text:
        raise UsageProblem(f"{text[:40]!r} in it is not how a day is written")
    return day


def _of_image(said: Mapping[str, Any], digest: str) -> Iterator[str]:
    known = {subject["digest"]["sha256"] for subject in said["subject"]}
    if digest.removeprefix("sha256:") not in known:
        names = ", ".join(
            f"{one['name']} sha256:{one['digest']['sha256']}" for one in said["subject"]
        )
        yield f"it is the certificate of another image ({names})"


def _of_profile(has: str, contract: Contract, wanted: str) -> Iterator[str]:
    """A profile is enough where it fails all that the wanted one fails, and takes as much for granted."""
    judged, demanded = _ours(has), profiles.load(wanted)
    weaker = [
        clause.key
        for clause in contract.asserted
        if demanded.can_fail(clause) and not judged.can_fail(clause)
    ]
    missing = sorted(demanded.claims - judged.claims)
    network = demanded.network is not None and demanded.network != judged.network
    if weaker or missing or network:
        yield f"it was judged by the profile {has!r}, which demands less than {wanted!r}"


def _ours(name: str) -> Profile:
    """A profile of ours: a certificate does not say which file is read where it is verified."""
    if profiles.is_file(name):
        raise UsageProblem(f"{name[:80]!r} is a file, and no profile that everybody has")
    return profiles.load(name)


def claims(bundle: Bundle, *, today: date) -> Sequence[str]:
    """What a certificate that holds says in words, and what it does not say."""
    said, report = bundle.statement["predicate"], bundle.report
    left = (date.fromisoformat(said["expiresOn"]) - today).days
    images = [f"{one['reference']} {one['config_digest']}" for one in said["images"]]
    lines = [
        f"judged:    {image} ({' and '.join(one['roles'])}, {one['platform']})"
        for image, one in zip(images, said["images"], strict=True)
    ]
    lines += [
        f"claims:    {', '.join(said['claims'])}",
        f"by:        sm-conformance {said['suite']['version']}, contract edition "
        f"{said['suite']['edition']}, profile {said['profile']}",
        f"on:        {said['issuedOn']}; it expires on {said['expiresOn']} ({left} days left)",
        f"clauses:   {len(said['passedTests'])} kept, {len(said['warnedTests'])} with advice or waived, "
        f"{sum(one['verdict'] == 'n/a' for one in report['findings'])} that do not apply",
    ]
    unjudged = [one for one in report["findings"] if one["verdict"] == Verdict.NOT_RUN]
    if unjudged:
        named = ", ".join(f"{one['clause']} {one['name']}" for one in unjudged)
        lines.append(f"not judged: {named}, none of which can fail under that profile")
    lines += [
        f"waived:    {one['clause']} until {one['expires']}: {one['reason']}"
        for one in said["waivers"]
    ]
    lines += [
        "",
        "It says that this very image kept every clause that can fail under this profile, with the "
        "declared data, on that day.",
        "It does not say that its predictions are good, that it is secure, that it is fast on other "
        "machines, or that any other image of the same name keeps the contract.",
    ]
    return lines
