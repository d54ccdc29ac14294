"""The user and password that Docker's configuration has for a registry, credential helpers included."""

from __future__ import annotations

from docker.auth import load_config
from docker.errors import DockerException

from sm_conformance.errors import UsageProblem


def credentials(host: str) -> tuple[str, str] | None:
    """User and password for ``host``, as ``docker push`` would send them; None where none are known.

    Raises :class:`UsageProblem` when a credential helper fails.
    """
    try:
        found = load_config().resolve_authconfig(host)
    except DockerException as error:
        raise UsageProblem(f"the credentials of {host} cannot be had: {error}") from error
    if not found:
        return None
    user, password = found.get("username"), found.get("password")
    return (str(user), str(password)) if user and password else None
