"""sm-conformance.yaml adds to what requests say; where they differ, both files are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sm_conformance.aws.declaring import declare
from sm_conformance.declaration.problems import DeclarationError
from sm_conformance.declaration.values import Declaration, Fault
from tests.aws_requests import bucket, put, read, whole


@pytest.fixture
def s3(tmp_path: Path) -> Path:
    return bucket(tmp_path)


def both(folder: Path, text: str, *kinds: str, s3: Path | None = None) -> Declaration:
    """The declaration of requests of these kinds and the YAML ``text``."""
    path = folder / "sm-conformance.yaml"
    path.write_text(text, "utf-8")
    return declare(read(folder, whole(*kinds), s3=s3), path=path, origin="option")


def problems(folder: Path, text: str, *kinds: str, s3: Path | None = None) -> list[str]:
    """The problems, with the folder taken out of them."""
    with pytest.raises(DeclarationError) as raised:
        both(folder, text, *kinds, s3=s3)
    return str(raised.value).replace(f"{folder}/", "").split("\n")


def test_the_yaml_adds_what_requests_cannot_say(tmp_path: Path, s3: Path) -> None:
    said = both(
        tmp_path,
        """\
claims: [training, hosting, streaming]
training:
  hyperparameters: {seed: 1}
  channels: {extra: {data: "1"}}
  fault: {hyperparameters: {depth: banana}}
  environment: {EXTRA: 1}
hosting: {startup_s: 120}
latency: {ping_p99_ms: 5}
""",
        "training-job",
        "model",
        s3=s3,
    )

    assert said.origin == "option"
    assert said.path == tmp_path / "sm-conformance.yaml"
    assert said.claims == frozenset({"training", "hosting", "streaming"})
    assert said.network == "isolated"
    assert said.training is not None
    assert said.training.hyperparameters == {"depth": "5", "seed": "1"}
    assert [channel.name for channel in said.training.channels] == ["train", "extra"]
    assert said.training.fault == Fault(hyperparameters={"depth": "banana"}, channels={})
    assert said.training.environment == {"LEVEL": "info", "EXTRA": "1"}
    assert said.hosting is not None
    assert said.hosting.startup_s == 120.0
    assert said.hosting.environment == {"WORKERS": "4"}
    assert said.latency.ping_p99_ms == 5.0


def test_the_yaml_may_say_the_same_again(tmp_path: Path, s3: Path) -> None:
    said = both(
        tmp_path,
        """\
claims: [training, tuning, marketplace, hosting]
training:
  hyperparameters: {depth: 5, rate: {min: 0.10, max: 1}}
  channels:
    train: {path: s3/a-bucket/train, content_type: text/csv, modes: [Pipe, File]}
  metrics: [{name: "validation:accuracy", regex: "accuracy=([0-9.]+)"}]
hosting:
  content_types: [application/json, text/csv]
  environment: {WORKERS: 2}
resources: {time_s: 900.0}
""",
        "algorithm",
        s3=s3,
    )

    assert said.training is not None
    assert said.training.hyperparameters["depth"] == "5"
    assert [name for name, _ in said.training.channels[0].files] == ["a.csv", "deep/b.csv"]
    assert len(said.training.metrics) == 1


def test_data_that_no_request_gives_comes_from_the_yaml(tmp_path: Path) -> None:
    said = both(tmp_path, 'training: {channels: {train: {data: "1,2"}}}', "training-job")

    assert said.training is not None
    assert said.training.channels[0].files == (("data.csv", b"1,2"),)
    assert said.training.channels[0].content_type == "text/csv"


def test_requests_of_both_count_and_the_owners_come_first(tmp_path: Path, s3: Path) -> None:
    said = both(tmp_path, "hosting: {requests: [{name: mine, body: x}]}", "algorithm", s3=s3)

    assert said.hosting is not None
    assert [(one.name, one.body) for one in said.hosting.requests] == [
        ("mine", b"x"),
        ("validation", b"5.1,3.5\r\n"),
    ]


@pytest.mark.parametrize("more", ["", ", expect: {body: x}", ", stream: {format: none}"])
def test_one_request_under_two_names_is_one(more: str, tmp_path: Path, s3: Path) -> None:
    text = f"""\
claims: [training, hosting, tuning, marketplace, streaming]
hosting:
  requests:
    - {{name: mine, content_type: text/csv, accept: text/csv, body: "5.1,3.5\\r\\n"{more}}}
