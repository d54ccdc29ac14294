"""Strange requests and large ones, judged on miniatures: what is kept of them, and who is not blamed."""

from __future__ import annotations

import pytest
from miniatures.declared import SERVES
from miniatures.found_out import SERVERS, judge_here

pytestmark = pytest.mark.usefixtures("hasty")


def test_a_request_is_to_blame_only_where_it_ends_another_server_too(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "faints-once", declaration=SERVES)

    assert found.said == {"HOST-029 survives-bad-input": "not-run"}, found.output
    reason = found.findings["HOST-029 survives-bad-input"]["reason"]
    assert "the server ended with 0; nothing became of another server" in reason
    assert found.report["launches"] == SERVERS - 1 + 2
    assert (found.status, found.report["conclusion"]) == (0, "conformant")


def test_a_refused_large_body_is_kept_for_who_repeats_the_request(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "small-bodies", declaration=SERVES)

    kept = pytester.path / "report/evidence/serve-strange/requests/body-6-mib"
    assert 6_000_000 < kept.stat().st_size < 6 * 1024 * 1024
    repeat = found.findings["HOST-013 body-6-mib"]["repeat"]
    assert "--data-binary @" in repeat
    assert repeat.endswith('/invocations"')
