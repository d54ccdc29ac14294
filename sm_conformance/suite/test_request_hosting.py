"""What a request says of a model."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.suite.requests import Told, kept


@clause("HOST-031", "model-url")
def test_model_url(told: Told) -> None:
    """The model data URL of a request names one object in S3, whose name ends in .tar.gz."""
    kept(told)


@clause("HOST-032", "model-data-source-form")
def test_model_data_source_form(told: Told) -> None:
    """A request that names a model data source gives its S3 data type, its compression and an S3 address without `.` or `..` parts."""
    kept(told)


@clause("HOST-035", "environment-limits")
def test_environment_limits(told: Told) -> None:
    """The model's environment has at most 100 well-named entries of at most 1024 characters and 32 KB in all."""
    kept(told)
