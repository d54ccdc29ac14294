"""Declared metrics are looked for as the platform does, and no pattern holds the run up."""

from __future__ import annotations

import time

import pytest

from sm_conformance.declaration.values import Metric
from sm_conformance.judgement import metrics
from sm_conformance.judgement.metrics import Logged, look_for
from sm_conformance.observed.logs import Logs


def logged(regex: str, stdout: bytes = b"", stderr: bytes = b"", lost: int = 0) -> Logged:
    """What a log holds of one metric."""
    logs = Logs(stdout=stdout, stderr=stderr, total_bytes=1, first_after_s=0.0, lost_bytes=lost)
    (found,) = look_for([Metric(name="loss", regex=regex)], logs)
    return found


@pytest.mark.parametrize(
    ("regex", "log", "number"),
    [
        (r"loss=([0-9.]+)", b"start\nloss=0.25\nend\n", "0.25"),
        (r"loss=(\S+)", b"loss=-1e-3", "-1e-3"),
        (r"^loss: (\S+)$", b"loss: 3\r\n", "3"),
        (r"^loss: (\S+)$", b" 50%|#    |\rloss: 3\rloss: 2", "3"),
        (r"loss=(\S+)", b"loss=nan\nloss=0.5", "0.5"),
        (r"loss=(\S+)", b"loss=nan loss=0.5", "0.5"),
        (r"(?P<value>[0-9]+) loss", b"\xff\xfe 3 loss", "3"),
        (r"verlust=([0-9]+) €", "verlust=3 €".encode(), "3"),
    ],
)
def test_a_number_in_any_line_is_enough(regex: str, log: bytes, number: str) -> None:
    assert logged(regex, stdout=log).number == number
    assert logged(regex, stderr=log).number == number


@pytest.mark.parametrize(
    ("regex", "log", "words"),
    [
        (r"loss=([0-9.]+)", b"", "no line matches 'loss=([0-9.]+)'"),
        (r"loss=([0-9.]+)", b"loss = 0.5", "no line matches"),
        (r"loss=\n([0-9.]+)", b"loss=\n0.5", "no line matches"),
        (r"loss=(\S+)", b"loss=nan\nloss=inf", "holds 'nan', which is no number"),
        (r"loss=(\S+)", b"loss=0,5", "holds '0,5'"),
        (r"loss=()", b"loss=0.5", "holds ''"),
        (r"loss(=x)?", b"loss=0.5", "holds ''"),
        (r"loss=(.*)", b"loss=\x1b[2J", r"holds '\x1b[2J'"),
        (r"loss=(.*)", b"loss=" + b"x" * 10_000, "x" * 100 + "'"),
    ],
)
def test_what_is_no_number_is_told(regex: str, log: bytes, words: str) -> None:
    found = logged(regex, stdout=log)

    assert (found.number, found.unsure) == (None, None)
    assert words in found.describe()


def test_what_was_not_kept_may_have_held_it() -> None:
    found = logged(r"loss=(\S+)", stdout=b"loss=nan", lost=1)

    assert "only the first 256 KiB" in found.describe()
    assert logged(r"loss=(\S+)", stdout=b"loss=1", lost=1).unsure is None


def test_a_pattern_that_takes_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_TIME_S", 0.5)
    began = time.monotonic()

    found = logged(r"(a+)+=([0-9])", stdout=b"a" * 60 + b"b")

    assert time.monotonic() - began < 10
    assert "takes too long on this log" in (found.unsure or "")
    assert found.describe().startswith("loss: '(a+)+=")


def test_many_slow_patterns_share_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "_TIME_S", 0.3)
    monkeypatch.setattr(metrics, "_ALL_S", 0.5)
    logs = Logs(stdout=b"a" * 60 + b"b", stderr=b"", total_bytes=61, first_after_s=0.0)
    began = time.monotonic()

    found = list(look_for([Metric(name=str(n), regex="(a+)+=([0-9])") for n in range(40)], logs))

    assert time.monotonic() - began < 10
    assert [one.unsure is not None for one in found] == [True] * 40


def test_each_metric_is_looked_for_alone() -> None:
    logs = Logs(stdout=b"a=1\nb=nan\n", stderr=b"c=2\n", total_bytes=1, first_after_s=0.0)

    found = list(look_for([Metric(name=n, regex=f"{n}=(.+)") for n in "abcd"], logs))

    assert [(one.number, one.other) for one in found] == [
        ("1", None), (None, "nan"), ("2", None), (None, None),
    ]  # fmt: skip
