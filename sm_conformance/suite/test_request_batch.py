"""What a request says of a transform job."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.suite.requests import Told, kept


@clause("BATCH-006", "payload-limits")
def test_payload_limits(told: Told) -> None:
    """MaxPayloadInMB is at most 100, and so is its product with MaxConcurrentTransforms."""
    kept(told)


@clause("BATCH-014", "client-limits")
def test_client_limits(told: Told) -> None:
    """ModelClientConfig asks for a timeout of 1 to 3600 seconds and at most 3 retries."""
    kept(told)


@clause("BATCH-015", "filter-limits")
def test_filter_limits(told: Told) -> None:
    """The filters are JSONPaths of at most 63 characters, and the join source is Input or None."""
    kept(told)


@clause("BATCH-016", "environment-limits")
def test_environment_limits(told: Told) -> None:
    """The job's environment has at most 16 entries, with keys of at most 1024 and values of at most 10240 characters."""
    kept(told)
