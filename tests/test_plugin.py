"""The plugin as a guest in other people's pytest: its options, its manners, its exit statuses."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from miniatures.declared import BOTH, SERVES, TRAINS
from miniatures.judging import Judged, declare, judge, provide_engine, provide_plugin
from sampling import first

from sm_conformance import specs
from sm_conformance.contract import clause
from sm_conformance.laboratory import stopping
from sm_conformance.pytest_run.run import SUITE

ASSERTED = {found.key for found in clause.load().asserted}
HEAVY = ("docker", "requests", "jsonschema", "yaml", "jinja2", "sm_conformance.pytest_run.run")


@pytest.fixture
def run_apart(pytester: pytest.Pytester) -> Callable[..., Judged]:
    """Judges in a process of its own, as a user does."""
    provide_engine(pytester)

    def run(image: str, *arguments: str, **how: object) -> Judged:
        return judge(pytester.runpytest_subprocess, pytester, image, *arguments, **how)  # type: ignore[arg-type]

    return run


def plain(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """A run of a user's own making."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


# -- beside other people's tests -------------------------------------------------------------------

OWN_TEST = """
import sys

def test_own():
    assert True

def test_nothing_of_ours_is_loaded():
    ours = {name for name in sys.modules if name.startswith("sm_conformance")}
    light = {"sm_conformance", "sm_conformance.plugin", "sm_conformance.hookspecs",
             "sm_conformance.aws", "sm_conformance.aws.kinds"}
    assert ours <= light, ours
    assert not [name for name in %r if name in sys.modules]
"""


def test_without_an_image_nothing_of_ours_runs_or_is_imported(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OWN_TEST % (HEAVY,))
    declare(pytester, BOTH)

    result = plain(pytester)

    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*sm-conformance ===*")


def test_without_an_image_the_suite_is_not_collected_whoever_names_it(
    pytester: pytest.Pytester,
) -> None:
    result = plain(pytester, str(SUITE))

    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result.stdout.fnmatch_lines(["collected 0 items"])


def test_the_plugin_can_be_switched_off(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_own(): assert True")

    result = plain(pytester, "-p", "no:sm_conformance.plugin")
    refused = plain(pytester, "-p", "no:sm_conformance.plugin", "--sm-image=lawful")

    assert result.ret == 0
    result.assert_outcomes(passed=1)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*unrecognized arguments: --sm-image=lawful*"])


def test_the_plugin_named_twice_is_loaded_once(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_own(): assert True")

    result = plain(pytester, "-p", "sm_conformance.plugin")

    assert result.ret == 0, result.stderr.str()
    result.assert_outcomes(passed=1)


PICTURES = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--image", default="none.png")
    parser.addoption("--declaration", action="store_true")

@pytest.fixture
def picture(request):
    return request.config.getoption("--image")
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "none.png"),
        (("--image=lawful",), "lawful"),
        (("--image", "lawful"), "lawful"),
        (("--image=lawful", "--declaration"), "lawful"),
    ],
)
@pytest.mark.parametrize("home", ["conftest", "plugin"])
def test_a_project_that_defines_image_itself_keeps_it(
    pytester: pytest.Pytester, arguments: tuple[str, ...], expected: str, home: str
) -> None:
    options: tuple[str, ...] = ()
    if home == "conftest":
        pytester.makeconftest(PICTURES)
    else:
        pytester.makepyfile(pictures=PICTURES)
        options = ("-p", "pictures")
    pytester.makepyfile(f"def test_own(picture): assert picture == {expected!r}")

    result = plain(pytester, *options, *arguments)

    assert result.ret == 0, result.stderr.str()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*sm-conformance ===*")


