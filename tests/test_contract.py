"""The data half is whole: every rule is a clause, every asserted clause has one test."""

from __future__ import annotations

import importlib
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sm_conformance import specs
from sm_conformance.aws.checks import RULES as RULES_ON_REQUESTS
from sm_conformance.binding import binding_of
from sm_conformance.contract import clause, limits, profile
from sm_conformance.contract.clause import Consequence, Disposition, Level
from sm_conformance.errors import UsageProblem
from sm_conformance.inputs import scenario
from sm_conformance.laboratory.steps import table
from sm_conformance.pytest_run.run import SUITE

CONTRACT = clause.load()
KEYS = {one.key for one in CONTRACT.clauses}
ASSERTED = {one.key for one in CONTRACT.asserted}
RULES = Path(__file__).resolve().parent / "data" / "rule_numbers.txt"
SOURCES = specs.read_yaml("sources.yaml")["sources"]
KEY = re.compile(r"\b[A-Z]+-[0-9]{3} [a-z0-9]+(?:-[a-z0-9]+)*")


def suite_tests() -> list[Callable[..., None]]:
    """All tests of the suite that judge a clause."""
    modules = (
        importlib.import_module(f"sm_conformance.suite.{path.stem}")
        for path in sorted(SUITE.glob("test_*.py"))
    )
    return [
        test
        for module in modules
        for name, test in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("test_") and test.__module__ == module.__name__
    ]


TESTS = suite_tests()


# -- clauses ---------------------------------------------------------------------------------------


def test_every_rule_is_a_clause_and_every_clause_is_a_rule() -> None:
    numbers = RULES.read_text("utf-8").split()

    assert len(numbers) == len(set(numbers)) == 266
    assert {one.number for one in CONTRACT.clauses} == set(numbers)


def test_keys_are_unique() -> None:
    keys = Counter(one.key for one in CONTRACT.clauses)

    assert [key for key, count in keys.items() if count > 1] == []


def test_sentences_are_unique() -> None:
    sentences = Counter(one.sentence for one in CONTRACT.clauses)

    assert [text for text, count in sentences.items() if count > 1] == []


def test_all_five_promises_are_made_and_each_is_asserted() -> None:
    promised = [one for one in CONTRACT.clauses if one.promise]

    assert {one.promise for one in promised} == {"P1", "P2", "P3", "P4", "P5"}
    assert [one.key for one in promised if one.disposition is not Disposition.ASSERTED] == []


def test_what_is_judged_on_requests_is_what_the_static_rules_know() -> None:
    on_requests = {
        one.key for one in CONTRACT.clauses if one.disposition is Disposition.DECLARATION
    }

    assert on_requests == {rule.clause for rule in RULES_ON_REQUESTS}


def test_what_is_only_observed_is_never_judged() -> None:
    assert {one.level for one in CONTRACT.asserted} == {Level.MUST, Level.SHOULD}


def test_every_source_resolves() -> None:
    issue = re.compile(r"^(?:[A-Za-z0-9_.-]+/)?[A-Za-z0-9_.-]+#[0-9]+$")
    lost = {
        (one.key, source)
        for one in CONTRACT.clauses
        for source in one.sources
        if source.partition(" ")[0] not in SOURCES and not issue.match(source)
    }

    assert lost == set()


def test_every_source_is_cited() -> None:
    cited = {source.partition(" ")[0] for one in CONTRACT.clauses for source in one.sources}
    cited |= {limits.source(name).partition(" ")[0] for name in specs.read_yaml("limits.yaml")}

    assert set(SOURCES) - cited == set()


def test_log_evidence_alone_grounds_no_verdict() -> None:
    groundless = [
        one.key
        for one in CONTRACT.asserted
        if {source.partition(" ")[0] for source in one.sources} <= {"LOG"}
    ]

    assert groundless == []


def test_a_clause_is_found_by_its_key_and_by_its_number_in_any_case() -> None:
    assert CONTRACT.clause("TRAIN-064 failure-file").promise == "P3"
    assert {one.name for one in CONTRACT.find("train-063")} == {"exit-zero", "exit-nonzero"}
    assert CONTRACT.find("TRAIN-999") == ()
    with pytest.raises(KeyError):
        CONTRACT.clause("TRAIN-064")


def test_a_clause_without_claims_binds_everybody() -> None:
    assert CONTRACT.clause("IMG-016 architecture").applies(frozenset())
    assert CONTRACT.clause("HOST-002 ping").applies(frozenset({"training", "hosting"}))
    assert not CONTRACT.clause("HOST-002 ping").applies(frozenset({"training"}))


# -- the suite -------------------------------------------------------------------------------------


