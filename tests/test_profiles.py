"""Profiles: ours and a user's own; none is weaker than the promises."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sm_conformance.contract import clause, profile
from sm_conformance.errors import UsageProblem

CONTRACT = clause.load()
PROMISES = {one.key for one in CONTRACT.asserted if one.promise}
STORY = "What our own release process demands of an image."


def own(folder: Path, **parts: object) -> str:
    """A profile file of the user's."""
    file = folder / "own.yaml"
    said = {"story": STORY, "fails": [{"promise": True}], **parts}
    file.write_text(yaml.safe_dump(said), "utf-8")
    return str(file)


def failing(name: str) -> set[str]:
    """The asserted clauses that can fail under a profile."""
    chosen = profile.load(name)
    return {one.key for one in CONTRACT.asserted if chosen.can_fail(one)}


def test_strict_fails_all_that_platform_fails_and_more() -> None:
    assert failing("platform") < failing("strict")
    assert failing("platform") > PROMISES


def test_a_profile_of_the_users_is_a_file_and_needs_no_code(tmp_path: Path) -> None:
    assert failing(own(tmp_path)) == PROMISES
    rows = [{"promise": True}, {"clause": "IMG-023 logs"}, {"chapter": "NET"}]
    net = {one.key for one in CONTRACT.asserted if one.chapter == "NET"}
    assert failing(own(tmp_path, fails=rows)) == PROMISES | {"IMG-023 logs"} | net


def test_a_row_can_name_the_claim_that_a_clause_binds(tmp_path: Path) -> None:
    rows = [{"promise": True}, {"claim": "hosting", "level": "MUST"}]
    wanted = {
        one.key for one in CONTRACT.asserted if "hosting" in one.claims and one.level == "MUST"
    }
    assert failing(own(tmp_path, fails=rows)) == PROMISES | wanted


def test_a_profile_says_what_it_takes_for_granted(tmp_path: Path) -> None:
    found = profile.load(own(tmp_path, claims=["marketplace"], network="isolated"))

    assert (found.name, found.claims, found.network) == (
        "own.yaml", frozenset({"marketplace"}), "isolated",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["strict", "marketplace"])
def test_a_file_that_is_called_as_a_profile_of_ours_does_not_pass_for_it(
    tmp_path: Path, name: str
) -> None:
    Path(own(tmp_path)).rename(tmp_path / name)

    found = profile.load(str(tmp_path / name))

    assert found.name == f"./{name}"
    assert profile.is_file(found.name)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"fails": [{"level": "MUST"}]}, "add the row {promise: true}"),
        ({"fails": [{"promise": True}, {}]}, r"profile\['fails'\]\[1\]"),
        ({"fails": [{"promise": True}, {"levle": "MUST"}]}, "levle"),
        ({"story": "short"}, r"profile\['story'\]"),
        ({"claims": ["trainig"]}, "trainig"),
        ({"network": "needed"}, r"profile\['network'\]"),
        ({"waives": ["all"]}, "waives"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, parts: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageProblem, match=said) as caught:
        profile.load(own(tmp_path, **parts))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a", "{", "\x00", "a: &x [*x]", "[" * 5000])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text, "utf-8")

    with pytest.raises(UsageProblem, match="profile"):
        profile.load(str(file))


def test_an_unknown_name_tells_the_nearest_and_how_a_file_is_named() -> None:
    with pytest.raises(UsageProblem, match="did you mean 'strict'"):
        profile.load("stric")
    with pytest.raises(UsageProblem, match=r"a file needs a '/' or a '\.'"):
        profile.load("mine")
