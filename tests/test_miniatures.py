"""Each little liar is found out for its one sin and nothing else; the lawful one is conformant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from miniatures.judging import BOTH, REQUESTS, SERVES, TRAINING, TRAINS, Judged
from miniatures.sins import HASTE, Sin, assert_found_out, hurry, judge_here, weighed

from sm_conformance.contract import clause
from sm_conformance.laboratory import servers
from sm_conformance.laboratory.steps import latency
from sm_conformance.observed.latency import summarise
from sm_conformance.observed.paced import Paced, paced

# Values within the declared ranges, and as many outside, that training is tried with by default.
EXAMPLES = 3
# Launches of one that keeps every clause and is handed a model, without those for examples of values.
TRAININGS, SERVERS = 7, 4


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


NEEDS_MODEL = {**BOTH, "hosting": {"requests": BOTH["hosting"]["requests"]}}


def expecting(row: Mapping[str, Any] | None = None, json: Mapping[str, Any] | None = None) -> Any:
    """A declaration with what the replies to the two requests must be."""
    requests = [
        {**request, **({"expect": expect} if expect else {})}
        for request, expect in zip(REQUESTS, (row, json), strict=True)
    ]
    return {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}


def accepting(row: str, json: str) -> Any:
    """A declaration with what the two requests accept."""
    requests = [
        {**request, "accept": accept} for request, accept in zip(REQUESTS, (row, json), strict=True)
    ]
    return {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}


def at_rate(rate_per_s: float = 60, **bounds: float) -> dict[str, Any]:
    """A declaration of bounds that hold at a rate."""
    return {**SERVES, "latency": {"rate_per_s": rate_per_s, "seconds": 1, **bounds}}


def measured(*metrics: str, objective: str = "") -> dict[str, Any]:
    """A declaration of trainings with metrics, and of tuning where one of them is the objective."""
    said = [
        {"name": name, "regex": f"{name}=({'[0-9.]+' if name == 'recall' else '[^; ]+'})"}
        for name in metrics
    ]
    training = {**TRAINS["training"], "metrics": said}
    if not objective:
        return {**TRAINS, "training": training}
    training["objective"] = {"metric": objective, "goal": "Minimize"}
    return {**TRAINS, "claims": ["training", "tuning"], "training": training}


SLOW = {
    **SERVES,
    "hosting": {
        **SERVES["hosting"],
        "requests": [
            *REQUESTS,
            {"name": "rows", "content_type": "text/csv", "body": "1\n2\n3\n", "takes_s": 50},
        ],
    },
}
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
    Sin(
        "wants-hub", "NET-002 isolated",
        says="; isolated, it asked for the name huggingface.co; its log says: OSError: Name or",
    ),
    Sin(
        "wants-region-from-anywhere", "NET-003 no-aws-environment",
        says="it dialled 169.254.169.254:80 (the instance metadata service); it works as soon as",
    ),
    # What it tried proves nothing: most of what tries does well without.
    Sin("telemetry-and-broken", "TRAIN-063 exit-zero", says="dialled 192.0.2.7:4317"),
    Sin("wants-hub-silently", "TRAIN-063 exit-zero", says="asked for the name huggingface.co"),
    Sin("known-keys-only", "TRAIN-014 unknown-keys", "advice", says="exited with 1"),
    Sin("minds-empty-files", "TRAIN-026 nested-files", "advice", says="exited with 1"),
    Sin("needs-hyperparameters", "TRAIN-011 no-hyperparameters", "advice", says="without a word"),
    Sin("wants-few-layers", "TRAIN-010 lawful-values", "advice", says="with layers='"),
    Sin("minds-both", "TRAIN-010 lawful-values", "advice", says="layers='8', loss='absolute': "),
    Sin("takes-anything", "TRAIN-015 bad-hyperparameter", "advice",
        says="with layers='0': training exited with 0"),
    Sin("refuses-in-silence", "TRAIN-015 bad-hyperparameter", "advice",
        says="exited with 1"),
    Sin("hangs-beyond", "TRAIN-015 bad-hyperparameter", "advice",
        says="with layers='0': training neither used", limits=HASTE),
    Sin("deaf", "TRAIN-060 stops-in-time", "advice", says="the kernel discards it"),
    Sin("deaf", "TRAIN-060 stops-in-time", "fail", options=("--sm-profile=strict",)),
    Sin(
        "deaf-behind-a-shell", "TRAIN-062 signal-reaches-training", "advice",
        says="still running: python train.py",
    ),
    Sin("buried-reason", "TRAIN-064 failure-reason", "advice", says="the error itself, 'ValueErr"),
    Sin("latin-reason", "TRAIN-064 failure-reason", "advice", says="it is not UTF-8"),
    Sin("blank-reason", "TRAIN-064 failure-reason", "advice", says="characters are blank"),
    Sin(
        "talks-after-failure", "TRAIN-066 failure-file-last", "advice", says="the log went on",
        limits={"failure_file_lead_s": 0.2},
    ),
    Sin(
        "drops-its-model", "TRAIN-061 saves-on-stop", "advice",
        says="left no model; only means.json.tmp",
    ),
    Sin(
        "links-away", "TRAIN-074 plain-files-only", "advice",
        says="model/all (symlink to /program/weights, an absolute path)",
    ),
    Sin(
        "links-beside", "TRAIN-074 plain-files-only", "advice",
        says="model/latest (symlink to means.json)",
    ),
    Sin("leaves-a-pipe", "TRAIN-074 plain-files-only", "advice", says="model/pipe (fifo)"),
    Sin("links-output-away", "TRAIN-074 plain-files-only", "advice", says="out of the folder)"),
    Sin(
        "measures", "TRAIN-089 metric-matches", "advice",
        says="recall: no line matches 'recall=([0-9.]+)'", declaration=measured("recall"),
    ),
    Sin(
        "measures", "TRAIN-089 metric-matches", "advice",
        says="holds 'nan', which is no number", declaration=measured("accuracy", "loss"),
    ),
    Sin(
        "measures", "TRAIN-090 objective-logged", says="holds 'nan', which is no number",
        declaration=measured("accuracy", "loss", objective="loss"),
    ),
    Sin(
        "lawful", "TRAIN-090 objective-logged", says="no line matches",
        declaration=measured("accuracy", objective="accuracy"),
    ),
    Sin(
        "holds-back", "IMG-023 logs-arrive", "advice", says="then 6 lines at once",
        limits={"log_delay_s": 0.2},
    ),
    Sin(
        "fills-the-disk", "IMG-024 scratch-space", "advice",
        says="1.1 GB elsewhere, the largest first: /root/.cache/a\\nb (600.0 MB), /root/b (500",
    ),
    Sin("many-files", "IMG-024 scratch-space", "advice", says="2.0 GB elsewhere"),
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
    Sin("slow-now-and-then", "HOST-004 ping-in-time", "advice", says="slow now and then: ",
        limits={"ping_limit_s": 0.25, "ping_spacing_s": 0.02, "sample_requests": 30}),
    Sin("lawful", "HOST-004 ping-bound", says="p99", options=("--sm-max-ping-p99-ms=0.001",)),
    Sin("lawful", "HOST-010 invocation-bound", options=("--sm-max-invocation-p99-ms=0.001",)),
    Sin("one-at-a-time", "HOST-010 invocation-bound", says="at 60 a second, waiting included",
        declaration=at_rate(invocation_p99_ms=200), limits={"sample_requests": 20}),
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
    Sin("refuses", "HOST-010 invocation", says="sample request: 400", limits=HASTE,
        repeat='requests/sample "http://$at/invocations"'),
    Sin("breaks", "HOST-010 invocation", says="sample request: 500", limits=HASTE),
    Sin("slow", "HOST-010 invocation", says="200", limits={"invocation_limit_s": 0.8}),
    Sin("ping-hangs", "HOST-002 ping", says="although the connection is accepted",
        limits={**HASTE, "ping_limit_s": 0.05}),
    Sin("speaks-tls", "HOST-002 ping", says="may want TLS", limits=HASTE),
    Sin("ping-401", "HOST-002 ping", says="the platform sends none", limits=HASTE),
    Sin("only-local-requests", "HOST-010 invocation",
        says="Host header (model.aws.local:8080) alone makes it refuse", limits=HASTE,
        repeat='requests/local-host "http://$at/invocations"'),
    Sin("only-gets", "HOST-003 post-ping", "advice", says="405"),
    Sin("small-bodies", "HOST-013 body-6-mib", "advice",
        says="5 MiB: 413 Request Entity Too Large after"),
    Sin("hangs-up", "HOST-014 keep-alive", "advice", says="after one answer, which did not say so"),
    Sin("repeats", "HOST-014 keep-alive", "advice", says="unknown request: 200"),
    Sin("leaves-bodies", "HOST-014 keep-alive", "advice", says="which nobody had asked for",
        repeat='requests/behind-refused-path "http://$at/invocations"'),
    Sin("knows-one-spelling", "HOST-014 request-framing", "advice", says="in lower case"),
    Sin("counts", "HOST-014 request-framing", "advice", says="chunked: 400"),
    Sin("cannot-wait", "HOST-014 request-framing", "advice", says="expect-continue: 500"),
    Sin("minds-sessions", "HOST-020 unknown-headers", "advice", says="invoke APIs: 500"),
    Sin("no-charset", "HOST-021 content-types", "advice", says="charset-row: 415"),
    Sin("needs-a-type", "HOST-021 content-types", "advice", says="no Content-Type: 500"),
    Sin("html", "HOST-022 response-type", "advice", says="labelled text/html, and is JSON: '["),
    Sin("csv-as-json", "HOST-022 response-type", "advice", says="application/json, and is no JSON"),
    Sin("lawful", "HOST-022 response-type", "advice", says="request-json: Content-Type application",
        declaration=accepting("text/csv;q=0.5, text/*", "text/csv")),
    Sin("long-winded", "HOST-023 returned-attributes", "advice", says="sample: 1025 characters"),
    Sin("foreign-words", "HOST-023 returned-attributes", "advice", says="among them ß"),
    Sin("needs-four-columns", "HOST-025 malformed-body", "advice", says="wrong-columns: 500"),
    Sin("says-no-more", "HOST-026 error-text", "advice", says="undeclared-type: 415"),
    Sin("knows-everything", "HOST-028 unknown-paths", "advice", says="200"),
    Sin("smallish-bodies", "HOST-013 body-25-mb", "advice", says="413"),
    Sin("no-strangers", "HOST-020 unknown-headers", says="400"),
    Sin("only-csv", "HOST-021 content-types", "advice", says="request-json: 415"),
    Sin("any-type", "HOST-021 content-types", "advice", says="nobody declared: 200"),
    Sin("no-type", "HOST-022 response-type", "advice", says="without a content type"),
    Sin("breaks-on-malformed", "HOST-025 malformed-body", "advice", says="500"),
    Sin("sulks", "HOST-029 survives-bad-input", "advice", says="after empty-body: good request"),
    Sin("loses-workers", "HOST-029 survives-bad-input", "advice",
        says="so it was with another server when it was sent that 3 times"),
    Sin("breaks-on-nan", "HOST-025 mutilated-requests", "advice",
        says="NaN in the place of cell 1: 500 Internal Server Error"),
    Sin("mixes-callers-up", "HOST-029 survives-mutilated-requests", "advice",
        says="sm-conformance\\n': a good request gets '7\\n', and got '0\\n' before"),
    Sin("learns", "HOST-029 survives-mutilated-requests", "advice",
        says="a text in the place of cell 4, '5.1,3.5,1.4,sm-conformance\\n': a good request"),
    Sin("writes-beside-model", "HOST-030 read-only-model", says="as soon as this is lifted",
        declaration=NEEDS_MODEL),
    Sin("deaf-server", "HOST-060 stops-in-time", "advice", says="it did not end",
        limits=UNSTOPPABLE),
    Sin("keeps-the-request-in-a-global", "HOST-012 own-answers", "advice",
        says="got another answer, for instance alone-"),
    Sin("gives-up-thinking", "HOST-011 own-timeouts", "advice", says="was cut twice after the same",
        declaration=SLOW, limits={"invocation_limit_s": 1}),
    Sin("breaks-when-busy", "HOST-012 concurrent", "advice", says="of 4 callers failed: 500"),
    Sin("locks-up", "HOST-012 concurrent", "advice", says="then one alone: no complete answer",
        limits={"invocation_limit_s": 1, "hosting_stop_limit_s": 0.3}),
    Sin("ends-when-busy", "HOST-012 concurrent", "advice", says="the server ended with 0"),
    Sin("pings-when-idle", "HOST-004 ping-under-load", "advice", says="beside 4 callers a ping",
        limits={"ping_limit_s": 0.3, "sample_requests": 2}),
    Sin("sick-when-busy", "HOST-006 healthy-under-load", "advice", says="pings failed: 503"),
    Sin("stays-sick", "HOST-006 healthy-under-load", "advice", says="all callers had gone: 503"),
    Sin("minds-its-name", "HOST-036 container-hostname", "advice",
        says="as soon as this is lifted: the host has an unusual name"),
    Sin("swallows-a-bad-model", "HOST-007 sees-a-broken-model", "advice",
        says="it says 200 to a ping, and then: 500", declaration=NEEDS_MODEL),
    Sin("cuts-off", "HOST-061 finishes-requests", "advice",
        says="connection closed before the answer was complete"),
    Sin("hides-a-dead-child", "HOST-062 dies-with-server", "advice",
        says="after `python model.py` was killed: ping 200", limits={"server_recovery_s": 0.2}),
    Sin("writes-beside-its-program", "IMG-024 writes-to-tmp-only", "advice",
        says="it wrote /opt/program/cache.db"),
    Sin("tini", "IMG-006 no-init-entrypoint", "advice", says="tini"),
    Sin("not-root", "IMG-012 root-hosting", "advice", says="USER 1000:1000"),
    Sin("bad-program", "IMG-003 on-path", says="permission denied"),
    Sin("no-program", "IMG-003 on-path", says="not found"),
    Sin(
        "wants-hub-to-serve", "NET-002 isolated",
        says="; isolated, it asked for the name huggingface.co; its log says: ",
    ),
    Sin(
        "wants-region-from-anywhere-to-serve", "NET-003 no-aws-environment",
        says="it dialled 169.254.169.254:80 (the instance metadata service); it works as soon as",
    ),
    Sin("wants-network-to-serve", "NET-002 isolated", says="name resolution"),
    Sin("quiet", "IMG-023 logs", "advice", says="nothing at all"),
]  # fmt: skip


@pytest.mark.parametrize("sin", weighed(TRAINING_SINS))
def test_a_liar_who_trains_is_found_out(sin: Sin, pytester: pytest.Pytester) -> None:
    found = judge_here(
        pytester, sin.image, *sin.options, declaration=sin.declaration, limits=sin.limits
    )

    assert_found_out(sin, found)


@pytest.mark.parametrize("sin", weighed(SERVING_SINS))
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
        "HOST-010 expected-response", "HOST-010 lawful-requests", "HOST-011 own-timeouts",
        "TRAIN-089 metric-matches", "HOST-031 model-archive", "HOST-062 dies-with-server",
        "MKT-018 scanned",
    }  # fmt: skip
    assert (found.status, found.report["conclusion"]) == (0, "conformant")
    assert (found.report["doubts"], found.report["complete"]) == ([], True)
    # One launch for each scenario, and one for each example of values, and no more.
    assert found.report["launches"] == TRAININGS + SERVERS + 2 * EXAMPLES
    assert found.report["examples"] == EXAMPLES
    assert found.report["latency"]["/ping"]["count"] == 100
    assert found.report["declaration"]["claims"] == ["hosting", "training"]


def test_a_shell_that_hands_over_with_exec_is_lawful(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "shell-that-execs")

    assert (found.said, found.status) == ({}, 0)


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


def test_a_request_is_to_blame_only_where_it_ends_another_server_too(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "faints-once", declaration=SERVES)

    assert found.said == {"HOST-029 survives-bad-input": "not-run"}, found.output
    reason = found.findings["HOST-029 survives-bad-input"]["reason"]
    assert "the server ended with 0; nothing became of another server" in reason
    assert found.report["launches"] == SERVERS - 1 + 2
    assert (found.status, found.report["conclusion"]) == (0, "conformant")


def test_no_request_is_to_blame_where_memory_ran_out_that_we_bounded(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "starves", declaration=SERVES, limits={"sample_requests": 2})

    assert found.with_verdict("fail", "advice") == {}, found.output
    told = found.findings["HOST-029 survives-mutilated-requests"]
    assert told["verdict"] == "not-run"
    assert "ended with 137, killed for lack of memory" in told["reason"]
    assert "declare `resources: {memory: 8g}`" in told["reason"]
    assert found.report["launches"] == SERVERS - 1, "nobody looked for who is to blame"


def test_a_server_that_hears_no_stop_while_it_works_is_found_out(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "deaf-at-work", declaration=SERVES, limits=UNSTOPPABLE)

    assert found.said == {"HOST-060 stops-in-time": "advice"}, found.output
    told = found.findings["HOST-060 stops-in-time"]
    assert "the request: 200 OK" in told["actual"]
    assert told["actual"].endswith("it did not end afterwards")
    halves, _, state = told["repeat"].partition("docker kill -s TERM sm-repeat")
    assert "head -c" in halves
    assert "docker inspect -f 'still running: {{.State.Running}}' sm-repeat" in state


def test_a_server_that_ends_after_some_number_of_requests_is_told_that(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "tires", declaration=SERVES, limits={"sample_requests": 2})

    assert found.said == {"HOST-029 survives-mutilated-requests": "advice"}, found.output
    told = found.findings["HOST-029 survives-mutilated-requests"]
    assert "another server was sent good ones alone, and after 1" in told["actual"]
    assert told["actual"].endswith("of them the server ended with 0")
    assert "NaN" not in told["actual"]
    assert "for i in $(seq 1" in told["repeat"]
    assert "No request that was bad is the reason" in told["fix"]
    assert found.report["launches"] == SERVERS - 1 + 2


@pytest.mark.parametrize("image", ["needs-no-model", "ill-with-a-bad-model"])
def test_a_server_that_does_not_vouch_for_a_bad_model_is_lawful(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, image: str
) -> None:
    monkeypatch.setattr(servers, "_LEAST_PATIENCE_S", 0.2)

    found = judge_here(pytester, image, declaration=NEEDS_MODEL)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["HOST-007 sees-a-broken-model"]["verdict"] == "pass"


@pytest.mark.parametrize(
    "image",
    ["ends-with-its-child", "ill-without-its-child", "starts-its-child-again"],
)
def test_a_server_that_does_not_hide_its_dead_child_is_lawful(
    pytester: pytest.Pytester, image: str
) -> None:
    found = judge_here(pytester, image, declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["HOST-062 dies-with-server"]["verdict"] == "pass"


def test_logs_and_numbers_of_processes_may_be_written_anywhere(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "writes-logs", declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.findings["IMG-024 writes-to-tmp-only"]["verdict"] == "pass"


def test_what_is_quick_alone_is_within_a_bound_that_is_declared_without_a_rate(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester, "one-at-a-time", declaration={**SERVES, "latency": {"invocation_p99_ms": 200}},
        limits={"sample_requests": 20},
    )  # fmt: skip

    assert found.findings["HOST-010 invocation-bound"]["verdict"] == "pass", found.output
    assert found.report["latency"]["/invocations"]["at_rate"] is None


def test_refusals_of_what_comes_too_fast_break_no_bound_that_is_declared_without_a_rate(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(
        pytester, "rate-limited", declaration={**SERVES, "latency": {"invocation_p99_ms": 500}},
        limits={"ping_spacing_s": 0.1},
    )  # fmt: skip

    assert found.with_verdict("fail") == {}, found.output
    told = found.findings["HOST-010 invocation-bound"]
    assert (told["verdict"], "declare a rate that is served" in told["reason"]) == ("not-run", True)


def test_a_lawful_one_keeps_its_bounds_at_a_rate(pytester: pytest.Pytester) -> None:
    declaration = at_rate(40, ping_p99_ms=5000, invocation_p99_ms=5000)

    found = judge_here(pytester, "lawful", declaration=declaration)

    assert (found.status, found.said) == (0, {}), found.output
    for route in ("/ping", "/invocations"):
        at_forty = found.report["latency"][route]["at_rate"]
        assert (at_forty["rate_per_s"], at_forty["count"], at_forty["failures"]) == (40, 40, 0)
        assert at_forty["floor"]["count"] == 4
        assert f"latency {route} at 40 a second: 40 requests" in found.output


def test_a_breach_that_the_harness_may_have_made_itself_is_nobodys_fault(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*given: Any, **how: Any) -> Paced:
        found = paced(*given, **how)
        return replace(found, late=summarise([150.0] * found.late.count, failures=0, seconds=1))

    monkeypatch.setattr(latency, "paced", late)

    found = judge_here(
        pytester, "one-at-a-time", declaration=at_rate(40, invocation_p99_ms=20),
        limits={"sample_requests": 20},
    )  # fmt: skip

    assert_nobody_blamed(
        found, "HOST-010 invocation-bound", "the harness itself was late", "150.0 ms"
    )


@pytest.mark.parametrize("image", ["numbers-its-answers", "two-workers"])
def test_answers_that_differ_by_themselves_are_lawful(
    image: str, pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, declaration=SERVES)

    assert found.said.keys() <= {"HOST-014 pipelined-requests", "HOST-012 own-answers"}, (
        found.output
    )
    assert found.with_verdict("advice", "fail") == {}, found.output
    assert found.status == 0


ROWS = {
    "type": "array", "minItems": 1, "maxItems": 9,
    "items": {"type": "array", "minItems": 4, "maxItems": 4,
              "items": {"type": "integer", "minimum": 0, "maximum": 9}},
}  # fmt: skip


def with_schema(**expect: Any) -> dict[str, Any]:
    """A declaration that says which requests of JSON are lawful, and what the replies are."""
    row, json = REQUESTS
    request = {
        **json,
        "body": "[[5, 3, 1, 0]]",
        "schema": ROWS,
        **({"expect": expect} if expect else {}),
    }
    return {**SERVES, "hosting": {**SERVES["hosting"], "requests": [row, request]}}


@pytest.mark.parametrize(
    ("sin", "body"),
    [
        (Sin("takes-one-row", "HOST-010 lawful-requests", "advice",
             says="'[[0, 0, 0, 0], [0, 0, 0, 0]]': 400 Bad Request", declaration=with_schema()),
         [[0, 0, 0, 0], [0, 0, 0, 0]]),
        (Sin("answers-with-text", "HOST-010 lawful-requests", "advice",
             says="$[0]: 'none' is not of type 'integer'",
             declaration=with_schema(schema={"items": {"type": "integer"}})),
         [[0, 0, 0, 0], [0, 0, 0, 0]]),
    ],
    ids=str,
)  # fmt: skip
def test_a_lawful_request_that_is_not_answered_well_is_made_simple_and_kept(
    sin: Sin, body: Any, pytester: pytest.Pytester
) -> None:
    pytest.importorskip("hypothesis_jsonschema")

    found = judge_here(pytester, sin.image, declaration=sin.declaration)

    assert_found_out(sin, found)
    kept = pytester.path / "report/evidence/serve-strange/requests/lawful-requests"
    assert json.loads(kept.read_bytes()) == body
    assert found.findings[sin.breaks]["repeat"].endswith(
        'requests/lawful-requests "http://$at/invocations"'
    )


def test_lawful_requests_that_are_answered_well_keep_the_clause(
    pytester: pytest.Pytester,
) -> None:
    pytest.importorskip("hypothesis_jsonschema")
    said = with_schema(schema={"items": {"const": 0}}, content_type="application/json")

    found = judge_here(pytester, "lawful", declaration=said)

    assert found.findings["HOST-010 lawful-requests"]["verdict"] == "pass"
    assert (found.status, found.said) == (0, {}), found.output


def test_without_examples_no_request_is_made_up(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "breaks-on-nan", "--sm-examples=0", declaration=with_schema())

    assert found.said == {
        "HOST-010 lawful-requests": "not-run", "HOST-025 mutilated-requests": "not-run",
        "HOST-029 survives-mutilated-requests": "not-run",
    }  # fmt: skip
    assert (found.status, found.report["conclusion"]) == (0, "conformant")


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

    assert found.said == dict.fromkeys(
        ("HOST-009 connect-in-time", "HOST-009 connect-under-load", "NET-002 isolated"), "not-run"
    )
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
    ("option", "launches"),
    [
        ("--sm-train-image=lawful", TRAININGS + 2 * EXAMPLES),
        ("--sm-serve-image=lawful", SERVERS - 1),
    ],
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
    assert found.findings["HOST-002 ping"]["verdict"] == "pass", found.output


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


@pytest.mark.parametrize(
    ("image", "key"),
    [("wants-hub", "TRAIN-063 exit-zero"), ("wants-hub-to-serve", "HOST-002 ping")],
)
def test_who_did_not_say_whether_it_needs_the_network_is_told_what_was_tried(
    image: str, key: str, pytester: pytest.Pytester
) -> None:
    said = TRAINS if key.startswith("TRAIN") else SERVES
    unsaid = {name: value for name, value in said.items() if name != "network"}

    found = judge_here(pytester, image, declaration=unsaid)

    assert_nobody_blamed(found, key, "asked for the name huggingface.co", "say `network: needed`")


def test_what_a_lawful_one_tried_in_vain_is_kept_beside_its_logs_and_held_against_nobody(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "telemetry")

    evidence = pytester.path / "report/evidence"
    assert (found.status, found.said) == (0, {}), found.output
    assert found.report["launches"] == TRAININGS + SERVERS + 2 * EXAMPLES, (
        "nobody looked for a cause"
    )
    assert (evidence / "serve-plain/tried-to-reach.txt").read_text() == "telemetry.example\n"
    assert not (evidence / "train-plain/tried-to-reach.txt").exists()
    assert "telemetry.example" not in found.output


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


# -- examples of values ----------------------------------------------------------------------------

RANGES = ("TRAIN-010 lawful-values", "TRAIN-015 bad-hyperparameter")


def verdicts_on_ranges(found: Judged) -> tuple[str, str]:
    """The verdicts on lawful values and on bad ones."""
    lawful, bad = (found.findings[key]["verdict"] for key in RANGES)
    return lawful, bad


def test_a_counterexample_is_simple_and_its_command_trains_on_it(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "wants-few-layers", declaration=TRAINS)

    finding = found.findings["TRAIN-010 lawful-values"]
    evidence = pytester.path / "report" / finding["evidence"]
    handed = (evidence / "opt/ml/input/config/hyperparameters.json").read_text("utf-8")
    layers = json.loads(handed)["layers"]
    assert json.loads(handed) == {"rounds": "2", "layers": layers, "loss": "squared"}
    assert layers in ("6", "7", "8")
    assert f"with layers='{layers}': training exited with 1" in finding["actual"]
    assert "MemoryError: too many layers" in finding["actual"]
    assert f"hyperparameters.json was {handed}" in finding["actual"]
    assert f"{finding['evidence']}/opt/ml/input:/opt/ml/input" in finding["repeat"]
    # Of what was tried only the counterexample is left.
    assert [one.name for one in evidence.parent.glob("train-in-range*")] == [evidence.name]


def test_two_runs_find_the_same_counterexample(pytester: pytest.Pytester) -> None:
    seen = {
        judge_here(pytester, "wants-few-layers", declaration=TRAINS)
        .findings["TRAIN-010 lawful-values"]["actual"]
        .partition("hyperparameters.json was")[2]
        for _ in range(2)
    }

    assert len(seen) == 1


def test_no_example_is_one_launch_less_and_puts_nothing_in_doubt(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "takes-anything", "--sm-examples=0", declaration=TRAINS)

    assert verdicts_on_ranges(found) == ("not-run", "not-run")
    assert all("--sm-examples=0" in found.findings[key]["reason"] for key in RANGES)
    assert (found.status, found.report["launches"], found.report["examples"]) == (0, TRAININGS, 0)


def test_more_examples_are_launched_and_all_differ(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", "--sm-examples=7", declaration=TRAINS)

    assert verdicts_on_ranges(found) == ("pass", "pass")
    assert found.report["launches"] == TRAININGS + 2 * 7


def test_a_finite_number_of_lawful_values_is_tried_once(pytester: pytest.Pytester) -> None:
    loss = {"value": "squared", "type": "categorical", "values": ["squared", "absolute"]}
    declaration = {
        **TRAINS,
        "training": {**TRAINING, "hyperparameters": {"rounds": 2, "loss": loss}},
    }
    found = judge_here(pytester, "lawful", "--sm-examples=9", declaration=declaration)

    assert verdicts_on_ranges(found) == ("pass", "pass")
    assert found.report["launches"] == TRAININGS + 2


def test_without_declared_ranges_no_value_is_lawful_or_bad(pytester: pytest.Pytester) -> None:
    declaration = {
        **TRAINS,
        "training": {**TRAINING, "hyperparameters": {"rounds": 2, "layers": 3}},
    }
    found = judge_here(pytester, "takes-anything", declaration=declaration)

    assert verdicts_on_ranges(found) == ("n/a", "n/a")
    assert (found.status, found.report["launches"]) == (0, TRAININGS)


def test_a_program_that_greater_values_make_work_for_long_is_not_blamed(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "slow-with-layers", declaration=TRAINS)

    assert verdicts_on_ranges(found) == ("pass", "pass")
    assert (found.status, found.said) == (0, {}), found.output


def test_where_all_examples_work_for_long_nothing_is_known(pytester: pytest.Pytester) -> None:
    layers = {"value": 3, "type": "integer", "min": 3, "max": 8}
    declaration = {
        **TRAINS, "training": {**TRAINING, "hyperparameters": {"rounds": 2, "layers": layers}},
    }  # fmt: skip
    found = judge_here(pytester, "slow-with-layers", declaration=declaration)

    assert verdicts_on_ranges(found)[0] == "not-run"
    assert "still working" in found.findings["TRAIN-010 lawful-values"]["reason"]
    assert (found.status, found.report["conclusion"]) == (0, "conformant"), found.output


def test_a_failure_that_does_not_come_again_is_not_blamed(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "bad-days", declaration=TRAINS)

    assert verdicts_on_ranges(found) == ("pass", "pass")


def test_a_lawful_value_that_may_need_the_network_is_not_blamed(pytester: pytest.Pytester) -> None:
    unsaid = judge_here(pytester, "fetches-a-loss", declaration=NETWORK_UNSAID)
    claimed = judge_here(pytester, "fetches-a-loss", declaration=TRAINS)

    assert verdicts_on_ranges(unsaid)[0] == "pass"
    assert verdicts_on_ranges(claimed)[0] == "advice"


def test_a_guess_beside_a_lawful_value_is_not_blamed(pytester: pytest.Pytester) -> None:
    seed = {"type": "integer", "min": 1, "max": 9, "required": True}
    hyperparameters = {**TRAINING["hyperparameters"], "seed": seed}
    declaration = {**TRAINS, "training": {**TRAINING, "hyperparameters": hyperparameters}}
    found = judge_here(pytester, "wants-few-layers", declaration=declaration)

    assert verdicts_on_ranges(found)[0] == "not-run"
    reason = found.findings["TRAIN-010 lawful-values"]["reason"]
    assert "this was guessed: the value '1' of the hyperparameter" in reason


def test_values_are_not_refused_visibly_where_no_failure_is(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "exit-0-on-fault", declaration=TRAINS)

    reason = found.findings["TRAIN-015 bad-hyperparameter"]["reason"]
    assert reason == "blocked by TRAIN-063 exit-nonzero"


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
    assert found.findings["HOST-002 ping"]["verdict"] == "pass", found.output


def test_a_server_in_the_place_of_training_is_noticed_while_it_works(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "only-serves", declaration=None)

    assert_nobody_blamed(
        found, "TRAIN-063 exit-zero", "`train` does not work", "GET /ping with 200"
    )
    assert found.findings["HOST-002 ping"]["verdict"] == "pass", found.output
    assert found.report["elapsed_s"] < found.report["launches"] * 10


def test_a_server_that_nobody_asked_anything_may_be_silent(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "only-serves-silently", declaration=None)

    assert found.with_verdict("fail", "advice") == {}, found.output
    assert "started a server instead" in found.findings["IMG-023 logs"]["reason"]


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


@pytest.mark.parametrize(
    ("image", "limit_s", "verdict", "said"),
    [
        ("thinks", 2, "pass", ""),
        ("thinks", 3, "not-run", " s; to see limits up to 3 s, declare one with takes_s: 2.75"),
        ("thinks", 1.2, "not-run", "did not succeed: "),
        ("fails-at-once", 1, "not-run", "the slow request did not succeed: 504"),
    ],
)
def test_a_slow_request_shows_a_time_limit_only_where_it_was_cut_by_one(
    image: str, limit_s: float, verdict: str, said: str, pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, declaration=SLOW, limits={"invocation_limit_s": limit_s})

    assert found.with_verdict("fail", "advice", "error", "blocked") == {}, found.output
    slow = found.findings["HOST-011 own-timeouts"]
    assert (slow["verdict"], said in (slow["reason"] or "")) == (verdict, True), slow["reason"]


def test_a_server_that_ends_when_it_is_idle_is_found_by_watching_it(
    pytester: pytest.Pytester,
) -> None:
    limits = {"ping_spacing_s": 0.25}

    found = judge_here(
        pytester, "ends-when-idle", "--sm-watch=5", declaration=SERVES, limits=limits
    )
    lawful = judge_here(pytester, "lawful", "--sm-watch=0.5", declaration=SERVES, limits=limits)

    told = found.with_verdict("fail", "advice")
    assert told == {"HOST-006 stays-healthy": "fail"}, found.output
    assert "by itself" in found.findings["HOST-006 stays-healthy"]["actual"]
    assert lawful.said == {}, lawful.output


def test_a_server_that_load_made_ill_is_not_watched_and_not_blamed_for_its_idleness(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "stays-sick", "--sm-watch=1", declaration=SERVES)

    assert found.said == {"HOST-006 healthy-under-load": "advice"}, found.output


def test_an_answer_that_is_another_than_declared_only_under_load_is_found(
    pytester: pytest.Pytester,
) -> None:
    requests = [{**REQUESTS[0], "expect": {"body": "0"}}, REQUESTS[1]]
    declared = {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}

    found = judge_here(pytester, "adds-callers-up", declaration=declared)
    nobody_said = judge_here(pytester, "adds-callers-up", declaration=SERVES)

    assert found.said == {"HOST-012 own-answers": "advice"}, found.output
    assert "none that is declared" in found.findings["HOST-012 own-answers"]["actual"]
    assert nobody_said.said == {}, nobody_said.output


LOAD = {
    "HOST-004 ping-under-load", "HOST-006 healthy-under-load", "HOST-009 connect-under-load",
    "HOST-012 concurrent", "HOST-012 own-answers",
}  # fmt: skip


@pytest.mark.parametrize("image", ["one-after-another", "differs-in-batches"])
def test_who_serves_one_after_another_or_in_batches_is_lawful(
    image: str, pytester: pytest.Pytester
) -> None:
    found = judge_here(pytester, image, declaration=SERVES)

    assert (found.status, found.said) == (0, {}), found.output
    assert found.with_verdict("pass").keys() >= LOAD


@pytest.mark.parametrize(
    ("image", "requests", "said"),
    [
        ("numbered", REQUESTS, "answered differently each time"),
        ("lawful", REQUESTS[1:], "declare a further request that is answered differently"),
    ],
)
def test_answers_that_cannot_be_told_apart_are_not_compared(
    image: str, requests: list[Any], said: str, pytester: pytest.Pytester
) -> None:
    declaration = {**SERVES, "hosting": {**SERVES["hosting"], "requests": requests}}

    found = judge_here(pytester, image, declaration=declaration)

    assert found.status == 0, found.output
    assert found.said.keys() <= {"HOST-012 own-answers", "HOST-014 pipelined-requests"}
    assert found.said["HOST-012 own-answers"] == "not-run"
    assert said in found.findings["HOST-012 own-answers"]["reason"]


def test_one_request_that_has_rows_is_asked_in_two_lengths(pytester: pytest.Pytester) -> None:
    declaration = {**SERVES, "hosting": {**SERVES["hosting"], "requests": REQUESTS[:1]}}

    found = judge_here(pytester, "keeps-the-request-in-a-global", declaration=declaration)

    assert found.said == {"HOST-012 own-answers": "advice"}, found.output
    assert (
        "alone-row that to alone-row-longer"
        in (actual := found.findings["HOST-012 own-answers"]["actual"])
        or "alone-row-longer that to alone-row" in actual
    )


def test_who_mixes_answers_up_also_alone_is_not_told_that_callers_do_it(
    pytester: pytest.Pytester,
) -> None:
    found = judge_here(pytester, "moody", declaration=SERVES)

    assert found.said == {}, found.output


def test_what_load_showed_is_in_the_report_and_in_one_line(pytester: pytest.Pytester) -> None:
    found = judge_here(pytester, "lawful", declaration=SERVES)

    load = found.report["load"]
    assert (load["callers"], load["failed"], load["swapped"], load["pings_failed"]) == (4, 0, 0, 0)
    assert load["requests"] >= load["callers"]
    assert load["per_second"] == pytest.approx(load["requests"] / load["seconds"], rel=0.01)
    (line,) = [one for one in found.output.splitlines() if one.startswith("load: ")]
    assert line.startswith(f"load: 4 callers, {load['requests']} requests in ")


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
    assert "exited with 3" in found.output
    assert "no licence found" in found.output.partition("last log lines:")[2]


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
