"""The requests beside each sample image say what its sm-conformance.yaml says."""

from __future__ import annotations

from pathlib import Path

import pytest

from sm_conformance.aws.checks import check
from sm_conformance.aws.declaring import declare
from sm_conformance.aws.requests import Requests, read_requests
from sm_conformance.declaration.loading import load

IMAGES = Path(__file__).resolve().parent.parent / "sample_images"
SAMPLES = ("reference", "decision_tree", "mars")
# Each of these says how to train and how to serve.
COMBINATIONS = (
    ("algorithm",),
    ("algorithm", "training-job", "model"),
    ("training-job", "model"),
    ("training-job", "model-package"),
    ("algorithm", "training-job", "model-package", "model"),
)


def requests_of(sample: str, kinds: tuple[str, ...]) -> Requests:
    folder = IMAGES / sample / "aws"
    return read_requests({kind: folder / f"{kind}.json" for kind in kinds}, s3=folder / "s3")


@pytest.mark.parametrize("kinds", COMBINATIONS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_requests_and_the_rest_say_what_the_declaration_says(
    sample: str, kinds: tuple[str, ...]
) -> None:
    path = IMAGES / sample / "aws" / "rest.yaml"

    said = declare(requests_of(sample, kinds), path=path, origin="option")
    meant = load(IMAGES / sample / "sm-conformance.yaml", origin="option")

    assert (said.claims, said.network) == (meant.claims, meant.network)
    assert said.training is not None
    assert meant.training is not None
    assert said.training.hyperparameters == meant.training.hyperparameters
    assert said.training.channels == meant.training.channels
    assert said.training.fault == meant.training.fault
    assert said.training.lasts == meant.training.lasts
    assert said.training.metrics == meant.training.metrics
    assert said.training.yields_model == meant.training.yields_model
    assert said.training.environment == meant.training.environment
    assert said.hosting is not None
    assert meant.hosting is not None
    assert said.hosting.requests == meant.hosting.requests
    assert said.hosting.model == meant.hosting.model
    assert said.hosting.without_model == meant.hosting.without_model
    assert said.hosting.environment == meant.hosting.environment


@pytest.mark.parametrize("sample", SAMPLES)
def test_requests_of_a_sample_break_no_clause_of_theirs(sample: str) -> None:
    found = check(requests_of(sample, COMBINATIONS[-1]).requests)

    # These are for own use, and no listing is claimed.
    assert {key for key, breaches in found.items() if breaches} == {"MKT-014 certified"}


@pytest.mark.parametrize("sample", SAMPLES)
def test_only_the_model_that_training_is_to_make_is_not_there(sample: str) -> None:
    notes = requests_of(sample, COMBINATIONS[-1]).notes

    missing = [note for note in notes if "Java" not in note]
    assert len(missing) == 1
    assert f"/{sample}/output/model.tar.gz' is not in" in missing[0]


@pytest.mark.parametrize("sample", SAMPLES)
def test_data_in_the_folder_for_s3_is_the_data_of_the_sample(sample: str) -> None:
    folder = IMAGES / sample / "aws" / "s3"
    copies = {path.name: path.read_bytes() for path in folder.rglob("*.csv")}

    for path in (IMAGES / sample / "data").iterdir():
        assert copies[path.name] == path.read_bytes()
