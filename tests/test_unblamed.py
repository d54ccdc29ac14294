"""What was guessed, bounded by us, or may want the network is nobody's fault; judged on miniatures."""

from __future__ import annotations

import pytest
from miniatures.declared import NETWORK_UNSAID, SERVES, TRAINS
from miniatures.found_out import EXAMPLES, SERVERS, TRAININGS, assert_nobody_blamed, judge_here
from miniatures.sins import HASTE

pytestmark = pytest.mark.usefixtures("hasty")
SERVES_GUESSED = {"claims": ["hosting"], "network": "isolated", "hosting": {"model": "none"}}


def test_guessed_input_never_fails_a_training(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "always-fails", declaration={"claims": ["training"]})

    assert_nobody_blamed(found, "TRAIN-063 exit-zero", "this was guessed: channels", "Declare it")


def test_a_guessed_request_never_fails_a_server(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "refuses", declaration=SERVES_GUESSED, limits=HASTE)

    assert_nobody_blamed(found, "HOST-010 invocation", "this was guessed: a text/csv request")
    assert found.findings["HOST-002 ping"]["verdict"] == "pass", found.output


def test_a_shell_that_finds_no_program_is_not_blamed_when_the_input_was_guessed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester,
        "shell-cannot-run",
        declaration={"claims": ["training"], "network": "isolated"},
    )

    assert_nobody_blamed(found, "IMG-001 train-starts", "exited with 127", "this was guessed")


def test_a_shell_that_finds_no_program_is_not_blamed_when_it_may_miss_the_network(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "shell-cannot-run", declaration=NETWORK_UNSAID)

    assert_nobody_blamed(found, "IMG-001 train-starts", "exited with 127", "`network: needed`")


def test_a_training_that_may_wait_for_what_was_not_guessed_is_not_blamed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "lingers", declaration={"claims": ["training"]}, limits=HASTE)

    assert_nobody_blamed(found, "TRAIN-068 ends", "this was guessed: channels")


def test_what_no_input_could_change_fails_also_with_guessed_input(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "bad-program", declaration={"claims": ["training"]})

    assert found.said == {"IMG-003 on-path": "fail"}
    assert found.status == 1


def test_a_training_that_may_miss_the_network_is_not_blamed(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "wants-network", declaration=NETWORK_UNSAID)

    assert_nobody_blamed(
        found, "TRAIN-063 exit-zero", "say `network: needed`", "failure in name resolution"
    )


@pytest.mark.parametrize(
    ("image", "key"),
    [("wants-hub", "TRAIN-063 exit-zero"), ("wants-hub-to-serve", "HOST-002 ping")],
)
def test_who_did_not_say_whether_it_needs_the_network_is_told_what_was_tried(
    image: str, key: str, pytester: pytest.Pytester
) -> None:
    said = TRAINS if key.startswith("TRAIN") else SERVES
    unsaid = {name: value for name, value in said.items() if name != "network"}

    found = judge_here(pytester, image, declaration=unsaid)

    assert_nobody_blamed(found, key, "asked for the name huggingface.co", "say `network: needed`")


def test_what_a_lawful_one_tried_in_vain_is_kept_beside_its_logs_and_held_against_nobody(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "telemetry")

    evidence = pytester.path / "report/evidence"
    assert (found.status, found.said) == (0, {}), found.output
    assert found.report["launches"] == TRAININGS + SERVERS + 2 * EXAMPLES, (
        "nobody looked for a cause"
    )
    assert (evidence / "serve-plain/tried-to-reach.txt").read_text() == "telemetry.example\n"
    assert not (evidence / "train-plain/tried-to-reach.txt").exists()
    assert "telemetry.example" not in found.output


def test_a_declared_need_of_the_network_is_met_and_net_002_does_not_apply(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "wants-network", declaration={**TRAINS, "network": "needed"})

    assert found.findings["NET-002 isolated"]["verdict"] == "n/a"
    assert (found.status, found.said) == (0, {}), found.output


def test_a_training_that_outlasts_our_patience_is_not_blamed(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "works-on", "--sm-patience=0.4", declaration=TRAINS)

    assert_nobody_blamed(found, "TRAIN-063 exit-zero", "--sm-patience")


def test_memory_that_we_bounded_is_not_the_candidates_fault(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "out-of-memory", declaration=TRAINS)

    assert_nobody_blamed(found, "TRAIN-063 exit-zero", "declare `resources: {memory: 8g}`")


def test_output_that_we_bounded_is_not_the_candidates_fault(pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, "buried-failure", declaration=TRAINS, limits={"default_output_bytes": 50_000}
    )

    assert_nobody_blamed(found, "TRAIN-064 failure-file", "declare `resources: {output: 20g}`")
