"""One repository of a registry: its manifests, its files, and what is attached to them.

Credentials are handed in: they are the same that the engine pushes with.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from typing import BinaryIO
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from oras.container import Container

from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.observed.http import printable
from sm_conformance.observed.manifest import DOCKER_MANIFEST, INDEXES, OCI_MANIFEST
from sm_conformance.registry.asking import Asked, Credentials, why
from sm_conformance.registry.manifest import Manifest, manifest_of

_ACCEPTED = (DOCKER_MANIFEST, OCI_MANIFEST, *INDEXES)
_PIECE_BYTES = 256 * 1024
_MOST_PAGES = 20
# What registries answer that keep no index of what refers to an image.
_NO_INDEX = (400, 404, 405, 406, 501)
# As engines have it.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]{{1,5}})?/{_PART}(?:/{_PART})*"
    r"(?::[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


class Repository:
    """The repository that a reference such as ``host:5000/team/model:3`` names.

    ``credentials`` gives user and password for a registry, or None. Raises :class:`UsageProblem` for a
    reference that names no registry, or neither tag nor digest.
    """

    def __init__(self, reference: str, *, credentials: Credentials) -> None:
        self.reference = reference
        shown = printable(reference)[:300]
        try:
            self._place = Container(reference)
        except ValueError as error:
            raise UsageProblem(f"{shown} is no image reference") from error
        if "/" not in reference or f"{self._place.registry}/" != reference[: len(self.host) + 1]:
            raise UsageProblem(f"{shown} names no registry: write REGISTRY/REPOSITORY:TAG")
        if ":" not in reference[len(self.host) :]:
            raise UsageProblem(f"{shown} names no tag: write one behind it")
        if not _REFERENCE.fullmatch(reference):
            raise UsageProblem(f"{shown} is no image reference that engines take")
        self._asked = Asked(self.host, credentials=credentials)

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

    @property
    def digest(self) -> str | None:
        """The digest that the reference names; None where it names a tag alone."""
        found = self._place.digest
        return None if found is None else str(found)

    def manifest(self, which: str | None = None) -> Manifest | None:
        """The manifest of a tag or digest, by default of the reference's own; None if there is none.

        Raises :class:`HarnessTrouble` when the registry cannot be asked, or hands over another one
        than that with the digest.
        """
        accepted = {"Accept": ", ".join(_ACCEPTED)}
        answer = self._asked.ask("GET", self._place.manifest_url(which), headers=accepted)
        if answer.status_code == 404:
            return None
        self._asked.expect(answer, 200, f"reading a manifest of {self.name}")
        found = manifest_of(answer.content, answer.headers.get("Content-Type", ""))
        wanted = which or self.digest
        if wanted is not None and ":" in wanted and wanted != found.digest:
            shown = printable(wanted)[:80]
            raise HarnessTrouble(f"{self.host} handed over another manifest than {shown}")
        return found

    def put_manifest(self, raw: bytes, media_type: str, which: str) -> bool:
        """Stores a manifest under a tag or its digest.

        Whether the registry took note of the subject that it names, as newer ones do. Raises
        :class:`HarnessTrouble` when it is refused.
        """
        answer = self._asked.ask(
            "PUT",
            self._place.manifest_url(which),
            data=raw,
            headers={"Content-Type": media_type},
        )
        self._asked.expect(answer, 201, f"storing a manifest in {self.name}")
        return "OCI-Subject" in answer.headers

    def put_blob(self, content: bytes) -> str:
        """Stores some bytes; their digest. Raises :class:`HarnessTrouble` when they are refused."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        doing = f"storing a file in {self.name}"
        opened = self._asked.ask("POST", self._place.upload_blob_url())
        self._asked.expect(opened, 202, doing)
        where = self._here(opened.headers.get("Location", ""), opened.url)
        answer = self._asked.ask(
            "PUT",
            f"{where}{'&' if '?' in where else '?'}{urlencode({'digest': digest})}",
            data=content,
            headers={"Content-Type": "application/octet-stream"},
        )
        self._asked.expect(answer, 201, doing)
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
        shown = f"{printable(digest)[:80]} of {self.name}"
        answer = self._asked.ask("GET", self._place.get_blob_url(digest), stream=True)
        counted, size = hashlib.sha256(), 0
        try:
            self._asked.expect(answer, 200, f"reading {shown}")
            for piece in answer.iter_content(_PIECE_BYTES):
                size += len(piece)
                if size > limit_bytes:
                    raise HarnessTrouble(f"{shown} has more than {limit_bytes} bytes")
                counted.update(piece)
                to.write(piece)
            to.flush()
        except (requests.RequestException, OSError) as error:
            raise HarnessTrouble(f"reading {shown}: {why(error)}") from error
        finally:
            answer.close()
        if f"sha256:{counted.hexdigest()}" != digest:
            raise HarnessTrouble(f"{self.host} handed over other bytes than {shown}")

    def referrers(self, digest: str, *, artifact_type: str) -> Sequence[bytes] | None:
        """The index of what refers to a manifest, page by page; None where a registry keeps none.

        Some registries leave out what is of another type. Raises :class:`HarnessTrouble`.
        """
        query = urlencode({"artifactType": artifact_type})
        where = f"{self.host}/v2/{self._place.api_prefix}/referrers/{digest}?{query}"
        pages: list[bytes] = []
        while len(pages) < _MOST_PAGES:
            answer = self._asked.ask("GET", where)
            if not pages and answer.status_code in _NO_INDEX:
                return None
            self._asked.expect(answer, 200, f"reading what refers to an image in {self.name}")
            pages.append(answer.content)
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return pages
            where = self._here(following, answer.url)
        raise HarnessTrouble(f"{self.name}: more than {_MOST_PAGES} pages refer to {digest}")

    def _here(self, where: str, base: str) -> str:
        """An address that the registry gave, without its scheme.

        Raises :class:`HarnessTrouble` where it is another's: that one is not to have our password.
        """
        url = urlsplit(urljoin(base, where))
        if url.hostname != urlsplit(f"//{self._asked.at}").hostname:
            raise HarnessTrouble(f"{self.host} sends on to {printable(url.netloc)[:100]}")
        return f"{self.host}{url.path}{'?' if url.query else ''}{url.query}"
