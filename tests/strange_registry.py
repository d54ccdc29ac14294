"""A registry that answers as a test says: what lawful ones never do, and hostile ones may."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sm_conformance.observed.manifest import OCI_INDEX, OCI_MANIFEST
from sm_conformance.registry.attaching import CERTIFICATE


@dataclass
class Answer:
    """One answer; ``write`` sends a body in place of ``body``, as long as it likes."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    write: Callable[[Callable[[bytes], object]], None] | None = None


Say = Callable[[str, Mapping[str, str]], Answer]


@dataclass
class Strange:
    """Where it is, and who asked for what with which ``Authorization``."""

    host: str
    asked: list[tuple[str, str]]


@contextmanager
def strange(say: Say) -> Iterator[Strange]:
    """A server on loopback that answers what ``say`` makes of a path and the headers."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization", "")))
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            answer = say(self.path, dict(self.headers))
            self.send_response(answer.status)
            for name, text in answer.headers.items():
                self.send_header(name, text)
            if answer.write is None:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            try:
                if answer.write is not None:
                    answer.write(self.wfile.write)
                else:
                    self.wfile.write(answer.body)
            except OSError:  # who asked has had enough
                self.close_connection = True

        do_POST = do_PUT = do_GET  # noqa: N815 - as the library wants them

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield Strange(f"127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def typed(body: bytes, kind: str, **headers: str) -> Answer:
    """An answer of a media type."""
    return Answer(body, headers={"Content-Type": kind, **headers})


def holding(files: Mapping[str, Answer]) -> Say:
    """Answers by the end of a path, its question aside; 404 for all else."""

    def say(path: str, _: Mapping[str, str]) -> Answer:
        if path == "/v2/":
            return Answer()
        plain = path.partition("?")[0]
        return next(
            (answer for end, answer in files.items() if plain.endswith(end)), Answer(status=404)
        )

    return say


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def holder(content: bytes) -> bytes:
    """The manifest by which a certificate is attached."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": CERTIFICATE,
            "config": {},
            "layers": [{"mediaType": CERTIFICATE, "digest": digest(content)}],
        }
    ).encode()


def entry(manifest: bytes, artifact_type: str = CERTIFICATE) -> dict[str, str]:
    return {"digest": digest(manifest), "artifactType": artifact_type}


def page(*entries: Mapping[str, str], **headers: str) -> Answer:
    """A page of an index."""
    return typed(json.dumps({"manifests": entries}).encode(), OCI_INDEX, **headers)
