"""What a request says of a model."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.suite.requests import Told, kept


@clause("HOST-031", "model-url")
def test_model_url(told: Told) -> None:
    """The model data URL of a request names one object in S3, whose name ends in .tar.gz."""
    kept(told)


@clause("HOST-035", "environment-limits")
def test_environment_limits(told: Told) -> None:
    """The model's environment has at most 100 well-named entries of at most 1024 characters and 32 KB in all."""
    kept(told)
