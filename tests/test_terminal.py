"""What stands at the end of a run: one set of numbers, in clauses, whatever pytest counted."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from miniatures.declared import BOTH, SERVES, TRAINS
from miniatures.judging import Judged, declare, judge, judged, provide_engine, provide_plugin
from sampling import first

from sm_conformance.contract import clause, profile
from sm_conformance.judgement import finding as findings
from sm_conformance.judgement.conclusion import Judgement, conclude
from sm_conformance.judgement.finding import Sight
from sm_conformance.judgement.outcome import Blocked, Broken, NotApplicable, NotRun, Outcome
from sm_conformance.laboratory import stopping
from sm_conformance.pytest_run.run import SUITE
from sm_conformance.pytest_run.terminal import last_line

CONTRACT = clause.load()
CLAIMS = frozenset({"training", "hosting"})
KEYS = [one.key for one in CONTRACT.launched if one.applies(CLAIMS)]
# How pytest names what we call so.
VERDICTS = {"passed": "pass", "failed": "fail", "errors": "error"}


# -- the very last line ----------------------------------------------------------------------------

ADVICE = Broken(expected="this", actual="that", only_advice=True)
FAILURE = Broken(expected="this", actual="that", caused_promise=True)


def concluded(outcomes: Mapping[str, Outcome | None], *, changed_limits: bool = False) -> Judgement:
    """The judgement where the tests of these clauses ran; None means that the clause is kept."""
    rules = profile.load("platform")
    found = [
        findings.judge(CONTRACT.clause(key), rules, outcome, Sight())
        for key, outcome in outcomes.items()
    ]
    return conclude(
        CONTRACT, rules, CLAIMS, found,
        missing="not selected", changed_limits=changed_limits,
    )  # fmt: skip


def said(
    outcomes: Mapping[str, Outcome | None],
    *,
    complete: bool = True,
    others_failed: bool = False,
    changed_limits: bool = False,
) -> str:
    judgement = concluded(outcomes, changed_limits=changed_limits)
    return last_line(
        judgement, judged=outcomes.keys(), complete=complete, others_failed=others_failed
    )


def all_but(**changed: Outcome | None) -> dict[str, Outcome | None]:
    """All clauses are kept, but for those whose name (with underscores) is given."""
    return {key: changed.get(key.split()[1].replace("-", "_")) for key in KEYS}


def test_the_numbers_of_the_last_line_are_those_of_all_clauses() -> None:
    assert said(all_but()) == f"conformant ({len(KEYS)} pass)"
    assert said(all_but(failure_file=FAILURE, logs=ADVICE)) == (
        f"nonconformant ({len(KEYS) - 2} pass, 1 fail, 1 advice)"
    )


@pytest.mark.parametrize("not_applicable", [{}, {"TRAIN-070 model": NotApplicable("declared so")}])
def test_a_selection_of_which_all_passed_says_so_and_how_many_did_not_run(
    not_applicable: Mapping[str, Outcome],
) -> None:
    line = said({"TRAIN-063 exit-zero": None, **not_applicable})

    missing = len(KEYS) - 1 - len(not_applicable)
    assert line.startswith(
        f"inconclusive: all selected clauses passed; {missing} not run (1 pass, "
    )
    assert f"{missing} not-run)" in line


@pytest.mark.parametrize(
    "outcome",
    [ADVICE, Blocked("IMG-001 train-starts"), NotRun("no"), NotRun("no", excused=True)],
    ids=["advice", "blocked", "not run", "not run, excused"],
)
def test_a_selection_with_advice_or_without_an_answer_did_not_all_pass(outcome: Outcome) -> None:
    line = said({"TRAIN-063 exit-zero": None, "IMG-023 logs": outcome})

    assert line.startswith("inconclusive (1 pass, ")
    assert "passed" not in line


def test_an_empty_selection_did_not_all_pass() -> None:
    assert said({}).startswith(f"inconclusive ({len(KEYS)} not-run); first doubt: ")


def test_what_was_broken_off_did_not_all_pass() -> None:
    line = said({"TRAIN-063 exit-zero": None}, complete=False)

    assert line.startswith("inconclusive (1 pass, ")


def test_a_whole_run_with_changed_limits_passed_and_nothing_is_left() -> None:
    line = said(all_but(), changed_limits=True)

    assert line.startswith(f"inconclusive: all selected clauses passed ({len(KEYS)} pass); first ")
    assert "limits were changed" in line


def test_a_whole_run_in_doubt_names_the_doubt() -> None:
    line = said(all_but(model=NotRun("guessed data")))

    assert line == (
        f"inconclusive ({len(KEYS) - 1} pass, 1 not-run); "
        "first doubt: TRAIN-070 model is not-run: guessed data"
    )


def test_other_tests_that_failed_are_told_after_the_conclusion() -> None:
    assert said(all_but(), others_failed=True).endswith(
        " pass); other tests of this session failed"
    )


# -- both last lines of a run ----------------------------------------------------------------------


@pytest.fixture
def here(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Judged]:
    """Judges in this process."""
    monkeypatch.setattr(stopping, "_SETTLE_S", 0.02)
    provide_engine(pytester)

    def run(image: str, *arguments: str, **how: Any) -> Judged:
        return judge(pytester.runpytest_inprocess, pytester, image, *arguments, **how)

    return run


def counted_by_pytest(output: str) -> dict[str, int]:
    """The numbers of pytest's own last line, by verdict."""
    (line,) = re.findall(r"^=* ?(\d+ .*) in [\d.]+s(?: \(.*\))? ?=*$", output, re.MULTILINE)
    parts = (part.split(" ", 1) for part in line.split(", "))
    # Who runs inside another pytest is warned of that.
    counted = {VERDICTS.get(name, name): int(number) for number, name in parts}
    return {name: number for name, number in counted.items() if not name.startswith("warning")}


