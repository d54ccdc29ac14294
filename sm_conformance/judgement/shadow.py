"""What a comparison with an earlier image came to: information, which weighs in no conclusion."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from sm_conformance.judgement.meaning import (
    ABSOLUTE,
    RELATIVE,
    differences,
    settled,
    unsettled,
)
from sm_conformance.observed.http import printable
from sm_conformance.observed.shadow import Answer, Asked, Shadow

# Of fewer times a median tells nothing.
_LEAST_TIMES = 5
# A difference is told when it is more than three standard errors, and when nearly every pair of
# requests that were sent together shows it; and when it is large enough to matter: two launches of
# one image differ by as much as this.
_ERRORS = 3.0
_OF_PAIRS = 0.8
_LEAST_SHARE = 0.1
_LEAST_MS = 0.2
# Standard deviation of normal noise from its median absolute deviation, and the standard error of a
# median from that of a mean.
_DEVIATION = 1.4826
_OF_A_MEDIAN = 1.2533
_SHOWN = 100


def comparison(shadow: Shadow, image: Mapping[str, Any]) -> dict[str, Any]:
    """The field ``baseline`` of the report; ``image`` is the earlier image as a report has it."""
    return {
        "image": dict(image),
        "model": shadow.model,
        "reason": shadow.why,
        "tolerance": {"relative": RELATIVE, "absolute": ABSOLUTE},
        "requests": [_request(asked) for asked in shadow.asked],
        "unasked": list(shadow.unasked),
    }


def not_compared(reason: str, image: Mapping[str, Any]) -> dict[str, Any]:
    """The same where there was no comparison at all."""
    return comparison(Shadow(model="none", why=reason), image)


def lines(found: Mapping[str, Any]) -> list[str]:
    """The field ``baseline`` of a report in a few lines for a terminal."""
    requests = found["requests"]
    name = printable(found["image"]["reference"])
    changed = [one for one in requests if one["changes"]]
    told = [f"{len(changed)} of {len(requests)} answers changed"] if requests else ["not compared"]
    if found["reason"]:
        told.append(found["reason"])
    said = [f"baseline {name}: {'; '.join(told)} (both with {found['model']})"]
    for one in requests:
        said += [f"baseline {one['name']}: {text}" for text in (*one["changes"], *one["notes"])]
        said.append(f"baseline {one['name']}: {one['latency']['text']}")
    said += [f"baseline {name}: not asked" for name in found["unasked"]]
    return said


def _request(asked: Asked) -> dict[str, Any]:
    changes, notes = _compared(asked)
    return {
        "name": asked.name,
        "content_type": asked.content_type,
        "times": len(asked.candidate),
        "changes": changes,
        "notes": notes,
        "candidate": _side(asked.candidate),
        "baseline": _side(asked.baseline),
        "latency": latency(asked.candidate_ms, asked.baseline_ms),
    }


def _side(answers: Sequence[Answer]) -> dict[str, Any]:
    """One image's answers; null where they were not all alike."""
    kind = _alike(answers, lambda answer: answer.content_type)
    return {
        "status": _alike(answers, lambda answer: answer.status),
        "content_type": None if kind is None else printable(kind[:_SHOWN]),
        "bytes": int(median(answer.size for answer in answers)),
    }


def _alike(answers: Sequence[Answer], part: Callable[[Answer], Any]) -> Any:
    first, *others = map(part, answers)
    return first if all(other == first for other in others) else None


def _compared(asked: Asked) -> tuple[list[str], list[str]]:
    """What changed; and what cannot be compared, or is only written otherwise."""
    candidate, baseline = asked.candidate, asked.baseline
    changes: list[str] = []
    notes: list[str] = []
    for what, part in (("status", _status), ("content type", _kind)):
        new, old = _alike(candidate, part), _alike(baseline, part)
        if new is None or old is None:
            whose = _whose(new is None, old is None)
            notes.append(f"the {what} is not compared: {whose} differs from itself")
        elif new != old:
            changes.append(f"the {what} is {new}; it was {old}")
        if what == "status" and (new is None or new != old):
            return changes, notes  # other answers to another outcome are no news
    new_body, old_body = settled(candidate), settled(baseline)
    places = sorted({*unsettled(new_body), *unsettled(old_body)})
    if places:
        whose = _whose(bool(unsettled(new_body)), bool(unsettled(old_body)))
        what = "the body" if places == ["$"] else ", ".join(places)
        notes.append(f"not compared: {what}, which differs from itself in {whose}")
    same = {answer.digest for answer in candidate} == {answer.digest for answer in baseline}
    if not same:
        found = differences(new_body, old_body)
        changes += [f"the body: {text}" for text in found]
        if not found and not places:
            notes.append("the body means the same and is written otherwise")
    sizes = _alike(candidate, _size), _alike(baseline, _size)
    if None not in sizes and sizes[0] != sizes[1]:
        notes.append(f"the body has {sizes[0]} bytes; it had {sizes[1]}")
    return changes, notes


def _status(answer: Answer) -> str:
    said = "none" if answer.status is None else str(answer.status)
    return said if answer.problem is None else f"{said} ({answer.problem})"


def _kind(answer: Answer) -> str:
    """The content type with its parameters, but for its spelling."""
    if answer.content_type is None:
        return "missing"
    parts = [part.strip() for part in answer.content_type.lower().split(";")]
    return printable("; ".join(parts)[:_SHOWN])


def _size(answer: Answer) -> int:
    return answer.size


def _whose(candidate: bool, baseline: bool) -> str:
    if candidate and baseline:
        return "either image"
    return "the candidate" if candidate else "the baseline"


def latency(candidate_ms: Sequence[float], baseline_ms: Sequence[float]) -> dict[str, Any]:
    """The medians of two rows of times in milliseconds, and whether they differ beyond noise.

    Times at one place of both rows were taken together.
    """
    if min(len(candidate_ms), len(baseline_ms)) < _LEAST_TIMES:
        few = (
            "no times: not all requests were answered well" if not candidate_ms else "too few times"
        )
        return {
            "finding": "unknown",
            "count": len(candidate_ms),
            "candidate_p50_ms": None,
            "baseline_p50_ms": None,
            "text": few,
        }
    new, old = median(candidate_ms), median(baseline_ms)
    noise = math.hypot(_error(candidate_ms), _error(baseline_ms))
    apart = abs(new - old)
    pairs = list(zip(candidate_ms, baseline_ms, strict=True))
    agree = sum((one > other) == (new > old) for one, other in pairs)
    differs = apart > max(_ERRORS * noise, _LEAST_SHARE * old, _LEAST_MS)
    differs = differs and agree >= _OF_PAIRS * len(pairs)
    finding = "same" if not differs else "slower" if new > old else "faster"
    told = f"median {new:.2f} ms; it was {old:.2f} ms ({len(candidate_ms)} requests each)"
    word = {"same": "no difference beyond noise", "slower": "slower", "faster": "faster"}[finding]
    return {
        "finding": finding,
        "count": len(candidate_ms),
        "candidate_p50_ms": round(new, 3),
        "baseline_p50_ms": round(old, 3),
        "text": f"{word}: {told}",
    }


def _error(times_ms: Sequence[float]) -> float:
    """The standard error of the median, little moved by single late answers."""
    middle = median(times_ms)
    spread = median(abs(one - middle) for one in times_ms)
    return _OF_A_MEDIAN * _DEVIATION * spread / math.sqrt(len(times_ms))
