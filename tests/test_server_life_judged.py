"""Servers at the end of their life, and without what they need, judged on miniatures."""

from __future__ import annotations

import pytest
from miniatures.declared import BOTH, SERVES
from miniatures.found_out import judge_here
from miniatures.sins import UNSTOPPABLE

from sm_conformance.laboratory import servers

pytestmark = pytest.mark.usefixtures("hasty")


def test_a_server_that_hears_no_stop_while_it_works_is_found_out(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "deaf-at-work", declaration=SERVES, limits=UNSTOPPABLE)

    assert found.said == {"HOST-060 stops-in-time": "advice"}, found.output
    told = found.findings["HOST-060 stops-in-time"]
    assert "the request: 200 OK" in told["actual"]
    assert told["actual"].endswith("it did not end afterwards")
    halves, _, state = told["repeat"].partition("docker kill -s TERM sm-repeat")
    assert "head -c" in halves
    assert "docker inspect -f 'still running: {{.State.Running}}' sm-repeat" in state


@pytest.mark.parametrize("image", ["needs-no-model", "ill-with-a-bad-model"])
def test_a_server_that_does_not_vouch_for_a_bad_model_is_lawful(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, image: str
) -> None:
    monkeypatch.setattr(servers, "_LEAST_PATIENCE_S", 0.2)

    found = judge_here(pytester, image, declaration=BOTH)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["HOST-007 sees-a-broken-model"]["verdict"] == "pass"


@pytest.mark.parametrize(
    "image",
    ["ends-with-its-child", "ill-without-its-child", "starts-its-child-again"],
)
def test_a_server_that_does_not_hide_its_dead_child_is_lawful(
    pytester: pytest.Pytester, image: str
) -> None:
    found = judge_here(pytester, image, declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["HOST-062 dies-with-server"]["verdict"] == "pass"


def test_logs_and_numbers_of_processes_may_be_written_anywhere(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "writes-logs", declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["IMG-024 writes-to-tmp-only"]["verdict"] == "pass"
