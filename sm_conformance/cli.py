"""The command line: ``check`` an image hermetically, ``init`` its declaration, make one of requests to AWS
(``declare``) or what AWS validates with of one (``specification``), ``explain`` a clause, list all
``clauses``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from sm_conformance import __version__
from sm_conformance.aws.kinds import KINDS
from sm_conformance.contract import clause
from sm_conformance.contract.clause import Clause, Contract
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.judgement.conclusion import ExitStatus
from sm_conformance.sources import titled

_HERE = Path(__file__).resolve().parent
# What surroundings use to change a pytest run.
_OUTSIDE_INFLUENCE = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_THEME", "PYTEST_DEBUG")
# Options of ``check`` that the plugin has under the same name with ``sm-`` in front.
_CLAIMS = (
    ("declaration", "FILE", "what the image claims"),
    *(
        (kind, "FILE", f"what the image claims, as AWS has it: {text}")
        for kind, text in KINDS.items()
    ),
    ("s3", "DIR", "the folder that holds BUCKET/KEY of what these requests name"),
)
_PASSED_ON = (
    ("train-image", "REPO:TAG", "judge this image for training"),
    ("serve-image", "REPO:TAG", "judge this image for hosting"),
    *_CLAIMS,
    ("model-data", "FILE", "serve this model.tar.gz instead of a trained one"),
    ("profile", "NAME", "platform (default) or strict"),
    ("report", "DIR", "write report.json, report.html, junit.xml and evidence/ there"),
    ("patience", "SECONDS", "how long a training may take to be judged (default: 600)"),
    (
        "examples",
        "N",
        "how many values within the declared ranges of hyperparameters, and how many outside, to "
        "train with; for each of them, some requests that are made up (default: 3)",
    ),
    ("limits", "FILE", "replace limits; such a run is never conformant"),
    ("max-ping-p99-ms", "MS", "bound of /ping latency"),
    ("max-invocation-p99-ms", "MS", "bound of /invocations latency"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status."""
    options = make_parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # a reader such as `head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    return status


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(
        prog="sm-conformance",
        description="Judges whether a container image keeps the Amazon SageMaker container contract.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    check = commands.add_parser("check", help="judge an image, whatever lies around")
    check.add_argument("image", nargs="?", metavar="REPO:TAG", help="one image for both jobs")
    for name, metavar, text in _PASSED_ON:
        check.add_argument(f"--{name}", metavar=metavar, help=text)
    check.add_argument("--keep", action="store_true", help="keep containers of failed launches")
    check.add_argument("--allow-network", action="store_true", help="a failing launch may be "
                       "repeated with a network, to name the cause")  # fmt: skip
    check.add_argument("-k", metavar="EXPRESSION", help="judge only matching clauses")
    check.add_argument("-v", "--verbose", action="store_true", help="name each clause")
    check.set_defaults(run=_check)

    init = commands.add_parser(
        "init",
        help="write a first declaration by looking at an image",
        description="Writes a first sm-conformance.yaml by looking: reads the image's labels and its "
        "program, and tries some trainings and requests, isolated and bounded. It asks nothing, with "
        "a terminal or without one; what it guessed is marked, and only what was seen to work is "
        "claimed. Status 3: nothing could be claimed.",
    )
    init.add_argument("image", metavar="REPO:TAG", help="the image to look at")
    init.add_argument("-o", "--output", metavar="FILE", default="sm-conformance.yaml",
                      help="write it there (default: sm-conformance.yaml); - is stdout")  # fmt: skip
    init.add_argument("--force", action="store_true", help="replace a file that is there")
    init.add_argument("--model-data", metavar="FILE", help="serve this model.tar.gz")
    init.add_argument("--patience", metavar="SECONDS", type=float, default=300.0,
                      help="how long one training may take (default: 300)")  # fmt: skip
    init.set_defaults(run=_init)

    declare = commands.add_parser(
        "declare",
        help="print the declaration that requests to AWS, and yours where it is named, amount to",
    )
    specification = commands.add_parser(
        "specification",
        help="print the ValidationSpecification that a declaration amounts to, as JSON",
    )
    for command in (declare, specification):
        for name, metavar, text in _CLAIMS:
            command.add_argument(f"--{name}", metavar=metavar, help=text)
    declare.set_defaults(run=_print, command="declare", report=None)
    specification.set_defaults(run=_print, command="specification")
    specification.add_argument(
        "--report", metavar="FILE", help="report.json of a run that judged the image"
    )

    explain = commands.add_parser("explain", help="print a clause, why it matters, how to fix it")
    explain.add_argument("number", metavar="NUMBER", help="such as TRAIN-064")
    explain.set_defaults(run=_explain)

    clauses = commands.add_parser("clauses", help="list all clauses")
    clauses.add_argument(
        "--coverage", action="store_true", help="say of each what is done about it, and where"
    )
    clauses.set_defaults(run=_clauses)
    return parser


class _Parser(argparse.ArgumentParser):
    """Ends with status 4 on unusable options, as every door of this project does."""

    def error(self, message: str) -> None:  # type: ignore[override]
        self.print_usage(sys.stderr)
        self.exit(ExitStatus.UNUSABLE, f"{self.prog}: {message}\n")


def _value(options: argparse.Namespace, name: str) -> str | None:
    value: str | None = getattr(options, name.replace("-", "_"))
    return value


def _check(options: argparse.Namespace) -> int:
    for name, _, _ in _PASSED_ON:
        if _value(options, name) == "":
            sys.stderr.write(
                f"sm-conformance check: --{name} is empty; leave it out or name something\n"
            )
            return ExitStatus.UNUSABLE
    if not (options.image or options.train_image or options.serve_image):
        sys.stderr.write("sm-conformance check: name an image\n")
        return ExitStatus.UNUSABLE
    for name in _OUTSIDE_INFLUENCE:
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ["HYPOTHESIS_NO_PLUGINS"] = "1"
    import pytest

    suite = _HERE / "suite"
    arguments = [
        f"--config-file={_HERE / 'hermetic.ini'}",
        f"--rootdir={suite}",
        f"--confcutdir={suite}",
        "-p", "sm_conformance.plugin",
        "-p", "no:cacheprovider",
        "-p", "no:doctest",
        "--sm-hermetic",
    ]  # fmt: skip
    if options.image:
        arguments.append(f"--sm-image={options.image}")
    for name, _, _ in _PASSED_ON:
        value = _value(options, name)
        if value is not None:
            arguments.append(f"--sm-{name}={value}")
    arguments += [f"--sm-{name}" for name in ("keep", "allow-network") if _flag(options, name)]
    arguments += ["-k", options.k] if options.k else []
    arguments += ["-v"] if options.verbose else ["-q"]
    return int(pytest.main([*arguments, str(suite)]))


def _init(options: argparse.Namespace) -> int:
    from sm_conformance.engine.docker import DockerEngine
    from sm_conformance.first_look.command import Wish, init
    from sm_conformance.pytest_run.termination import Termination

    wish = Wish(
        image=options.image,
        output=options.output,
        force=options.force,
        model_data=None if options.model_data is None else Path(options.model_data),
        patience_s=options.patience,
    )
    termination = Termination()
    termination.watch()
    try:
        claimed = init(wish, engine=DockerEngine)
    except UsageProblem as error:
        sys.stderr.write(f"sm-conformance init: {error}\n")
        return ExitStatus.UNUSABLE
    except HarnessTrouble as error:
        sys.stderr.write(f"sm-conformance init: {error}\n")
        return ExitStatus.INCONCLUSIVE
    except KeyboardInterrupt:
        sys.stderr.write("sm-conformance init: interrupted; nothing was written\n")
        return ExitStatus.INTERRUPTED
    finally:
        termination.release()
    return 0 if claimed else ExitStatus.INCONCLUSIVE


def _print(options: argparse.Namespace) -> int:
    """``declare`` and ``specification``."""
    from sm_conformance.aws import commands

    make = commands.specification if options.command == "specification" else commands.declaration
    names = [name for name, _, _ in _CLAIMS] + ["report"]
    try:
        made = make({name: said for name in names if (said := _value(options, name)) is not None})
    except UsageProblem as error:
        sys.stderr.write(f"sm-conformance {options.command}: {error}\n")
        return ExitStatus.UNUSABLE
    sys.stderr.writelines(f"note: {note}\n" for note in made.notes)
    sys.stdout.flush()
    sys.stdout.buffer.write(
        made.text.encode()
    )  # whatever the terminal's encoding: it is a file's text
    return 0


def _flag(options: argparse.Namespace, name: str) -> bool:
    return bool(getattr(options, name.replace("-", "_")))


def _explain(options: argparse.Namespace) -> int:
    contract = clause.load()
    found = contract.find(options.number)
    if not found:
        sys.stderr.write(
            f"sm-conformance explain: there is no clause {options.number!r}{_near(contract, options.number)}\n"
        )
        return ExitStatus.UNUSABLE
    print("\n\n".join(_explanation(one) for one in found))
    return 0


def _near(contract: Contract, number: str) -> str:
    import difflib

    known = sorted({one.number for one in contract.clauses})
    near = difflib.get_close_matches(number.upper(), known, n=1)
    return f"; did you mean {near[0]}?" if near else "; `sm-conformance clauses` lists all"


def _explanation(one: Clause) -> str:
    promise = f"   promise {one.promise}" if one.promise else ""
    claims = ", ".join(sorted(one.claims)) or "every image"
    lines = [
        f"{one.key}   {one.level}   breaking it: {one.consequence}{promise}",
        *_wrapped("", one.sentence),
        *_wrapped("applies to", claims),
        *_wrapped("if broken", one.matters),
        *_wrapped("how to fix", one.fix),
        *_wrapped("judged", _disposition(one)),
    ]
    for source in one.sources:
        lines += _wrapped("source", titled(source))
    return "\n".join(lines)


def _disposition(one: Clause) -> str:
    if one.because is None:
        return "by launching the image" if one.scope != "request" else "by a run"
    return f"{one.disposition}: {one.because}"


def _wrapped(name: str, text: str) -> list[str]:
    indent = " " * 13
    wrapped = textwrap.wrap(text, 87) or [""]
    return [f"  {name:<11}{wrapped[0]}", *(f"{indent}{line}" for line in wrapped[1:])]


def _clauses(options: argparse.Namespace) -> int:
    contract = clause.load()
    if options.coverage:
        from sm_conformance import coverage

        print(coverage.table(contract))
        return 0
    for one in contract.clauses:
        print(
            f"{one.number:<10} {one.name:<28} {one.level:<7} {one.consequence:<8} "
            f"{one.promise or '':<3} {one.disposition:<13} {one.sentence}"
        )
    asserted = len(contract.asserted)
    numbers = len({one.number for one in contract.clauses})
    print(
        f"\n{numbers} rules in {len(contract.clauses)} clauses, {asserted} of them asserted; "
        f"edition {contract.edition}"
    )
    return 0
