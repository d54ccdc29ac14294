"""Answers from the last result instead of judging: every clause has the finding that it had."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sm_conformance.judgement.finding import Finding, Verdict
from sm_conformance.results.question import question
from sm_conformance.results.store import user_store

if TYPE_CHECKING:
    from sm_conformance.session import Session


class Answered(pytest.Item):
    """A clause that is not judged again; in the place of the test that would."""

    function: Callable[..., object]

    @classmethod
    def in_place_of(cls, item: pytest.Item) -> Answered:
        """The same item to pytest, without anything to do."""
        assert item.parent is not None
        made: Answered = cls.from_parent(item.parent, name=item.name)
        made.function = item.function  # type: ignore[attr-defined]
        made.own_markers[:] = item.own_markers
        made.keywords.update(item.keywords)
        return made

    def runtest(self) -> None:
        """Nothing: the finding is there."""

    def reportinfo(self) -> tuple[os.PathLike[str] | str, int | None, str]:
        return self.path, None, self.name


class Answers:
    """The last result on the question of a run, and the place for that of this one."""

    def __init__(self, session: Session) -> None:
        self._store = user_store()
        self._question = question(
            session.options,
            session.rules,
            session.candidate,
            baseline=session.lab.bench.baseline,
            engine=session.engine_facts,
        )

    def last(self) -> dict[str, Any] | None:
        """The last result: ``judged_at`` and ``report``; None without one."""
        return self._store.find(self._question) if self._store else None

    def keep(self, report: Mapping[str, Any]) -> None:
        """Keeps the result of this run, where that can be done."""
        if self._store is not None:
            self._store.keep(self._question, report, at=datetime.now(UTC))


def finding_in(last: Mapping[str, Any], key: str) -> Finding:
    """The finding of a clause in a result, which has one of each."""
    for data in last["report"]["findings"]:
        found = Finding.from_dict(data)
        if found.key == key:
            return found
    raise LookupError(key)


def is_whole(findings: Iterable[Finding], judged: Collection[str]) -> bool:
    """Whether every clause that has something to look at was ``judged``, without trouble of ours."""
    return all(
        one.verdict != Verdict.ERROR
        and (one.key in judged or one.verdict == Verdict.NOT_APPLICABLE)
        for one in findings
    )


def is_part(config: pytest.Config) -> bool:
    """Whether the user named single tests, of which one may be half a clause."""
    return any("::" in argument for argument in config.args)
