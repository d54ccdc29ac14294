"""The one extension point: bring your own engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sm_conformance.engine.protocol import Engine


@pytest.hookspec(firstresult=True)
def pytest_sm_engine(config: pytest.Config, run_id: str | None) -> Engine | None:
    """The engine to judge on; None leaves it to Docker. ``run_id`` is given to further processes."""
