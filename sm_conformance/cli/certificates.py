"""``keygen``, ``certify``, ``attach`` and ``verify``."""

from __future__ import annotations

import argparse
from typing import Any

from sm_conformance.cli.judging import WATCH_S, add_judging, check
from sm_conformance.cli.options import lacking


def add_certificates(commands: Any) -> None:
    """Adds these commands."""
    keygen = commands.add_parser("keygen", help="make a pair of keys to certify with")
    keygen.add_argument("-o", "--output", metavar="NAME", default="sm-conformance",
                        help="write NAME.key and NAME.pub (default: sm-conformance); the private key "
                        "is encrypted with the password in SM_KEY_PASSWORD, if there is one")  # fmt: skip
    keygen.set_defaults(run=_run, command="keygen")

    certify = commands.add_parser(
        "certify", help="judge an image and, when it is conformant, write a signed certificate"
    )
    add_judging(certify)
    certify.add_argument("-o", "--output", metavar="FILE", default="certificate.json",
                         help="write the certificate there (default: certificate.json), its page as .html "
                         "and, unless --report names a folder, the report beside it")  # fmt: skip
    certify.add_argument("--key", metavar="FILE", help="sign with this private key")
    certify.add_argument("--sign-command", metavar="COMMAND", help="sign by this command: the bytes to "
                         "sign on its stdin, the signature (base64 or raw) on its stdout")  # fmt: skip
    certify.add_argument("--public-key", metavar="FILE", help="the public key of --sign-command")
    certify.add_argument("--valid-days", metavar="N", default="365",
                         help="how long the certificate holds (default: 365)")  # fmt: skip
    certify.set_defaults(
        run=_run,
        command="certify",
        k=None,
        cached=False,
        archive=None,
        registry=False,
        watch=WATCH_S,
    )

    attach = commands.add_parser("attach", help="attach a certificate to its image in a registry")
    attach.add_argument("bundle", metavar="FILE", help="the certificate")
    attach.add_argument("image", metavar="REGISTRY/REPO:TAG", help="the image that it is of")
    attach.set_defaults(run=_run, command="attach")

    verify = commands.add_parser(
        "verify", help="say whether a certificate holds, and what it claims"
    )
    verify.add_argument("bundle", metavar="FILE|REGISTRY/REPO:TAG",
                        help="the certificate, or an image in a registry that one is attached to")  # fmt: skip
    verify.add_argument("--key", metavar="FILE", required=True, help="the public key of its signer")
    verify.add_argument("--digest", metavar="SHA256", help="refuse the certificate of another image: "
                        "the digest of its configuration or of its manifest")  # fmt: skip
    verify.add_argument("--require", metavar="PROFILE", help="refuse a weaker profile than this")
    verify.add_argument("--no-waivers", action="store_true", help="refuse waivers")
    verify.add_argument(
        "--at", metavar="DAY", help="verify as of this day (default: today, in UTC)"
    )
    verify.add_argument("--page", metavar="FILE", help="write the certificate as an HTML page, to read or "
                        "print; only when it holds")  # fmt: skip
    verify.set_defaults(run=_run, command="verify")


def _run(options: argparse.Namespace) -> int:
    try:
        from sm_conformance.certificate import command, verify_command
    except ModuleNotFoundError as error:
        return lacking(options.command, error)
    if options.command == "certify":
        return command.certify(options, check)
    own = {"keygen": command.keygen, "attach": command.attach, "verify": verify_command.verify}
    return own[options.command](options)
