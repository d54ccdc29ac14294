"""What requests say becomes a document in the form of sm-conformance.yaml, and nothing is invented."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.aws.declaring import declare
from sm_conformance.declaration.values import Declaration
from sm_conformance.errors import UsageProblem
from tests.aws_requests import PROFILE, SPECIFICATION, Steps, archive, at, bucket, put, read, whole

TRANSFORM: Steps = (*PROFILE, "TransformJobDefinition")
JOB: Steps = (*PROFILE, "TrainingJobDefinition")


@pytest.fixture
def s3(tmp_path: Path) -> Path:
    return bucket(tmp_path)


def declared(folder: Path, requests: dict[str, Any], *, s3: Path | None = None) -> Declaration:
    return declare(read(folder, requests, s3=s3), path=None, origin="aws")


# Whole requests --------------------------------------------------------------------------------


def test_a_training_job_says_how_to_train(tmp_path: Path, s3: Path) -> None:
    assert read(tmp_path, whole("training-job"), s3=s3).document == {
        "claims": ["training"],
        "network": "isolated",
        "training": {
            "hyperparameters": {"depth": "5"},
            "channels": {"train": {"content_type": "text/csv", "path": f"{s3}/a-bucket/train"}},
            "metrics": [{"name": "validation:accuracy", "regex": "accuracy=([0-9.]+)"}],
            "entrypoint": ["python3", "train.py"],
            "arguments": ["--fast"],
            "environment": {"LEVEL": "info"},
        },
        "resources": {"time_s": 900},
    }


def test_an_algorithm_says_what_may_be_trained_and_served(tmp_path: Path, s3: Path) -> None:
    assert read(tmp_path, whole("algorithm"), s3=s3).document == {
        "claims": ["training", "tuning", "hosting", "marketplace"],
        "training": {
            "hyperparameters": {
                "depth": {
                    "value": "5",
                    "type": "integer",
                    "min": "1",
                    "max": "10",
                    "required": True,
                    "tunable": True,
                },
                "rate": {"type": "continuous", "min": "0.10", "max": "1", "default": "0.50"},
                "criterion": {
                    "type": "categorical",
                    "values": ["gini", "log"],
                    "default": "gini",
                },
                "comment": {"type": "free-text"},
            },
            "channels": {
                "train": {
                    "content_type": "text/csv",
                    "content_types": ["text/libsvm"],
                    "modes": ["File", "Pipe"],
                    "required": True,
                    "path": f"{s3}/a-bucket/train",
                }
            },
            "metrics": [{"name": "validation:accuracy", "regex": "accuracy=([0-9.]+)"}],
            "objective": {"metric": "validation:accuracy", "goal": "Maximize"},
        },
        "hosting": {
            "environment": {"WORKERS": "2"},
            "content_types": ["text/csv", "application/json"],
            "accepts": ["text/csv"],
            "requests": [
                {
                    "name": "validation",
                    "content_type": "text/csv",
                    "accept": "text/csv",
                    "body": "5.1,3.5\r\n",
                }
            ],
            "transform": {
                "content_type": "text/csv",
                "accept": "text/csv",
                "body_path": f"{s3}/a-bucket/rows/a.csv",
                "split": "line",
                "strategy": "single-record",
                "max_payload_mb": 6,
                "max_concurrent": 4,
                "environment": {"MODE": "batch"},
            },
        },
        "resources": {"time_s": 900},
    }


def test_a_model_says_how_to_serve(tmp_path: Path, s3: Path) -> None:
    assert read(tmp_path, whole("model"), s3=s3).document == {
        "claims": ["hosting"],
        "network": "isolated",
        "hosting": {
            "model": f"{s3}/a-bucket/model.tar.gz",
            "environment": {"WORKERS": "4"},
        },
    }


def test_a_model_package_says_what_may_be_served(tmp_path: Path, s3: Path) -> None:
    requests = whole("model-package")
    del requests["model-package"]["CertifyForMarketplace"]

    assert read(tmp_path, requests, s3=s3).document == {
        "claims": ["hosting"],
        "hosting": {
            "model": f"{s3}/a-bucket/model.tar.gz",
            "content_types": ["text/csv", "application/json"],
            "accepts": ["text/csv"],
        },
    }


def test_a_transform_job_claims_batch_transform_alone(tmp_path: Path, s3: Path) -> None:
    said = read(tmp_path, whole("transform-job"), s3=s3)

    assert said.document["claims"] == ["batch"]
    assert said.document["hosting"]["requests"][0]["name"] == "transform-job"
    assert declare(said, path=None, origin="aws").claims == frozenset({"batch"})


def test_a_transform_job_names_its_machine_image(tmp_path: Path, s3: Path) -> None:
    requests = whole("transform-job")
    named = "al2-ami-sagemaker-batch-gpu-470"
    requests["transform-job"]["TransformResources"]["TransformAmiVersion"] = named

    said = declare(read(tmp_path, requests, s3=s3), path=None, origin="aws")

    assert said.resources.machine_image == named


def test_a_declaration_is_made_of_all_of_them(tmp_path: Path, s3: Path) -> None:
    requests = whole()

    said = declared(tmp_path, requests, s3=s3)

    assert said.origin == "aws"
    assert said.path == tmp_path / "algorithm.json"
    assert said.requests == requests
    assert said.training is not None
    assert said.training.hyperparameters == {"depth": "5", "rate": "0.50", "criterion": "gini"}
    assert said.training.channels[0].files == (
        ("a.csv", b"0,1\n1,2\n"),
        ("deep/b.csv", b"1,3\n"),
    )
    assert said.hosting is not None
    assert said.hosting.model == s3 / "a-bucket" / "model.tar.gz"


# Which request has the word --------------------------------------------------------------------


def test_a_job_has_the_word_over_the_profile_of_an_algorithm(tmp_path: Path) -> None:
    requests = whole("algorithm", "training-job")
    requests["training-job"]["HyperParameters"] = {"depth": "7", "seed": "1"}

    said = read(tmp_path, requests).document["training"]

    assert said["hyperparameters"]["depth"]["value"] == "7"
    assert said["hyperparameters"]["depth"]["max"] == "10"
    assert said["hyperparameters"]["seed"] == "1"


def test_a_model_has_the_word_over_packages(tmp_path: Path, s3: Path) -> None:
    requests = whole("algorithm", "model-package", "model")
    del requests["model"]["PrimaryContainer"]["ModelDataUrl"]

    said = read(tmp_path, requests, s3=s3).document["hosting"]

    assert said["model"] == "none"
    assert said["environment"] == {"WORKERS": "4"}
    assert said["content_types"] == ["text/csv", "application/json"]


def test_a_model_that_names_a_package_takes_what_the_package_has(tmp_path: Path, s3: Path) -> None:
    requests = whole("model-package", "model")
    container = requests["model-package"]["InferenceSpecification"]["Containers"][0]
    container["Environment"] = {"WORKERS": "1", "LEVEL": "info"}
    requests["model"]["PrimaryContainer"] = {
        "ModelPackageName": "trees",
        "Environment": {"WORKERS": "4"},
    }

    said = read(tmp_path, requests, s3=s3).document["hosting"]

    assert said["model"] == f"{s3}/a-bucket/model.tar.gz"
    assert said["environment"] == {"WORKERS": "4", "LEVEL": "info"}


def test_a_package_of_an_algorithms_model_claims_hosting(tmp_path: Path, s3: Path) -> None:
    source = {"AlgorithmName": "trees", "ModelDataUrl": "s3://a-bucket/model.tar.gz"}
    package = {"SourceAlgorithmSpecification": {"SourceAlgorithms": [source]}}

    said = read(tmp_path, {"model-package": package}, s3=s3).document

    assert said["claims"] == ["hosting"]
    assert said["hosting"] == {"model": f"{s3}/a-bucket/model.tar.gz"}


# Claims ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "steps", "value", "claims"),
    [
        ("algorithm", (*SPECIFICATION, "SupportsDistributedTraining"), True, {"distributed"}),
        ("algorithm", (*SPECIFICATION, "SupportsDistributedTraining"), False, set()),
        ("algorithm", ("CertifyForMarketplace",), True, {"marketplace"}),
        ("training-job", ("ResourceConfig", "InstanceCount"), 2, {"distributed"}),
        ("training-job", ("CheckpointConfig",), {"S3Uri": "s3://b/c"}, {"checkpoints"}),
        ("training-job", ("EnableManagedSpotTraining",), True, set()),
        (
            "training-job",
            ("AlgorithmSpecification", "TrainingInputMode"),
            "Pipe",
            {"pipe-mode"},
        ),
        ("training-job", ("InputDataConfig", 0, "InputMode"), "FastFile", {"fast-file"}),
        ("model", ("PrimaryContainer", "Mode"), "MultiModel", {"multi-model"}),
        ("model", ("PrimaryContainer", "Mode"), "SingleModel", set()),
    ],
)
def test_a_claim_is_made_where_a_request_asks_for_it(
    kind: str, steps: Steps, value: Any, claims: set[str], tmp_path: Path
) -> None:
    plain = {"algorithm": {"training", "tuning", "hosting"}, "model": {"hosting"}}
    requests = whole(kind)
    requests[kind].pop("CertifyForMarketplace", None)
    put(kind, steps, value)(requests)

    said = declared(tmp_path, requests)

    assert said.claims == plain.get(kind, {"training"}) | claims


@pytest.mark.parametrize(
    ("tunable", "objective", "claimed"),
    [(True, True, True), (True, False, True), (False, True, True), (False, False, False)],
)
def test_tuning_is_claimed_for_a_tunable_hyperparameter_or_an_objective(
    tunable: bool, objective: bool, claimed: bool, tmp_path: Path
) -> None:
    requests = whole("algorithm")
    specification = at(requests["algorithm"], SPECIFICATION)
    specification["SupportedHyperParameters"][0]["IsTunable"] = tunable
    if not objective:
        del specification["SupportedTuningJobObjectiveMetrics"]

    assert ("tuning" in read(tmp_path, requests).document["claims"]) == claimed


def test_instances_of_several_groups_are_added_up(tmp_path: Path) -> None:
    requests = whole("training-job")
    group = {"InstanceType": "ml.m5.large", "InstanceCount": 1}
    requests["training-job"]["ResourceConfig"] = {
        "InstanceGroups": [{**group, "InstanceGroupName": name} for name in ("a", "b")]
    }

    assert "distributed" in read(tmp_path, requests).document["claims"]


@pytest.mark.parametrize(
    ("kinds", "open_ones", "network"),
    [
        (["training-job"], [], "isolated"),
        (["training-job"], ["training-job"], None),
        (["training-job", "model"], [], "isolated"),
        (["training-job", "model"], ["model"], None),
        (["training-job", "model"], ["training-job"], None),
        (["algorithm"], [], None),
        (["algorithm", "training-job"], [], None),
        (["algorithm", "training-job", "model"], [], "isolated"),
        (["model-package"], [], None),
        (["model", "transform-job"], [], "isolated"),
    ],
)
def test_isolation_is_claimed_where_all_that_is_claimed_runs_isolated(
    kinds: list[str], open_ones: list[str], network: str | None, tmp_path: Path
) -> None:
    requests = whole(*kinds)
    for kind in open_ones:
        requests[kind]["EnableNetworkIsolation"] = False

    assert read(tmp_path, requests).document.get("network") == network


# Training --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        ({}, {"content_type": "text/csv"}),
        ({"InputMode": "File", "CompressionType": "None"}, {"content_type": "text/csv"}),
        ({"ContentType": ""}, {}),
        ({"InputMode": "Pipe"}, {"content_type": "text/csv", "modes": ["Pipe"]}),
        (
            {"InputMode": "Pipe", "CompressionType": "Gzip"},
            {"content_type": "text/csv", "modes": ["Pipe"], "compression": "gzip"},
        ),
        # In File mode the platform would leave it packed, and TRAIN-034 tells.
        ({"CompressionType": "Gzip"}, {"content_type": "text/csv"}),
    ],
)
def test_a_channel_of_a_job(channel: dict[str, Any], said: dict[str, Any], tmp_path: Path) -> None:
    requests = whole("training-job")
    requests["training-job"]["InputDataConfig"][0] |= channel

    assert read(tmp_path, requests).document["training"]["channels"] == {"train": said}


def test_a_job_may_use_another_type_and_mode_than_the_first_of_the_algorithm(
    tmp_path: Path,
) -> None:
    requests = whole("algorithm", "training-job")
    requests["training-job"]["InputDataConfig"][0] |= {
        "ContentType": "text/libsvm",
        "InputMode": "FastFile",
    }

    assert read(tmp_path, requests).document["training"]["channels"] == {
        "train": {
            "content_type": "text/libsvm",
            "content_types": ["text/csv"],
            "modes": ["File", "Pipe", "FastFile"],
            "required": True,
        }
    }


def test_without_a_job_all_channels_of_an_algorithm_are_there_without_data(tmp_path: Path) -> None:
    requests = whole("algorithm")
    del requests["algorithm"]["ValidationSpecification"]

    channels = declared(tmp_path, requests).training.channels  # type: ignore[union-attr]

    assert [(one.name, one.required, one.files) for one in channels] == [
        ("train", True, ()),
        ("validation", False, ()),
    ]


def test_a_required_channel_that_a_job_leaves_out_is_kept(tmp_path: Path) -> None:
    requests = whole("algorithm", "training-job")
    requests["training-job"]["InputDataConfig"][0]["ChannelName"] = "other"

    assert list(read(tmp_path, requests).document["training"]["channels"]) == ["train", "other"]


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("Range", "IntegerParameterRangeSpecification", "MinValue"), "11"),
        (("Range", "IntegerParameterRangeSpecification", "MaxValue"), "ten"),
        (("DefaultValue",), "0"),
        (("Type",), "FreeText"),
        (("Type",), "Categorical"),
    ],
)
def test_what_contradicts_itself_in_a_hyperparameter_is_left_out_with_a_note(
    steps: Steps, value: str, tmp_path: Path
) -> None:
    requests = whole("algorithm")
    put("algorithm", (*SPECIFICATION, "SupportedHyperParameters", 0, *steps), value)(requests)

    said = read(tmp_path, requests)

    assert said.document["training"]["hyperparameters"]["depth"] == {
        "value": "5",
        "required": True,
        "tunable": True,
    }
    assert any("SupportedHyperParameters[0]: the range is left out" in note for note in said.notes)
    assert declare(said, path=None, origin="aws").declared


@pytest.mark.parametrize(
    ("regex", "why"),
    [("loss=[0-9.]+", "no group"), (r"loss=(\p{Digit}+)", "not a regular expression")],
)
def test_a_metric_that_cannot_be_looked_for_here_is_left_out_with_a_note(
    regex: str, why: str, tmp_path: Path
) -> None:
    requests = whole("training-job")
    metrics = requests["training-job"]["AlgorithmSpecification"]["MetricDefinitions"]
    metrics.append({"Name": "loss", "Regex": regex})

    said = read(tmp_path, requests)

    assert [one["name"] for one in said.document["training"]["metrics"]] == ["validation:accuracy"]
    assert [note for note in said.notes if "MetricDefinitions[1]" in note and why in note]


def test_an_objective_without_its_metric_is_left_out(tmp_path: Path) -> None:
    requests = whole("algorithm")
    del at(requests["algorithm"], SPECIFICATION)["MetricDefinitions"]

    assert "objective" not in read(tmp_path, requests).document["training"]


def test_a_bound_of_days_is_no_bound_to_wait_for(tmp_path: Path) -> None:
    requests = whole("training-job")
    requests["training-job"]["StoppingCondition"]["MaxRuntimeInSeconds"] = 86400

    said = read(tmp_path, requests)

    assert "resources" not in said.document
    assert any("86400 s is no bound to wait for here" in note for note in said.notes)


def test_what_breaks_a_limit_that_a_clause_tells_is_left_out(tmp_path: Path) -> None:
    requests = whole("training-job")
    job = requests["training-job"]
    job["HyperParameters"] = {"long": "x" * 2501, **{f"h{number}": "1" for number in range(100)}}
    job["Environment"] = {"2FAST": "1", "GOOD": "2"}
    job["InputDataConfig"][0]["ChannelName"] = "two words"
    job["AlgorithmSpecification"]["ContainerArguments"] = ["x" * 257, "--fast"]
    del job["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"]

    said = declared(tmp_path, requests).training

    assert said is not None
    assert list(said.hyperparameters) == [f"h{number}" for number in range(100)]
    assert said.environment == {"GOOD": "2"}
    assert said.channels == ()
    assert said.arguments == ("--fast",)
    assert said.metrics == ()


# Hosting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["model", "model-package", "algorithm"])
def test_several_containers_are_refused_clearly(kind: str, tmp_path: Path) -> None:
    requests = whole(kind)
    image = {"Image": "registry.example.com/step"}
    if kind == "model":
        requests[kind]["Containers"] = [image]
        place = r"\$"
    else:
        requests[kind]["InferenceSpecification"]["Containers"].append(image)
        place = r"\$\.InferenceSpecification\.Containers"

    with pytest.raises(UsageProblem, match=rf"{kind}\.json: {place}: 2 containers: only"):
        read(tmp_path, requests)


def test_a_package_without_model_data_is_served_without(tmp_path: Path) -> None:
    requests = whole("model-package")
    del requests["model-package"]["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]

    assert read(tmp_path, requests).document["hosting"]["model"] == "none"


def test_the_model_of_an_algorithm_is_the_one_that_it_trains(tmp_path: Path) -> None:
    assert "model" not in read(tmp_path, whole("algorithm")).document["hosting"]


@pytest.mark.parametrize(
    ("container", "note"),
    [
        ({"Mode": "MultiModel", "ModelDataUrl": "s3://a-bucket/"}, "multi-model server"),
        (
            {
                "ModelDataSource": {
                    "S3DataSource": {
                        "S3Uri": "s3://a-bucket/model/",
                        "S3DataType": "S3Prefix",
                        "CompressionType": "None",
                    }
                }
            },
            "a ModelDataSource is not handed over yet",
        ),
        ({"ModelDataUrl": "s3://a-bucket/gone.tar.gz"}, "no model: 's3://a-bucket/gone.tar.gz'"),
    ],
)
def test_a_model_that_cannot_be_handed_over_is_noted(
    container: dict[str, Any], note: str, tmp_path: Path, s3: Path
) -> None:
    model = {"ModelName": "m", "PrimaryContainer": {"Image": "r.example.com/m", **container}}

    said = read(tmp_path, {"model": model}, s3=s3)

    assert "model" not in said.document.get("hosting", {})
    assert any(note in one for one in said.notes)


# The sample request ----------------------------------------------------------------------------


def sample(folder: Path, s3: Path, **changes: Any) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The sample request of a profile with changes in it, and the notes."""
    requests = whole("algorithm")
    job = at(requests["algorithm"], TRANSFORM)
    for key, value in changes.items():
        (job["TransformInput"] if key in ("SplitType", "CompressionType") else job)[key] = value
    said = read(folder, requests, s3=s3)
    found = said.document["hosting"].get("requests")
    return (found[0] if found else None), said.notes


