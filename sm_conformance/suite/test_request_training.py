"""What a request says of a training job."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.suite.requests import Told, kept


@clause("TRAIN-012", "hyperparameter-limits")
def test_hyperparameter_limits(told: Told) -> None:
    """A request has at most 100 hyperparameters, with keys of at most 256 and values of at most 2500 characters."""
    kept(told)


@clause("TRAIN-024", "channel-limits")
def test_channel_limits(told: Told) -> None:
    """A given list of channels has 1 to 20 entries, with names of 1 to 64 letters, digits, dots, hyphens and underscores."""
    kept(told)


@clause("TRAIN-030", "data-type")
def test_data_type(told: Told) -> None:
    """The data type of an S3 channel is one of `ManifestFile`, `S3Prefix`, `AugmentedManifestFile` and `Converse`."""
    kept(told)


@clause("TRAIN-034", "compression")
def test_compression(told: Told) -> None:
    """Gzip compression is asked for on Pipe mode channels only."""
    kept(told)


@clause("TRAIN-069", "stopping-limits")
def test_stopping_limits(told: Told) -> None:
    """The maximum run time, the pending time and the number of retries of a request lie within the API's limits."""
    kept(told)


@clause("TRAIN-086", "environment-limits")
def test_environment_limits(told: Told) -> None:
    """The environment of a training request has at most 100 entries, with keys and values of at most 512 characters and keys made of letters, digits and underscores."""
    kept(told)


@clause("TRAIN-089", "metric-limits")
def test_metric_limits(told: Told) -> None:
    """A request has at most 40 metric definitions, with names of 1 to 255 and patterns of 1 to 500 characters."""
    kept(told)
