"""The user and password that Docker's configuration has for a registry, credential helpers included."""

from __future__ import annotations

from docker.auth import load_config
from docker.errors import DockerException

from sm_conformance.errors import UsageProblem
from sm_conformance.observed.http import printable

# What the SDK raises over a configuration, or a helper's answer, of another form.
AMISS = (OSError, ValueError, LookupError, TypeError, AttributeError)


def credentials(host: str) -> tuple[str, str] | None:
    """User and password for ``host``, as ``docker push`` would send them; None where none are known.

    Raises :class:`UsageProblem` when a credential helper fails, or answers with what is none.
    """
    try:
        told = load_config().resolve_authconfig(host) or {}
        # Written small in a file, and large in what a helper answers.
        found = {name.lower(): text for name, text in told.items()}
        user, password = found.get("username"), found.get("password")
    except (DockerException, *AMISS) as error:
        said = printable(str(error))[:300]
        raise UsageProblem(f"the credentials of {host} cannot be had: {said}") from error
    return (str(user), str(password)) if user and password else None