def test_a_project_that_defines_image_itself_can_be_judged_by_the_long_name(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(PICTURES)
    result = judge(
        pytester.runpytest_subprocess, pytester, "lawful", "--image=a.png",
        *provide_plugin(pytester), declaration=TRAINS,
    )  # fmt: skip

    assert (result.status, result.report["conclusion"]) == (0, "conformant"), result.output


@pytest.mark.parametrize("arguments", [("--image=lawful",), ("--image", "lawful")])
def test_the_short_name_judges_too(
    run_apart: Callable[..., Judged], arguments: tuple[str, ...]
) -> None:
    found = run_apart("", *arguments, declaration=TRAINS)

    assert (found.status, found.report["conclusion"]) == (0, "conformant"), found.output
    assert found.report["candidate"]["images"][0]["reference"] == "lawful"


def test_all_short_names_work(run_apart: Callable[..., Judged], pytester: pytest.Pytester) -> None:
    declare(pytester, BOTH)
    (pytester.path / "sm-conformance.yaml").rename(pytester.path / "elsewhere.yaml")

    found = run_apart(
        "", "--train-image", "lawful", "--serve-image=no-type", "--declaration", "elsewhere.yaml",
        declaration=None,
    )  # fmt: skip

    assert found.said == {"HOST-022 response-type": "advice"}, found.output
    assert found.report["declaration"]["from"] == "option"


# -- the shape of a run ----------------------------------------------------------------------------


@pytest.fixture
def here(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Judged]:
    """Judges in this process, which is quicker."""
    monkeypatch.setattr(stopping, "_SETTLE_S", 0.02)
    provide_engine(pytester)

    def run(image: str, *arguments: str, **how: object) -> Judged:
        return judge(pytester.runpytest_inprocess, pytester, image, *arguments, **how)  # type: ignore[arg-type]

    return run


def test_the_conclusion_is_the_last_line(run_apart: Callable[..., Judged]) -> None:
    found = run_apart("lawful", "-q")

    assert (found.status, found.errors) == (0, "")
    assert found.output.rstrip().splitlines()[-1].startswith("conformant (")
    assert found.report["elapsed_s"] < 30


def test_the_report_is_valid_and_has_every_asserted_clause_once(
    here: Callable[..., Judged],
) -> None:
    found = here("no-failure-file")

    Draft202012Validator(specs.read_schema("report")).validate(found.report)
    keys = [f"{item['clause']} {item['name']}" for item in found.report["findings"]]
    assert sorted(keys) == sorted(ASSERTED)
    assert found.report["exit_status"] == found.status == 1


def test_a_failure_is_shown_as_a_card_with_what_to_do(here: Callable[..., Judged]) -> None:
    found = here("no-failure-file", declaration=TRAINS)

    for words in ("TRAIN-064 failure-file", "required ", "seen ", "expected ", "if shipped ",
                  "how to fix ", "docker run", "last log lines:"):  # fmt: skip
        assert words in found.output
    assert "Traceback (most recent call last)" in found.output  # the candidate's own, in its log
    assert "sm_conformance/suite/test_training_ends.py:" not in found.output


def test_a_selection_by_keyword_is_at_best_inconclusive(here: Callable[..., Judged]) -> None:
    found = here("lawful", "-k", "exit_zero or test_ping and not under_load")

    selected = {"TRAIN-063 exit-zero", "HOST-002 ping", "HOST-004 ping-in-time"}
    assert found.with_verdict("pass").keys() == selected
    assert (found.status, found.report["conclusion"]) == (3, "inconclusive")
    missing = len(found.with_verdict("not-run"))
    assert missing == len(ASSERTED - selected) - len(found.with_verdict("n/a"))
    last = found.output.rstrip().splitlines()[-1]
    assert f"all selected clauses passed; {missing} not run" in last
    # Only what the selection looks at is launched.
    assert found.report["launches"] == 2


def test_a_selection_that_matches_nothing_is_not_a_success(here: Callable[..., Judged]) -> None:
    found = here("lawful", "-k", "nothing_is_called_this")

    assert found.status == 3
    assert found.report["launches"] == 0


def test_a_selection_that_fails_is_nonconformant(here: Callable[..., Judged]) -> None:
    found = here("no-model", "-k", "test_model", declaration=TRAINS)

    assert (found.status, found.said["TRAIN-070 model"]) == (1, "fail")


def test_paths_select(pytester: pytest.Pytester) -> None:
    found = judge(
        pytester.runpytest_subprocess, pytester, "lawful", *provide_plugin(pytester),
        str(SUITE / "test_training.py"), declaration=TRAINS,
    )  # fmt: skip

    assert (found.status, found.report["conclusion"]) == (3, "inconclusive"), found.output
    assert "TRAIN-070 model" in found.with_verdict("pass")
    assert found.findings["TRAIN-064 failure-file"]["verdict"] == "not-run"


def test_the_first_failure_can_end_a_run_and_advice_does_not(here: Callable[..., Judged]) -> None:
    failed = here("always-fails", "-x", declaration=TRAINS)
    advised = here("quiet", "-x", declaration=SERVES)

    assert failed.status == 1
    assert failed.with_verdict("fail") == {"TRAIN-063 exit-zero": "fail"}
    assert failed.findings["TRAIN-070 model"]["reason"] == "not selected, or not reached"
    assert (advised.status, advised.said) == (0, {"IMG-023 logs": "advice"}), advised.output


def test_collecting_only_asks_no_engine(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")

    result = plain(pytester, "--sm-image=lawful", "--collect-only", "-q")

    assert result.ret == 3
    result.stdout.fnmatch_lines(["*test_failure_file*", "nothing was judged*"])
    assert not (pytester.path / "report").exists()


def test_two_workers_find_what_one_does(run_apart: Callable[..., Judged]) -> None:
    alone = run_apart("no-failure-file")
    found = run_apart("no-failure-file", "-n", "2")

    assert found.status == alone.status == 1, found.output

    def verdicts(one: Judged) -> dict[str, str]:
        return {key: finding["verdict"] for key, finding in one.findings.items()}

    assert verdicts(found) == verdicts(alone)
    assert found.report["launches"] == alone.report["launches"]
    assert found.report["latency"].keys() == {"/ping", "/invocations"}


def test_junit_has_a_property_for_each_clause_and_skips_advice(
    here: Callable[..., Judged], pytester: pytest.Pytester
) -> None:
    found = here("no-type", "--junitxml=own.xml", declaration=SERVES)

    root = ET.parse(pytester.path / "own.xml").getroot()
    cases = list(root.iter("testcase"))
    held = [(one.attrib["name"], one.attrib["value"]) for one in root.iter("property")]
    told = dict(held)
    assert len(told) == len(held)
    judged_here = {
        key for key, one in found.findings.items()
        if not (one["reason"] or "").startswith(("the image does not claim", "no request to AWS"))
    }  # fmt: skip
    assert told.keys() >= judged_here
    assert all(told[key] == one["verdict"] for key, one in found.findings.items() if key in told)
    assert told["HOST-022 response-type"] == "advice"
    (advice,) = [case for case in cases if case.attrib["name"] == "test_response_type"]
    (skipped,) = advice.iter("skipped")
    assert skipped.attrib["message"].startswith("ADVICE HOST-022 response-type: sample: none; 200")
    suite = next(root.iter("testsuite"))
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("0", "0")


# What junit-10.xsd of Jenkins' xUnit plugin allows: elements with their attributes, and what each holds.
JUNIT = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname",
         "id", "package", "file", "log", "url"},
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
    ),
    "testcase": (
        {"name", "time", "classname", "group"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "skipped": ({"type", "message"}, set()),
    "error": ({"type", "message"}, set()),
    "failure": ({"type", "message"}, set()),
    "system-out": (set(), set()),
    "system-err": (set(), set()),
}  # fmt: skip
NEEDED = {"testsuite": {"name", "tests", "failures", "errors"}, "testcase": {"name"},
          "property": {"name", "value"}}  # fmt: skip


@pytest.mark.parametrize(
    ("image", "declaration", "seen"),
    [("no-type", SERVES, "skipped"), ("no-model", TRAINS, "failure")],
)
def test_junit_keeps_the_schema_that_readers_validate_by(
    here: Callable[..., Judged], pytester: pytest.Pytester, image: str, declaration: str, seen: str
) -> None:
    here(image, "--junitxml=own.xml", declaration=declaration)

    root = ET.parse(pytester.path / "own.xml").getroot()
    (suite,) = root
    for element in root.iter():
        attributes, children = JUNIT[element.tag]
        assert set(element.attrib) <= attributes, element.tag
        assert {child.tag for child in element} <= children, element.tag
        assert set(element.attrib) >= NEEDED.get(element.tag, set())
    assert root.tag == "testsuites"
    assert list(root.iter(seen))
    for element, counted in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.attrib[counted]) == len(list(root.iter(element)))
    assert int(suite.attrib["tests"]) == len(list(root.iter("testcase")))
    assert re.fullmatch(r"[0-9]+(\.[0-9]+)?", suite.attrib["time"])


