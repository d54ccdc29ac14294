"""Each little liar is found out for its one sin and nothing else; the lawful one is conformant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from miniatures.judging import BOTH, REQUESTS, SERVES, TRAINS, Judged, judge, provide_engine

from sm_conformance.contract import clause
from sm_conformance.laboratory import instead, steps, stopping, watch

# Limits that a liar would otherwise exhaust: it idles, stalls, or keeps refusing.
HASTE = {
    "idle_s": 0.4,
    "startup_limit_s": 0.5,
    "startup_grace_s": 0.2,
    "invocation_limit_s": 0.3,
    "ping_spacing_s": 0.02,
    "hosting_stop_limit_s": 0.5,
    "training_stop_limit_s": 0.5,
}


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Miniatures are set up at once and recover at once, or never."""
    monkeypatch.setattr(stopping, "_SETTLE_S", 0.02)
    monkeypatch.setattr(stopping, "_DROPPED_WAIT_S", 0.1)
    monkeypatch.setattr(steps, "_RECOVERY_S", 0.2)
    monkeypatch.setattr(steps, "_SPACING_S", 0.01)
    monkeypatch.setattr(instead, "_QUIET_S", 0.2)
    monkeypatch.setattr(instead, "_LONGEST_S", 0.5)
    monkeypatch.setattr(watch, "_ASK_EVERY_S", 0.05)


def judge_here(
    pytester: pytest.Pytester, image: str, *arguments: str, way: str = "direct", **how: Any
) -> Judged:
    """Judges in this process, which spares the start of another."""
    provide_engine(pytester, way=way)
    return judge(pytester.runpytest_inprocess, pytester, image, *arguments, **how)


@dataclass(frozen=True)
class Sin:
    """What one miniature must be found guilty of: the clause that it breaks, and the verdict.

    ``says`` is part of what the finding saw. Changed ``limits`` make a run doubtful by themselves.
    """

    image: str
    breaks: str
    verdict: str = "fail"
    says: str = ""
    declaration: Mapping[str, Any] = field(default_factory=lambda: TRAINS)
    limits: Mapping[str, float] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.image}-{self.breaks.replace(' ', '-')}"


NEEDS_MODEL = {**BOTH, "hosting": {"requests": BOTH["hosting"]["requests"]}}


def expecting(row: Mapping[str, Any] | None = None, json: Mapping[str, Any] | None = None) -> Any:
    """A declaration with what the replies to the two requests must be."""
    requests = [
        {**request, **({"expect": expect} if expect else {})}
        for request, expect in zip(REQUESTS, (row, json), strict=True)
    ]
    return {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}


UNSTOPPABLE = {"hosting_stop_limit_s": 0.3, "training_stop_limit_s": 0.3}

TRAINING_SINS = [
    Sin("always-fails", "TRAIN-063 exit-zero", says="exited with 1"),
    Sin("lingers", "TRAIN-068 ends", says="neither used the processor nor wrote", limits=HASTE),
    Sin("no-model", "TRAIN-070 model", says="no regular file"),
    Sin("model-is-a-link", "TRAIN-070 model", says="deep/link (symlink)"),
    Sin("failure-on-success", "TRAIN-065 no-failure-on-success", "advice", says="'fine'"),
    Sin("no-failure-file", "TRAIN-064 failure-file", says="there is no such file"),
    Sin("empty-failure-file", "TRAIN-064 failure-file", says="the file is empty"),
    Sin("failure-folder", "TRAIN-064 failure-file", says="it is a folder"),
    Sin("exit-0-on-fault", "TRAIN-063 exit-nonzero", says="with the fault declared: training"),
    Sin("wants-numbers", "TRAIN-010 strings", says="it works as soon as this is lifted"),
    Sin("wants-sm-variables", "TRAIN-087 no-sm-variables", says="as soon as this is lifted"),
    Sin("wants-region", "NET-003 no-aws-environment", says="as soon as this is lifted"),
    Sin("wants-network", "NET-002 isolated", says="Temporary failure in name resolution"),
    Sin(
        "wants-network", "NET-002 isolated", says="as soon as this is lifted",
        options=("--sm-allow-network",),
    ),
    Sin("known-keys-only", "TRAIN-014 unknown-keys", "advice", says="exited with 1"),
    Sin("minds-empty-files", "TRAIN-026 nested-files", "advice", says="exited with 1"),
    Sin("needs-hyperparameters", "TRAIN-011 no-hyperparameters", "advice", says="without a word"),
    Sin("deaf", "TRAIN-060 stops-in-time", "advice", says="the kernel discards it"),
    Sin("deaf", "TRAIN-060 stops-in-time", "fail", options=("--sm-profile=strict",)),
    Sin(
        "deaf-behind-a-shell", "TRAIN-062 signal-reaches-training", "advice",
        says="still running: python train.py",
    ),
    Sin("quiet", "IMG-023 logs", "advice", says="nothing at all"),
    Sin("bad-program", "IMG-003 on-path", says="permission denied; /program/main has the mode 0644"),
    Sin("shell-cannot-run", "IMG-001 train-starts", says="exited with 127"),
    Sin("no-program", "IMG-003 on-path", says="no folder of PATH holds a file named train"),
    Sin("for-arm", "IMG-016 architecture", says="its program is for arm64"),
    Sin("shell-form", "IMG-005 exec-form", "advice", says="/bin/sh -c main"),
    Sin("not-root", "IMG-012 root-training", "advice", says="USER 1000:1000"),
    Sin(
        "serves-when-told-train", "IMG-004 tells-jobs-apart", says="it answers GET /ping with 200",
        declaration=NEEDS_MODEL, limits=HASTE,
    ),
    Sin(
        "out-of-memory", "TRAIN-063 exit-zero", says="killed for lack of memory",
        declaration={**TRAINS, "resources": {"memory": "64m"}},
    ),
]  # fmt: skip

