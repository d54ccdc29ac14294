"""Verifies an attestation as cosign's specification and its library for envelopes say it is done."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

ENVELOPE = "application/vnd.dsse.envelope.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def attested(host: str, name: str, digest: str, key: Path) -> list[dict[str, Any]]:
    """The statements of this key on the image ``digest`` of a repository, each of them verified.

    Raises AssertionError for what lies there in another form, InvalidSignature for a signature
    that does not fit.
    """
    public = load_pem_public_key(key.read_bytes())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"
    tag = f"{digest.replace(':', '-')}.att"
    manifest = fetched(host, name, "manifests", tag)
    assert manifest["mediaType"] == OCI_MANIFEST
    config = fetched(host, name, "blobs", manifest["config"]["digest"])
    assert config["rootfs"]["diff_ids"] == [one["digest"] for one in manifest["layers"]]
    found = []
    for layer in manifest["layers"]:
        assert layer["mediaType"] == ENVELOPE
        # Without this note cosign's reader of signatures ends with an error.
        assert "dev.cosignproject.cosign/signature" in layer["annotations"]
        envelope = fetched(host, name, "blobs", layer["digest"])
        assert envelope["payloadType"] == "application/vnd.in-toto+json"
        payload = base64.b64decode(envelope["payload"], validate=True)
        (signature,) = envelope["signatures"]
        # A name that is not the one cosign gives the key would make it pass over the signature.
        assert signature["keyid"] in ("", ssh_name(public))
        kind = envelope["payloadType"].encode()
        signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        public.verify(base64.b64decode(signature["sig"]), signed, ec.ECDSA(hashes.SHA256()))
        statement = json.loads(payload)
        assert set(statement) == {"_type", "subject", "predicateType", "predicate"}
        assert layer["annotations"]["predicateType"] == statement["predicateType"]
        digests = {f"sha256:{one['digest']['sha256']}" for one in statement["subject"]}
        assert digest in digests, "the statement does not speak of this image"
        found.append(statement)
    return found


def ssh_name(public: ec.EllipticCurvePublicKey) -> str:
    """What cosign calls a key that has no name: the fingerprint of its form in SSH."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    counted = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return f"SHA256:{base64.b64encode(counted).decode().rstrip('=')}"


def fetched(host: str, name: str, kind: str, which: str) -> dict[str, Any]:
    """JSON from a registry, by its digest held against it."""
    answer = requests.get(
        f"http://{host}/v2/{name}/{kind}/{which}", headers={"Accept": OCI_MANIFEST}, timeout=10
    )
    assert answer.status_code == 200, answer.text
    if which.startswith("sha256:"):
        assert f"sha256:{hashlib.sha256(answer.content).hexdigest()}" == which
    said: dict[str, Any] = answer.json()
    return said
