"""The commands ``keygen``, ``certify`` and ``attach``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sm_conformance.certificate import signing
from sm_conformance.certificate.bundle import decoded
from sm_conformance.certificate.files import read, write_new
from sm_conformance.certificate.issuing import Sign, certificate
from sm_conformance.certificate.manifests import with_manifests
from sm_conformance.certificate.page import page
from sm_conformance.certificate.statement import PREDICATE_TYPE
from sm_conformance.contract import profile as profiles
from sm_conformance.engine.credentials import credentials
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.judgement import forms
from sm_conformance.judgement.conclusion import ExitStatus
from sm_conformance.registry import attaching as registry
from sm_conformance.registry import cosign
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import Manifest, digests_of, several
from sm_conformance.run_folder import ended

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
        if not target.name:
            raise UsageProblem(f"--output {options.output!r}: it is the name of no file")
        beside = target.with_name(f"{target.stem}.html")
        if beside == target:
            raise UsageProblem(f"{target}: its page has that name; call the certificate .json")
        for file in (target, beside):
            if file.exists():
                raise UsageProblem(f"{file} is there already: name another file with --output")
        _known(options.profile or profiles.DEFAULT)
    except UsageProblem as error:
        return _unusable("certify", error)
    options.report = options.report or str(target.with_name(f"{target.stem}-report"))
    status = check(options)
    if status != 0:
        if status != ExitStatus.UNUSABLE:  # which has said why by itself
            why = (
                "the run was interrupted"
                if status == ExitStatus.INTERRUPTED
                else "the image was not found conformant"
            )
            sys.stderr.write(f"sm-conformance certify: no certificate: {why}\n")
        return status
    issued = datetime.now(UTC).date()
    expires = issued + timedelta(days=days)
    named = (options.image, options.train_image, options.serve_image)
    try:
        folder = Path(options.report)
        with ended(folder, images=[one for one in named if one]) as report:
            known, notes = with_manifests(report, _ask)
            forms.rewrite(known, folder)
            made = certificate(folder, sign=sign, issued=issued, expires=expires)
        text = page(decoded(made), file=target.name, checked=f"made on {issued}, with that key")
        write_new(target, made)
        write_new(beside, text.encode())
    except UsageProblem as error:
        return _unusable("certify", error)
    except HarnessTrouble as error:
        sys.stderr.write(f"sm-conformance certify: {error}\n")
        return ExitStatus.INCONCLUSIVE
    for note in notes:
        print(f"       note: {note}")
    print(f"certificate: {target} ({len(made)} bytes, valid until {expires})")
    print(f"       page: {beside}")
    return 0


def _ask(reference: str) -> Manifest | None:
    return Repository(reference, credentials=credentials).manifest()


def attach(options: argparse.Namespace) -> int:
    """Attaches a certificate to the image that it is of, in a registry."""
    try:
        repository = Repository(options.image, credentials=credentials)
        content = read(Path(options.bundle))
        bundle = decoded(content)
        found = repository.manifest()
        if found is None:
            raise UsageProblem(f"there is no {options.image}")
        if several(found):
            raise UsageProblem(f"{options.image} is an index of several images: attach it to one")
        known = {subject["digest"]["sha256"] for subject in bundle.statement["subject"]}
        if not known & {digest.removeprefix("sha256:") for digest in digests_of(found)}:
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


def _known(profile: str) -> None:
    """Raises :class:`UsageProblem` for a profile that a verifier would not have."""
    if profiles.is_file(profile):
        raise UsageProblem(
            f"the profile {profile} is a file of yours, which a verifier does not have"
        )
    profiles.load(profile)


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
    signing.arguments_of(command)
    return lambda payload, kind: signing.signed_by_command(payload, kind, command, public)


def _days(text: str) -> int:
    try:
        days = int(text)
    except ValueError:
        days = 0
    if not 1 <= days <= _LONGEST_DAYS:
        raise UsageProblem(f"--valid-days: expected 1 to {_LONGEST_DAYS} days, got {text!r}")
    return days


def _unusable(command: str, error: UsageProblem | str) -> int:
    sys.stderr.write(f"sm-conformance {command}: {error}\n")
    return ExitStatus.UNUSABLE
