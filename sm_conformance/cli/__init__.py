"""The command line: ``check`` an image hermetically, ``certify`` it and ``verify`` a certificate (``keygen``
makes keys), ``init`` its declaration, ``serve`` it or ``train`` with it as the suite does, make a declaration
of requests to AWS (``declare``) or what AWS validates with of one (``specification``), ``explain`` a clause,
list all ``clauses``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from sm_conformance import __version__
from sm_conformance.cli.certificates import add_certificates
from sm_conformance.cli.describing import add_clauses, add_requests
from sm_conformance.cli.judging import add_check, add_gate
from sm_conformance.cli.launching import add_holding, add_init
from sm_conformance.judgement.conclusion import ExitStatus


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    options = make_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except KeyboardInterrupt:  # where nothing was launched yet, or pytest has not begun
        sys.stderr.write("sm-conformance: interrupted\n")
        return ExitStatus.INTERRUPTED
    return status


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(
        prog="sm-conformance",
        description="Judges whether a container image keeps the Amazon SageMaker container contract.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    for add in (
        add_check, add_gate, add_certificates, add_init, add_holding, add_requests, add_clauses,
    ):  # fmt: skip
        add(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """Ends with status 4 on unusable options, as every door of this project does.

    No option may be cut short: what `--allow` would be short for may change with the next version.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **(options | {"allow_abbrev": False}))

    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.UNUSABLE, f"{self.prog}: {message}\n")
