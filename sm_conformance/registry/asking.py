"""Asks one registry over HTTP: logged in as it wants, and bounded in bytes and in time.

What a registry answers is a stranger's. A password goes to it and to where it says that one logs in;
never to a place that it only sends on to, and never in the clear.
"""

from __future__ import annotations

import inspect
import ipaddress
import math
import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
from oras.logger import setup_logger
from oras.provider import Registry
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.observed.http import printable

# As large as registries take a manifest; whatever else they answer, but for files, is smaller.
_MOST_BYTES = 4 * 1024 * 1024
# Without a byte; for all that is small; for a file.
_TIMEOUT_S = 60
_SMALL_S = 300.0
_LONGEST_S = 3600.0
_MOST_CHARS = 300

# Docker's own registry answers under another name than that in references.
_ELSEWHERE = {"docker.io": "registry-1.docker.io"}
# Without the library's own retries, which take two minutes and more, whatever is wrong.
_once = inspect.unwrap(Registry.do_request)
_RETRIES = Retry(
    total=2,
    backoff_factor=0.2,
    status_forcelist=(500, 502, 503, 504),
    raise_on_status=False,
    respect_retry_after_header=False,
)

Credentials = Callable[[str], tuple[str, str] | None]


class Asked:
    """The registry ``host``, with its port. ``credentials`` gives user and password for it, or None."""

    def __init__(self, host: str, *, credentials: Credentials) -> None:
        self.host = host
        self.at = _ELSEWHERE.get(host, host)
        self._credentials = credentials
        self._client: Registry | None = None

    def ask(self, method: str, where: str, **how: Any) -> requests.Response:
        """The answer to a request; ``where`` is an address without its scheme, ``host`` in front.

        With ``stream=True`` its body may be large and is still to be read, else it is there. Raises
        :class:`HarnessTrouble` when there is none, and :class:`UsageProblem` when nobody is logged in.
        """
        client = self._client or self._connected()
        try:
            url = f"{client.prefix}://{self.at}{where.removeprefix(self.host)}"
            answer: requests.Response = _once(client, url, method, **how)
        except Exception as error:  # whatever a stranger's answer makes libraries raise
            raise HarnessTrouble(
                f"the registry {self.host} cannot be asked: {why(error)}"
            ) from error
        return answer

    def expect(self, answer: requests.Response, status: int, doing: str) -> None:
        """Raises :class:`HarnessTrouble` unless this is the status of an answer."""
        if answer.status_code != status:
            said = printable(answer.content[:_MOST_CHARS].decode("utf-8", "replace"))
            raise HarnessTrouble(f"{doing}: {self.host} answered {answer.status_code}: {said}")

    def _connected(self) -> Registry:
        """A client with the way to log in that this registry asks for."""
        setup_logger(quiet=True)  # what goes wrong is told by us
        insecure = is_loopback(self.at)
        scheme = "http" if insecure else "https"
        try:
            with requests.Session() as session:
                _prepare(session, self.at)
                greeting = session.get(f"{scheme}://{self.at}/v2/")
        except (requests.RequestException, ValueError) as error:
            raise HarnessTrouble(f"no registry answers at {self.host}: {why(error)}") from error
        asked = greeting.headers.get("Www-Authenticate", "").lower()
        client = Registry(
            hostname=self.at,
            insecure=insecure,
            auth_backend="basic" if asked.startswith("basic") else "token",
        )
        _prepare(client.session, self.at)
        known = self._credentials(self.host)
        if known is not None:
            client.auth.set_basic_auth(*known)
        elif asked.startswith("basic"):
            raise UsageProblem(
                f"{self.host} wants a user and a password: `docker login {self.host}` first"
            )
        self._client = client
        return client


def why(error: Exception) -> str:
    """What a library says of a failure.

    Of addresses what stands behind the question mark is left out: it may open a store to whoever has it.
    """
    return printable(re.sub(r"\?[^\s'\")]*", "?…", str(error)))[:_MOST_CHARS]


def is_loopback(host: str) -> bool:
    """Whether a registry is on this machine, where Docker speaks plain HTTP too."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _prepare(session: requests.Session, host: str) -> None:
    for prefix in ("http://", "https://"):
        session.mount(prefix, _Bounded(host))
    # Else a password of ~/.netrc would be sent in place of the token that the registry gave.
    session.auth = _as_it_is


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Bounded(HTTPAdapter):
    """Every exchange with a registry, and with whom it sends on to. Deriving is requests' own way."""

    def __init__(self, host: str) -> None:
        super().__init__(max_retries=_RETRIES)
        self._host = host

    def send(self, request: Any, *arguments: Any, **settings: Any) -> requests.Response:
        url = urlsplit(str(request.url))
        if (
            "Authorization" in request.headers
            and url.scheme != "https"
            and not is_loopback(url.netloc)
        ):
            raise requests.RequestException(f"{url.netloc} would have the password in the clear")
        settings["timeout"] = settings.get("timeout") or _TIMEOUT_S
        answer = super().send(request, *arguments, **settings)
        if url.netloc.lower() != self._host.lower():
            # Otherwise the library would hand the password to whoever was sent on to and asks for it.
            answer.headers.pop("Www-Authenticate", None)
        large = settings.get("stream") and answer.status_code == requests.codes.ok
        answer.raw = _Body(
            answer.raw,
            most_bytes=math.inf if large else _MOST_BYTES,
            until=time.monotonic() + (_LONGEST_S if large else _SMALL_S),
        )
        return answer


class _Body:
    """What follows the head of an answer, so many bytes of it and so long."""

    def __init__(self, raw: Any, *, most_bytes: float, until: float) -> None:
        self._raw = raw
        self._most_bytes = most_bytes
        self._until = until

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, amount: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """Pieces as they come: waiting for whole ones would take as long as the sender likes."""
        size = 0
        while piece := self._raw.read1(amount, decode_content=decode_content):
            size += len(piece)
            if size > self._most_bytes:
                raise requests.RequestException(
                    f"it answers with more than {self._most_bytes} bytes"
                )
            if time.monotonic() > self._until:
                raise requests.RequestException("its answer comes too slowly")
            yield piece