SERVING_SINS = [
    Sin("never-listens", "HOST-001 listens", says="connection refused", limits=HASTE),
    Sin("loopback", "HOST-001 listens", says="of the loopback interface only", limits=HASTE),
    Sin("port-5000", "HOST-001 listens", says="it listens on port 5000 instead", limits=HASTE),
    Sin("gives-up", "HOST-002 ping", says="exited with 3", limits=HASTE),
    Sin("ping-500", "HOST-002 ping", says="GET /ping: 500", limits=HASTE),
    Sin("localhost-only", "HOST-002 ping", says="Host header", limits=HASTE),
    Sin("slow-ping", "HOST-004 ping-in-time", says="took longer", limits={"ping_limit_s": 0.05,
        "ping_spacing_s": 0.02, "sample_requests": 2}),
    Sin("lawful", "HOST-004 ping-bound", says="p99", options=("--sm-max-ping-p99-ms=0.001",)),
    Sin("lawful", "HOST-010 invocation-bound", options=("--sm-max-invocation-p99-ms=0.001",)),
    Sin("lawful", "HOST-010 expected-response", says="sample: the body '0\\n'",
        declaration=expecting({"body": "1\n"})),
    Sin("lawful", "HOST-010 expected-response", says="sample: Content-Type text/csv",
        declaration=expecting({"content_type": "application/json"})),
    Sin("lawful", "HOST-010 expected-response", says="request-json: the body '[0]'",
        declaration=expecting({"body": "0"}, {"matches": "^\\[1"})),
    Sin("lawful", "HOST-010 expected-response", says="request-json: $[0]: 0 is not of type",
        declaration=expecting(json={"schema": {"items": {"type": "string"}}})),
    Sin("late", "HOST-005 startup-window", says="the first 200 came after",
        limits={"startup_limit_s": 0.2, "startup_grace_s": 5}),
    Sin("sick-later", "HOST-006 stays-healthy", says="503"),
    Sin("warms-up", "HOST-007 ready-means-ready", "advice", says="503"),
    Sin("refuses", "HOST-010 invocation", says="sample request: 400", limits=HASTE),
    Sin("breaks", "HOST-010 invocation", says="sample request: 500", limits=HASTE),
    Sin("slow", "HOST-010 invocation", says="200", limits={"invocation_limit_s": 0.8}),
    Sin("small-bodies", "HOST-013 body-6-mib", "advice", says="413"),
    Sin("smallish-bodies", "HOST-013 body-25-mb", "advice", says="413"),
    Sin("no-strangers", "HOST-020 unknown-headers", says="400"),
    Sin("only-csv", "HOST-021 content-types", "advice", says="request-json: 415"),
    Sin("any-type", "HOST-021 content-types", "advice", says="nobody declared: 200"),
    Sin("no-type", "HOST-022 response-type", "advice", says="without a content type"),
    Sin("breaks-on-malformed", "HOST-025 malformed-body", "advice", says="500"),
    Sin("sulks", "HOST-029 survives-bad-input", "advice", says="after empty-body: good request"),
    Sin("writes-beside-model", "HOST-030 read-only-model", says="as soon as this is lifted",
        declaration=NEEDS_MODEL),
    Sin("deaf-server", "HOST-060 stops-in-time", "advice", says="it did not end",
        limits=UNSTOPPABLE),
    Sin("tini", "IMG-006 no-init-entrypoint", "advice", says="tini"),
    Sin("not-root", "IMG-012 root-hosting", "advice", says="USER 1000:1000"),
    Sin("bad-program", "IMG-003 on-path", says="permission denied"),
    Sin("no-program", "IMG-003 on-path", says="not found"),
    Sin("wants-network-to-serve", "NET-002 isolated", says="name resolution"),
    Sin("quiet", "IMG-023 logs", "advice", says="nothing at all"),
]  # fmt: skip


