"""What requests to AWS say of images, whatever the job."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.suite.requests import Told, kept


@clause("IMG-008", "start-fields-limits")
def test_start_fields_limits(told: Told) -> None:
    """ContainerEntrypoint and ContainerArguments each hold 1 to 100 strings of at most 256 characters."""
    kept(told)


@clause("IMG-018", "image-reference")
def test_image_reference(told: Told) -> None:
    """The image reference of a request is at most 255 characters long, has no white space and names a registry and a repository."""
    kept(told)


@clause("IMG-021", "no-secrets")
def test_no_secrets(told: Told) -> None:
    """No AWS access key stands in the environment or the hyperparameters of a request."""
    kept(told)


@clause("NET-006", "vpc-fields")
def test_vpc_fields(told: Told) -> None:
    """A VPC configuration names 1 to 5 security groups and 1 to 16 subnets."""
    kept(told)
