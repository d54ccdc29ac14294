"""Each clause that a request can break by itself is broken by one edit, which breaks no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.aws.checks import RULES, check
from sm_conformance.contract import clause
from sm_conformance.errors import UsageProblem
from tests.aws_requests import IMAGE, PROFILE, SPECIFICATION, Steps, drop, put, read, whole

Edit = Callable[[dict[str, Any]], None]

JOB: Steps = (*PROFILE, "TrainingJobDefinition")
HYPERPARAMETERS: Steps = (*SPECIFICATION, "SupportedHyperParameters")
METRICS: Steps = ("AlgorithmSpecification", "MetricDefinitions")
CONTAINER: Steps = ("PrimaryContainer",)
S3: Steps = ("InputDataConfig", 0, "DataSource", "S3DataSource")
SOURCE: Steps = (
    "InferenceSpecification", "Containers", 0, "ModelDataSource", "S3DataSource",
)  # fmt: skip
ENTRYPOINT: Steps = ("AlgorithmSpecification", "ContainerEntrypoint")
VPC_ACCESS = {"TrainingRepositoryAccessMode": "Vpc"}
LONG = "x" * 257


def twice(kind: str, steps: Steps, count: int) -> Edit:
    """An edit that repeats the first entry of a list until there are ``count``."""

    def edit(requests: dict[str, Any]) -> None:
        entries = requests[kind]
        for step in steps:
            entries = entries[step]
        entries.extend([entries[0]] * (count - len(entries)))

    return edit


def together(*edits: Edit) -> Edit:
    def edit(requests: dict[str, Any]) -> None:
        for one in edits:
            one(requests)

    return edit


def many(count: int, value: str = "v") -> dict[str, str]:
    return {f"K{number}": value for number in range(count)}


# One row for each way to break a clause: the clause, the edit, and a word of what is told.
BREACHES: list[tuple[str, Edit, str]] = [
    (
        "IMG-009 no-hosting-override",
        put("model", (*CONTAINER, "ContainerEntrypoint"), ["python3", "serve.py"]),
        "no ContainerEntrypoint is given",
    ),
    (
        "IMG-009 no-hosting-override",
        put("transform-job", ("ContainerArguments",), ["serve"]),
        "no ContainerArguments is given",
    ),
    (
        "IMG-010 entrypoint-from-channel",
        put("training-job", ENTRYPOINT, ["/opt/ml/input/data/code/run.sh"]),
        "there is no such channel",
    ),
    (
        "IMG-010 entrypoint-from-channel",
        together(
            put("training-job", ENTRYPOINT, ["/bin/bash", "/opt/ml/input/data/train/run.sh"]),
            put("training-job", ("InputDataConfig", 0, "InputMode"), "Pipe"),
        ),
        "it is in Pipe mode",
    ),
    (
        "IMG-010 entrypoint-from-channel",
        together(
            put("training-job", ENTRYPOINT, ["python3.11", "/opt/ml/input/data/train/run.py"]),
            put("training-job", (*S3, "S3DataDistributionType"), "ShardedByS3Key"),
            put("training-job", ("ResourceConfig", "InstanceCount"), 2),
        ),
        "it is sharded",
    ),
    (
        "IMG-010 entrypoint-from-channel",
        together(
            put("training-job", ENTRYPOINT, ["sh", "/opt/ml/input/data/train/run.sh"]),
            put("training-job", (*S3, "S3DataDistributionType"), "ShardedByS3Key"),
        ),
        "sharded by S3 key",
    ),
    (
        "IMG-010 entrypoint-from-channel",
        together(
            put("training-job", ENTRYPOINT, ["sh", "/opt/ml/input/data/train/run.sh"]),
            put("training-job", ("InputDataConfig", 0, "InputMode"), "FastFile"),
        ),
        "FastFile",
    ),
    (
        "IMG-019 private-registry-vpc",
        drop("model", ("VpcConfig",)),
        "a private registry is named, and no VPC",
    ),
    (
        "IMG-019 private-registry-vpc",
        together(
            put("training-job", ("AlgorithmSpecification", "TrainingImageConfig"), VPC_ACCESS),
            drop("training-job", ("VpcConfig",)),
        ),
        "a VpcConfig at",
    ),
    (
        "NET-008 isolation-or-debugging",
        put("training-job", ("RemoteDebugConfig",), {"EnableRemoteDebug": True}),
        "both are asked for",
    ),
    (
        "IMG-008 start-fields-limits",
        twice("training-job", ("AlgorithmSpecification", "ContainerArguments"), 101),
        "at most 100 entries",
    ),
    (
        "IMG-008 start-fields-limits",
        put("training-job", ("AlgorithmSpecification", "ContainerEntrypoint", 1), LONG),
        "at most 256 characters",
    ),
    (
        "IMG-018 image-reference",
        put("training-job", ("AlgorithmSpecification", "TrainingImage"), "trees:latest"),
        "registry/repository",
    ),
    (
        "IMG-018 image-reference",
        put("model", (*CONTAINER, "Image"), "registry.example.com/tr ees:1"),
        "registry/repository",
    ),
    (
        "IMG-018 image-reference",
        put("algorithm", (*SPECIFICATION, "TrainingImage"), f"registry.example.com/{LONG}"),
        "at most 255 characters",
    ),
    (
        "IMG-021 no-secrets",
        put("training-job", ("Environment", "KEY"), "id=AKIAQ3EGRIPXLVH7QW2Z;"),
        "no AWS access key",
    ),
    (
        "IMG-021 no-secrets",
        put("algorithm", (*JOB, "HyperParameters", "key"), "ASIAQ3EGRIPXLVH7QW2Z"),
        "no AWS access key",
    ),
    (
        "TRAIN-012 hyperparameter-limits",
        put("training-job", ("HyperParameters", "long"), "x" * 2501),
        "at most 2500 characters",
    ),
    (
        "TRAIN-012 hyperparameter-limits",
        put("training-job", ("HyperParameters",), many(101)),
        "at most 100 entries",
    ),
    (
        "TRAIN-012 hyperparameter-limits",
        put("training-job", ("HyperParameters", LONG), "1"),
        "at most 256 characters",
    ),
    (
        "TRAIN-024 channel-limits",
        put("training-job", ("InputDataConfig", 0, "ChannelName"), "a channel"),
        "text that matches",
    ),
    ("TRAIN-024 channel-limits", put("training-job", ("InputDataConfig",), []), "at least 1"),
    ("TRAIN-030 data-type", put("training-job", (*S3, "S3DataType"), "S3Object"), "one of"),
    (
        "TRAIN-034 compression",
        put("training-job", ("InputDataConfig", 0, "CompressionType"), "Gzip"),
        "Pipe mode",
    ),
    (
        "TRAIN-069 stopping-limits",
        put("training-job", ("StoppingCondition", "MaxRuntimeInSeconds"), 28 * 86400 + 1),
        "28 days",
    ),
    (
        "TRAIN-069 stopping-limits",
        put("training-job", ("StoppingCondition", "MaxPendingTimeInSeconds"), 60),
        "at least 1800",
    ),
    (
        "TRAIN-069 stopping-limits",
        put("training-job", ("RetryStrategy", "MaximumRetryAttempts"), 31),
        "at most 30",
    ),
    (
        "TRAIN-086 environment-limits",
        put("training-job", ("Environment",), many(101)),
        "at most 100 entries",
    ),
    (
        "TRAIN-086 environment-limits",
        put("training-job", ("Environment", "2FAST"), "1"),
        "text that matches",
    ),
    ("TRAIN-089 metric-limits", twice("training-job", METRICS, 41), "at most 40 entries"),
    (
        "TRAIN-089 metric-limits",
        put("training-job", (*METRICS, 0, "Regex"), "x" * 501),
        "at most 500 characters",
    ),
    ("NET-006 vpc-fields", put("model", ("VpcConfig", "Subnets"), []), "at least 1 entries"),
    (
        "NET-006 vpc-fields",
        twice("training-job", ("VpcConfig", "SecurityGroupIds"), 6),
        "at most 5 entries",
    ),
    (
        "HOST-031 model-url",
        put("model", (*CONTAINER, "ModelDataUrl"), "s3://a-bucket/model.zip"),
        ".tar.gz",
    ),
    (
        "HOST-031 model-url",
        put("model", (*CONTAINER, "ModelDataUrl"), "ftp://a-bucket/model.tar.gz"),
        "text that matches",
    ),
    (
        "HOST-032 model-data-source-form",
        put("algorithm", (*SOURCE, "S3DataType"), "ManifestFile"),
        "one of",
    ),
    (
        "HOST-032 model-data-source-form",
        drop("algorithm", (*SOURCE, "CompressionType")),
        "CompressionType is given",
    ),
    (
        "HOST-032 model-data-source-form",
        put("algorithm", (*SOURCE, "S3Uri"), "s3://a-bucket/a/../model/"),
        "no part . or ..",
    ),
    (
        "HOST-035 environment-limits",
        put("model", (*CONTAINER, "Environment"), many(40, "x" * 1000)),
        "32768 bytes",
    ),
    (
        "HOST-035 environment-limits",
        put("model", (*CONTAINER, "Environment", "NAME"), "é" * 600),
        "1024 bytes",
    ),
    (
        "HOST-035 environment-limits",
        put("model-package", ("InferenceSpecification", "Containers", 0, "Environment"), many(101)),
        "at most 100 entries",
    ),
    ("BATCH-006 payload-limits", put("transform-job", ("MaxPayloadInMB",), 101), "at most 100"),
    ("BATCH-006 payload-limits", put("transform-job", ("MaxPayloadInMB",), 26), "4 times 26"),
    (
        "BATCH-014 client-limits",
        put("transform-job", ("ModelClientConfig", "InvocationsMaxRetries"), 4),
        "at most 3",
    ),
    (
        "BATCH-015 filter-limits",
        put("transform-job", ("DataProcessing", "InputFilter"), "$" * 64),
        "at most 63 characters",
    ),
    (
        "BATCH-015 filter-limits",
        put("transform-job", ("DataProcessing", "JoinSource"), "Output"),
        "one of Input, None",
    ),
    (
        "BATCH-016 environment-limits",
        put("transform-job", ("Environment",), many(17)),
        "at most 16 entries",
    ),
    (
        "MKT-001 training-specification",
        drop("algorithm", (*SPECIFICATION, "SupportedTrainingInstanceTypes")),
        "SupportedTrainingInstanceTypes is given",
    ),
    (
        "MKT-002 channel-count",
        twice("algorithm", (*SPECIFICATION, "TrainingChannels"), 9),
        "at most 8 entries",
    ),
    (
        "MKT-003 channel-form",
        put("algorithm", (*SPECIFICATION, "TrainingChannels", 0, "SupportedInputModes"), []),
        "at least 1 entries",
    ),
    (
        "MKT-003 channel-form",
        drop("algorithm", (*SPECIFICATION, "TrainingChannels", 0, "SupportedContentTypes")),
        "SupportedContentTypes is given",
    ),
    (
        "MKT-004 hyperparameter-form",
        put("algorithm", (*HYPERPARAMETERS, 1, "DefaultValue"), "0.05"),
        "a default from '0.10' to '1'",
    ),
    (
        "MKT-004 hyperparameter-form",
        put("algorithm", (*HYPERPARAMETERS, 2, "DefaultValue"), "entropy"),
        "a default among the values",
    ),
    (
        "MKT-004 hyperparameter-form",
        put("algorithm", (*HYPERPARAMETERS, 1, "Name"), "depth"),
        "another name",
    ),
    (
        "MKT-004 hyperparameter-form",
        put("algorithm", (*HYPERPARAMETERS, 0, "Type"), "Continuous"),
        "ContinuousParameterRangeSpecification for the type",
    ),
    (
        "MKT-004 hyperparameter-form",
        put(
            "algorithm",
            (*HYPERPARAMETERS, 0, "Range", "IntegerParameterRangeSpecification", "MaxValue"),
            "many",
        ),
        "numbers from the lower to the higher",
    ),
    (
        "MKT-004 hyperparameter-form",
        put("algorithm", (*HYPERPARAMETERS, 3, "Type"), "Text"),
        "one of Integer",
    ),
    (
        "MKT-005 default-or-required",
        put("algorithm", (*HYPERPARAMETERS, 0, "DefaultValue"), "3"),
        "either a default or IsRequired",
    ),
    (
        "MKT-007 tuning-metrics",
        put(
            "algorithm",
            (*SPECIFICATION, "SupportedTuningJobObjectiveMetrics", 0, "MetricName"),
            "loss",
        ),
        "a metric that MetricDefinitions has",
    ),
    (
        "MKT-007 tuning-metrics",
        put("algorithm", (*HYPERPARAMETERS, 0, "IsTunable"), False),
        "a hyperparameter with IsTunable",
    ),
    (
        "MKT-008 metric-limits",
        twice("algorithm", (*SPECIFICATION, "MetricDefinitions"), 41),
        "at most 40 entries",
    ),
    (
        "MKT-010 inference-specification",
        put(
            "algorithm",
            ("InferenceSpecification", "SupportedResponseMIMETypes"),
            ["text/csv", "csv"],
        ),
        "text that matches",
    ),
    (
        "MKT-010 inference-specification",
        drop("model-package", ("InferenceSpecification", "Containers", 0, "Image")),
        "an Image",
    ),
    (
        "MKT-017 own-registry",
        put("algorithm", (*SPECIFICATION, "TrainingImage"), "docker.io/vendor/trees:1.0"),
        "an image in the seller's own ECR",
    ),
    (
        "MKT-017 own-registry",
        put("algorithm", (*SPECIFICATION, "TrainingImage"), IMAGE.replace("123", "999", 1)),
        "the account of the validation role",
    ),
    (
        "MKT-017 own-registry",
        put(
            "model-package",
            ("InferenceSpecification", "Containers", 0, "Image"),
            IMAGE.replace("us-east-1", "eu-west-1"),
        ),
        "123456789012 in us-east-1",
    ),
    (
        "MKT-017 own-registry",
        put(
            "algorithm",
            ("InferenceSpecification", "Containers", 0, "Image"),
            IMAGE.replace("us-east-1", "eu-south-1"),
        ),
        "a Region that needs no opt-in",
    ),
]
# What a service newer than the model, or one milder than its text, may well take.
DOUBTFUL = {
    ("IMG-010 entrypoint-from-channel", "FastFile"),
    ("IMG-010 entrypoint-from-channel", "sharded by S3 key"),
    ("TRAIN-030 data-type", "one of"),
    ("HOST-031 model-url", ".tar.gz"),
    ("HOST-032 model-data-source-form", "no part . or .."),
}


def broken(requests: dict[str, Any]) -> dict[str, list[str]]:
    """Each broken clause with what is told of it."""
    return {
        key: [f"{breach.expected}; {breach.actual}" for breach in breaches]
        for key, breaches in check(requests).items()
        if breaches
    }


def test_requests_that_keep_all_clauses_break_none() -> None:
    found = check(whole())

    assert broken(whole()) == {}
    assert set(found) == {rule.clause for rule in RULES}


@pytest.mark.parametrize(("key", "edit", "told"), BREACHES)
def test_one_edit_breaks_one_clause(key: str, edit: Edit, told: str) -> None:
    requests = whole()
    edit(requests)

    found = broken(requests)

    assert set(found) == {key}
    assert any(told in line for line in found[key]), found[key]


@pytest.mark.parametrize(("key", "edit", "told"), BREACHES)
def test_what_a_clause_tells_is_not_refused_when_it_is_read(
    key: str, edit: Edit, told: str, tmp_path: Path
) -> None:
    requests = whole()
    edit(requests)

    found = check(read(tmp_path, requests).requests)[key]

    assert found
    assert {breach.only_advice for breach in found} == {(key, told) in DOUBTFUL}


def test_every_clause_here_is_broken_by_some_edit() -> None:
    elsewhere = {"MKT-014 certified"}

    assert {rule.clause for rule in RULES} == {key for key, _, _ in BREACHES} | elsewhere


def test_every_clause_here_is_one_of_the_contract_and_on_requests() -> None:
    contract = clause.load()

    assert {contract.clause(rule.clause).scope for rule in RULES} == {"request"}


@pytest.mark.parametrize(
    "host", ["dkr.ecr-fips.us-east-1.amazonaws.com", "dkr-ecr.us-east-1.on.aws"]
)
def test_a_registry_has_several_addresses(host: str) -> None:
    requests = whole("algorithm")
    image = f"123456789012.{host}/trees@sha256:{'0' * 64}"
    put("algorithm", (*SPECIFICATION, "TrainingImage"), image)(requests)

    assert "MKT-017 own-registry" not in broken(requests)


@pytest.mark.parametrize("kind", ["algorithm", "model-package"])
@pytest.mark.parametrize("said", [False, None])
def test_a_package_that_is_not_certified_breaks_that_clause_alone(
    kind: str, said: bool | None
) -> None:
    requests = whole()
    requests[kind]["CertifyForMarketplace"] = said
    if said is None:
        del requests[kind]["CertifyForMarketplace"]

    assert set(broken(requests)) == {"MKT-014 certified"}


@pytest.mark.parametrize(
    "edit",
    [
        put("model", (*CONTAINER, "Image"), "localhost:5000/trees"),
        put(
            "model",
            (*CONTAINER, "Image"),
            f"registry.example.com:443/a/b/trees:1@sha256:{'0' * 64}",
        ),
        put("training-job", ("Environment", "KEY"), "AKIAIOSFODNN7EXAMPLE"),
        put("training-job", ENTRYPOINT, ["/bin/sh", "/opt/ml/input/data/train/run.sh"]),
        put("training-job", ENTRYPOINT, ["/opt/ml/input/data/train/deep/run"]),
        # What it reads may come in any way: it is not executed.
        together(
            put("training-job", ENTRYPOINT, ["/opt/train", "/opt/ml/input/data/train/rows.csv"]),
            put("training-job", ("InputDataConfig", 0, "InputMode"), "Pipe"),
        ),
        together(
            put("training-job", ENTRYPOINT, ["python3", "-u", "/opt/train", "/opt/ml/input/data"]),
            put("training-job", (*S3, "S3DataDistributionType"), "ShardedByS3Key"),
        ),
        put("training-job", ENTRYPOINT, ["/opt/ml/input/data"]),
        together(
            put("training-job", ("RemoteDebugConfig",), {"EnableRemoteDebug": True}),
            put("training-job", ("EnableNetworkIsolation",), False),
        ),
        put("training-job", ("AlgorithmSpecification", "TrainingImageConfig"), VPC_ACCESS),
        together(
            put("model", (*CONTAINER, "ImageConfig", "RepositoryAccessMode"), "Platform"),
            drop("model", ("VpcConfig",)),
        ),
        put("training-job", ("Environment", "GPG_KEY"), "A035C8C19219BA821ECEA86B64E628F8D684696D"),
        put("training-job", ("HyperParameters", "text"), "x" * 2500),
        put("training-job", ("HyperParameters", "lines"), "one\ntwo"),
        put("training-job", ("StoppingCondition", "MaxRuntimeInSeconds"), 28 * 86400),
        together(
            put("training-job", ("InputDataConfig", 0, "CompressionType"), "Gzip"),
            put("training-job", ("InputDataConfig", 0, "InputMode"), "Pipe"),
        ),
        together(
            put("model", (*CONTAINER, "Mode"), "MultiModel"),
            put("model", (*CONTAINER, "ModelDataUrl"), "s3://a-bucket/models/"),
        ),
        put(
            "model-package",
            ("InferenceSpecification", "Containers", 0, "Environment"),
            many(40, "x" * 1000),
        ),
        put("transform-job", ("MaxPayloadInMB",), 0),
        put("transform-job", ("MaxPayloadInMB",), 25),
        together(
            drop("transform-job", ("MaxPayloadInMB",)),
            put("transform-job", ("MaxConcurrentTransforms",), 99),
        ),
        put("algorithm", (*HYPERPARAMETERS, 1, "DefaultValue"), "1e-1"),
        put(
            "algorithm",
            ("InferenceSpecification", "SupportedResponseMIMETypes"),
            ["text/csv; header=present"],
        ),
        drop("algorithm", (*SPECIFICATION, "SupportedTuningJobObjectiveMetrics")),
    ],
)
def test_what_is_lawful_though_unusual_breaks_nothing(edit: Edit) -> None:
    requests = whole()
    edit(requests)

    assert broken(requests) == {}


@pytest.mark.parametrize(
    ("kinds", "absent"),
    [
        (["model"], "TRAIN-012 hyperparameter-limits"),
        (["model"], "BATCH-006 payload-limits"),
        (["training-job"], "HOST-031 model-url"),
        (["training-job"], "MKT-002 channel-count"),
        (["model-package"], "NET-006 vpc-fields"),
    ],
)
def test_a_clause_that_has_nothing_to_look_at_is_not_told(kinds: list[str], absent: str) -> None:
    assert absent not in check(whole(*kinds))


def test_a_secret_is_masked() -> None:
    requests = whole()
    requests["training-job"]["Environment"]["KEY"] = "AKIAQ3EGRIPXLVH7QW2Z"

    (told,) = broken(requests)["IMG-021 no-secrets"]

    assert "KEY holds AKIA************QW2Z" in told
    assert "Q3EGRIPXLVH7" not in told


def test_endless_breaches_of_one_clause_are_told_ten_times() -> None:
    requests = whole()
    requests["training-job"]["Environment"] = many(100, "x" * 600)

    assert len(check(requests)["TRAIN-086 environment-limits"]) == 10


@pytest.mark.parametrize(("key", "edit", "told"), [row for row in BREACHES if row[0][:3] == "MKT"])
def test_a_limit_whose_clause_is_not_claimed_is_refused(
    key: str, edit: Edit, told: str, tmp_path: Path
) -> None:
    requests = whole("algorithm", "model-package")
    edit(requests)
    for request in requests.values():
        del request["CertifyForMarketplace"]

    by_code = ("a default", "another name", "numbers", "either", "a metric", "a hyper", "an Image")
    if told.startswith((*by_code, "ContinuousP")) or key == "MKT-017 own-registry":
        assert read(tmp_path, requests).requests
    else:
        with pytest.raises(UsageProblem, match=r"\.json: \$\."):
            read(tmp_path, requests)
