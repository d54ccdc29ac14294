"""What the benchmarks compute; what they measure is no matter for tests."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as some

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def latency() -> ModuleType:
    spec = importlib.util.spec_from_file_location("latency_benchmark", BENCHMARKS / "latency.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TIMES = some.dictionaries(some.integers(1, 5000), some.integers(1, 5), max_size=30)


@given(measured=TIMES, usual_us=some.integers(1, 300))
def test_what_wrk_adds_is_taken_back_exactly(
    latency: ModuleType, measured: dict[int, int], usual_us: int
) -> None:
    counted = latency.corrected(measured, usual_us=usual_us)

    assert sum(counted.values()) >= sum(measured.values())
    assert latency.as_measured(counted, usual_us=usual_us) == Counter(measured)


def test_behind_a_stall_those_are_counted_that_would_have_waited(latency: ModuleType) -> None:
    counted = latency.corrected({100: 7, 450: 1}, usual_us=100)

    assert counted == {100: 7, 450: 1, 350: 1, 250: 1, 150: 1}


def test_percentiles_are_nearest_ranks_in_milliseconds(latency: ModuleType) -> None:
    times = {took * 1000: 1 for took in range(1, 201)}

    assert [latency.percentile(times, percent) for percent in (50, 99, 100)] == [100, 198, 200]
    assert latency.percentile({}, 99) == 0
