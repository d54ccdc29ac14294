"""The validation of a listing, rehearsed: who fails there is found out, and nobody else."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from miniatures.judging import BOTH, REQUESTS, SERVES, TRAINS
from miniatures.listed import GOOD_MODEL, KEY
from miniatures.sins import Sin, assert_found_out, hurry, judge_here

from sm_conformance.observed.http import Reply
from sm_conformance.observed.installs import install_tried
from sm_conformance.observed.metering import wrong
from sm_conformance.observed.run import Logs
from sm_conformance.observed.shape import shape
from sm_conformance.observed.sought import NOTHING_SOUGHT

LISTED = ("--sm-profile=marketplace",)
ANSWERED = [
    {**REQUESTS[0], "expect": {"body": "0\n"}},
    {**REQUESTS[1], "expect": {"schema": {"type": "array"}}},
]
MKT = "MKT-012 validation"


def product(declared: Mapping[str, Any] = SERVES, **hosting: Any) -> Mapping[str, Any]:
    """A declaration whose samples have responses, and with further lines on hosting."""
    return {**declared, "hosting": {**declared["hosting"], "requests": ANSWERED, **hosting}}


def transforming(body: str, **said: Any) -> Mapping[str, Any]:
    """A product that declares a transform job of a table."""
    job = {"content_type": "text/csv", "split": "line", "strategy": "single-record", **said}
    return product(transform={**job, "body": body})


SINS = [
    Sin("wants-a-payload", MKT, options=LISTED, declaration=product(),
        says="it works as soon as this is lifted: the variables of a batch transform job are set"),
    Sin("minds-nines", MKT, options=LISTED, says="request 2 of 3: 400",
        declaration=transforming("1,2,3,4\n9,2,3,4\n1,2,3,4\n")),
    Sin("looks-up-in-batch", "MKT-015 isolated", options=LISTED, declaration=product(),
        says="its log says: OSError: Name or service not known"),
    Sin("looks-up-in-batch", "MKT-015 isolated", options=LISTED, declaration=product(),
        says="as in a batch transform job, the server exited"),
    Sin("csv-in-batch", "MKT-011 declared-types", options=LISTED, declaration=product(),
        says="request-json: 415"),
    Sin("own-type", "MKT-011 response-types", "advice", options=LISTED,
        declaration=product(accepts=["text/csv", "application/json"]),
        says="sample: Content-Type application/vnd.flowers"),
    Sin("wider-in-batch", "MKT-028 listing-samples", "advice", options=LISTED,
        declaration=product(), says="rows of 2 columns instead of rows of 1 columns"),
    Sin("installs-softly", "MKT-016 no-install", "advice", options=LISTED, declaration=product(),
        says="it asked for the name files.pythonhosted.org"),
    Sin("says-it-installs", "MKT-016 no-install", "advice", options=LISTED, declaration=product(),
        says="Could not find a version that satisfies"),
    Sin("logs-a-key", "MKT-023 quiet-logs", "advice", options=LISTED, declaration=product(),
        says="shows AKIA************QW2Z"),
    Sin("metered-in-text", "MKT-022 metering-header", "advice",
        declaration={**product(), "claims": ["hosting", "metering"]},
        says="ConsumedUnits is no whole number above 0"),
    Sin("metered-at-times", "MKT-022 metering-header", "advice",
        declaration={**product(), "claims": ["hosting", "metering"]},
        says="request-json: no such header"),
    Sin("lawful", "MKT-022 metering-header", "advice",
        declaration={**product(), "claims": ["hosting", "metering"]}, says="no such header"),
]  # fmt: skip
LAWFUL = [
    ("lawful", product()),
    ("lawful", product(BOTH)),
    ("lawful", {**product(), "claims": ["hosting", "marketplace"]}),
    ("knows-its-job", transforming("1,2,3,4\n", max_payload_mb=1, max_concurrent=2,
                                   environment={"COLOUR": "green"})),
    ("busy-at-times", transforming("1,2,3,4\n7,2,3,4\n7,2,3,5\n")),
    ("links-to-a-hub", product()),
    ("metered", {**product(), "claims": ["hosting", "metering"]}),
    ("wants-a-header", product(
        requests=[{"name": "table", "content_type": "text/csv", "body": "a,b,c,d\n1,2,3,4\n",
                   "expect": {"body": "0\n"}}],
        transform={"content_type": "text/csv", "body": "a,b,c,d\n1,2,3,4\n5,6,7,8\n"},
    )),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.mark.parametrize("sin", SINS, ids=str)
def test_who_would_fail_a_listing_is_found_out(sin: Sin, pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, sin.image, *sin.options, declaration=sin.declaration, limits=sin.limits
    )

    assert_found_out(sin, found)
    assert (
        KEY
        not in (pytester.path / "report/report.json")
        .read_text("utf-8")
        .replace("\n".join(found.findings[sin.breaks]["log"]), "")
        or sin.image == "logs-a-key"
    )


@pytest.mark.parametrize(("image", "declaration"), LAWFUL)
def test_who_would_not_is_conformant(
    image: str, declaration: Mapping[str, Any], pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, *LISTED, declaration=declaration)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings[MKT]["verdict"] == "pass"
    assert found.report["profile"] == "marketplace"
    assert "marketplace" in found.report["declaration"]["claims"]