def test_lines_that_are_sent_together_are_the_whole_object(tmp_path: Path, s3: Path) -> None:
    request, _ = sample(tmp_path, s3, BatchStrategy="MultiRecord")

    assert request is not None
    assert request["body_path"] == f"{s3}/a-bucket/rows/a.csv"


def test_an_object_that_is_not_split_is_sent_whole(tmp_path: Path, s3: Path) -> None:
    request, _ = sample(tmp_path, s3, SplitType="None")

    assert request is not None
    assert request["body_path"] == f"{s3}/a-bucket/rows/a.csv"


def test_of_an_object_that_is_too_large_for_one_payload_a_line_is_sent(
    tmp_path: Path, s3: Path
) -> None:
    (s3 / "a-bucket" / "rows" / "a.csv").write_bytes(b"1,2\n" * 600_000)

    together, _ = sample(tmp_path, s3, BatchStrategy="MultiRecord", MaxPayloadInMB=1)
    unsplit, notes = sample(tmp_path, s3, SplitType="None", MaxPayloadInMB=1)

    assert together is not None
    assert together["body"] == "1,2\n"
    assert unsplit is None
    assert any("no sample request" in note and "at most 1048576 bytes" in note for note in notes)


def test_a_packed_object_is_unpacked(tmp_path: Path, s3: Path) -> None:
    (s3 / "a-bucket" / "rows" / "a.csv").write_bytes(gzip.compress(b"7,8\n9,10\n"))

    whole_one, _ = sample(tmp_path, s3, CompressionType="Gzip", SplitType="None")
    line, _ = sample(tmp_path, s3, CompressionType="Gzip")

    assert whole_one is not None
    assert whole_one["body"] == "7,8\n9,10\n"
    assert line is not None
    assert line["body"] == "7,8\n"


