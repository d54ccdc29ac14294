"""The validation of a listing, rehearsed: who fails there is found out, and nobody else."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from miniatures.declared import BOTH, REQUESTS, TRAINS
from miniatures.found_out import assert_found_out, judge_here
from miniatures.marketplace import (
    GOOD_MODEL,
    LISTED,
    MKT,
    ROUND_TRIP,
    SINS,
    product,
    transforming,
)
from miniatures.sins import Sin, weighed
from sampling import first

from sm_conformance.declaration.values import Expectation
from sm_conformance.laboratory.listed import unlike
from sm_conformance.observed.http import Reply
from sm_conformance.observed.installs import install_tried
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.metering import wrong
from sm_conformance.observed.shape import shape
from sm_conformance.observed.sought import NOTHING_SOUGHT

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

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize("sin", weighed(SINS))
def test_who_would_fail_a_listing_is_found_out(sin: Sin, pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, sin.image, *sin.options, declaration=sin.declaration, limits=sin.limits
    )

    assert_found_out(sin, found)


@pytest.mark.parametrize(("image", "declaration"), first(3, LAWFUL))
def test_who_would_not_is_conformant(
    image: str, declaration: Mapping[str, Any], pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, *LISTED, declaration=declaration)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings[MKT]["verdict"] == "pass"
    assert found.report["profile"] == "marketplace"
    assert "marketplace" in found.report["declaration"]["claims"]


def packed(folder: Path) -> str:
    """A model.tar.gz that every miniature can load."""
    file = folder / "good.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        member = tarfile.TarInfo("means.json")
        member.size = len(GOOD_MODEL)
        archive.addfile(member, io.BytesIO(GOOD_MODEL))
    return str(file)


def test_an_algorithm_has_to_serve_what_it_trains_whatever_model_is_declared(
    pytester: pytest.Pytester,
) -> None:
    said = product(BOTH, model=packed(pytester.path))
    plain = judge_here(pytester, "saves-elsewhere", declaration=said)
    listed = judge_here(pytester, "saves-elsewhere", *LISTED, declaration=said)

    assert (plain.status, plain.said) == (0, {}), plain.output
    assert_found_out(ROUND_TRIP, listed)


WIDE = {"content_type": "text/csv", "split": "line", "body": "1,2,3,4\n5,6,7,8\n"}
NARROW = {"name": "one", "content_type": "text/csv", "body": "5\n", "expect": {"body": "0"}}


def test_samples_for_the_declared_model_are_not_held_against_a_small_training(
    pytester: pytest.Pytester,
) -> None:
    said = product(BOTH, model=packed(pytester.path), requests=[NARROW])
    found = judge_here(pytester, "minds-its-model", *LISTED, declaration=said)

    assert found.status == 3, found.output
    assert set(found.said.values()) == {"not-run"}, found.said
    assert "say `hosting: {transform: …}`" in found.findings[MKT]["reason"]


@pytest.mark.parametrize(
    ("job", "verdict"), [(WIDE, {}), ({**WIDE, "body": "1\n"}, {"MKT-026 round-trip": "fail"})]
)
def test_with_the_job_of_that_training_it_is_judged(
    job: Mapping[str, Any], verdict: Mapping[str, str], pytester: pytest.Pytester
) -> None:
    said = product(BOTH, model=packed(pytester.path), requests=[NARROW], transform=job)
    found = judge_here(pytester, "minds-its-model", *LISTED, declaration=said)

    assert found.said == verdict, found.output
    assert found.status == len(verdict)


def test_a_job_that_refuses_its_first_record_fails(pytester: pytest.Pytester) -> None:
    said = transforming("9,2,3,4\n1,2,3,4\n")
    found = judge_here(pytester, "minds-nines", *LISTED, declaration=said)

    assert found.said == {MKT: "fail"}, found.output
    assert "the first request: 400" in found.findings[MKT]["actual"]


def test_a_model_package_serves_the_model_that_is_declared(pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, "lawful", *LISTED, declaration=product(model=packed(pytester.path))
    )

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["MKT-026 round-trip"]["verdict"] == "n/a"


def test_lines_that_nobody_called_records_fail_no_image(pytester: pytest.Pytester) -> None:
    request = {"content_type": "text/csv", "body": "a,b,c,d\n1,2,3,4\n", "expect": {"body": "0"}}
    found = judge_here(pytester, "wants-a-header", *LISTED, declaration=product(requests=[request]))

    assert (found.status, found.said) == (3, {MKT: "not-run"}), found.output
    assert "say `hosting: {transform: …}`" in found.findings[MKT]["reason"]


def test_a_listed_type_without_a_sample_leaves_the_run_inconclusive(
    pytester: pytest.Pytester,
) -> None:
    types = ["text/csv", "application/json", "text/csv; header=present"]
    found = judge_here(pytester, "lawful", *LISTED, declaration=product(content_types=types))

    assert found.status == 3
    assert found.said == {
        "MKT-011 declared-types": "not-run", "MKT-028 listing-samples": "not-run"
    }  # fmt: skip
    reason = found.findings["MKT-011 declared-types"]["reason"]
    assert "text/csv; header=present" in reason
    assert found.report["doubts"] == [f"MKT-011 declared-types is not-run: {reason}"]


def test_a_sample_without_a_response_is_told_and_harms_nobody(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", *LISTED, declaration=product(requests=REQUESTS))

    assert (found.status, found.said) == (0, {"MKT-028 listing-samples": "not-run"}), found.output
    assert "say `expect`" in found.findings["MKT-028 listing-samples"]["reason"]


def test_an_algorithm_that_is_not_hosted_is_judged_by_its_training(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "lawful", *LISTED, declaration=TRAINS)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings[MKT]["verdict"] == "pass"
    assert found.findings["MKT-011 declared-types"]["reason"] == "the image does not claim hosting"


def test_what_the_profile_takes_for_granted_need_not_be_declared(
    pytester: pytest.Pytester,
) -> None:
    said = {key: value for key, value in product().items() if key != "network"}
    found = judge_here(pytester, "lawful", *LISTED, declaration=said)
    broken = judge_here(pytester, "looks-up-in-batch", *LISTED, declaration=said)

    assert (found.status, found.said) == (0, {}), found.output
    assert broken.said == {"MKT-015 isolated": "fail"}


def test_who_needs_the_network_is_refused_by_the_profile(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", *LISTED, declaration={**product(), "network": "needed"})

    assert found.status == 4
    assert "takes `network: isolated` for granted" in found.errors
    assert len(found.errors.strip().splitlines()) == 1


def test_who_claims_a_listing_and_needs_the_network_breaks_its_clause(
    pytester: pytest.Pytester,
) -> None:
    said = {**product(), "network": "needed", "claims": ["hosting", "marketplace"]}
    found = judge_here(pytester, "lawful", declaration=said)

    assert found.said == {"MKT-015 isolated": "fail"}, found.output


def test_without_a_declaration_the_profile_fails_nobody(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", *LISTED, declaration=None)

    assert found.status == 3
    assert set(found.said.values()) == {"not-run"}, found.said


def test_nothing_of_a_listing_is_launched_where_none_is_claimed(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", declaration=product())

    listing = {
        key: one["verdict"]
        for key, one in found.findings.items()
        if key.startswith("MKT-") and one["verdict"] != "n/a"
    }
    assert (found.status, listing) == (0, {})
    assert not (pytester.path / "report/evidence/serve-batch").exists()


# -- the parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('{"Dimension": "inference.count", "ConsumedUnits": 3}', None),
        ('{"ConsumedUnits":1,"Dimension":"inference.count","x":0}', None),
        ('{"Dimension": "inference.count", "ConsumedUnits": 0}', "above 0"),
        ('{"Dimension": "inference.count", "ConsumedUnits": -1}', "above 0"),
        ('{"Dimension": "inference.count", "ConsumedUnits": 1.5}', "above 0"),
        ('{"Dimension": "inference.count", "ConsumedUnits": true}', "above 0"),
        ('{"Dimension": "inference.count"}', "above 0"),
        ('{"Dimension": "rows", "ConsumedUnits": 1}', "another Dimension"),
        ("3", "no JSON object"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("\x1b[2J", "no JSON: \\x1b[2J"),
    ],
)
def test_units_count_only_in_the_documented_form(value: str, said: str | None) -> None:
    told = wrong(answered(("X-AMZN-inference-metering", value)))

    assert told is None if said is None else said in (told or "")


def test_units_are_reported_once() -> None:
    one = ("X-Amzn-Inference-Metering", '{"Dimension": "inference.count", "ConsumedUnits": 1}')

    assert wrong(answered(one, one)) == "2 such headers"
    assert wrong(answered()) == "no such header"


def answered(*headers: tuple[str, str]) -> Reply:
    return Reply(
        method="POST", path="/invocations", status=200, reason="OK", headers=headers, body=b"",
        truncated=False, connect_s=0.0, first_byte_s=0.0, elapsed_s=0.0, problem=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "one", "other", "alike"),
    [
        ("text/csv", b"0\n", b"7\n8\n", True),
        ("text/csv", b'"a\n,b",1\n', b"x,2\n", True),
        ("text/csv", b"0\n", b"0,0.5\n", False),
        ("application/json", b'{"a": [1, 2]}', b'{"a": [0.5]}', True),
        ("application/json", b'{"a": 1}', b'{"b": 1}', False),
        ("application/json", b"[true]", b"[1]", False),
        ("application/vnd.x+json", b"{}", b"no", False),
        ("text/csv", b"0\n", b"\xff", False),
        ("image/png", b"1", b"2", True),
        ("application/json", b"[" * 100_000, b"1", False),
    ],
)
def test_bodies_of_one_shape_differ_in_values_only(
    kind: str, one: bytes, other: bytes, alike: bool
) -> None:
    assert (shape(one, kind) == shape(other, kind)) is alike


@pytest.mark.parametrize(
    ("kind", "body", "begins"),
    [
        (
            "application/json",
            json.dumps({"\x1b[2J\u202e\ud800": 1, **dict.fromkeys(map(str, range(5000)))}),
            r"{\x1b[2J\u202e\ud800: a number, 0: null, ",
        ),
        ("text/\x1b[2J\x85" + "x" * 5000 + "+json", "no", r"nothing that is text/\x1b[2j\x85xxx"),
    ],
)
def test_a_shape_that_a_server_made_up_is_safe_to_print(kind: str, body: str, begins: str) -> None:
    reply = replace(answered(("Content-Type", kind)), body=body.encode())
    declared = Expectation(content_type=None, body=b"{}", pattern=None, schema=None)

    told = unlike(declared, reply)

    assert told is not None
    assert told.isprintable()
    assert told.startswith(begins)
    assert len(told) < 1000


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("WARNING: Retrying (Retry(total=4)) after connection broken: /simple/x/", True),
        ("HTTPSConnectionPool(host='huggingface.co', port=443): Max retries exceeded", True),
        ("  Temporary failure resolving 'deb.debian.org'", True),
        ("HTTPSConnectionPool(host='telemetry.example', port=443): Max retries exceeded", False),
        ("Temporary failure resolving 'notgithub.com'", False),
        ("docs: https://huggingface.co/docs/transformers, pip install x", False),
        ("Retrying (Retry(total=4 " * 10_000, False),
    ],
)
def test_only_an_attempt_to_install_is_told(line: str, seen: bool) -> None:
    logs = Logs(stdout=b"", stderr=line.encode(), total_bytes=len(line), first_after_s=0.0)

    assert (install_tried(NOTHING_SOUGHT, logs) is not None) is seen