def assert_found_out(sin: Sin, found: Judged) -> None:
    """Exactly the clause is broken, the rest passes or is blocked by it, and the status fits."""
    assert found.said == {sin.breaks: sin.verdict}, found.output
    seen = found.findings[sin.breaks]
    assert sin.says in seen["actual"], seen["actual"]
    assert seen["reason"] is None
    assert all(seen[part] for part in ("expected", "fix", "matters"))
    blocked = found.with_verdict("blocked")
    blockers = {found.findings[key]["reason"] for key in blocked}
    assert blockers <= {f"blocked by {sin.breaks}"}, blockers
    conclusion = "inconclusive" if sin.limits else "conformant"
    if sin.verdict == "fail":
        conclusion = "nonconformant"
    assert found.report["conclusion"] == conclusion, found.report["doubts"]
    assert found.status == {"conformant": 0, "nonconformant": 1, "inconclusive": 3}[conclusion]


@pytest.mark.parametrize("sin", TRAINING_SINS, ids=str)
def test_a_liar_who_trains_is_found_out(sin: Sin, pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, sin.image, *sin.options, declaration=sin.declaration, limits=sin.limits
    )

    assert_found_out(sin, found)


@pytest.mark.parametrize("sin", SERVING_SINS, ids=str)
def test_a_liar_who_serves_is_found_out(sin: Sin, pytester: pytest.Pytester) -> None:
    declaration = SERVES if sin.declaration is TRAINS else sin.declaration

    found = judge_here(
        pytester, sin.image, *sin.options, declaration=declaration, limits=sin.limits
    )

    assert_found_out(sin, found)


def test_a_lawful_one_is_conformant(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful")

    assert found.said == {}, found.output
    claims = frozenset({"training", "hosting"})
    launched = {one.key for one in clause.load().launched if one.applies(claims)}
    assert found.with_verdict("n/a").keys() & launched == {
        "IMG-012 root-training", "HOST-004 ping-bound", "HOST-010 invocation-bound",
        "HOST-010 expected-response",
    }  # fmt: skip
    assert (found.status, found.report["conclusion"]) == (0, "conformant")
    assert (found.report["doubts"], found.report["complete"]) == ([], True)
    # One launch for each scenario, and no more.
    assert found.report["launches"] == 8
    assert found.report["latency"]["/ping"]["count"] == 100
    assert found.report["declaration"]["claims"] == ["hosting", "training"]


def test_responses_that_are_as_declared_are_lawful(pytester: pytest.Pytester) -> None:
    declaration = expecting(
        {"content_type": "text/csv", "matches": "^0$"}, {"schema": {"items": {"const": 0}}}
    )

    found = judge_here(pytester, "lawful", declaration=declaration)

    assert found.findings["HOST-010 expected-response"]["verdict"] == "pass"
    assert (found.status, found.said) == (0, {}), found.output


def test_a_declared_request_that_is_refused_has_not_the_declared_response(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "only-csv", declaration=expecting(json={"body": "[0]"}))

    assert found.said == {
        "HOST-010 expected-response": "fail", "HOST-021 content-types": "advice",
    }  # fmt: skip
    assert "request-json: 415" in found.findings["HOST-010 expected-response"]["actual"]


def test_a_lawful_one_is_conformant_where_the_engine_only_publishes_ports(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "lawful", way="published")

    assert found.said == {"HOST-009 connect-in-time": "not-run", "NET-002 isolated": "not-run"}
    assert all(found.findings[key]["excused"] for key in found.said)
    assert (found.status, found.report["conclusion"]) == (0, "conformant"), found.output


def test_an_image_that_only_says_it_is_for_arm_is_conformant(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "says-arm")

    assert (found.status, found.said) == (0, {}), found.output


def test_training_and_hosting_images_are_one_candidate(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "", "--sm-train-image=ping-500", "--sm-serve-image=always-fails")

    assert (found.status, found.said) == (0, {}), found.output
    assert [image["roles"] for image in found.report["candidate"]["images"]] == [
        ["training"], ["hosting"],
    ]  # fmt: skip
    assert found.findings["IMG-004 tells-jobs-apart"]["verdict"] == "n/a"


@pytest.mark.parametrize(
    ("option", "launches"), [("--sm-train-image=lawful", 6), ("--sm-serve-image=lawful", 2)]
)
def test_one_half_alone_is_judged_alone(
    pytester: pytest.Pytester, option: str, launches: int
) -> None:
    half = "training" if "train" in option else "hosting"
    declaration = TRAINS if half == "training" else SERVES

    found = judge_here(pytester, "", option, declaration=declaration)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.report["declaration"]["claims"] == [half]
    assert found.report["launches"] == launches
    assert found.findings["IMG-004 tells-jobs-apart"]["verdict"] == "n/a"


# -- nobody's fault --------------------------------------------------------------------------------

NETWORK_UNSAID = {key: value for key, value in TRAINS.items() if key != "network"}
SERVES_GUESSED = {"claims": ["hosting"], "network": "isolated", "hosting": {"model": "none"}}


def assert_nobody_blamed(found: Judged, key: str, *said: str) -> None:
    """The clause is not run and says why; nothing failed; the run is inconclusive."""
    assert found.with_verdict("fail", "error", "blocked") == {}, found.output
    reason = found.findings[key]["reason"]
    assert found.findings[key]["verdict"] == "not-run"
    for words in said:
        assert words in reason
    assert (found.status, found.report["conclusion"]) == (3, "inconclusive")


def test_guessed_input_never_fails_a_training(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "always-fails", declaration={"claims": ["training"]})

    assert_nobody_blamed(found, "TRAIN-063 exit-zero", "this was guessed: channels", "Declare it")


def test_a_guessed_request_never_fails_a_server(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "refuses", declaration=SERVES_GUESSED, limits=HASTE)

    assert_nobody_blamed(found, "HOST-010 invocation", "this was guessed: a text/csv request")
    assert found.findings["HOST-002 ping"]["verdict"] == "pass"


def test_a_shell_that_finds_no_program_is_not_blamed_when_the_input_was_guessed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester,
        "shell-cannot-run",
        declaration={"claims": ["training"], "network": "isolated"},
    )

    assert_nobody_blamed(found, "IMG-001 train-starts", "exited with 127", "this was guessed")


