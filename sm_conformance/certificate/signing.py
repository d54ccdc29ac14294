"""Signs with a key of the user's, or by a command of theirs, and knows whose signature one is.

Keys are ECDSA over P-256 in PEM files, which cosign and the key services of clouds have too. The
envelope is DSSE's, and so is what is signed: its pre-authentication encoding.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import (
    UnsupportedAlgorithmError,
    UnverifiedSignatureError,
    VerificationError,
)
from securesystemslib.signer import CryptoSigner, Key, Signature, SSlibKey

from sm_conformance.errors import UsageProblem

# Where the password of a key is looked for; without it a key is not encrypted.
PASSWORD = "SM_KEY_PASSWORD"  # noqa: S105 - the name of a variable
_COMMAND_S = 300
_MOST_KEY_BYTES = 64 * 1024


def make_keys(private: Path, public: Path) -> None:
    """Writes a new pair of keys, the private one readable by its owner alone.

    Raises :class:`UsageProblem` when a file is there already or cannot be written.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    password = _password()
    secret = BestAvailableEncryption(password) if password else NoEncryption()
    try:
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
    except ValueError as error:
        raise UsageProblem(f"{PASSWORD}: {error}") from error
    texts = (
        (private, 0o600, text),
        (
            public,
            0o644,
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        ),
    )
    taken = next((path for path, _, _ in texts if path.exists() or path.is_symlink()), None)
    if taken is not None:
        raise UsageProblem(f"{taken} is there already: a key is never written over")
    for path, mode, text in texts:
        try:
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(opened, "wb") as file:
                file.write(text)
        except OSError as error:
            raise UsageProblem(f"{path} cannot be written: {error.strerror}") from error


def public_key(path: Path) -> Key:
    """The public key in a PEM file. Raises :class:`UsageProblem` when there is none."""
    try:
        return SSlibKey.from_crypto(load_pem_public_key(_read(path)))
    except (ValueError, TypeError, UnsupportedAlgorithm, UnsupportedAlgorithmError) as error:
        raise UsageProblem(f"{path} holds no public key in PEM form that can be used") from error


def signed_with_key(payload: bytes, payload_type: str, path: Path) -> Envelope:
    """The payload signed with the private key in a PEM file.

    Raises :class:`UsageProblem` when there is none, or its password is not that of the environment.
    """
    password, raw = _password(), _read(path)
    try:
        key = load_pem_private_key(raw, password)
        signer = CryptoSigner(key, SSlibKey.from_crypto(key.public_key()))
    except TypeError as error:
        wanted = "is encrypted: set" if not password else "is not encrypted: do not set"
        raise UsageProblem(f"{path} {wanted} {PASSWORD}") from error
    except (ValueError, UnsupportedAlgorithm, UnsupportedAlgorithmError) as error:
        hint = f", or {PASSWORD} is not its password" if password else ""
        raise UsageProblem(
            f"{path} holds no private key in PEM form that can be used{hint}"
        ) from error
    envelope = Envelope(payload, payload_type, {})
    envelope.sign(signer)
    return envelope


def arguments_of(command: str) -> list[str]:
    """The words of a command. Raises :class:`UsageProblem` when it names no program that is there."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageProblem(f"`{command}` cannot be run: {error}") from error
    if not words or shutil.which(words[0]) is None:
        raise UsageProblem(f"`{command}` cannot be run: it names no program")
    return words


def signed_by_command(payload: bytes, payload_type: str, command: str, key: Key) -> Envelope:
    """The payload signed by a command: the bytes to sign on its stdin, the signature on its stdout.

    The signature is taken as base64, or raw. ``key`` is the public key that it has to fit. Raises
    :class:`UsageProblem` when the command fails, or signs with another key.
    """
    envelope, words = Envelope(payload, payload_type, {}), arguments_of(command)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command
            words,
            input=envelope.pae(), capture_output=True, timeout=_COMMAND_S, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UsageProblem(f"`{command}` cannot be run: {error}") from error
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())[-500:]
        raise UsageProblem(f"`{command}` ended with {done.returncode}: {said}")
    signature = Signature(key.keyid, _raw(done.stdout).hex())
    try:
        key.verify_signature(signature, envelope.pae())
    except (UnverifiedSignatureError, VerificationError) as error:
        raise UsageProblem(
            f"what `{command}` printed is no signature of that public key"
        ) from error
    envelope.signatures[key.keyid] = signature
    return envelope


def is_signed_by(envelope: Envelope, key: Key) -> bool:
    """Whether the envelope has one signature, and it is of this key."""
    if list(envelope.signatures) != [key.keyid]:
        return False
    try:
        envelope.verify([key], 1)
    except (VerificationError, UnverifiedSignatureError):
        return False
    return True


def for_cosign(envelope: Envelope) -> bytes:
    """The envelope as cosign reads it: without the name of its key, which no signature covers.

    cosign passes over a signature whose key has another name than that which it would give it.
    """
    said = envelope.to_dict()
    said["signatures"] = [{**one, "keyid": ""} for one in said["signatures"]]
    return json.dumps(said, separators=(",", ":")).encode()


def _raw(printed: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(printed.split()), validate=True)  # lines of 76, say
    except binascii.Error:
        return printed


def _password() -> bytes | None:
    """As it stands in the environment, whatever its encoding; None where it is empty."""
    return os.fsencode(os.environ.get(PASSWORD, "")) or None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_KEY_BYTES)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error
