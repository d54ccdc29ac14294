"""The conclusion of a run, computed from the registry of all clauses: no green by omission."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from sm_conformance.contract.clause import Clause, Contract
from sm_conformance.contract.profile import Profile
from sm_conformance.declaration.values import Waiver
from sm_conformance.judgement.finding import (
    Finding,
    Verdict,
    not_claimed,
    not_run,
    without_requests,
    worst,
)
from sm_conformance.judgement.waivers import not_needed


class Conclusion(StrEnum):
    """What is said of a candidate."""

    CONFORMANT = "conformant"
    NONCONFORMANT = "nonconformant"
    INCONCLUSIVE = "inconclusive"


class ExitStatus(IntEnum):
    """What a pipeline sees. 0 means conformant and nothing else."""

    CONFORMANT = 0
    NONCONFORMANT = 1
    INTERRUPTED = 2
    INCONCLUSIVE = 3
    UNUSABLE = 4


@dataclass(frozen=True, slots=True)
class Judgement:
    """All findings of a run, one for each asserted clause, and what follows from them."""

    conclusion: Conclusion
    findings: tuple[Finding, ...]
    # Why the conclusion is not "conformant" although nothing failed; empty otherwise.
    doubts: tuple[str, ...]

    def count(self, verdict: Verdict) -> int:
        """How many findings have this verdict."""
        return sum(finding.verdict == verdict for finding in self.findings)


def conclude(
    contract: Contract,
    profile: Profile,
    claims: frozenset[str],
    found: Iterable[Finding],
    *,
    missing: str,
    changed_limits: bool,
    waivers: Sequence[Waiver] = (),
    with_requests: bool = False,
    launched: bool = True,
) -> Judgement:
    """The judgement on what was ``found``; ``missing`` says why other clauses were not run.

    ``with_requests``: requests to AWS are judged as well. ``launched``: whether the image could be
    launched at all.
    """
    by_key = _folded(found)
    findings = []
    doubts = []
    passed = False
    for clause in contract.asserted:
        finding = _complete(clause, claims, by_key, missing, with_requests=with_requests)
        findings.append(finding)
        if finding.verdict == Verdict.ERROR:
            # Trouble of the harness, wherever it was: nobody knows what else it touched.
            doubts.append(f"{finding.key} is error: {finding.reason}")
            continue
        if not clause.applies(claims) or not profile.can_fail(clause):
            continue
        match Verdict(finding.verdict):
            case Verdict.PASS:
                passed = True
            case Verdict.WAIVED if not finding.promise:
                pass
            case Verdict.NOT_APPLICABLE | Verdict.FAIL | Verdict.ADVICE:
                pass
            case Verdict.NOT_RUN if finding.excused:
                pass
            case verdict:
                doubts.append(f"{finding.key} is {verdict.value}: {finding.reason or 'waived'}")
    doubts += not_needed(waivers, findings)
    doubts += _not_judged_yet(contract, claims)
    if not launched:
        doubts.append("nothing was launched: such a run is never conformant")
    if changed_limits:
        doubts.append("limits were changed with --sm-limits; such a run is never conformant")
    if any(finding.verdict == Verdict.FAIL for finding in findings):
        conclusion = Conclusion.NONCONFORMANT
    elif doubts or not passed:
        conclusion = Conclusion.INCONCLUSIVE
    else:
        conclusion = Conclusion.CONFORMANT
    return Judgement(
        conclusion=conclusion,
        findings=tuple(findings),
        doubts=tuple(doubts) or (() if passed else ("no clause that can fail was judged",)),
    )


def _not_judged_yet(contract: Contract, claims: frozenset[str]) -> list[str]:
    """Claims that no launch of this edition looks at: conformant would say more than is known.

    That the image has a label or a size shows of nothing that it works.
    """
    return [
        f"the claim {claim!r} is not judged by this edition: judge without it to see the rest"
        for claim in sorted(claims - contract.claims_judged)
    ]


def exit_status(conclusion: Conclusion) -> ExitStatus:
    """The exit status of a run that was not interrupted."""
    return {
        Conclusion.CONFORMANT: ExitStatus.CONFORMANT,
        Conclusion.NONCONFORMANT: ExitStatus.NONCONFORMANT,
        Conclusion.INCONCLUSIVE: ExitStatus.INCONCLUSIVE,
    }[conclusion]


def _folded(found: Iterable[Finding]) -> Mapping[str, Finding]:
    by_key: dict[str, Finding] = {}
    for finding in found:
        held = by_key.get(finding.key)
        by_key[finding.key] = worst(held, finding) if held else finding
    return by_key


def _complete(
    clause: Clause,
    claims: frozenset[str],
    by_key: Mapping[str, Finding],
    missing: str,
    *,
    with_requests: bool,
) -> Finding:
    if clause.key in by_key:
        return by_key[clause.key]
    if not clause.applies(claims):
        return not_claimed(clause)
    if clause.on_requests and not with_requests:
        return without_requests(clause)
    return not_run(clause, missing)
