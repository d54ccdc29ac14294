"""The command ``verify``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from securesystemslib.signer import Key

from sm_conformance.certificate import signing
from sm_conformance.certificate.bundle import MOST_BYTES, decoded
from sm_conformance.certificate.files import read, write_new
from sm_conformance.certificate.page import page
from sm_conformance.certificate.verifying import Demands, claims, refusals
from sm_conformance.contract import clause
from sm_conformance.contract import profile as profiles
from sm_conformance.engine.credentials import credentials
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.judgement.conclusion import ExitStatus
from sm_conformance.observed.http import printable
from sm_conformance.registry import attaching as registry
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import digests_of, several


def verify(options: argparse.Namespace) -> int:
    """Says whether a certificate holds, and in words what it claims.

    Of several that are attached to an image one that holds is enough.
    """
    try:
        if not options.bundle:
            raise UsageProblem("name a certificate, or an image that has one attached")
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
            return _verified(options.bundle, read(named), key, demands, target)
        return _verified_there(options.bundle, key, demands, target)
    except UsageProblem as error:
        sys.stderr.write(f"sm-conformance verify: {error}\n")
        return ExitStatus.UNUSABLE
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
            print(f"refused: {printable(reason)}")
        print(f"{name}: this certificate does not hold")
        return ExitStatus.NONCONFORMANT
    # A stranger's words: none of them ends a line, or writes over another.
    print("\n".join(printable(line) for line in claims(bundle, today=demands.today)))
    if target is not None:
        known_as = Path(name).name if Path(name).is_file() else name
        checked = f"verified on {demands.today} with that key; the certificate held"
        write_new(target, page(bundle, file=known_as, checked=checked).encode())
        print(f"\npage: {target}")
    print(f"\n{name}: this certificate holds")
    return 0


def _verified_there(reference: str, key: Key, demands: Demands, target: Path | None) -> int:
    """The certificates that are attached to an image, held against that very image."""
    repository = Repository(reference, credentials=credentials)
    found = repository.manifest()
    if found is None:
        raise UsageProblem(f"there is no {reference}, neither as a file nor in that registry")
    if several(found):
        print(f"refused: {reference} is {found.form.describe()}, and one image is judged at a time")
        return ExitStatus.NONCONFORMANT
    if demands.digest is not None and demands.digest not in digests_of(found):
        print(f"refused: {reference} is {found.digest}, and {demands.digest} is demanded")
        return ExitStatus.NONCONFORMANT
    # Of the image that lies there: its configuration, unless the engine knows it by its manifest.
    wanted = [replace(demands, digest=digest) for digest in digests_of(found)]
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


def _is_no_reference(text: str) -> bool:
    try:
        Repository(text, credentials=credentials)
    except UsageProblem:
        return True
    return False


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