def test_a_failure_is_a_failure_in_junit_and_its_card_is_there(
    here: Callable[..., Judged], pytester: pytest.Pytester
) -> None:
    here("no-model", "--junitxml=own.xml", declaration=TRAINS)

    root = ET.parse(pytester.path / "own.xml").getroot()
    (failure,) = list(root.iter("failure"))
    assert "how to fix" in (failure.text or "")
    assert next(root.iter("testsuite")).attrib["errors"] == "0"


# -- with the user's own tests in the session ----------------------------------------------------


@pytest.mark.parametrize(
    ("image", "own", "status"),
    [
        ("lawful", "assert True", 0),
        ("lawful", "assert False", 1),
        ("no-model", "assert True", 1),
        ("no-model", "assert False", 1),
    ],
)
def test_with_own_tests_in_the_session_the_worse_status_counts(
    pytester: pytest.Pytester, image: str, own: str, status: int
) -> None:
    pytester.makepyfile(test_own=f"def test_own(): {own}")

    found = judge(
        pytester.runpytest_subprocess, pytester, image, *provide_plugin(pytester),
        "test_own.py", str(SUITE), declaration=TRAINS,
    )  # fmt: skip

    assert found.status == status, found.output
    conclusion = "conformant" if image == "lawful" else "nonconformant"
    assert found.report["conclusion"] == conclusion
    last = found.output.rstrip().splitlines()[-1]
    assert last.startswith(conclusion)
    assert last.endswith("other tests of this session failed") == (own == "assert False")