def test_a_packed_object_that_is_not_packed_is_noted(tmp_path: Path, s3: Path) -> None:
    request, notes = sample(tmp_path, s3, CompressionType="Gzip")

    assert request is None
    assert any("cannot be read" in note for note in notes)


def test_a_packed_object_never_becomes_larger_than_a_payload(tmp_path: Path, s3: Path) -> None:
    (s3 / "a-bucket" / "rows" / "a.csv").write_bytes(gzip.compress(b"0" * (64 << 20)))

    request, notes = sample(tmp_path, s3, CompressionType="Gzip")

    assert request is None
    assert any("at most 6291456 bytes" in note for note in notes)


def test_a_body_that_is_no_text_is_kept_in_base64(tmp_path: Path, s3: Path) -> None:
    (s3 / "a-bucket" / "rows" / "a.csv").write_bytes(b"\xff\x00\nx\n")

    request, _ = sample(tmp_path, s3)

    assert request is not None
    assert request["body_base64"] == "/wAK"


def test_single_records_of_binary_forms_are_not_taken_apart(tmp_path: Path, s3: Path) -> None:
    request, notes = sample(tmp_path, s3, SplitType="RecordIO")

    assert request is None
    assert any("single records of RecordIO" in note for note in notes)


def test_an_empty_object_makes_no_request(tmp_path: Path, s3: Path) -> None:
    (s3 / "a-bucket" / "rows" / "a.csv").write_bytes(b"")

    request, notes = sample(tmp_path, s3)

    assert request is None
    assert any("no record" in note for note in notes)


