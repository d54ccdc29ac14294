"""How the image starts, judged on miniatures: what is lawful."""

from __future__ import annotations

import pytest
from miniatures.found_out import judge_here

pytestmark = pytest.mark.usefixtures("hasty")


def test_a_shell_that_hands_over_with_exec_is_lawful(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "shell-that-execs")

    assert (found.said, found.status) == ({}, 0)


def test_an_image_that_only_says_it_is_for_arm_is_conformant(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "says-arm")

    assert (found.status, found.said) == (0, {}), found.output
