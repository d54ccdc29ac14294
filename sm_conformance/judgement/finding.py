"""Findings: one clause's verdict with what was seen. Plain data, so that it crosses processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from sm_conformance.contract.clause import Clause
from sm_conformance.contract.profile import Profile
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun, Outcome
from sm_conformance.secrecy.mask import Mask


class Verdict(StrEnum):
    """What is said of one clause."""

    PASS = "pass"
    FAIL = "fail"
    ADVICE = "advice"
    BLOCKED = "blocked"
    NOT_APPLICABLE = "n/a"
    WAIVED = "waived"
    ERROR = "error"
    NOT_RUN = "not-run"


# Several items of one clause fold into its worst.
_WORST_FIRST = (
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.BLOCKED,
    Verdict.NOT_RUN,
    Verdict.ADVICE,
    Verdict.WAIVED,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)


@dataclass(frozen=True, slots=True)
class Sight:
    """Where a clause looked: the scenario, the command that repeats it, the evidence, the log's end."""

    scenario: str | None = None
    repeat: str | None = None
    evidence: str | None = None
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One clause's verdict. The fields are those of ``report.json``."""

    clause: str
    name: str
    level: str
    consequence: str
    promise: bool
    verdict: str
    reason: str | None
    sentence: str
    matters: str
    expected: str | None
    actual: str | None
    fix: str | None
    scenario: str | None
    repeat: str | None
    evidence: str | None
    log: tuple[str, ...]
    # A clause that could not be judged for a reason that does not put the conclusion in doubt.
    excused: bool

    @property
    def key(self) -> str:
        return f"{self.clause} {self.name}"

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON data."""
        return {**asdict(self), "log": list(self.log)}

    def hidden(self, mask: Mask) -> Finding:
        """The finding without the secrets that ``mask`` knows, in all that was seen or is told."""

        def told(text: str | None) -> str | None:
            return None if text is None else mask.text(text)

        if not mask:
            return self
        return replace(
            self,
            reason=told(self.reason),
            expected=told(self.expected),
            actual=told(self.actual),
            fix=told(self.fix),
            repeat=told(self.repeat),
            log=tuple(mask.text(line) for line in self.log),
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Finding:
        """The finding that :meth:`as_dict` wrote."""
        return cls(**{**data, "log": tuple(data["log"])})


def judge(clause: Clause, profile: Profile, outcome: Outcome | None, sight: Sight) -> Finding:
    """The finding for what a clause said; ``None`` means that it was kept."""
    match outcome:
        case None:
            return _finding(clause, Verdict.PASS, sight=sight)
        case Broken():
            weighs = profile.can_fail(clause) or outcome.caused_promise
            fails = weighs and not outcome.only_advice
            return _finding(
                clause,
                Verdict.FAIL if fails else Verdict.ADVICE,
                expected=outcome.expected,
                actual=outcome.actual,
                fix=outcome.fix or clause.fix,
                sight=sight,
                repeat=outcome.repeat,
            )
        case Blocked():
            return _finding(clause, Verdict.BLOCKED, reason=f"blocked by {outcome.by}", sight=sight)
        case NotApplicable():
            return _finding(clause, Verdict.NOT_APPLICABLE, reason=outcome.reason)
        case NotRun():
            return _finding(
                clause, Verdict.NOT_RUN, reason=outcome.reason, sight=sight, excused=outcome.excused
            )
    raise TypeError(outcome)


def error(clause: Clause, text: str) -> Finding:
    """The finding where the harness itself was in trouble."""
    return _finding(clause, Verdict.ERROR, reason=text)


def not_run(clause: Clause, reason: str) -> Finding:
    """The finding for a clause whose test did not run."""
    return _finding(clause, Verdict.NOT_RUN, reason=reason)


def not_claimed(clause: Clause) -> Finding:
    """The finding for a clause that binds only images with other claims."""
    wanted = " or ".join(sorted(clause.claims))
    return _finding(clause, Verdict.NOT_APPLICABLE, reason=f"the image does not claim {wanted}")


def without_requests(clause: Clause) -> Finding:
    """The finding for a clause on requests to AWS, where none was given."""
    return _finding(clause, Verdict.NOT_APPLICABLE, reason="no request to AWS was given")


def worst(one: Finding, other: Finding) -> Finding:
    """The worse of two findings of one clause."""
    return min(one, other, key=lambda finding: _WORST_FIRST.index(Verdict(finding.verdict)))


def _finding(
    clause: Clause,
    verdict: Verdict,
    *,
    reason: str | None = None,
    expected: str | None = None,
    actual: str | None = None,
    fix: str | None = None,
    sight: Sight = Sight(),
    repeat: str | None = None,
    excused: bool = False,
) -> Finding:
    return Finding(
        clause=clause.number,
        name=clause.name,
        level=clause.level.value,
        consequence=clause.consequence.value,
        promise=clause.promise is not None,
        verdict=verdict.value,
        reason=reason,
        sentence=clause.sentence,
        matters=clause.matters,
        expected=expected,
        actual=actual,
        fix=fix,
        scenario=sight.scenario,
        repeat=repeat or sight.repeat,
        evidence=sight.evidence,
        log=sight.log if verdict in (Verdict.FAIL, Verdict.ADVICE, Verdict.NOT_RUN) else (),
        excused=excused,
    )