# The folder that stands for S3 -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("s3://a-bucket/train/", "a-bucket/train"),
        ("s3://a-bucket/train", "a-bucket/train"),
        ("s3://a-bucket/train/a.csv", "a-bucket/train/a.csv"),
        ("s3://a-bucket", "a-bucket"),
        ("s3://a-bucket/", "a-bucket"),
        ("https://s3.us-east-1.amazonaws.com/a-bucket/train/a.csv", "a-bucket/train/a.csv"),
        ("https://s3-eu-west-1.amazonaws.com/a-bucket/train/a.csv", "a-bucket/train/a.csv"),
        ("https://a-bucket.s3.us-east-1.amazonaws.com/train/a.csv", "a-bucket/train/a.csv"),
    ],
)
def test_a_uri_names_a_place_in_the_folder(uri: str, path: str, tmp_path: Path, s3: Path) -> None:
    requests = whole("training-job")
    source = requests["training-job"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3Uri"] = uri

    said = read(tmp_path, requests, s3=s3).document["training"]["channels"]["train"]

    assert said["path"] == str(s3 / path)


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("s3://a-bucket/train/../../../etc", "lead elsewhere"),
        ("s3://../a-bucket/train", "lead elsewhere"),
        ("s3://a-bucket//train", "empty parts"),
        ("s3://a-bucket/./train", "lead elsewhere"),
        ("s3://a-bucket/tr", "is not in"),
        ("s3://other/train", "is not in"),
        ("s3://a-bucket/train/a.csv/deeper", "is not in"),
        (f"s3://a-bucket/{'x' * 300}", "File name too long"),
        ("s3://a-bucket/a\0b", r"'s3://a-bucket/a\x00b' is not in"),
        ("https://example.com/a-bucket/train", "no address in S3"),
    ],
)
def test_a_uri_that_names_nothing_in_the_folder_is_noted(
    uri: str, why: str, tmp_path: Path, s3: Path
) -> None:
    requests = whole("training-job")
    source = requests["training-job"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3Uri"] = uri

    said = read(tmp_path, requests, s3=s3)

    assert "path" not in said.document["training"]["channels"]["train"]
    assert any(
        note.startswith("training-job request: $.InputDataConfig[0]: no data: ") and why in note
        for note in said.notes
    ), said.notes


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (
            {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://a-bucket/m"}},
            "ManifestFile",
        ),
        (
            {
                "FileSystemDataSource": {
                    "FileSystemId": "fs-0123456789",
                    "FileSystemAccessMode": "ro",
                    "FileSystemType": "EFS",
                    "DirectoryPath": "/data",
                }
            },
            "only data in S3",
        ),
    ],
)
def test_data_of_other_kinds_is_noted(
    source: dict[str, Any], why: str, tmp_path: Path, s3: Path
) -> None:
    requests = whole("training-job")
    requests["training-job"]["InputDataConfig"][0]["DataSource"] = source

    assert any(why in note for note in read(tmp_path, requests, s3=s3).notes)


