"""What HTTP allows is lawful, judged on miniatures."""

from __future__ import annotations

import pytest
from miniatures.declared import SERVES
from miniatures.found_out import judge_here

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize(
    "image",
    [
        "counts-and-says-so",
        "never-asks",
        "old-fashioned",
        "echoes",
        "knows-sessions",
        "leaves-bodies-and-ends",
    ],
)
def test_what_http_allows_is_lawful(image: str, pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, image, declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    framed = {
        name: found.findings[f"HOST-014 {name}"]["verdict"]
        for name in ("keep-alive", "request-framing")
    }
    verdict = "n/a" if image == "old-fashioned" else "pass"
    assert framed == {"keep-alive": verdict, "request-framing": verdict}


def test_who_takes_what_has_come_for_the_whole_request_is_told_so(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "reads-once", declaration=SERVES)

    # Nobody knows what becomes of a request in halves when such a server is stopped.
    assert found.said == {
        "HOST-014 request-framing": "advice", "HOST-061 finishes-requests": "not-run",
    }, found.output  # fmt: skip
    framing = found.findings["HOST-014 request-framing"]
    assert "whose second half came a moment later" in framing["actual"]
    assert "head -c" in framing["repeat"]


def test_who_says_that_it_ends_each_connection_may_do_so(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "says-goodbye", declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["HOST-014 keep-alive"]["verdict"] == "n/a"