def test_a_shell_that_finds_no_program_is_not_blamed_when_it_may_miss_the_network(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "shell-cannot-run", declaration=NETWORK_UNSAID)

    assert_nobody_blamed(found, "IMG-001 train-starts", "exited with 127", "`network: needed`")


def test_a_training_that_may_wait_for_what_was_not_guessed_is_not_blamed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "lingers", declaration={"claims": ["training"]}, limits=HASTE)

    assert_nobody_blamed(found, "TRAIN-068 ends", "this was guessed: channels")


def test_what_no_input_could_change_fails_also_with_guessed_input(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "bad-program", declaration={"claims": ["training"]})

    assert found.said == {"IMG-003 on-path": "fail"}
    assert found.status == 1


def test_a_training_that_may_miss_the_network_is_not_blamed(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "wants-network", declaration=NETWORK_UNSAID)

    assert_nobody_blamed(
        found, "TRAIN-063 exit-zero", "say `network: needed`", "failure in name resolution"
    )


def test_a_declared_need_of_the_network_is_met_and_net_002_does_not_apply(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "wants-network", declaration={**TRAINS, "network": "needed"})

    assert found.findings["NET-002 isolated"]["verdict"] == "n/a"
    assert (found.status, found.said) == (0, {}), found.output


def test_a_training_that_outlasts_our_patience_is_not_blamed(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "works-on", "--sm-patience=0.4", declaration=TRAINS)

    assert_nobody_blamed(found, "TRAIN-063 exit-zero", "--sm-patience")


def test_memory_that_we_bounded_is_not_the_candidates_fault(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "out-of-memory", declaration=TRAINS)

    assert_nobody_blamed(found, "TRAIN-063 exit-zero", "declare `resources: {memory: 8g}`")


def test_output_that_we_bounded_is_not_the_candidates_fault(pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, "buried-failure", declaration=TRAINS, limits={"default_output_bytes": 50_000}
    )

    assert_nobody_blamed(found, "TRAIN-064 failure-file", "declare `resources: {output: 20g}`")


def test_a_fault_that_was_not_declared_and_does_no_harm_is_advice(
    pytester: pytest.Pytester,
) -> None:
    training = {key: value for key, value in TRAINS["training"].items() if key != "fault"}
    found = judge_here(pytester, "exit-0-on-fault", declaration={**TRAINS, "training": training})

    assert found.said == {
        "TRAIN-063 exit-nonzero": "advice", "TRAIN-064 failure-file": "advice",
    }  # fmt: skip
    assert found.status == 0, found.output


