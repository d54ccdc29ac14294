"""The commands ``keygen``, ``certify``, ``attach`` and ``verify``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from securesystemslib.signer import Key

from sm_conformance.certificate import signing
from sm_conformance.certificate.bundle import MOST_BYTES, decoded
from sm_conformance.certificate.issuing import Sign, certificate
from sm_conformance.certificate.page import page
from sm_conformance.certificate.statement import PREDICATE_TYPE
from sm_conformance.certificate.verifying import Demands, claims, refusals
from sm_conformance.contract import clause
from sm_conformance.contract import profile as profiles
from sm_conformance.engine.credentials import credentials
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.judgement.conclusion import ExitStatus
from sm_conformance.registry import attaching as registry
from sm_conformance.registry import cosign
from sm_conformance.registry.client import Manifest, Repository

_LONGEST_DAYS = 3650


def keygen(options: argparse.Namespace) -> int:
    """Makes a pair of keys."""
    private, public = Path(f"{options.output}.key"), Path(f"{options.output}.pub")
    try:
        signing.make_keys(private, public)
    except UsageProblem as error:
        return _unusable("keygen", error)
    print(f"{private}: the private key, to certify with; keep it to yourself")
    print(f"{public}: the public key, to hand to those who verify")
    return 0


def certify(options: argparse.Namespace, check: Callable[[argparse.Namespace], int]) -> int:
    """Judges an image with ``check``, and certifies it when it is conformant."""
    try:
        sign = _sign_with(options)
        days = _days(options.valid_days)
        target = Path(options.output)
        beside = target.with_name(f"{target.stem}.html")
        if beside == target:
            raise UsageProblem(f"{target}: its page has that name; call the certificate .json")
        for file in (target, beside):
            if file.exists():
                raise UsageProblem(f"{file} is there already: name another file with --output")
        if options.profile is not None:
            profiles.load(options.profile)
    except UsageProblem as error:
        return _unusable("certify", error)
    options.report = options.report or str(target.with_name(f"{target.stem}-report"))
    status = check(options)
    if status != 0:
        if status != ExitStatus.UNUSABLE:  # which has said why by itself
            sys.stderr.write(
                "sm-conformance certify: no certificate: the image was not found conformant\n"
            )
        return status
    issued = datetime.now(UTC).date()
    expires = issued + timedelta(days=days)
    try:
        made = certificate(Path(options.report), sign=sign, issued=issued, expires=expires)
        text = page(decoded(made), file=target.name, checked=f"made on {issued}, with that key")
        _write_new(target, made)
        _write_new(beside, text.encode())
    except UsageProblem as error:
        return _unusable("certify", error)
    print(f"certificate: {target} ({len(made)} bytes, valid until {expires})")
    print(f"       page: {beside}")
    return 0


def attach(options: argparse.Namespace) -> int:
    """Attaches a certificate to the image that it is of, in a registry."""
    try:
        repository = Repository(options.image, credentials=credentials)
        content = _read(Path(options.bundle))
        bundle = decoded(content)
        found = repository.manifest()
        if found is None:
            raise UsageProblem(f"there is no {options.image}")
        known = {subject["digest"]["sha256"] for subject in bundle.statement["subject"]}
        if not known & {digest.removeprefix("sha256:") for digest in _digests_of(found)}:
            raise UsageProblem(f"{options.bundle} is the certificate of another image")
        digest = registry.attach(repository, found, content)
        named = found.digest.removeprefix("sha256:") in known
        if named:
            envelope = signing.for_cosign(bundle.envelope)
            cosign.attest(repository, found, envelope, predicate_type=PREDICATE_TYPE)
    except UsageProblem as error:
        return _unusable("attach", error)
    except HarnessTrouble as error:
        sys.stderr.write(f"sm-conformance attach: {error}\n")
        return ExitStatus.INCONCLUSIVE
    print(f"attached: {repository.name}@{digest}")
    print(f"      to: {repository.name}@{found.digest}")
    if named:
        print("cosign verify-attestation --insecure-ignore-tlog=true --key PUBLIC_KEY \\")
        print(f"    --type {PREDICATE_TYPE} {repository.name}@{found.digest}")
    else:
        print(
            "cosign will not know it: the certificate names the image's configuration and no manifest; "
            "certify after the push for that"
        )
    return 0


def verify(options: argparse.Namespace) -> int:
    """Says whether a certificate holds, and in words what it claims.

    Of several that are attached to an image one that holds is enough.
    """
    try:
        key = signing.public_key(Path(options.key))
        demands = Demands(
            today=_day(options.at),
            digest=_digest(options.digest),
            profile=options.require,
            waivers=not options.no_waivers,
        )
        if demands.profile is not None:
            profiles.load(demands.profile)
        target = Path(options.page) if options.page is not None else None
        if target is not None and target.exists():
            # Left there, it would speak for a certificate that does not hold.
            raise UsageProblem(f"{target} is there already: name another file with --page")
        named = Path(options.bundle)
        if named.is_file() or _is_no_reference(options.bundle):
            return _verified(options.bundle, _read(named), key, demands, target)
        return _verified_there(options.bundle, key, demands, target)
    except UsageProblem as error:
        return _unusable("verify", error)
    except HarnessTrouble as error:
        sys.stderr.write(f"sm-conformance verify: {error}\n")
        return ExitStatus.INCONCLUSIVE


def _verified(name: str, content: bytes, key: Key, demands: Demands, target: Path | None) -> int:
    try:
        bundle = decoded(content)
    except UsageProblem as error:
        reasons: tuple[str, ...] = (str(error),)
    else:
        reasons = refusals(bundle, key, clause.load(), demands)
    if reasons:
        for reason in reasons:
            print(f"refused: {reason}")
        print(f"{name}: this certificate does not hold")
        return ExitStatus.NONCONFORMANT
    print("\n".join(claims(bundle, today=demands.today)))
    if target is not None:
        known_as = Path(name).name if Path(name).is_file() else name
        checked = f"verified on {demands.today} with that key; the certificate held"
        _write_new(target, page(bundle, file=known_as, checked=checked).encode())
        print(f"\npage: {target}")
    print(f"\n{name}: this certificate holds")
    return 0


def _verified_there(reference: str, key: Key, demands: Demands, target: Path | None) -> int:
    """The certificates that are attached to an image, held against that very image."""
    repository = Repository(reference, credentials=credentials)
    found = repository.manifest()
    if found is None:
        raise UsageProblem(f"there is no {reference}, neither as a file nor in that registry")
    if demands.digest is not None and demands.digest not in _digests_of(found):
        print(f"refused: {reference} is {found.digest}, and {demands.digest} is demanded")
        return ExitStatus.NONCONFORMANT
    # Of the image that lies there: its configuration, unless the engine knows it by its manifest.
    wanted = [replace(demands, digest=digest) for digest in _digests_of(found)]
    status = None
    for content in registry.attached(repository, found, limit_bytes=MOST_BYTES):
        held = next(
            (one for one in wanted if _holds(content, key, one)),
            wanted[0],
        )
        status = _verified(f"{repository.name}@{found.digest}", content, key, held, target)
        if status == 0:
            return 0
    if status is None:
        print(f"refused: no certificate is attached to {repository.name}@{found.digest}")
    return ExitStatus.NONCONFORMANT


def _holds(content: bytes, key: Key, demands: Demands) -> bool:
    try:
        return not refusals(decoded(content), key, clause.load(), demands)
    except UsageProblem:
        return False


def _digests_of(found: Manifest) -> tuple[str, ...]:
    digests = (found.config_digest, found.digest)
    return tuple(digest for digest in digests if digest is not None)


def _is_no_reference(text: str) -> bool:
    try:
        Repository(text, credentials=credentials)
    except UsageProblem:
        return True
    return False


def _sign_with(options: argparse.Namespace) -> Sign:
    if (options.key is None) == (options.sign_command is None):
        raise UsageProblem("name either --key FILE or --sign-command COMMAND")
    if options.key is not None:
        private = Path(options.key)
        # A key that cannot be used is better known before the image is judged.
        signing.signed_with_key(b"", "text/plain", private)
        return lambda payload, kind: signing.signed_with_key(payload, kind, private)
    if options.public_key is None:
        raise UsageProblem(
            "--sign-command needs the public key of its signatures: --public-key FILE"
        )
    public = signing.public_key(Path(options.public_key))
    command = options.sign_command
    return lambda payload, kind: signing.signed_by_command(payload, kind, command, public)


def _days(text: str) -> int:
    try:
        days = int(text)
    except ValueError:
        days = 0
    if not 1 <= days <= _LONGEST_DAYS:
        raise UsageProblem(f"--valid-days: expected 1 to {_LONGEST_DAYS} days, got {text!r}")
    return days


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageProblem(f"--at: expected a day such as 2027-01-31, got {text!r}") from error


def _digest(text: str | None) -> str | None:
    if text is None:
        return None
    digits = text.removeprefix("sha256:")
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise UsageProblem(f"--digest: expected sha256: and 64 hexadecimal digits, got {text!r}")
    return f"sha256:{digits}"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be read: {error.strerror}") from error


def _write_new(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise UsageProblem(f"{path} cannot be written: {error.strerror}") from error


def _unusable(command: str, error: UsageProblem | str) -> int:
    sys.stderr.write(f"sm-conformance {command}: {error}\n")
    return ExitStatus.UNUSABLE
