"""The table of what runs in one process names what there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from together import MODULES, ON_THE_REFERENCE, REPEATED, unit

TESTS = Path(__file__).resolve().parent
MUTANTS = TESTS.parent / "sample_images" / "mutants"


def test_every_module_test_and_mutant_of_the_table_is_there() -> None:
    written = "".join(path.read_text("utf-8") for path in TESTS.glob("test_*.py"))

    assert {name for name in MODULES if not (TESTS / name).is_file()} == set()
    assert {name for name in ON_THE_REFERENCE if f"def {name}(" not in written} == set()
    assert {name for name in REPEATED if not (MUTANTS / name).is_dir()} == set()


@pytest.mark.parametrize(
    ("nodeid", "together"),
    [
        ("tests/test_wheel.py::test_a", "test_wheel.py"),
        ("test_engine.py::test_a[b::c]", "test_engine.py"),
        ("tests/test_mutants.py::test_a[HOST-002-ping-answers-500]", "test_repeat.py"),
        ("tests/test_mutants.py::test_a[HOST-003]", "tests/test_mutants.py::test_a[HOST-003]"),
        ("tests/test_cleanup.py::test_a_run_that_ends_by_itself_leaves_nothing", "the reference"),
        ("tests/README.md", "tests/README.md"),
    ],
)
def test_a_test_runs_with_those_that_share_something_with_it(nodeid: str, together: str) -> None:
    assert unit(nodeid) == together
