"""What several commands have in common: options, and what is said of a command that cannot be run."""

from __future__ import annotations

import argparse
import sys

from sm_conformance.aws.kinds import KINDS
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.judgement.conclusion import ExitStatus

# Name, form and meaning of the options that say what an image claims.
CLAIMS = (
    ("declaration", "FILE", "what the image claims"),
    *(
        (kind, "FILE", f"what the image claims, as AWS has it: {text}")
        for kind, text in KINDS.items()
    ),
    ("s3", "DIR", "the folder that holds BUCKET/KEY of what these requests name"),
)


def add_claims(command: argparse.ArgumentParser) -> None:
    """The options that say what an image claims."""
    for name, metavar, text in CLAIMS:
        command.add_argument(f"--{name}", metavar=metavar, help=text)


def claims_of(options: argparse.Namespace) -> dict[str, str]:
    """Those of these options that were given, with their values."""
    return {name: said for name, _, _ in CLAIMS if (said := value(options, name)) is not None}


def value(options: argparse.Namespace, name: str) -> str | None:
    """The value of the option ``--name``."""
    found: str | None = getattr(options, name.replace("-", "_"))
    return found


def unusable(command: str, told: object) -> int:
    """Says what is wrong with how ``command`` was called; its status."""
    sys.stderr.write(f"sm-conformance {command}: {told}\n")
    return ExitStatus.UNUSABLE


def unable(command: str, error: UsageProblem | HarnessTrouble) -> int:
    """Says why ``command`` did not come to an end; its status."""
    if isinstance(error, UsageProblem):
        return unusable(command, error)
    sys.stderr.write(f"sm-conformance {command}: {error}\n")
    return ExitStatus.INCONCLUSIVE


def interrupted(command: str, what: str) -> int:
    """Says what became of ``command``; its status."""
    sys.stderr.write(f"sm-conformance {command}: interrupted; {what}\n")
    return ExitStatus.INTERRUPTED


def lacking(command: str, error: ModuleNotFoundError) -> int:
    """A library that only some commands need is not there; the status."""
    return unusable(command, f"needs {error.name}: pip install 'sm-conformance[certify]'")
