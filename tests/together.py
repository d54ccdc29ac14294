"""Which tests run in one process: they share what takes long to make, or a name of which there is one.

Each of them also runs alone, or elsewhere: then it makes its own. The marks of xdist for this cannot be
relied on: with pytest 9.2 they silently group nothing (pytest-dev/pytest-xdist#1386).
"""

from __future__ import annotations

import re

from xdist.scheduler import LoadScopeScheduling

MODULES = {
    "test_engine.py", "test_hold_open_engine.py", "test_image_engine.py", "test_repeat.py",
    "test_wheel.py",
}  # fmt: skip
# Tests that look at the one judgement of the reference.
ON_THE_REFERENCE = {
    "test_a_run_that_ends_by_itself_leaves_nothing", "test_the_smallest_sample_image_is_conformant",
}  # fmt: skip
# Mutants whose one judgement test_repeat.py looks at as well.
REPEATED = {
    "HOST-002-ping-answers-500", "HOST-010-invocation-answers-500",
    "TRAIN-063-exit-zero-ends-with-1", "TRAIN-064-failure-file-says-nothing",
    "TRAIN-070-model-saved-elsewhere",
}  # fmt: skip
_NODE = re.compile(r"(?:.*/)?(?P<module>[^/:]+)::(?P<test>\w+)(?:\[(?P<case>.*)\])?")


def unit(nodeid: str) -> str:
    """What a test runs with: the name of a group, or its own."""
    found = _NODE.fullmatch(nodeid)
    if found is None:
        return nodeid
    if found["test"] in ON_THE_REFERENCE:
        return "the reference"
    if found["case"] in REPEATED:
        return "test_repeat.py"
    return found["module"] if found["module"] in MODULES else nodeid


class Together(LoadScopeScheduling):
    """One work unit of each group, one of each other test."""

    def _split_scope(self, nodeid: str) -> str:
        return unit(nodeid)