def test_without_a_folder_the_option_is_named(tmp_path: Path) -> None:
    said = read(tmp_path, whole("training-job"))

    assert said.notes == (
        "training-job request: $.InputDataConfig[0]: no data: "
        "'s3://a-bucket/train/' is not known here without --sm-s3",
    )
    assert declare(said, path=None, origin="aws").training.channels[0].files == ()  # type: ignore[union-attr]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"--sm-s3 .*nothing: no such folder"):
        read(tmp_path, whole("model"), s3=tmp_path / "nothing")


def test_a_folder_given_by_a_relative_path_stays_the_same(
    tmp_path: Path, s3: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    said = read(tmp_path, whole("model"), s3=Path("s3")).document

    assert said["hosting"]["model"] == str(s3 / "a-bucket" / "model.tar.gz")


# The digest ------------------------------------------------------------------------------------


def test_the_digest_is_the_same_in_another_folder(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        digests.add(declared(folder, whole(), s3=bucket(folder)).sha256)

    assert len(digests) == 1


@pytest.mark.parametrize("name", ["train/a.csv", "rows/a.csv", "model.tar.gz"])
def test_the_digest_changes_with_the_data(name: str, tmp_path: Path, s3: Path) -> None:
    before = declared(tmp_path, whole(), s3=s3).sha256
    other = archive("other") if name == "model.tar.gz" else b"3,4\n"
    (s3 / "a-bucket" / name).write_bytes(other)

    assert declared(tmp_path, whole(), s3=s3).sha256 != before


def test_the_digest_changes_with_a_request(tmp_path: Path) -> None:
    requests = whole()
    before = declared(tmp_path, requests).sha256
    requests["model"]["ModelName"] = "other"

    assert declared(tmp_path, requests).sha256 != before