"""

    said = both(tmp_path, text, "algorithm", s3=s3)

    assert said.hosting is not None
    assert [one.name for one in said.hosting.requests] == ["mine"]


def test_metrics_of_both_count(tmp_path: Path) -> None:
    said = both(tmp_path, 'training: {metrics: [{name: a, regex: "a=(.)"}]}', "training-job")

    assert said.training is not None
    assert [metric.name for metric in said.training.metrics] == ["a", "validation:accuracy"]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        (
            "network: needed\n",
            "training-job",
            "1: $.network: 'needed' here, 'isolated' in training-job.json ($)",
        ),
        (
            "claims:\n- training\n- hosting\n- marketplace\n",
            "algorithm",
            "1: $.claims: tuning is not named here, but in "
            "algorithm.json ($.TrainingSpecification)",
        ),
        (
            "training:\n  hyperparameters:\n    depth: 6\n",
            "training-job",
            "3: $.training.hyperparameters.depth.value: '6' here, '5' in "
            "training-job.json ($.HyperParameters.depth)",
        ),
        (
            "training:\n  hyperparameters:\n    depth: 6\n",
            "algorithm",
            "3: $.training.hyperparameters.depth.value: '6' here, '5' in algorithm.json "
            "($.ValidationSpecification.ValidationProfiles[0].TrainingJobDefinition.HyperParameters.depth)",
        ),
        (
            "training:\n  hyperparameters:\n    rate: {max: 1.0}\n",
            "algorithm",
            "3: $.training.hyperparameters.rate.max: '1.0' here, '1' in "
            "algorithm.json ($.TrainingSpecification.SupportedHyperParameters[1])",
        ),
        (
            "training:\n  channels:\n    train: {path: other, content_type: text/csv}\n",
            "training-job",
            "3: $.training.channels.train.path: 'other' here, 's3/a-bucket/train' in "
            "training-job.json ($.InputDataConfig[0])",
        ),
        (
            'training:\n  channels:\n    train: {data: "1"}\n',
            "training-job",
            "3: $.training.channels.train.data: data here, and also in "
            "training-job.json ($.InputDataConfig[0])",
        ),
        (
            "training:\n  arguments: [--slow]\n",
            "training-job",
            "2: $.training.arguments: a list here, a list in "
            "training-job.json ($.AlgorithmSpecification.ContainerArguments)",
        ),
        (
            'training:\n  metrics: [{name: "validation:accuracy", regex: "a=(.)"}]\n',
            "training-job",
            "2: $.training.metrics: another regex of the metric 'validation:accuracy' here than in "
            "training-job.json ($)",
        ),
        (
            "hosting:\n  environment: {WORKERS: 9}\n",
            "model",
            "2: $.hosting.environment.WORKERS: '9' here, '4' in model.json ($.PrimaryContainer)",
        ),
        (
            "hosting:\n  model: none\n",
            "model",
            "2: $.hosting.model: 'none' here, 's3/a-bucket/model.tar.gz' in "
            "model.json ($.PrimaryContainer.ModelDataUrl)",
        ),
        (
            "resources: {time_s: 60}\n",
            "training-job",
            "1: $.resources.time_s: 60 here, 900 in "
            "training-job.json ($.StoppingCondition.MaxRuntimeInSeconds)",
        ),
    ],
)
def test_what_both_say_differently_names_both_files(
    text: str, kind: str, expected: str, tmp_path: Path, s3: Path
) -> None:
    (tmp_path / "other").write_text("1")

    assert problems(tmp_path, text, kind, s3=s3) == [f"sm-conformance.yaml:{expected}"]


def test_all_differences_are_told_together_with_other_problems(tmp_path: Path) -> None:
    text = "network: needed\nresources: {time_s: 60}\nlatencies: {}\n"

    told = problems(tmp_path, text, "training-job")

    assert [line.partition(" ")[0] for line in told] == [
        "sm-conformance.yaml:1:",
        "sm-conformance.yaml:2:",
        "sm-conformance.yaml:3:",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "- a",
        "",
        "claims: training",
        "claims: [[]]",
        "training: 1",
        "training: {hyperparameters: [1], channels: {train: 1}, metrics: 1}",
        "training: {hyperparameters: {depth: [1]}, channels: [1], metrics: [1, {name: []}]}",
        "hosting: {requests: {}}",
        "hosting: {requests: [1], environment: 3, content_types: {}, model: []}",
    ],
)
def test_a_yaml_of_another_shape_is_refused_as_it_is_alone(
    text: str, tmp_path: Path, s3: Path
) -> None:
    told = problems(tmp_path, text, "training-job", "model", s3=s3)

    assert all(line.startswith("sm-conformance.yaml:") for line in told)


@pytest.mark.parametrize(
    ("kind", "steps", "value", "place"),
    [
        ("training-job", ("Environment", "A"), "a\0b", "$.training.environment.A"),
        ("training-job", ("InputDataConfig", 0, "ChannelName"), "..", "$.training.channels['..']"),
        (
            "model-package",
            ("InferenceSpecification", "SupportedContentTypes"),
            ["text/csv "],
            "$.hosting.content_types[0]",
        ),
    ],
)
@pytest.mark.parametrize("beside", [True, False])
def test_what_a_declaration_cannot_say_is_told_of_the_request_that_says_it(
    kind: str, steps: tuple[str | int, ...], value: object, place: str, beside: bool, tmp_path: Path
) -> None:
    requests = whole("training-job", "model-package")
    put(kind, steps, value)(requests)
    path = tmp_path / "sm-conformance.yaml"
    path.write_text("{}")

    with pytest.raises(DeclarationError) as raised:
        declare(read(tmp_path, requests), path=path if beside else None, origin="aws")

    assert str(raised.value).startswith(f"{tmp_path}/{kind}.json:1: {place}: expected ")


def test_the_digest_covers_both(tmp_path: Path) -> None:
    first = both(tmp_path, "{}", "training-job").sha256
    other_text = both(tmp_path, "{} #", "training-job").sha256
    other_request = both(tmp_path, "{}", "training-job", "model").sha256

    assert len({first, other_text, other_request}) == 3
