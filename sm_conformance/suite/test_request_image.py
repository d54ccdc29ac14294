"""What requests to AWS say of images, whatever the job."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.suite.requests import Told, kept


@clause("IMG-008", "start-fields-limits")
def test_start_fields_limits(told: Told) -> None:
    """ContainerEntrypoint and ContainerArguments each hold 1 to 100 strings of at most 256 characters."""
    kept(told)


@clause("IMG-009", "no-hosting-override")
def test_no_hosting_override(told: Told) -> None:
    """A hosting or batch request carries no replacement for the ENTRYPOINT or its arguments."""
    kept(told)


@clause("IMG-010", "entrypoint-from-channel")
def test_entrypoint_from_channel(told: Told) -> None:
    """An entrypoint script that arrives through an input channel comes through a File mode channel that is fully replicated."""
    kept(told)


@clause("IMG-018", "image-reference")
def test_image_reference(told: Told) -> None:
    """The image reference of a request is at most 255 characters long, has no white space and names a registry and a repository."""
    kept(told)


@clause("IMG-019", "private-registry-vpc")
def test_private_registry_vpc(told: Told) -> None:
    """A request whose image lies in a private registry, by the access mode `Vpc`, gives a VPC configuration as well."""
    kept(told)


@clause("IMG-021", "no-secrets")
def test_no_secrets(told: Told) -> None:
    """No AWS access key stands in the environment or the hyperparameters of a request."""
    kept(told)


@clause("NET-006", "vpc-fields")
def test_vpc_fields(told: Told) -> None:
    """A VPC configuration names 1 to 5 security groups and 1 to 16 subnets."""
    kept(told)


@clause("NET-008", "isolation-or-debugging")
def test_isolation_or_debugging(told: Told) -> None:
    """A training request does not ask for isolation and for remote debugging."""
    kept(told)
