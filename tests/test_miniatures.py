"""Each little liar is found out for its one sin and nothing else; the lawful one is conformant."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import miniatures
import pytest
from miniatures import candidates
from miniatures.candidates import OTHER_SINS, SERVING_SINS, TRAINING_SINS
from miniatures.declared import SERVES, TRAINS
from miniatures.found_out import EXAMPLES, SERVERS, TRAININGS, assert_found_out, judge_here
from miniatures.sins import Sin, weighed

from sm_conformance.contract import clause

pytestmark = pytest.mark.usefixtures("hasty")


def test_no_family_and_no_list_of_sins_is_left_out() -> None:
    found = [import_module(f"miniatures.{one.name}") for one in iter_modules(miniatures.__path__)]
    everybody = candidates.MINIATURES
    families = {one for one in found if getattr(one, "MINIATURES", everybody) is not everybody}
    tried = [*TRAINING_SINS, *SERVING_SINS, *OTHER_SINS]
    listed = [
        sin
        for family in families
        for rows in vars(family).values()
        if isinstance(rows, list)
        for sin in rows
        if isinstance(sin, Sin)
    ]

    assert families == set(candidates.FAMILIES)
    assert sorted(map(str, listed)) == sorted(map(str, tried))


@pytest.mark.parametrize("sin", weighed(TRAINING_SINS))
def test_a_liar_who_trains_is_found_out(sin: Sin, pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, sin.image, *sin.options, declaration=sin.declaration, limits=sin.limits
    )

    assert_found_out(sin, found)


@pytest.mark.parametrize("sin", weighed(SERVING_SINS))
def test_a_liar_who_serves_is_found_out(sin: Sin, pytester: pytest.Pytester) -> None:
    declaration = SERVES if sin.declaration is TRAINS else sin.declaration

    found = judge_here(
        pytester, sin.image, *sin.options, declaration=declaration, limits=sin.limits
    )

    assert_found_out(sin, found)


def test_a_lawful_one_is_conformant(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful")

    assert found.said == {}, found.output
    claims = frozenset({"training", "hosting"})
    launched = {one.key for one in clause.load().launched if one.applies(claims)}
    assert found.with_verdict("n/a").keys() & launched == {
        "IMG-012 root-training", "HOST-004 ping-bound", "HOST-010 invocation-bound",
        "HOST-010 expected-response", "HOST-010 lawful-requests", "HOST-011 own-timeouts",
        "TRAIN-089 metric-matches", "HOST-031 model-archive", "HOST-062 dies-with-server",
        "MKT-018 scanned",
    }  # fmt: skip
    assert (found.status, found.report["conclusion"]) == (0, "conformant")
    assert (found.report["doubts"], found.report["complete"]) == ([], True)
    # One launch for each scenario, and one for each example of values, and no more.
    assert found.report["launches"] == TRAININGS + SERVERS + 2 * EXAMPLES
    assert found.report["examples"] == EXAMPLES
    assert found.report["latency"]["/ping"]["count"] == 100
    assert found.report["declaration"]["claims"] == ["hosting", "training"]


def test_a_lawful_one_is_conformant_where_the_engine_only_publishes_ports(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "lawful", way="published")

    assert found.said == dict.fromkeys(
        ("HOST-009 connect-in-time", "HOST-009 connect-under-load", "NET-002 isolated"), "not-run"
    )
    assert all(found.findings[key]["excused"] for key in found.said)
    assert (found.status, found.report["conclusion"]) == (0, "conformant"), found.output


def test_training_and_hosting_images_are_one_candidate(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "", "--sm-train-image=ping-500", "--sm-serve-image=always-fails")

    assert (found.status, found.said) == (0, {}), found.output
    assert [image["roles"] for image in found.report["candidate"]["images"]] == [
        ["training"], ["hosting"],
    ]  # fmt: skip
    assert found.findings["IMG-004 tells-jobs-apart"]["verdict"] == "n/a"


@pytest.mark.parametrize(
    ("option", "launches"),
    [
        ("--sm-train-image=lawful", TRAININGS + 2 * EXAMPLES),
        ("--sm-serve-image=lawful", SERVERS - 1),
    ],
)
def test_one_half_alone_is_judged_alone(
    pytester: pytest.Pytester, option: str, launches: int
) -> None:
    half = "training" if "train" in option else "hosting"
    declaration = TRAINS if half == "training" else SERVES

    found = judge_here(pytester, "", option, declaration=declaration)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.report["declaration"]["claims"] == [half]
    assert found.report["launches"] == launches
    assert found.findings["IMG-004 tells-jobs-apart"]["verdict"] == "n/a"
