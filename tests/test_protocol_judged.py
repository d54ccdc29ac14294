"""What HTTP allows is lawful, judged on miniatures."""

from __future__ import annotations

import pytest
from miniatures.declared import SERVES
from miniatures.found_out import judge_here

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize(
    "image", ["counts-and-says-so", "never-asks", "old-fashioned", "echoes", "knows-sessions"]
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


def test_who_says_that_it_ends_each_connection_may_do_so(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "says-goodbye", declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["HOST-014 keep-alive"]["verdict"] == "n/a"