def test_each_asserted_clause_has_exactly_one_test_and_each_test_an_asserted_clause() -> None:
    judged = Counter(getattr(binding_of(test), "key", test.__name__) for test in TESTS)

    assert [key for key, count in judged.items() if count > 1] == []
    assert set(judged) == ASSERTED


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_a_docstring_is_the_sentence_of_the_clause(test: Callable[..., None]) -> None:
    binding = binding_of(test)
    assert binding is not None

    assert test.__doc__ == CONTRACT.clause(binding.key).sentence


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_a_clause_looks_at_scenarios_that_exist_and_asks_for_what_they_can_show(
    test: Callable[..., None],
) -> None:
    binding = binding_of(test)
    assert binding is not None
    wanted = set(inspect.signature(test).parameters)
    kinds = {scenario.load(name).kind for name in binding.given}

    assert ("run" in wanted) <= (kinds == {"train"})
    assert ("server" in wanted) <= (kinds == {"serve"})
    assert bool(binding.given) == bool(wanted & {"run", "server", "observed", "given"})


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_a_clause_is_static_where_its_test_looks_at_no_launch(test: Callable[..., None]) -> None:
    binding = binding_of(test)
    assert binding is not None
    found = CONTRACT.clause(binding.key)

    assert found.static == (not binding.given and not found.on_requests)


def test_a_label_or_a_size_alone_judges_no_claim() -> None:
    looked_at = frozenset[str]().union(*(one.claims for one in CONTRACT.launched))

    assert {"training", "hosting"} <= CONTRACT.claims_judged
    assert {"gpu", "serverless", "efa", "model-trainer"} <= looked_at - CONTRACT.claims_judged
    assert {"pipeline", "multi-model", "bidirectional"} <= looked_at - CONTRACT.claims_judged


def test_names_of_tests_are_unique_and_tell_the_clause() -> None:
    names = Counter(f"{test.__module__}.{test.__name__}" for test in TESTS)

    assert max(names.values()) == 1
    for test in TESTS:
        binding = binding_of(test)
        assert binding is not None
        name = binding.key.partition(" ")[2].replace("-", "_")
        assert test.__name__ == f"test_{name}"


def test_every_key_that_the_package_names_is_a_clause() -> None:
    package = SUITE.parent
    named = {
        (path.name, key)
        for path in package.rglob("*.py")
        for key in re.findall(r'"([A-Z]+-[0-9]{3} [a-z0-9-]+)"', path.read_text("utf-8"))
    }

    assert len(named) > 10
    assert {(file, key) for file, key in named if key not in ASSERTED} == set()


@pytest.mark.parametrize("name", scenario.names())
def test_lifts_blame_clauses_that_can_be_broken(name: str) -> None:
    lifts = scenario.load(name).lifts

    assert {lift.blames for lift in lifts} <= ASSERTED
    assert len({lift.blames for lift in lifts}) == len(lifts)


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_is_looked_at(name: str) -> None:
    used = {given for test in TESTS for given in getattr(binding_of(test), "given", ())}

    assert name in used or set(scenario.load(name).together) & used


def test_every_step_that_a_scenario_may_name_can_be_taken() -> None:
    schema = specs.read_schema("scenario")["properties"]["steps"]["items"]["enum"]
    training = {"stop", "written"}

    assert sorted(schema) == list(table.names())
    assert {step for name in scenario.names() if scenario.load(name).kind == "train"
            for step in scenario.load(name).steps} <= training  # fmt: skip


# -- schemas ---------------------------------------------------------------------------------------


SCHEMAS = sorted(specs.path("schemas").rglob("*.json"))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_a_schema_is_a_schema(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))

    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]


@pytest.mark.parametrize("name", ["clauses", "drivers", "limits", "profiles", "sources"])
def test_a_data_file_is_valid(name: str) -> None:
    validator = Draft202012Validator(specs.read_schema(name))
    errors = validator.iter_errors(specs.read_yaml(f"{name}.yaml"))

    assert [f"{list(error.absolute_path)}: {error.message}" for error in errors] == []


