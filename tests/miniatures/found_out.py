"""How a miniature is judged in this process, in a hurry, and what must come of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from miniatures.judging import Judged, judge, provide_engine
from miniatures.sins import Sin
from sm_conformance.inputs import examples
from sm_conformance.inputs.ranges import Example, Lines
from sm_conformance.judgement import badge, page, sarif, summary
from sm_conformance.laboratory import conversation, instead, ranges, stopping, watch
from sm_conformance.laboratory.steps import latency, load, ordinary

# Values within the declared ranges, and as many outside, that training is tried with by default.
EXAMPLES = 3
# Launches of one that keeps every clause and is handed a model, without those for examples of values.
TRAININGS, SERVERS = 7, 4

_draw = cache(examples.draw)


def _drawn(lines: Sequence[Lines], count: int) -> tuple[Example, ...]:
    """Most miniatures are asked with the same samples, of which the same is drawn each time."""
    return _draw(tuple(lines), count)


def hurry(monkeypatch: pytest.MonkeyPatch, *, pages: bool = False) -> None:
    """Miniatures are set up at once and recover at once, or never.

    Of the report only the JSON is written, which all other forms are made of; ``pages``: these too.
    """
    if not pages:
        for form in (page, sarif, summary, badge):
            monkeypatch.setattr(form, "render", lambda _: "")
    monkeypatch.setattr(examples, "draw", _drawn)
    monkeypatch.setattr(stopping, "_SETTLE_S", 0.02)
    monkeypatch.setattr(stopping, "_DROPPED_WAIT_S", 0.1)
    monkeypatch.setattr(conversation, "_RECOVERY_S", 0.2)
    monkeypatch.setattr(ordinary, "_SPACING_S", 0.01)
    # Longer than some of them take for a crowd to have gone.
    monkeypatch.setattr(load, "_RECOVERY_S", 1.0)
    monkeypatch.setattr(load, "_ROUND_S", 0.2)
    monkeypatch.setattr(load, "_ROUND_REQUESTS", 60)
    monkeypatch.setattr(latency, "_FLOOR_S", 0.1)
    monkeypatch.setattr(instead, "_QUIET_S", 0.2)
    monkeypatch.setattr(instead, "_LONGEST_S", 0.5)
    monkeypatch.setattr(watch, "_ASK_EVERY_S", 0.05)
    monkeypatch.setattr(watch, "_LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(ranges, "_WAIT_S", 0.3)


def judge_here(
    pytester: pytest.Pytester, image: str, *arguments: str, way: str = "direct", **how: Any
) -> Judged:
    """Judges in this process, which spares the start of another."""
    provide_engine(pytester, way=way)
    return judge(pytester.runpytest_inprocess, pytester, image, *arguments, **how)


def assert_found_out(sin: Sin, found: Judged) -> None:
    """Exactly the clause is broken, the rest passes or is blocked by it, and the status fits."""
    assert found.said == {sin.breaks: sin.verdict}, found.output
    seen = found.findings[sin.breaks]
    assert sin.says in seen["actual"], seen["actual"]
    assert (seen["repeat"] or "").endswith(sin.repeat), seen["repeat"]
    assert seen["reason"] is None
    assert all(seen[part] for part in ("expected", "fix", "matters"))
    blocked = found.with_verdict("blocked")
    blockers = {found.findings[key]["reason"] for key in blocked}
    assert blockers <= {f"blocked by {sin.breaks}"}, blockers
    conclusion = "inconclusive" if sin.limits else "conformant"
    if sin.verdict == "fail":
        conclusion = "nonconformant"
    assert found.report["conclusion"] == conclusion, found.report["doubts"]
    assert found.status == {"conformant": 0, "nonconformant": 1, "inconclusive": 3}[conclusion]


def assert_nobody_blamed(found: Judged, key: str, *said: str) -> None:
    """The clause is not run and says why; nothing failed; the run is inconclusive."""
    assert found.with_verdict("fail", "error", "blocked") == {}, found.output
    reason = found.findings[key]["reason"]
    assert found.findings[key]["verdict"] == "not-run"
    for words in said:
        assert words in reason, reason
    assert (found.status, found.report["conclusion"]) == (3, "inconclusive")
