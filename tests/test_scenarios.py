"""Scenarios are data: each is valid, says what it is, and nothing else is accepted as one."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sm_conformance import specs
from sm_conformance.inputs import scenario
from sm_conformance.inputs.scenario import Conditions

SCHEMA = Draft202012Validator(specs.read_schema("scenario"))


@pytest.mark.parametrize("name", scenario.names())
def test_a_scenario_is_valid_and_tells_a_story(name: str) -> None:
    loaded = scenario.load(name)

    assert SCHEMA.is_valid(specs.read_yaml(f"scenarios/{name}.yaml"))
    assert loaded.name == name
    assert name.startswith(f"{loaded.kind}-")
    assert loaded.story.endswith(".")


def test_stories_are_unique() -> None:
    stories = [scenario.load(name).story for name in scenario.names()]

    assert len(set(stories)) == len(stories)


def test_the_schema_knows_every_condition_but_the_fault_which_the_scenario_tries() -> None:
    known = set(specs.read_schema("scenario")["$defs"]["conditions"]["properties"])

    assert known == {field.name for field in fields(Conditions)} - {"fault"}


def test_the_most_ordinary_launch_differs_in_nothing() -> None:
    assert scenario.load("train-plain").conditions == Conditions()
    assert scenario.load("serve-plain").conditions == Conditions()


def test_promises_are_judged_on_ordinary_requests_only() -> None:
    strange = {
        "undeclared-type",
        "malformed-bodies",
        "large-bodies",
        "mutilated-requests",
        "malformed-http",
    }

    assert strange.isdisjoint(scenario.load("serve-plain").steps)
    assert strange < set(scenario.load("serve-strange").steps)


def test_a_server_is_measured_before_it_is_stopped_and_after_it_has_answered() -> None:
    steps = scenario.load("serve-plain").steps

    assert steps.index("invocation") < steps.index("latency") < steps.index("stop")
    assert steps[-2:] == ("stop", "written")


def test_only_a_user_may_open_the_network() -> None:
    for name in scenario.names():
        loaded = scenario.load(name)
        assert not loaded.conditions.open_network
        opened = {lift.blames for lift in loaded.lifts if lift.conditions.open_network}
        assert opened <= {"NET-002 isolated", "MKT-015 isolated"}


GOOD: dict[str, Any] = {"kind": "train", "story": "A job that is told in a sentence."}
LIFT = {"blames": "NET-002 isolated", "condition": "there is no network", "conditions": {}}
BAD: dict[str, dict[str, Any]] = {
    "no kind": {"kind": None},
    "other kind": {"kind": "process"},
    "no story": {"story": ""},
    "unknown key": {"colour": "red"},
    "unknown step": {"steps": ["dance"]},
    "step twice": {"steps": ["stop", "stop"]},
    "no fault": {"faults": []},
    "unknown fault": {"faults": ["bad-luck"]},
    "unknown condition": {"conditions": {"weather": "rain"}},
    "number as hyperparameter": {"conditions": {"add_hyperparameters": {"a": 1}}},
    "lift that blames a number": {"lifts": [{**LIFT, "blames": "NET-002"}]},
    "lift without conditions": {"lifts": [{k: v for k, v in LIFT.items() if k != "conditions"}]},
}


def test_a_good_scenario_is_valid() -> None:
    assert SCHEMA.is_valid(GOOD)
    assert SCHEMA.is_valid({**GOOD, "lifts": [LIFT]})


@pytest.mark.parametrize("name", BAD)
def test_a_bad_scenario_is_not_valid(name: str) -> None:
    assert not SCHEMA.is_valid({**GOOD, **BAD[name]})


def test_a_scenario_that_is_not_there_is_a_bug_and_raises() -> None:
    with pytest.raises(FileNotFoundError):
        scenario.load("train-on-the-moon")
