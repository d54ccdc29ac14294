"""Cases that cost seconds each: the first ones are tried every time, the others with the long tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first(count: int, cases: Iterable[Any]) -> list[Any]:
    """All ``cases`` of ``parametrize``; those behind the first ``count`` are marked as long."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)),
            marks=[pytest.mark.long] if at >= count else [],
        )
        for at, case in enumerate(cases)
    ]
