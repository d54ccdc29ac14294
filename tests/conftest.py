"""What holds for all tests of the project."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# Not the user's own, whose results of earlier runs would give way to those of these tests.
os.environ["XDG_CACHE_HOME"] = str(Path(__file__).resolve().parents[1] / ".cache")


@pytest.fixture(autouse=True, scope="session")
def _results_are_kept_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test answers from, or adds to, what its developer judged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> Iterator[None]:
    """A shell starts its background jobs with SIGINT ignored, and what they start inherits that."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Miniatures are judged in a hurry."""
    from miniatures.found_out import hurry

    hurry(monkeypatch)