def test_own_tests_that_cannot_be_collected_are_no_green(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_own="import no_such_module")

    found = judge(
        pytester.runpytest_subprocess, pytester, "lawful", *provide_plugin(pytester),
        "test_own.py", str(SUITE), "--continue-on-collection-errors", declaration=TRAINS,
    )  # fmt: skip

    assert found.status == 1, found.output
    assert "other tests of this session failed" in found.output


def test_a_projects_own_habits_hide_no_clause(
    run_apart: Callable[..., Judged], pytester: pytest.Pytester
) -> None:
    pytester.makeini(
        "[pytest]\npython_files = check_*.py\npython_functions = check_*\n"
        "python_classes = Check\naddopts = --strict-markers\ntestpaths = own\n"
    )
    own = pytester.mkdir("own")
    (own / "check_own.py").write_text("def check_own(): assert False\n", "utf-8")

    found = run_apart("lawful", declaration=TRAINS)

    assert (found.status, found.report["conclusion"]) == (0, "conformant"), found.output


def test_a_projects_autouse_fixtures_do_not_change_a_verdict(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeconftest(
        "import pytest\n"
        "@pytest.fixture(autouse=True)\n"
        "def busy(monkeypatch): monkeypatch.setenv('X', '1'); yield\n"
        "@pytest.fixture\n"
        "def run(): return 'not ours'\n"
        "@pytest.fixture\n"
        "def server(): return 'not ours'\n"
    )

    found = judge(
        pytester.runpytest_subprocess, pytester, "lawful", *provide_plugin(pytester),
        declaration=TRAINS,
    )  # fmt: skip

    assert (found.status, found.report["conclusion"]) == (0, "conformant"), found.output


def test_optimised_python_turns_no_failure_into_a_pass(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    provide_engine(pytester)
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")

    found = judge(pytester.runpytest_subprocess, pytester, "no-failure-file", declaration=TRAINS)

    assert found.status == 1, found.output
    assert found.with_verdict("fail") == {"TRAIN-064 failure-file": "fail"}


# -- unusable: status 4 ----------------------------------------------------------------------------


def assert_unusable(pytester: pytest.Pytester, result: pytest.RunResult, *words: str) -> None:
    """One clear message, no traceback, status 4, nothing launched, no report."""
    text = result.stderr.str() + result.stdout.str()
    assert result.ret == 4, text
    for word in words:
        assert word in text
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    assert not (pytester.path / "report" / "report.json").exists()


WAIVED = """claims: [training]
waivers:
  - {clause: TRAIN-060 stops-in-time, reason: later, expires: 2020-01-01}
"""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sm-image=unheard-of",), ("'unheard-of'", "docker pull unheard-of")),
        (("--sm-image=lawful", "--sm-profile=lenient"), ("'lenient'", "platform, strict")),
        (("--sm-image=lawful", "--sm-declaration=none.yaml"), ("none.yaml",)),
        (("--sm-image=lawful", "--sm-declaration=waived.yaml"),
         ("waived.yaml:3: $.waivers[0].expires", "expired on 2020-01-01")),
        (("--sm-image=lawful", "--sm-algorithm=none.json"), ("none.json",)),
        (("--sm-image=lawful", "--sm-s3=."), ("--sm-s3", "none is given")),
        (("--sm-image=lawful", "--sm-limits=none.yaml"), ("--sm-limits none.yaml",)),
        (("--sm-image=lawful", "--sm-model-data=none.tgz"), ("none.tgz", "no such file")),
        (("--sm-image=lawful", "--sm-model-data=both.yaml"), ("both.yaml", "no tar file")),
        (("--sm-image=",), ("--sm-image is empty",)),
        (("--image=",), ("--sm-image is empty",)),
        (("--sm-image=lawful", "--sm-declaration="), ("--sm-declaration is empty",)),
        (("--sm-train-image=lawful", "--sm-serve-image="), ("--sm-serve-image is empty",)),
        (("--sm-report=",), ("--sm-report is empty",)),
        (("--sm-image=lawful", "--image=late"), ("--sm-image=lawful", "contradict each other")),
        (("--sm-image=lawful", "--sm-patience=soon"), ("--sm-patience", "invalid float value")),
        *(
            (("--sm-image=lawful", f"--sm-examples={said}"),
             ("--sm-examples", "must be a whole number of 0 or more", repr(said)))
            for said in ("few", "-1", "2.5", "\u0661", "1_0")
        ),
        (("--sm-image=lawful", "--sm-patience=0"), ("--sm-patience", "above 0")),
        (("--sm-image=lawful", "--sm-max-ping-p99-ms=-1"), ("--sm-max-ping-p99-ms", "above 0")),
        (("--sm-image=lawful", "--sm-patience=nan"), ("--sm-patience",)),
        (("--sm-image=lawful", "--sm-rate=0"), ("--sm-rate must be from 0.1 to 1000",)),
        (("--sm-image=lawful", "--sm-rate=nan"), ("--sm-rate must be from 0.1 to 1000",)),
        (("--sm-image=lawful", "--sm-watch=-1"), ("--sm-watch must be from 0 to 3600",)),
        (("--sm-image=lawful", "--sm-watch=inf"), ("--sm-watch must be from 0 to 3600",)),
        (("--sm-image=lawful", "--sm-watch=a while"), ("--sm-watch", "invalid float value")),
        (("--sm-image=lawful", "--sm-rate-seconds=601"), ("--sm-rate-seconds", "from 1 to 600")),
        (
            ("--sm-image=lawful", "--sm-rate=900", "--sm-rate-seconds=60"),
            ("900 requests a second for 60 s are more than 20000",),
        ),
        (("--sm-image=lawful", "--sm-train-image=lawful"), ("give either",)),
        (("--sm-image=lawful", "--sm-colour=red"), ("--sm-colour=red",)),
        (("--sm-image=lawful", "--sm-report=conftest.py"), ("--sm-report", "cannot be made")),
        (("--sm-train-image=lawful", "--sm-hermetic", "--sm-declaration=both.yaml"),
         ("claims hosting", "--sm-serve-image")),
        (("--sm-serve-image=lawful", "--sm-declaration=both.yaml"),
         ("claims training", "--sm-train-image")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)  # fmt: skip
def test_unusable_options_end_with_one_message(
    pytester: pytest.Pytester, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    provide_engine(pytester)
    declare(pytester, BOTH)
    (pytester.path / "sm-conformance.yaml").rename(pytester.path / "both.yaml")
    (pytester.path / "waived.yaml").write_text(WAIVED, "utf-8")

    result = plain(pytester, *arguments)

    assert_unusable(pytester, result, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("claims: [training", ("sm-conformance.yaml",)),
        ("claim: [training]", ("claim", "claims")),
        ("claims: [serving]", ("claims", "training, hosting, tuning")),
        ("network: sometimes", ("network", "isolated, needed")),
        ("training: {channels: {a: {path: nowhere}}}", ("nowhere",)),
        ("- just\n- a list\n", ("a mapping",)),
        ("\x00", ("sm-conformance.yaml",)),
    ],
)
def test_an_unusable_declaration_ends_with_one_message(
    pytester: pytest.Pytester, text: str, words: tuple[str, ...]
) -> None:
    provide_engine(pytester)
    (pytester.path / "sm-conformance.yaml").write_text(text, "utf-8")

    result = plain(pytester, "--sm-image=lawful", "--sm-report=report")

    assert_unusable(pytester, result, *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("idel_s: 3", ("unknown limit 'idel_s'", "did you mean 'idle_s'?")),
        ("idle_s: -1", ("idle_s must be a number above 0",)),
        ("idle_s: true", ("idle_s must be a number above 0",)),
        ("idle_s: .nan", ("idle_s must be a number above 0",)),
        ("idle_s: .inf", ("idle_s must be a number above 0",)),
        ("idle_s: soon", ("idle_s must be a number above 0",)),
        ("connect_tries: 2.5", ("connect_tries",)),
        ("[idle_s]", ("a mapping",)),
        ("", ("a mapping",)),
        ("{", ("cannot be read",)),
    ],
)
def test_unusable_limits_end_with_one_message(
    pytester: pytest.Pytester, text: str, words: tuple[str, ...]
) -> None:
    provide_engine(pytester)
    (pytester.path / "limits.yaml").write_text(text, "utf-8")

    result = plain(pytester, "--sm-image=lawful", "--sm-limits=limits.yaml", "--sm-report=report")

    assert_unusable(pytester, result, *words)


def test_changed_limits_are_never_conformant(here: Callable[..., Judged]) -> None:
    found = here("lawful", declaration=SERVES, limits={"idle_s": 60})

    assert (found.status, found.report["conclusion"]) == (3, "inconclusive"), found.output
    assert found.report["limits_changed"] == {"idle_s": 60}
    assert any("limits were changed" in doubt for doubt in found.report["doubts"])


def test_more_patience_changes_no_limit(here: Callable[..., Judged]) -> None:
    found = here("lawful", "--sm-patience=700", declaration=SERVES)

    assert (found.status, found.report["limits_changed"]) == (0, {}), found.output


# -- trouble: status 3 or 2 ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where", ["unix:///nonexistent/docker.sock", "tcp://127.0.0.1:1", "nonsense://x"]
)
def test_without_an_engine_it_says_what_was_tried(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", where)

    result = plain(pytester, "--sm-image=lawful", "--sm-report=report")

    text = result.stderr.str() + result.stdout.str()
    assert result.ret == 3, text
    assert f"no container engine answers at {where}" in text
    assert "Traceback" not in text
    assert not (pytester.path / "report" / "report.json").exists()


@pytest.mark.parametrize("moment", ["create", "start", "save"])
def test_trouble_of_the_engine_is_an_error_and_never_a_failure(
    here: Callable[..., Judged], moment: str
) -> None:
    found = here(f"engine-dies-at-{moment}")

    assert found.with_verdict("fail", "advice", "blocked") == {}, found.output
    error = found.findings["TRAIN-063 exit-zero"]
    assert (error["verdict"], error["reason"]) == ("error", f"the engine went away at {moment}")
    assert (found.status, found.report["conclusion"]) == (3, "inconclusive")
    assert found.report["complete"] is True
    Draft202012Validator(specs.read_schema("report")).validate(found.report)


def test_ctrl_c_ends_with_2_and_a_report_that_says_it_is_not_complete(
    run_apart: Callable[..., Judged], pytester: pytest.Pytester
) -> None:
    found = run_apart("interrupts", declaration=TRAINS)

    assert found.status == 2, found.output + found.errors
    assert found.report["complete"] is False
    assert found.report["exit_status"] == 2
    assert found.report["conclusion"] == "inconclusive"
    assert found.with_verdict("fail", "error") == {}
    assert found.findings["TRAIN-063 exit-zero"]["reason"] == "interrupted"
    Draft202012Validator(specs.read_schema("report")).validate(found.report)
    forms = {path.name: path for path in (pytester.path / "report").iterdir() if path.is_file()}
    assert "This run was not complete" in forms["report.html"].read_text("utf-8")
    assert "interrupted" in forms["summary.md"].read_text("utf-8")
    assert "interrupted" in forms["badge.svg"].read_text("utf-8")
    (run,) = json.loads(forms["report.sarif"].read_text("utf-8"))["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert ET.parse(forms["junit.xml"]).getroot().tag == "testsuites"


def test_a_run_that_breaks_off_by_a_fault_is_not_called_complete(
    run_apart: Callable[..., Judged], pytester: pytest.Pytester
) -> None:
    broken = pytester.makepyfile(
        broken="""
        def pytest_runtest_logfinish(nodeid):
            raise SystemError(nodeid)
        """
    )

    found = run_apart("lawful", "-p", broken.stem, declaration=TRAINS)

    assert "INTERNALERROR" in found.output + found.errors
    assert found.status == found.report["exit_status"] == 3
    assert found.report["complete"] is False


def test_ctrl_c_before_anything_is_judged_is_one_line(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("""
        class Slow:
            def image(self, reference):
                raise KeyboardInterrupt

            def close(self):
                print("closed")


        def pytest_sm_engine(config, run_id):
            return Slow()
    """)

    result = pytester.runpytest_subprocess("--sm-image=lawful", "--sm-report=report")

    said = result.stdout.str() + result.stderr.str()
    assert result.ret == 2
    assert "sm-conformance: interrupted before anything was judged" in said
    assert "closed" in said
    assert "Traceback" not in said
    assert not (pytester.path / "report" / "report.json").exists()


def test_two_runs_of_one_image_give_one_answer(
    here: Callable[..., Judged], pytester: pytest.Pytester
) -> None:
    def told() -> str:
        found = here("deaf", "--sm-profile=strict", declaration=TRAINS)
        return json.dumps([(key, one["verdict"]) for key, one in found.findings.items()])

    assert told() == told()


# -- what stays among temporary files --------------------------------------------------------------


@pytest.fixture
def temporary(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place for temporary files of the runs of one test."""
    provide_engine(pytester)
    declare(pytester, SERVES)
    place = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def left(place: Path) -> list[Path]:
    """What is there but for pytest's own."""
    return [path for path in place.iterdir() if "pytest-of" not in path.name]


@pytest.mark.parametrize(
    ("arguments", "status"),
    first(
        3,
        [
            (("--sm-image=lawful",), 0),
            (("--sm-image=no-strangers", "--sm-report=report"), 1),
            (("--sm-image=lawful", "--sm-profile=lenient"), 4),
            (("--sm-image=no-strangers", "--collect-only"), 3),
            (("--sm-image=no-strangers", "-k", "nothing_is_called_this"), 3),
            (("--sm-image=unheard-of",), 4),
            (("--sm-image=lawful", "nowhere"), 4),
        ],
    ),
    ids=str,
)
def test_where_there_is_no_evidence_to_keep_nothing_is_left(
    pytester: pytest.Pytester, temporary: Path, arguments: tuple[str, ...], status: int
) -> None:
    result = plain(pytester, *arguments)

    assert result.ret == status, result.stdout.str()
    assert left(temporary) == []


def test_evidence_of_a_failure_is_kept_and_its_place_is_told(
    pytester: pytest.Pytester, temporary: Path
) -> None:
    result = plain(pytester, "--sm-image=no-strangers")

    assert result.ret == 1
    (at,) = [n for n, line in enumerate(result.outlines) if line.startswith("evidence: ")]
    folder = Path(result.outlines[at].removeprefix("evidence: "))
    assert (folder / "serve-plain" / "stdout.log").read_bytes() == b"server starts\n"
    assert (folder / "serve-plain" / "replies" / "unknown-headers.txt").is_file()
    assert left(temporary) == [folder.parent]
    assert [path.name for path in folder.parent.iterdir()] == ["evidence"]
    assert result.outlines[at + 1] == "the newest 3 such folders are kept, older ones are removed"


def test_evidence_of_the_last_three_failures_is_kept(
    pytester: pytest.Pytester, temporary: Path
) -> None:
    def failed(*arguments: str) -> Path:
        result = plain(pytester, "--sm-image=no-strangers", "-k", "unknown_headers", *arguments)
        assert result.ret == 1
        (line,) = [line for line in result.outlines if line.startswith("evidence: ")]
        return Path(line.removeprefix("evidence: ")).parent

    first, second, third = failed(), failed(), failed()
    assert set(left(temporary)) == {first, second, third}
    assert plain(pytester, "--sm-image=lawful").ret == 0
    assert set(left(temporary)) == {first, second, third}

    fourth = failed("-n", "2")

    assert set(left(temporary)) == {second, third, fourth}
