"""The commands ``keygen``, ``certify`` and ``verify``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sm_conformance.certificate import signing
from sm_conformance.certificate.bundle import MOST_BYTES, decoded
from sm_conformance.certificate.issuing import Sign, certificate
from sm_conformance.certificate.verifying import Demands, claims, refusals
from sm_conformance.contract import clause
from sm_conformance.contract import profile as profiles
from sm_conformance.errors import UsageProblem
from sm_conformance.judgement.conclusion import ExitStatus

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
        if target.exists():
            raise UsageProblem(f"{target} is there already: name another file with --output")
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
        with target.open("xb") as file:
            file.write(made)
    except UsageProblem as error:
        return _unusable("certify", error)
    except OSError as error:
        return _unusable("certify", f"{target} cannot be written: {error.strerror}")
    print(f"certificate: {target} ({len(made)} bytes, valid until {expires})")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Says whether a certificate holds, and in words what it claims."""
    path = Path(options.bundle)
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
        content = _read(path)
    except UsageProblem as error:
        return _unusable("verify", error)
    try:
        bundle = decoded(content)
    except UsageProblem as error:
        reasons: tuple[str, ...] = (str(error),)
    else:
        reasons = refusals(bundle, key, clause.load(), demands)
    if reasons:
        for reason in reasons:
            print(f"refused: {reason}")
        print(f"{path}: this certificate does not hold")
        return ExitStatus.NONCONFORMANT
    print("\n".join(claims(bundle, today=demands.today)))
    print(f"\n{path}: this certificate holds")
    return 0


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


def _unusable(command: str, error: UsageProblem | str) -> int:
    sys.stderr.write(f"sm-conformance {command}: {error}\n")
    return ExitStatus.UNUSABLE