def counted_by_us(output: str) -> dict[str, int]:
    """The numbers of the very last line, by verdict."""
    (counted,) = re.findall(r"\(([^)]*)\)", output.rstrip().splitlines()[-1])
    parts = (part.split(" ", 1) for part in counted.split(", "))
    return {name: int(number) for number, name in parts}


def counted_in_report(found: Judged) -> dict[str, int]:
    """The numbers of the report, without what binds other images."""
    others = ("the image does not claim", "no request to AWS")
    return dict(
        Counter(
            one["verdict"]
            for one in found.findings.values()
            if not (one["reason"] or "").startswith(others)
        )
    )


@pytest.mark.parametrize(
    ("image", "mode"),
    first(
        4,
        [
            *((image, "-q") for image in ("lawful", "no-type", "needs-hyperparameters")),
            *(("deaf", mode) for mode in ("-rA", "-q", "-v", "-vv", "--tb=no")),
        ],
    ),
)
def test_all_numbers_of_a_whole_run_are_the_same(
    here: Callable[..., Judged], image: str, mode: str
) -> None:
    found = here(image, mode)

    numbers = counted_in_report(found)
    assert counted_by_us(found.output) == counted_by_pytest(found.output) == numbers
    assert sum(numbers.values()) == len(KEYS)
    told = rf"^counted: \d+ tests judged {len(KEYS)} clauses; each clause counts once$"
    assert re.search(told, found.output, re.MULTILINE)
    if {"advice", "blocked", "not-run"} & numbers.keys():
        assert "all selected clauses passed" not in found.output


def test_a_clause_that_is_kept_in_one_scenario_only_counts_as_broken(
    here: Callable[..., Judged],
) -> None:
    found = here("only-csv", "-q", "-k", "content_types")

    assert re.search(r"^a\. ", found.output, re.MULTILINE)
    assert found.with_verdict("pass", "advice") == {"HOST-021 content-types": "advice"}
    assert counted_by_pytest(found.output).items() >= {"advice": 1}.items()
    assert "pass" not in counted_by_pytest(found.output)
    assert "counted: 2 tests judged 1 clause; each clause counts once" in found.output


def test_with_as_many_tests_as_clauses_nothing_is_said_about_counting(
    here: Callable[..., Judged],
) -> None:
    found = here("lawful", "-k", "exit_zero or test_ping and not under_load")

    assert counted_by_pytest(found.output)["pass"] == counted_by_us(found.output)["pass"] == 3
    assert "counted:" not in found.output


def test_a_run_for_one_job_counts_nothing_of_the_other(here: Callable[..., Judged]) -> None:
    found = here("lawful", declaration=TRAINS)

    assert counted_by_us(found.output) == counted_by_pytest(found.output)
    assert counted_by_us(found.output) == counted_in_report(found)
    assert found.findings["HOST-002 ping"]["verdict"] == "n/a"


def test_trouble_of_the_harness_counts_once_for_each_clause(here: Callable[..., Judged]) -> None:
    found = here("engine-dies-at-start", "-q")

    assert counted_by_us(found.output) == counted_by_pytest(found.output)
    assert counted_by_us(found.output) == counted_in_report(found)


def test_two_workers_count_as_one_does(pytester: pytest.Pytester) -> None:
    provide_engine(pytester)

    found = judge(pytester.runpytest_subprocess, pytester, "no-type", "-q", "-n", "2")

    assert counted_by_us(found.output) == counted_by_pytest(found.output)
    assert counted_by_us(found.output) == counted_in_report(found)


def test_other_peoples_tests_are_all_counted_by_pytest_and_never_by_us(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_own="import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_own(n): pass\n"
    )

    found = judge(
        pytester.runpytest_subprocess, pytester, "no-type", *provide_plugin(pytester),
        "test_own.py", str(SUITE), declaration=SERVES,
    )  # fmt: skip

    theirs, ours = counted_by_pytest(found.output), counted_by_us(found.output)
    assert theirs["pass"] == ours["pass"] + 5
    assert theirs["advice"] == ours["advice"] == 1


DOOR = """
import sys
import pytest
from sm_conformance import cli

judge = pytest.main
pytest.main = lambda arguments: judge([*arguments, "-p", "miniature_plugin"])
sys.exit(cli.main(["check", "no-type", "--declaration=sm-conformance.yaml", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("mode", [(), ("-v",)])
def test_the_hermetic_door_says_the_same_numbers_everywhere(
    pytester: pytest.Pytester, mode: tuple[str, ...]
) -> None:
    provide_plugin(pytester)
    declare(pytester, BOTH)
    door = pytester.makepyfile(door=DOOR)

    found = judged(pytester, pytester.run(sys.executable, door, "--report=report", *mode))

    assert found.status == 0, found.output + found.errors
    assert counted_by_us(found.output) == counted_by_pytest(found.output)
    assert counted_by_us(found.output) == counted_in_report(found)
