"""What holds for all tests of the project."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

# Not the user's own, whose results of earlier runs would give way to those of these tests.
os.environ["XDG_CACHE_HOME"] = str(Path(__file__).resolve().parents[1] / ".cache")


@cache
def _names_an_engine(module: Path) -> bool:
    return "mark.engine" in module.read_text("utf-8")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """For the tests of an engine, no process imports the many modules that have none."""
    of_an_engine = config.option.markexpr.startswith("engine")
    if of_an_engine and collection_path.suffix == ".py" and not _names_an_engine(collection_path):
        return True
    return None


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Where all modules are imported it shows that none was left out wrongly."""
    marked = {item.path for item in items if item.get_closest_marker("engine")}
    hidden = sorted(path.name for path in marked if not _names_an_engine(path))
    if hidden:
        raise pytest.UsageError(f"these have tests of an engine and do not name it: {hidden}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Groups by our own table, whatever xdist makes of marks."""
    if config.option.dist != "loadgroup":
        return None
    from together import Together

    return Together(config, log)


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
