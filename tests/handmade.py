"""Images made by hand: layers, configurations, manifests, and the archives that hold them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sm_conformance.observed.manifest import OCI_INDEX, OCI_MANIFEST

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
ATTESTED = {"vnd.docker.reference.type": "attestation-manifest"}

Entry = tuple[str, bytes | None, Mapping[str, Any]]


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def file(name: str, content: bytes = b"", **fields: Any) -> Entry:
    return name, content, fields


def folder(name: str) -> Entry:
    return name, None, {"type": tarfile.DIRTYPE}


def link(name: str, target: str, *, hard: bool = False) -> Entry:
    return name, None, {"type": tarfile.LNKTYPE if hard else tarfile.SYMTYPE, "linkname": target}


def tar(*entries: Entry) -> bytes:
    """A tar file."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        for name, content, fields in entries:
            member = tarfile.TarInfo(name)
            member.mode = 0o755
            for key, value in fields.items():
                setattr(member, key, value)
            member.size = len(content or b"")
            archive.addfile(member, io.BytesIO(content or b""))
    return held.getvalue()


def packed(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


@dataclass
class Made:
    """An image: its unpacked layers, and what its configuration says."""

    layers: Sequence[bytes] = (tar(folder("usr"), file("usr/hello", b"hello")),)
    config: Mapping[str, Any] = field(default_factory=dict)
    architecture: str = "amd64"
    history: Sequence[Mapping[str, Any]] | None = None

    @property
    def said(self) -> bytes:
        """The configuration's bytes."""
        steps = [{"created_by": "COPY"} for _ in self.layers]
        return json.dumps(
            {
                "architecture": self.architecture,
                "os": "linux",
                "config": {"Entrypoint": ["/program"], **self.config},
                "rootfs": {"type": "layers", "diff_ids": [digest(one) for one in self.layers]},
                "history": steps if self.history is None else list(self.history),
            }
        ).encode()

    def manifest(self, media_type: str = OCI_MANIFEST) -> bytes:
        """The manifest's bytes."""
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": media_type,
                "config": described(CONFIG, self.said),
                "layers": [described(LAYER, packed(one)) for one in self.layers],
            }
        ).encode()

    @property
    def blobs(self) -> dict[str, bytes]:
        """Everything that the manifest names."""
        return {digest(one): one for one in (self.said, *map(packed, self.layers))}


def described(media_type: str, content: bytes, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content), **more}


def index(*entries: Mapping[str, Any]) -> bytes:
    said = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)}
    return json.dumps(said).encode()


def layout(top: bytes, blobs: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of an OCI layout."""
    files = {f"blobs/{name.replace(':', '/')}": content for name, content in blobs.items()}
    return {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": top, **files}


def oci(made: Made, *, name: str | None = "team/model:3") -> dict[str, bytes]:
    """An OCI layout of one image, as skopeo writes it."""
    raw = made.manifest()
    notes = {"annotations": {"org.opencontainers.image.ref.name": name}} if name else {}
    top = index(described(OCI_MANIFEST, raw, **notes))
    return layout(top, {digest(raw): raw, **made.blobs})


def attested(made: Made, *, name: str = "team/model:3") -> dict[str, bytes]:
    """An OCI layout of one image with a build attestation, as buildx writes it."""
    raw, proof = made.manifest(), Made(layers=[tar(file("proof"))])
    platform = {"os": "linux", "architecture": made.architecture}
    within = index(
        described(OCI_MANIFEST, raw, platform=platform),
        described(OCI_MANIFEST, proof.manifest(), annotations=ATTESTED,
                  platform={"os": "unknown", "architecture": "unknown"}),
    )  # fmt: skip
    notes = {"io.containerd.image.name": f"docker.io/{name}"}
    return layout(
        index(described(OCI_INDEX, within, annotations=notes)),
        {digest(within): within, digest(raw): raw, digest(proof.manifest()): proof.manifest(),
         **made.blobs, **proof.blobs},
    )  # fmt: skip


def saved(*images: tuple[Made, Sequence[str]]) -> dict[str, bytes]:
    """What `docker save` wrote before it had OCI's layout."""
    files: dict[str, bytes] = {}
    listed = []
    for made, names in images:
        config = f"{digest(made.said)[7:]}.json"
        layers = []
        files[config] = made.said
        for one in made.layers:
            layers.append(f"{digest(one)[7:20]}/layer.tar")
            files[layers[-1]] = one
        listed.append({"Config": config, "RepoTags": list(names), "Layers": layers})
    return {**files, "manifest.json": json.dumps(listed).encode()}


def written(path: Path, files: Mapping[str, bytes]) -> Path:
    """The archive of some files."""
    path.write_bytes(tar(*(file(name, content) for name, content in files.items())))
    return path
