"""The table of coverage says of every rule what is done about it, and it is so."""

from __future__ import annotations

import pytest

from sm_conformance import cli, coverage
from sm_conformance.contract import clause
from sm_conformance.contract.clause import Disposition
from sm_conformance.inputs import scenario

CONTRACT = clause.load()
# Ways of training that come later, each as a whole; their clauses may say so.
LATER = {"checkpoints", "distributed", "pipe-mode", "processing", "script-mode"}
# The ModelTrainer's own layout belongs to script mode.
LATER_KEYS = {"TRAIN-106 model-trainer-layout"}


LINES = coverage.table(CONTRACT).splitlines()
BINDINGS = [binding for binding, _ in coverage.bindings()]


def line_of(key: str) -> str:
    number, name = key.split()
    (found,) = (line for line in LINES if line.split()[:2] == [number, name])
    return found


def test_every_clause_has_a_line_in_the_order_of_the_contract() -> None:
    keys = [f"{words[0]} {words[1]}" for line in LINES if len(words := line.split()) > 2]

    assert keys[: len(CONTRACT.clauses)] == [one.key for one in CONTRACT.clauses]


def test_an_asserted_clause_names_its_launches_and_its_test() -> None:
    assert line_of("TRAIN-064 failure-file").endswith("train-failing: test_training_ends")
    assert line_of("IMG-003 on-path").endswith("train-plain, serve-plain: test_image")
    assert line_of("IMG-005 exec-form").endswith("the image as it lies: test_image")
    assert "requests to AWS: test_request_" in line_of("TRAIN-012 hyperparameter-limits")


def test_what_is_not_asserted_says_why() -> None:
    for one in CONTRACT.clauses:
        if one.disposition not in (Disposition.ASSERTED, Disposition.DECLARATION):
            assert one.because
            assert line_of(one.key).endswith(one.because)


@pytest.mark.parametrize("one", CONTRACT.clauses, ids=lambda one: one.key)
def test_a_clause_is_judged_exactly_where_the_data_says_so(one: clause.Clause) -> None:
    tests = [binding for binding in BINDINGS if binding.key == one.key]

    assert len(tests) == (one in CONTRACT.asserted)
    assert all(not binding.given for binding in tests) or not one.on_requests


def test_an_emulated_condition_is_handed_over_by_launches_that_exist() -> None:
    emulated = [one for one in CONTRACT.clauses if one.disposition is Disposition.EMULATED]

    assert len(emulated) > 20
    for one in emulated:
        kinds = {scenario.load(name).kind for name in one.scenarios}
        assert kinds <= {"train", "serve"}
        assert kinds
    assert not [one for one in CONTRACT.clauses if one not in emulated and one.scenarios]


def test_nothing_of_one_training_on_one_host_is_left_unsaid() -> None:
    open_ = [
        one.key
        for one in CONTRACT.clauses
        if one.chapter in ("IMG", "TRAIN", "NET")
        and one.disposition is Disposition.NOT_YET
        and not (one.claims and one.claims <= LATER)
        and one.key not in LATER_KEYS
    ]

    assert open_ == []


def test_the_counts_add_up() -> None:
    chapters = [line.split() for line in LINES[-10:-1]]
    *_, total = (line.split() for line in LINES)

    assert total[:3] == ["all", "266", str(len(CONTRACT.clauses))]
    for column, sum_ in enumerate(total[1:], start=1):
        assert sum(int(row[column]) for row in chapters) == int(sum_)
    for row in chapters:
        assert sum(map(int, row[3:])) == int(row[2])


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["clauses", "--coverage"]) == 0
    assert capsys.readouterr().out.splitlines() == LINES