# -- nothing declared ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "clause"), [("port-5000", "HOST-001 listens"), ("no-server", "IMG-002 serve-starts")]
)
def test_a_half_that_does_not_work_and_was_not_claimed_is_not_run(
    pytester: pytest.Pytester, image: str, clause: str
) -> None:
    found = judge_here(pytester, image, declaration=None, limits=HASTE)

    assert_nobody_blamed(found, clause, "`serve` does not work", "declare `claims`, or fix this")
    assert found.findings["TRAIN-063 exit-zero"]["verdict"] == "pass"


def test_a_missing_training_half_that_was_not_claimed_is_not_run(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "no-trainer", declaration=None)

    assert_nobody_blamed(found, "IMG-001 train-starts", "`train` does not work", "`claims`")
    assert found.findings["HOST-002 ping"]["verdict"] == "pass"


def test_a_server_in_the_place_of_training_is_noticed_while_it_works(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "only-serves", declaration=None)

    assert_nobody_blamed(
        found, "TRAIN-063 exit-zero", "`train` does not work", "GET /ping with 200"
    )
    assert found.findings["HOST-002 ping"]["verdict"] == "pass"
    assert found.report["elapsed_s"] < found.report["launches"] * 10


def test_a_training_that_shows_a_dashboard_and_ends_is_a_training(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "dashboard", declaration=None)

    assert found.findings["TRAIN-063 exit-zero"]["verdict"] == "pass", found.output
    assert found.findings["TRAIN-070 model"]["verdict"] == "pass"


def test_a_server_that_refuses_only_under_load_is_lawful(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "rate-limited", declaration=SERVES, limits={"ping_spacing_s": 0.1})

    assert found.with_verdict("fail", "advice") == {
        "HOST-006 stays-healthy": "advice", "HOST-010 invocation": "advice",
    }, found.output  # fmt: skip


def test_a_server_that_works_in_the_place_of_training_is_waited_for_where_both_are_claimed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "only-serves", "--sm-patience=0.5", declaration=NEEDS_MODEL)

    assert_nobody_blamed(found, "TRAIN-063 exit-zero", "--sm-patience")


def test_a_server_without_a_model_that_refuses_pings_is_not_waited_for(
    pytester: pytest.Pytester,
) -> None:
    limits = {**HASTE, "startup_limit_s": 60}
    found = judge_here(pytester, "ping-500", declaration={"claims": ["hosting"]}, limits=limits)

    assert_nobody_blamed(found, "HOST-002 ping", "this was guessed: no model data", "500")
    assert found.report["elapsed_s"] < limits["startup_limit_s"]


def test_a_reply_larger_than_the_platform_hands_on_fails_where_hosting_is_claimed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "floods", declaration=SERVES)

    assert found.said == {"HOST-010 invocation": "fail"}
    assert "larger than is read" in found.findings["HOST-010 invocation"]["actual"]


def test_a_missing_network_excuses_no_client_error(pytester: pytest.Pytester) -> None:
    unsaid = {key: value for key, value in SERVES.items() if key != "network"}
    found = judge_here(pytester, "ping-404", declaration=unsaid, limits=HASTE)

    assert found.said == {"HOST-002 ping": "fail"}


def test_a_server_that_ends_is_not_told_to_add_a_route(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "gives-up", declaration=SERVES, limits=HASTE)

    assert "why the server ended" in found.findings["HOST-002 ping"]["fix"]


def test_a_refused_large_body_is_kept_for_who_repeats_the_request(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "small-bodies", declaration=SERVES)

    kept = pytester.path / "report/evidence/serve-strange/requests/body-6-mib"
    assert 6_000_000 < kept.stat().st_size < 6 * 1024 * 1024
    repeat = found.findings["HOST-013 body-6-mib"]["repeat"]
    assert "--data-binary @" in repeat
    assert repeat.endswith('/invocations"')


def test_a_stop_is_repeated_with_a_stop(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "deaf", declaration=TRAINS, limits=UNSTOPPABLE)

    repeat = found.findings["TRAIN-060 stops-in-time"]["repeat"]
    assert "docker run -d --name sm-repeat" in repeat
    assert repeat.index("docker run") < repeat.index("sleep") < repeat.index("docker stop -t")


def test_when_neither_half_works_and_nothing_was_claimed_it_fails(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "bad-program", declaration=None)

    assert found.said == {"IMG-003 on-path": "fail"}
    assert (found.status, found.report["conclusion"]) == (1, "nonconformant")
