"""What the listing of an algorithm or a model package says."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.suite.requests import Told, kept


@clause("MKT-001", "training-specification")
def test_training_specification(told: Told) -> None:
    """A training specification names its image, its instance types and its channels."""
    kept(told)


@clause("MKT-002", "channel-count")
def test_channel_count(told: Told) -> None:
    """A training specification has 1 to 8 channels."""
    kept(told)


@clause("MKT-003", "channel-form")
def test_channel_form(told: Told) -> None:
    """Each channel of a training specification has a name, content types and at least one input mode, within the API's limits."""
    kept(told)


@clause("MKT-004", "hyperparameter-form")
def test_hyperparameter_form(told: Told) -> None:
    """At most 100 uniquely named hyperparameters are declared, each with a lawful type, range and default."""
    kept(told)


@clause("MKT-005", "default-or-required")
def test_default_or_required(told: Told) -> None:
    """A hyperparameter with a default is not declared as required."""
    kept(told)


@clause("MKT-007", "tuning-metrics")
def test_tuning_metrics(told: Told) -> None:
    """Each tuning objective names a defined metric, and at least one hyperparameter is tunable."""
    kept(told)


@clause("MKT-008", "metric-limits")
def test_metric_limits(told: Told) -> None:
    """At most 40 metrics are defined, within the API's limits of length."""
    kept(told)


@clause("MKT-010", "inference-specification")
def test_inference_specification(told: Told) -> None:
    """An inference specification has 1 to 15 containers, lawful content types and lawful response types."""
    kept(told)


@clause("MKT-014", "certified")
def test_certified(told: Told) -> None:
    """A package to be listed sets CertifyForMarketplace to true."""
    kept(told)


@clause("MKT-017", "own-registry")
def test_own_registry(told: Told) -> None:
    """The image lies in the seller's own ECR, in the account and Region of the package, and that Region needs no opt-in."""
    kept(told)
