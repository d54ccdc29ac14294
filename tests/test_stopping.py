"""When a training is stopped: not before it can have something to save."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import cast

import pytest

from sm_conformance.engine.protocol import Container
from sm_conformance.laboratory import stopping


def talkative() -> Container:
    """A training that logs from its first moment on."""
    began = time.monotonic()

    def pause(seconds: float) -> bool:
        time.sleep(min(seconds, 0.01))
        return False

    return cast(
        Container,
        SimpleNamespace(started_at=began, log=SimpleNamespace(first_at=began), pause=pause),
    )


@pytest.mark.parametrize("owed_s", [0.0, 0.3])
def test_however_early_it_speaks_the_time_it_is_owed_is_waited_for(
    owed_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "_SETTLE_S", 0.02)
    container = talkative()

    why_not = stopping.wait_until_going(container, patience_s=10.0, not_before_s=owed_s)

    waited_s = time.monotonic() - container.started_at
    assert why_not is None
    assert owed_s <= waited_s < owed_s + 5.0
    assert waited_s >= 0.02
