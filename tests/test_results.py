"""A result is given again only where the same was asked, and it says so."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from miniatures import judging
from miniatures.candidates import MINIATURES
from miniatures.declared import TRAINS
from miniatures.engine import MiniatureEngine
from miniatures.found_out import hurry, judge_here
from miniatures.judging import Judged, provide_engine
from miniatures.lawful import LAWFUL
from sampling import first
from test_certificate import conformant, run_of

from sm_conformance import cli
from sm_conformance.candidate import Candidate
from sm_conformance.certificate.issuing import certificate
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.manifest import OCI_INDEX, ManifestForm, Place
from sm_conformance.results import store as stores
from sm_conformance.results.question import question
from sm_conformance.results.store import Store
from sm_conformance.rules import Options, read_rules

AT = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
ASKED = {"suite": "1", "images": "2"}


@pytest.fixture
def kept_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the results of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sm-conformance" / "results"


# -- the store -------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "deep" / "results")


def only_file(tmp_path: Path) -> Path:
    (path,) = (tmp_path / "deep" / "results").iterdir()
    return path


def test_a_result_is_found_by_its_question_and_by_no_other(store: Store) -> None:
    assert store.find(ASKED) is None
    assert store.keep(ASKED, conformant(), at=AT)

    found = store.find(ASKED)

    assert found is not None
    assert found["judged_at"] == "2026-11-21T12:30:00+00:00"
    assert found["report"]["conclusion"] == "conformant"
    assert store.find({**ASKED, "images": "3"}) is None


def test_the_last_result_counts(store: Store) -> None:
    store.keep(ASKED, conformant(), at=AT)
    store.keep(ASKED, conformant(elapsed_s=7.5), at=AT + timedelta(hours=1))

    found = store.find(ASKED)

    assert found is not None
    assert (found["judged_at"][11:16], found["report"]["elapsed_s"]) == ("13:30", 7.5)


def test_what_refers_to_evidence_is_not_kept(store: Store) -> None:
    store.keep(ASKED, conformant(), at=AT)

    found = store.find(ASKED)

    assert found is not None
    assert {one["evidence"] for one in found["report"]["findings"]} == {None}
    assert {one["repeat"] for one in found["report"]["findings"]} == {None}


@pytest.mark.parametrize(
    "report",
    [
        conformant(complete=False),
        conformant(cached={"judged_at": "2026-11-20"}),
    ],
)
def test_what_is_no_result_of_a_whole_run_is_not_kept(store: Store, report: Any) -> None:
    assert not store.keep(ASKED, report, at=AT)
    assert store.find(ASKED) is None


def test_trouble_of_the_harness_is_no_result(store: Store) -> None:
    report = conformant()
    report["findings"][3]["verdict"] = "error"

    assert not store.keep(ASKED, report, at=AT)


def rewritten(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    def spoil(path: Path) -> None:
        data = json.loads(path.read_bytes())
        change(data)
        path.write_text(json.dumps(data), "utf-8")

    return spoil


def linked(path: Path) -> None:
    path.rename(path.with_suffix(".other"))
    path.symlink_to(path.with_suffix(".other"))


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


SPOILED: Mapping[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, 1000),
    "deep": lambda path: path.write_bytes(b"[" * 100_000),
    "no mapping": lambda path: path.write_bytes(b"[]"),
    "other form": rewritten(lambda data: data.update(form="sm-conformance/result/0")),
    "other question": rewritten(lambda data: data["question"].update(images="3")),
    "no time": rewritten(lambda data: data.update(judged_at="some day")),
    "no report": rewritten(lambda data: data.pop("report")),
    "no such verdict": rewritten(lambda data: data["report"]["findings"][0].update(verdict="yes")),
    "incomplete": rewritten(lambda data: data["report"].update(complete=False)),
    "writable for others": lambda path: path.chmod(0o666),
    "a link": linked,
    "a pipe": piped,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_result_is_not_there(
    store: Store, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    store.keep(ASKED, conformant(), at=AT)

    spoil(only_file(tmp_path))

    assert store.find(ASKED) is None


def test_only_the_newest_results_stay(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "NEWEST", 3)
    report = conformant()
    for number in range(5):
        store.keep({"suite": str(number)}, report, at=AT)
        for path in (tmp_path / "deep" / "results").iterdir():
            os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**9))

    assert [number for number in range(5) if store.find({"suite": str(number)})] == [2, 3, 4]


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "results")

    assert not store.keep(ASKED, conformant(), at=AT)
    assert store.find(ASKED) is None


def test_a_result_is_its_owners_alone(store: Store, tmp_path: Path) -> None:
    store.keep(ASKED, conformant(), at=AT)

    assert only_file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert only_file(tmp_path).parent.stat().st_mode & 0o777 == 0o700


def test_a_user_without_a_home_has_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")

    assert stores.user_store() is None


# -- judged ----------------------------------------------------------------------------------------

Judge = Callable[..., Judged]


@pytest.fixture
def judge(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, kept_in: Path
) -> Callable[..., tuple[Judged, int]]:
    """Judges a miniature, and says how many launches that took."""
    hurry(monkeypatch, pages=True)
    made: list[object] = []
    create = MiniatureEngine.create

    def counted(self: MiniatureEngine, launch: Any) -> Any:
        made.append(launch)
        return create(self, launch)

    monkeypatch.setattr(MiniatureEngine, "create", counted)

    def judged(image: str = "lawful", *options: str, **how: Any) -> tuple[Judged, int]:
        made.clear()
        how = {"declaration": TRAINS, **how}
        return judge_here(pytester, image, *options, **how), len(made)

    return judged


@pytest.mark.parametrize("image", ["lawful", "no-failure-file", "lingers-not"])
def test_the_same_question_is_answered_without_a_launch(
    judge: Callable[..., tuple[Judged, int]], image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MINIATURES, "lingers-not", replace(LAWFUL, user="nobody"))
    first, launches = judge(image)

    again, none = judge(image, "--sm-cached")

    assert (launches > 0, none) == (True, 0)
    assert again.status == first.status
    assert again.report["conclusion"] == first.report["conclusion"]
    assert "cached" not in first.report
    assert again.report["cached"]["judged_at"][:4].isdigit()
    assert again.report["launches"] == 0
    for key, found in first.findings.items():
        told = again.findings[key]
        assert told == {**found, "evidence": None, "repeat": None}, key
    assert "cached: nothing was launched" in again.output
    assert f"the result of {again.report['cached']['judged_at']}, not judged again" in again.output


def test_a_broken_clause_is_told_again_with_its_card(
    judge: Callable[..., tuple[Judged, int]], pytester: pytest.Pytester
) -> None:
    first, _ = judge("always-fails")
    again, launches = judge("always-fails", "--sm-cached")

    assert launches == 0
    assert again.status == first.status == 1
    assert "TRAIN-063 exit-zero  MUST" in again.output
    junit = (pytester.path / "report" / "junit.xml").read_text("utf-8")
    assert 'failures="1"' in junit
    assert "Not judged again" in (pytester.path / "report/report.html").read_text("utf-8")
    assert "not judged again" in (pytester.path / "report/summary.md").read_text("utf-8")
    assert not (pytester.path / "report/evidence/train-plain").exists()


def test_without_the_option_everything_is_judged(judge: Callable[..., tuple[Judged, int]]) -> None:
    judge()

    judged, launches = judge()

    assert launches > 0
    assert "cached" not in judged.report


CHANGES: Mapping[str, dict[str, Any]] = {
    "another declaration": {
        "declaration": {**TRAINS, "training": {**TRAINS["training"], "lasts": None}}
    },
    "another profile": {"options": ("--sm-profile=strict",)},
    "other limits": {"limits": {"startup_limit_s": 7}},
    "more patience": {"options": ("--sm-patience=700",)},
    "other examples": {"options": ("--sm-examples=1",)},
    "another bound": {"options": ("--sm-max-ping-p99-ms=5000",)},
    "another network": {"options": ("--sm-allow-network",)},
    "another way": {"way": "published"},
    "another image": {"image": "no-failure-file"},
}


@pytest.mark.parametrize("change", first(3, CHANGES.values()), ids=CHANGES)
def test_whatever_changes_the_question_is_judged_anew(
    judge: Callable[..., tuple[Judged, int]], change: dict[str, Any]
) -> None:
    how = dict(change)
    image, options = how.pop("image", "lawful"), how.pop("options", ())
    if how.get("declaration"):
        training = {name: part for name, part in TRAINS["training"].items() if name != "lasts"}
        how["declaration"] = {**TRAINS, "training": training}
    judge()

    judged, launches = judge(image, "--sm-cached", *options, **how)

    assert launches > 0
    assert "cached" not in judged.report


@pytest.mark.parametrize(
    ("scans", "change", "same"),
    [
        ((), {"reference": "another:name"}, True),
        (("scan.json",), {"reference": "another:name"}, False),
        ((), {"manifest": ManifestForm(OCI_INDEX, Place.REGISTRY)}, False),
    ],
    ids=["a name alone", "a name that a scan may know", "a manifest within an index"],
)
def test_an_image_is_the_same_only_in_what_is_judged(
    scans: tuple[str, ...], change: dict[str, Any], same: bool, tmp_path: Path
) -> None:
    for name in scans:
        (tmp_path / name).touch()
    options = Options(image="x", look_here=False, scans=tuple(tmp_path / name for name in scans))
    rules, engine = read_rules(options), MiniatureEngine()
    facts = engine.image("lawful")

    def asked(image: ImageFacts) -> Mapping[str, str]:
        candidate = Candidate(training=image, hosting=image, declaration=rules.declaration)
        return question(options, rules, candidate, baseline=None, engine=engine.facts())

    assert (asked(replace(facts, **change)) == asked(facts)) is same


def test_a_file_that_the_declaration_names_is_part_of_the_question(
    judge: Callable[..., tuple[Judged, int]], pytester: pytest.Pytester
) -> None:
    data = pytester.path / "rows.csv"
    data.write_text("0,5.1,3.5,1.4,0.2\n1,5.9,3.0,4.2,1.5\n", "utf-8")
    channel = {"content_type": "text/csv", "path": "rows.csv"}
    declaration = {**TRAINS, "training": {**TRAINS["training"], "channels": {"training": channel}}}
    judge(declaration=declaration)
    assert judge("lawful", "--sm-cached", declaration=declaration)[1] == 0

    data.write_text("0,5.1,3.5,1.4,0.2\n", "utf-8")

    assert judge("lawful", "--sm-cached", declaration=declaration)[1] > 0


def test_a_selection_is_no_result_and_takes_only_its_part_of_one(
    judge: Callable[..., tuple[Judged, int]], kept_in: Path
) -> None:
    judge("lawful", "-k", "test_exit_zero")
    assert not kept_in.exists()

    judge()
    part, launches = judge("lawful", "--sm-cached", "-k", "test_exit_zero")

    assert launches == 0
    assert part.status == 3
    assert part.report["conclusion"] == "inconclusive"


def test_trouble_leaves_no_result(judge: Callable[..., tuple[Judged, int]], kept_in: Path) -> None:
    judged, _ = judge("engine-dies-at-save")

    assert judged.status == 3
    assert not kept_in.exists()


def test_an_interrupted_run_leaves_no_result(pytester: pytest.Pytester, kept_in: Path) -> None:
    provide_engine(pytester)
    # An interruption here would end these tests too.
    judged = judging.judge(
        pytester.runpytest_subprocess, pytester, "interrupts", declaration=TRAINS
    )

    assert judged.status == 2
    assert not kept_in.exists()


def test_a_file_in_the_cache_tells_nothing_of_the_declaration(
    judge: Callable[..., tuple[Judged, int]], kept_in: Path
) -> None:
    training = {
        **TRAINS["training"],
        "environment": {"HF_TOKEN": "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH"},
    }
    judge(declaration={**TRAINS, "training": training})

    (path,) = kept_in.iterdir()
    assert "aBcDeFgHiJkL" not in path.read_text("utf-8")


def test_to_keep_containers_something_has_to_be_launched(
    judge: Callable[..., tuple[Judged, int]],
) -> None:
    judged, _ = judge("lawful", "--sm-cached", "--sm-keep")

    assert judged.status == 4
    assert "give one of them" in judged.errors


# -- never certified -------------------------------------------------------------------------------


def test_a_result_of_an_earlier_run_is_not_certified(tmp_path: Path) -> None:
    folder = run_of(tmp_path / "run", conformant(cached={"judged_at": AT.isoformat()}))

    def sign(payload: bytes, kind: str) -> Any:
        raise AssertionError("nothing is signed")

    with pytest.raises(UsageProblem, match="judge without --cached"):
        certificate(folder, sign=sign, issued=date(2026, 11, 21), expires=date(2026, 11, 22))


@pytest.mark.parametrize("command", ["certify", "gate"])
def test_neither_a_certificate_nor_a_push_stands_on_an_earlier_result(command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "repo:tag", "--cached", "--key", "k", "--push", "p"])

    assert ended.value.code == 4