def test_every_data_file_has_a_schema() -> None:
    files = {path.stem for path in specs.root().glob("*.yaml")}
    files |= {"scenario"} if specs.path("scenarios").is_dir() else set()

    assert files <= {path.name.partition(".")[0] for path in SCHEMAS}


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """The contract with one clause, changed."""
    one = {
        "number": "TRAIN-001", "name": "tree", "level": "MUST", "consequence": "none",
        "claims": [], "scope": "image", "disposition": "asserted",
        "sentence": "A sentence that is long enough.", "matters": "Because it matters.",
        "fix": "Do the right thing.", "sources": ["DG26 page"],
    }  # fmt: skip
    change(one)
    return {"edition": "2026-11", "clauses": [one]}


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no source": lambda one: one.update(sources=[]),
    "unknown key": lambda one: one.update(colour="red"),
    "asserted and excused": lambda one: one.update(because="it is too hard"),
    "not asserted without a reason": lambda one: one.update(disposition="not-yet"),
    "asserted observation": lambda one: one.update(level="OBS"),
    "sixth promise": lambda one: one.update(promise="P6"),
    "lower case number": lambda one: one.update(number="train-001"),
    "blank in the name": lambda one: one.update(name="the tree"),
    "static and not judged": lambda one: one.update(
        static=True, disposition="not-yet", because="not yet"
    ),
    "static or not": lambda one: one.update(static=False),
    "no sentence": lambda one: one.pop("sentence"),
}


def test_a_good_clause_is_valid() -> None:
    assert Draft202012Validator(specs.read_schema("clauses")).is_valid(broken(lambda one: None))


@pytest.mark.parametrize("name", CHANGES)
def test_a_bad_clause_is_not_valid(name: str) -> None:
    assert not Draft202012Validator(specs.read_schema("clauses")).is_valid(broken(CHANGES[name]))


# -- limits and profiles ---------------------------------------------------------------------------


def test_the_limits_of_the_platform_are_the_documented_ones() -> None:
    found = limits.load()

    assert (found.ping_limit_s, found.connect_limit_ms, found.invocation_limit_s) == (2, 250, 60)
    assert (found.startup_limit_s, found.training_stop_limit_s) == (480, 120)
    assert (found.hosting_stop_limit_s, found.failure_reason_chars) == (30, 1024)
    assert (found.body_small_bytes, found.body_large_bytes) == (6 * 1024 * 1024, 25 * 10**6)
    assert (found.idle_s, found.training_patience_s) == (120, 600)


def test_changed_limits_leave_the_others_alone(tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("idle_s: 0.5\nconnect_tries: 3\n", "utf-8")

    found = limits.load_changed(file)

    assert (found.idle_s, found.connect_tries) == (0.5, 3)
    assert found.ping_limit_s == limits.load().ping_limit_s
    assert limits.load().idle_s == 120


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"idle_s: .nan", "above 0"),
        (b"idle_s: .inf", "above 0"),
        (b"idle_s: 0", "above 0"),
        (b"idle_s: true", "above 0"),
        (b"idle_s: '3'", "above 0"),
        (b"connect_tries: 2.5", "whole number"),
        (b"default_pids: 1.0", "whole number"),
        (b"ping_limit: 3", "did you mean 'ping_limit_s'?"),
        (b"3: 3", "unknown limit 3"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"a: [", "cannot be read"),
        (b"- idle_s", "a mapping"),
        (b"", "a mapping"),
    ],
)
def test_unusable_limits_are_the_users_problem(tmp_path: Path, text: bytes, words: str) -> None:
    file = tmp_path / "limits.yaml"
    file.write_bytes(text)

    with pytest.raises(UsageProblem, match=re.escape(words)):
        limits.load_changed(file)


def test_profile_platform_fails_the_promises_and_what_the_platform_would_refuse_or_fail() -> None:
    platform, hard = profile.load("platform"), (Consequence.REFUSED, Consequence.FAILS)

    for one in CONTRACT.clauses:
        expected = one.promise is not None or (one.level is Level.MUST and one.consequence in hard)
        assert platform.can_fail(one) == expected, one.key


def test_profile_strict_fails_every_must_as_well() -> None:
    strict = profile.load("strict")

    for one in CONTRACT.clauses:
        assert strict.can_fail(one) == (one.promise is not None or one.level is Level.MUST), one.key


def test_profile_marketplace_fails_what_platform_does_and_who_needs_a_region() -> None:
    platform, marketplace = profile.load("platform"), profile.load("marketplace")
    more = {one.key for one in CONTRACT.asserted if marketplace.can_fail(one)} - {
        one.key for one in CONTRACT.asserted if platform.can_fail(one)
    }

    assert all(marketplace.can_fail(one) for one in CONTRACT.clauses if platform.can_fail(one))
    assert more == {"NET-003 no-aws-environment"}
    assert (marketplace.claims, marketplace.network) == ({"marketplace"}, "isolated")


def test_a_profile_names_clauses_that_are_judged() -> None:
    named = {
        row["clause"]
        for one in specs.read_yaml("profiles.yaml").values()
        for row in one["fails"]
        if "clause" in row
    }

    assert named
    assert named <= ASSERTED


def test_there_is_no_other_profile() -> None:
    with pytest.raises(UsageProblem, match="'lenient'; there are: marketplace, platform, strict"):
        profile.load("lenient")
