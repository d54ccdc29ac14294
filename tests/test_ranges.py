"""Lawful values lie within what is declared, bad ones outside; examples are few, new, and the same again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sm_conformance.declaration.ranges import number_of
from sm_conformance.declaration.values import Hyperparameter, Training
from sm_conformance.inputs import examples
from sm_conformance.inputs.ranges import (
    Example,
    Line,
    Lines,
    Numbers,
    bad_lines,
    lawful_ends,
    lawful_lines,
)
from sm_conformance.laboratory import watch as watching
from sm_conformance.laboratory.watch import watch
from sm_conformance.observed.run import Ending

NOTHING_SAID = Hyperparameter(
    name="it", value=None, kind=None, low=None, high=None, values=(), required=False,
    tunable=False, default=None,
)  # fmt: skip
DECIMALS = replace(NOTHING_SAID, name="decimals", value="3", kind="integer", low="0", high="8")
RATE = replace(NOTHING_SAID, name="rate", value="0.1", kind="continuous", low="0.001", high="1")
LOSS = replace(NOTHING_SAID, name="loss", value="a", kind="categorical", values=("a", "b", "c"))
WORD = replace(NOTHING_SAID, name="word", value="x", kind="free-text")


def training(*specs: Hyperparameter, **values: str) -> Training:
    good = {spec.name: spec.good for spec in specs if spec.good is not None}
    return Training(
        hyperparameters={**good, **values}, channels=(), fault=None, lasts=None, yields_model=True,
        idle_s=None, environment={}, hyperparameter_specs=specs,
    )  # fmt: skip


def lawful(*specs: Hyperparameter) -> tuple[Lines, ...]:
    made = training(*specs)
    return lawful_lines(made, made.hyperparameters)


def values_of(lines: tuple[Lines, ...]) -> list[list[str]]:
    """All values on each of the lines; for short ones."""
    return [
        [line.at(step) for step in range(1, line.count + 1)] for found in lines for line in found
    ]


# -- lines -----------------------------------------------------------------------------------------


def test_an_integer_goes_down_and_up_from_the_good_value_to_the_ends() -> None:
    assert values_of(lawful(DECIMALS)) == [["2", "1", "0"], ["4", "5", "6", "7", "8"]]


def test_a_choice_has_the_other_values() -> None:
    assert values_of(lawful(LOSS)) == [["b", "c"]]


def test_a_continuous_range_is_gone_through_in_short_decimals_and_ends_as_it_is_written() -> None:
    ((down, up),) = lawful(replace(RATE, low="1e-05", high="1.0"))

    assert (down.at(1), down.at(down.count)) == ("0.09999", "1e-05")
    assert (up.at(1), up.at(up.count - 1), up.at(up.count)) == ("0.1001", "0.9999", "1.0")


def test_a_type_that_is_not_said_is_that_of_the_numbers_that_are() -> None:
    whole = replace(DECIMALS, kind=None)
    assert values_of(lawful(whole)) == values_of(lawful(DECIMALS))
    ((down, _),) = lawful(replace(RATE, kind=None))
    assert down.at(1) == "0.09999"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (replace(DECIMALS, high=None), [["2", "1", "0"]]),
        (replace(DECIMALS, low=None), [["4", "5", "6", "7", "8"]]),
        (replace(DECIMALS, low="3"), [["4", "5", "6", "7", "8"]]),
        (replace(DECIMALS, low="3", high="3"), []),
        (replace(DECIMALS, low=None, high=None), []),
        (replace(DECIMALS, value=None), []),
        (replace(DECIMALS, value=None, default="7"), [["6", "5", "4", "3", "2", "1", "0"], ["8"]]),
        (replace(DECIMALS, value=None, tunable=True, low="6"), [["6"], ["7", "8"]]),
        (replace(DECIMALS, value=None, tunable=True, low=None), [["8"]]),
        (replace(DECIMALS, value=None, tunable=True, low=None, high=None), []),
        (replace(LOSS, values=("a",)), []),
        (replace(LOSS, kind=None, values=("b", "a")), [["b"]]),
        (WORD, []),
        (replace(NOTHING_SAID, value="5", tunable=True), []),
    ],
)
def test_what_is_not_declared_is_not_made_up(
    spec: Hyperparameter, expected: list[list[str]]
) -> None:
    assert values_of(lawful(spec)) == expected


def test_the_ends_are_everything_at_its_least_and_at_its_greatest() -> None:
    tuned = replace(RATE, name="tuned", value=None, tunable=True)
    least, greatest = lawful_ends(lawful(DECIMALS, RATE, LOSS, WORD, tuned))

    assert least.values == {"decimals": "0", "rate": "0.001", "loss": "b", "tuned": "0.001"}
    assert greatest.values == {"decimals": "8", "rate": "1", "loss": "c", "tuned": "1"}


def test_a_good_value_at_an_end_stays_there() -> None:
    least, greatest = lawful_ends(lawful(replace(DECIMALS, value="0")))

    assert (least.values, greatest.values) == ({}, {"decimals": "8"})


def test_bad_values_are_below_above_and_of_another_type_the_nearest_of_each_first() -> None:
    lines = bad_lines(training(DECIMALS, LOSS, WORD, RATE))

    assert [(line.name, line.at(1)) for line in lines] == [
        ("decimals", "-1"),
        ("loss", "sm-conformance-no-such-value"),
        ("rate", "-0.999"),
        ("decimals", "9"),
        ("rate", "2"),
        ("decimals", "sm-conformance-no-such-value"),
        ("rate", "sm-conformance-no-such-value"),
        ("decimals", "3.5"),
    ]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (WORD, []),
        (replace(NOTHING_SAID, value="5"), []),
        (replace(NOTHING_SAID, kind="categorical"), []),
        (replace(NOTHING_SAID, kind="integer"), ["sm-conformance-no-such-value", "1.5"]),
        (replace(NOTHING_SAID, kind="continuous"), ["sm-conformance-no-such-value"]),
        (replace(NOTHING_SAID, low="2"), ["1", "sm-conformance-no-such-value"]),
        (
            replace(NOTHING_SAID, kind="continuous", high="1.7e308"),
            ["sm-conformance-no-such-value"],
        ),
        (replace(LOSS, values=("a", "sm-conformance-no-such-value")), []),
    ],
)
def test_only_what_the_declaration_does_not_allow_is_bad(
    spec: Hyperparameter, expected: list[str]
) -> None:
    assert [line.at(1) for line in bad_lines(training(spec))] == expected


NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-99, max_value=99).map(
        str
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


@st.composite
def ranged(draw: st.DrawFn) -> Hyperparameter:
    """A number with a good value and at least one bound, or two bounds and no good value."""
    kind = draw(st.sampled_from(["integer", "continuous", None]))
    some = st.integers(-(10**30), 10**30).map(str) if kind == "integer" else NUMBERS
    low, good, high = sorted(draw(st.tuples(some, some, some)), key=Fraction)
    assume(all(number_of(text, kind) is not None for text in (low, good, high)))
    sides = draw(st.sampled_from([(low, None), (None, high), (low, high)]))
    value = good if None in sides else draw(st.sampled_from([good, None]))
    return replace(NOTHING_SAID, kind=kind, low=sides[0], high=sides[1], value=value, tunable=True)


def steps(line: Line) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(1, line.count), st.sampled_from([1, line.count]))


@given(st.data(), ranged())
def test_every_lawful_value_is_within_the_range_and_of_the_type(
    data: st.DataObject, spec: Hyperparameter
) -> None:
    lines = [line for found in lawful(spec) for line in found]
    assume(lines)
    line = data.draw(st.sampled_from(lines))
    text = line.at(data.draw(steps(line)))

    number = number_of(text, spec.kind)
    assert number is not None, text
    assert spec.low is None or Fraction(text) >= Fraction(spec.low)
    assert spec.high is None or Fraction(text) <= Fraction(spec.high)
    assert spec.kind != "integer" or isinstance(number, int)
    assert len(text) <= 2500
    assert text != spec.good


@given(st.data(), ranged())
def test_every_bad_value_is_outside_or_of_another_type(
    data: st.DataObject, spec: Hyperparameter
) -> None:
    line = data.draw(st.sampled_from(bad_lines(training(spec))))
    text = line.at(data.draw(steps(line)))

    if number_of(text, spec.kind) is None:
        return
    below = spec.low is not None and Fraction(text) < Fraction(spec.low)
    above = spec.high is not None and Fraction(text) > Fraction(spec.high)
    assert below or above


@given(ranged())
def test_no_two_steps_of_a_line_have_one_value(spec: Hyperparameter) -> None:
    for found in lawful(spec):
        for line in found:
            seen = [
                line.at(step)
                for step in {1, 2, line.count - 1, line.count}
                if 0 < step <= line.count
            ]
            assert len({Decimal(text) for text in seen}) == len(seen)


# -- examples --------------------------------------------------------------------------------------


def test_drawn_examples_differ_and_are_the_same_the_next_time() -> None:
    lines = lawful(DECIMALS, RATE, LOSS)
    drawn = examples.draw(lines, 20)

    assert len({example.key for example in drawn}) == len(drawn) >= 20
    assert [example.values for example in examples.draw(lines, 20)] == [
        example.values for example in drawn
    ]
    touched = {name for example in drawn for name in example.values}
    assert touched == {"decimals", "rate", "loss"}


def test_few_values_are_all_drawn() -> None:
    drawn = examples.draw(lawful(LOSS), 50)

    assert {example.key for example in drawn} == {
        frozenset(), frozenset({("loss", "b")}), frozenset({("loss", "c")}),
    }  # fmt: skip


def test_a_bad_example_has_one_bad_value() -> None:
    drawn = examples.draw((bad_lines(training(DECIMALS, RATE, LOSS)),), 30)

    assert {len(example.values) for example in drawn} <= {0, 1}


def simplified(
    example: Example, fails: Callable[[Mapping[str, str]], bool]
) -> tuple[dict[str, str], int]:
    """What an example is made of in the end, and how many others were asked about."""
    known = {Example().key: False, example.key: True}
    for asked in range(40):
        found, other = examples.simplest(example, known)
        if other is None:
            return dict(found.values), asked
        assert other.key not in known
        known[other.key] = fails(other.values)
    pytest.fail("it never comes to an end")


def test_of_many_values_the_one_that_fails_is_left_and_comes_nearer_to_the_good_one() -> None:
    _, greatest = lawful_ends(lawful(DECIMALS, RATE, LOSS))

    found, asked = simplified(greatest, lambda values: int(values.get("decimals", "3")) >= 6)

    assert set(found) == {"decimals"}
    assert 6 <= int(found["decimals"]) < 8
    assert asked <= 10


def test_what_fails_together_stays_together() -> None:
    _, greatest = lawful_ends(lawful(DECIMALS, RATE, LOSS))

    found, _ = simplified(greatest, lambda values: {"loss", "decimals"} <= set(values))

    assert set(found) == {"loss", "decimals"}
    assert found["decimals"] == "4"


def test_what_fails_by_nothing_simpler_stays_as_it_is() -> None:
    least, _ = lawful_ends(lawful(DECIMALS, RATE, LOSS))

    found, _ = simplified(least, lambda values: values == least.values)

    assert found == least.values


def test_many_values_can_be_made_simpler() -> None:
    many = [replace(DECIMALS, name=f"p{number}") for number in range(30)]
    _, greatest = lawful_ends(lawful(*many))

    found, other = examples.simplest(greatest, {Example().key: False, greatest.key: True})

    assert found.values == greatest.values
    assert other is not None
    assert other.key != greatest.key
    assert set(other.values) <= set(greatest.values)


def test_examples_leave_no_trace(tmp_path: Path) -> None:
    code = (
        "import random, sys\n"
        "import test_ranges as here, user_module\n"
        "state = random.getstate()\n"
        "lines = here.lawful(here.DECIMALS, here.RATE, here.LOSS)\n"
        "drawn = here.examples.draw(lines, 60)\n"
        "here.simplified(here.lawful_ends(lines)[1], lambda values: 'rate' in values)\n"
        "assert random.getstate() == state\n"
        "print([sorted(example.values.items()) for example in drawn])\n"
    )
    said = []
    for number in (0, 424_242):
        home = tmp_path / str(number)
        home.mkdir()
        (home / "user_module.py").write_text(f"LIMIT, NAME = {number}, 'of the user'\n", "utf-8")
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code], cwd=home, text=True, capture_output=True,
            env={"PYTHONPATH": ":".join([str(home), *sys.path]), "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert [path.name for path in home.iterdir()] == ["user_module.py"]
        said.append(done.stdout)

    assert said[0] == said[1] != ""


def test_equal_values_are_one_example_however_they_were_come_to() -> None:
    short = Numbers("decimals", Decimal(3), Decimal(1), 5, "8")
    long = Numbers("decimals", Decimal(3), Decimal(1), 9)

    assert Example(((short, 5),)).key == Example(((long, 5),)).key


# -- waiting ---------------------------------------------------------------------------------------


class Working:
    """A container that goes on for ever, and uses the processor or writes, or does neither."""

    def __init__(self, *, cpu: float | None = 0.0, lines: float = 0.0) -> None:
        self.started_at = watching.time.monotonic()
        self._cpu, self._lines = cpu, lines

    @property
    def log(self) -> Any:
        looks = watching.time.monotonic() - self.started_at
        return SimpleNamespace(last_at=self.started_at + looks if self._lines else None)

    def cpu_seconds(self) -> float | None:
        gone = watching.time.monotonic() - self.started_at
        return None if self._cpu is None else gone * self._cpu

    def wait(self, timeout_s: float) -> None:
        watching.time.sleep(timeout_s)


@pytest.mark.parametrize(
    ("how", "ending"),
    [
        ({"cpu": 1.0}, Ending.PATIENCE),
        ({"lines": 1.0}, Ending.PATIENCE),
        ({"cpu": None}, Ending.PATIENCE),
        ({"cpu": 0.005}, Ending.PATIENCE),
        ({"cpu": 0.0}, Ending.IDLE),
    ],
    ids=["computes", "writes", "nobody can tell", "sleeps in a loop", "hangs"],
)
def test_who_is_in_a_hurry_gives_up_what_works_and_waits_for_what_may_hang(
    how: dict[str, Any], ending: Ending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_LOOK_EVERY_S", 0.05)
    bench: Any = SimpleNamespace(check=lambda: None)
    container: Any = Working(**how)

    found, _, _ = watch(bench, container, idle_s=1.6, patience_s=20.0, hurry_s=0.2)

    assert found is ending
    gone = watching.time.monotonic() - container.started_at
    assert (gone < 1.5) == (ending is Ending.PATIENCE)
