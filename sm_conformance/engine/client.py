"""The connection to an engine: every call that finds no engine any more says so in one way."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from typing import Any

from docker import APIClient
from docker.errors import DockerException
from docker.utils import kwargs_from_env
from requests import PreparedRequest, Response
from requests.exceptions import RequestException, Timeout

from sm_conformance.errors import HarnessTrouble

# Everything asked of an engine by one call; starting a container on a slow disk takes seconds.
_CALL_TIMEOUT_S = 120


class EngineSilent(HarnessTrouble):
    """The engine is there and did not answer within the time of the call."""


class EngineClient(APIClient):
    """The Docker SDK's client, whose calls raise :class:`HarnessTrouble` when the engine is away.

    Deriving is how requests lets a session see all that goes through it. Refusals of the engine
    stay ``docker.errors.APIError``.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        # An engine is spoken to directly; and reading the environment, as looking for a proxy does,
        # would race with whoever changes it.
        self.trust_env = False

    def send(self, request: PreparedRequest, **settings: Any) -> Response:
        """One HTTP exchange with the engine. Raises :class:`EngineSilent` after its timeout."""
        try:
            return super().send(request, **settings)
        except RequestException as error:
            # On a local socket the timeout comes as a broken connection that says so.
            if isinstance(error, Timeout) or "timed out" in str(error).lower():
                raise EngineSilent(f"the engine did not answer in time: {error}") from error
            raise HarnessTrouble(f"the engine went away: {error}") from error

    def archive_head(self, container: str, path: str) -> Response:
        """The answer with the facts of a path in a container, which the SDK cannot ask for alone."""
        url = self._url("/containers/{0}/archive", container)  # type: ignore[attr-defined]
        return self.head(url, params={"path": path}, timeout=_CALL_TIMEOUT_S)

    def manifests_of(self, image: str) -> object:
        """The manifests that an index names, which the SDK does not ask for; None if not told."""
        url = self._url("/images/{0}/json", image)  # type: ignore[attr-defined]
        answer = self.get(url, params={"manifests": "1"}, timeout=_CALL_TIMEOUT_S)
        told = answer.json() if answer.status_code == 200 else None
        return told.get("Manifests") if isinstance(told, dict) else None


def written(
    api: APIClient, container: str
) -> Generator[tuple[bytes | None, bytes | None], None, None]:
    """What a container writes to stdout and stderr, piece by piece; attached when this returns."""
    stream: Any = api.attach(container, stream=True, logs=True, demux=True)

    def pieces() -> Generator[tuple[bytes | None, bytes | None], None, None]:
        try:
            yield from stream
        finally:
            with contextlib.suppress(OSError, AttributeError):
                stream.close()
            # The SDK closes the socket and leaves the response, which holds the descriptor open.
            stream._response.close()

    return pieces()


def connect() -> EngineClient:
    """A client of the engine that ``DOCKER_HOST`` or the default socket leads to.

    Raises :class:`HarnessTrouble`, naming what was tried, when no engine answers there.
    """
    where = os.environ.get("DOCKER_HOST") or "the default socket"
    try:
        # One connection per attached log and waiting call, many launches at once.
        settings: dict[str, Any] = dict(kwargs_from_env())
        api = EngineClient(
            version="auto", timeout=_CALL_TIMEOUT_S, max_pool_size=64, num_pools=64, **settings
        )
        api.ping()
    except (DockerException, RequestException, HarnessTrouble, OSError) as error:
        raise HarnessTrouble(
            f"no container engine answers at {where} ({error}). Start Docker or Podman, or set "
            "DOCKER_HOST to an engine that this user may talk to."
        ) from error
    return api
