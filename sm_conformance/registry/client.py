"""One repository of a registry: its manifests, and what is attached to them.

Credentials are handed in: they are the same that the engine pushes with.
"""

from __future__ import annotations

import hashlib
import io
import ipaddress
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import urlencode, urljoin

import requests
from oras.container import Container
from oras.logger import setup_logger
from oras.provider import Registry
from requests.adapters import HTTPAdapter

from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.observed.http import printable
from sm_conformance.observed.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    ManifestForm,
    Place,
    form_of,
)

_ACCEPTED = (DOCKER_MANIFEST, OCI_MANIFEST, DOCKER_LIST, OCI_INDEX)
# As large as registries take a manifest.
_MOST_BYTES = 4 * 1024 * 1024
_TIMEOUT_S = 60
_PIECE_BYTES = 256 * 1024
_LONGEST_S = 3600.0


Credentials = Callable[[str], tuple[str, str] | None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as the registry hands it over; ``digest`` is that of its bytes.

    ``config_digest`` is None for what names several images.
    """

    digest: str
    media_type: str
    config_digest: str | None
    raw: bytes

    @property
    def form(self) -> ManifestForm:
        """Its form, as the platform that pulls it meets it."""
        return form_of(self.media_type, self.raw, Place.REGISTRY)


class Repository:
    """The repository that a reference such as ``host:5000/team/model:3`` names.

    ``credentials`` gives user and password for a registry, or None. Raises :class:`UsageProblem` for a
    reference that names no registry, or no tag.
    """

    def __init__(self, reference: str, *, credentials: Credentials) -> None:
        self.reference = reference
        self._credentials = credentials
        try:
            self._place = Container(reference)
        except ValueError as error:
            raise UsageProblem(f"{printable(reference)[:300]} is no image reference") from error
        if "/" not in reference or f"{self._place.registry}/" != reference[: len(self.host) + 1]:
            raise UsageProblem(
                f"{printable(reference)[:300]} names no registry: write REGISTRY/REPOSITORY:TAG"
            )
        if ":" not in reference[len(self.host) :]:
            raise UsageProblem(f"{printable(reference)[:300]} names no tag: write one behind it")
        setup_logger(quiet=True)  # what goes wrong is told by us
        self._client: Registry | None = None

    @property
    def host(self) -> str:
        """The registry, with its port."""
        return str(self._place.registry)

    @property
    def name(self) -> str:
        """The repository with its registry, without tag and digest."""
        return f"{self.host}/{self._place.api_prefix}"

    @property
    def tag(self) -> str:
        return str(self._place.tag)

    def manifest(self, which: str | None = None) -> Manifest | None:
        """The manifest of a tag or digest, by default of the reference's own; None if there is none.

        Raises :class:`HarnessTrouble` when the registry cannot be asked.
        """
        url = self._place.manifest_url(which)
        accepted = {"Accept": ", ".join(_ACCEPTED)}
        answer = self._ask("GET", url, headers=accepted, stream=True)
        try:
            if answer.status_code == 404:
                return None
            self._expect(answer, 200, "reading a manifest")
            raw = bytearray()
            for piece in answer.iter_content(_PIECE_BYTES):
                raw += piece
                if len(raw) > _MOST_BYTES:
                    raise HarnessTrouble(f"{self.host} answered with more than a manifest has")
        except requests.RequestException as error:
            raise HarnessTrouble(f"reading a manifest of {self.name}: {error}") from error
        finally:
            answer.close()
        return _manifest(bytes(raw), answer.headers.get("Content-Type", ""))

    def put_manifest(self, raw: bytes, media_type: str, which: str) -> bool:
        """Stores a manifest under a tag or its digest.

        Whether the registry took note of the subject that it names, as newer ones do. Raises
        :class:`HarnessTrouble` when it is refused.
        """
        answer = self._ask(
            "PUT",
            self._place.manifest_url(which),
            data=raw,
            headers={"Content-Type": media_type},
        )
        self._expect(answer, 201, "storing a manifest")
        return "OCI-Subject" in answer.headers

    def put_blob(self, content: bytes) -> str:
        """Stores some bytes; their digest. Raises :class:`HarnessTrouble` when they are refused."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        opened = self._ask("POST", self._place.upload_blob_url())
        self._expect(opened, 202, "storing a file")
        where = urljoin(opened.url, opened.headers.get("Location", ""))
        joined = f"{where}{'&' if '?' in where else '?'}{urlencode({'digest': digest})}"
        answer = self._ask(
            "PUT",
            joined.partition("://")[2],
            data=content,
            headers={"Content-Type": "application/octet-stream"},
        )
        self._expect(answer, 201, "storing a file")
        return digest

    def blob(self, digest: str, *, limit_bytes: int) -> bytes:
        """The bytes with this digest.

        Raises :class:`HarnessTrouble` when they cannot be had, are more than ``limit_bytes``, or others.
        """
        held = io.BytesIO()
        self.save_blob(digest, held, limit_bytes=limit_bytes)
        return held.getvalue()

    def save_blob(self, digest: str, to: BinaryIO, *, limit_bytes: int) -> None:
        """Writes the bytes with this digest into ``to``; raises as :meth:`blob` does.

        What comes so slowly that it takes more than an hour is given up.
        """
        answer = self._ask("GET", self._place.get_blob_url(digest), stream=True)
        counted, size, until = hashlib.sha256(), 0, time.monotonic() + _LONGEST_S
        try:
            self._expect(answer, 200, "reading a file")
            for piece in answer.iter_content(_PIECE_BYTES):
                size += len(piece)
                if size > limit_bytes:
                    raise HarnessTrouble(
                        f"{digest} of {self.name} has more than {limit_bytes} bytes"
                    )
                if time.monotonic() > until:
                    raise HarnessTrouble(f"{digest} of {self.name} did not come within an hour")
                counted.update(piece)
                to.write(piece)
            to.flush()
        except (requests.RequestException, OSError) as error:
            raise HarnessTrouble(f"reading {digest} of {self.name}: {error}") from error
        finally:
            answer.close()
        if f"sha256:{counted.hexdigest()}" != digest:
            raise HarnessTrouble(f"{self.host} handed over other bytes than {digest}")

    def referrers(self, digest: str) -> bytes | None:
        """The index of what refers to a manifest, from a registry that keeps one; else None."""
        answer = self._ask("GET", f"{self.host}/v2/{self._place.api_prefix}/referrers/{digest}")
        return answer.content if answer.status_code == 200 else None

    def _ask(self, method: str, url: str, **how: Any) -> requests.Response:
        client = self._client or self._connected()
        try:
            answer: requests.Response = client.do_request(f"{client.prefix}://{url}", method, **how)
        except (requests.RequestException, ValueError) as error:
            raise HarnessTrouble(f"the registry {self.host} cannot be asked: {error}") from error
        return answer

    def _connected(self) -> Registry:
        """A client with the way to log in that this registry asks for."""
        insecure = is_loopback(self.host)
        scheme = "http" if insecure else "https"
        try:
            greeting = requests.get(f"{scheme}://{self.host}/v2/", timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            raise HarnessTrouble(f"no registry answers at {self.host}: {error}") from error
        asked = greeting.headers.get("Www-Authenticate", "").lower()
        client = Registry(
            hostname=self.host,
            insecure=insecure,
            auth_backend="basic" if asked.startswith("basic") else "token",
        )
        for prefix in ("http://", "https://"):
            client.session.mount(prefix, _Patient())
        known = self._credentials(self.host)
        if known is not None:
            client.auth.set_basic_auth(*known)
        elif asked.startswith("basic"):
            raise UsageProblem(
                f"{self.host} wants a user and a password: `docker login {self.host}` first"
            )
        self._client = client
        return client

    def _expect(self, answer: requests.Response, status: int, doing: str) -> None:
        if answer.status_code != status:
            said = printable(answer.text[:300])
            raise HarnessTrouble(
                f"{doing} of {self.name}: {self.host} answered {answer.status_code}: {said}"
            )


class _Patient(HTTPAdapter):
    """Waits for an answer for a bounded time, which the library leaves unbounded."""

    def send(self, request: Any, *arguments: Any, **settings: Any) -> requests.Response:
        settings["timeout"] = settings.get("timeout") or _TIMEOUT_S
        return super().send(request, *arguments, **settings)


def is_loopback(host: str) -> bool:
    """Whether a registry is on this machine, where Docker speaks plain HTTP too."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _manifest(raw: bytes, content_type: str) -> Manifest:
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        said = {}
    said = said if isinstance(said, Mapping) else {}
    config = said.get("config")
    return Manifest(
        digest=f"sha256:{hashlib.sha256(raw).hexdigest()}",
        # The registry's word decides, as it does for the platform; an OCI manifest need not have its own.
        media_type=content_type.partition(";")[0].strip() or str(said.get("mediaType", "")),
        config_digest=str(config["digest"])
        if isinstance(config, Mapping) and "digest" in config
        else None,
        raw=raw,
    )
