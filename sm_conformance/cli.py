"""The command line: ``check`` an image hermetically, ``certify`` it and ``verify`` a certificate (``keygen``
makes keys), ``init`` its declaration, ``serve`` it or ``train`` with it as the suite does, make a declaration
of requests to AWS (``declare``) or what AWS validates with of one (``specification``), ``explain`` a clause,
list all ``clauses``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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
    ("baseline", "REPO:TAG", "tell how answers differ from those of this image"),
    ("profile", "NAME", "platform (default) or strict"),
    (
        "report",
        "DIR",
        "write the report there: report.json, .html, .sarif, junit.xml, summary.md, badge.svg, evidence/",
    ),
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
    (
        "rate",
        "PER_SECOND",
        "requests a second at which the bounds hold, each sent when it is due",
    ),
    ("rate-seconds", "SECONDS", "how long that rate is kept up (default: 10)"),
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

    check = commands.add_parser("check", help="judge an image, whatever lies around")
    _add_judging(check)
    check.add_argument("-k", metavar="EXPRESSION", help="judge only matching clauses")
    check.set_defaults(run=_check, command="check")

    gate = commands.add_parser(
        "gate", help="judge an image and, only when it is conformant, push what was judged"
    )
    _add_judging(gate)
    gate.add_argument("--push", metavar="REGISTRY/REPO:TAG", required=True,
                      help="where to; you are logged in there as for `docker push`")  # fmt: skip
    gate.add_argument("--no-waivers", action="store_true", help="refuse an image with waivers")
    gate.set_defaults(run=_gate, command="gate", k=None)

    _add_certificates(commands)

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

    serve = commands.add_parser(
        "serve",
        help="start a server as the suite does and hold it open",
        description="Starts a server exactly as the suite does, waits until /ping answers 200, says "
        "where it is and how to ask it, and shows its log until Ctrl-C. Without --model-data it is "
        "given the declared model, or one that is trained first. Status 0: you ended it; 1: it "
        "ended by itself, or did not become ready.",
    )
    serve.add_argument("--model-data", metavar="FILE", help="serve this model.tar.gz")
    train = commands.add_parser(
        "train",
        help="run one training as the suite does and keep what it left",
        description="Runs one ordinary training exactly as the suite does, shows its log, and hands "
        "over what it left: DIR/model, DIR/output, and DIR/model.tar.gz as the platform makes it. "
        "Status 0: it exited with 0; 1: it did not; 3: that was not known in time.",
    )
    train.add_argument("--out", metavar="DIR", required=True, help="put what it left there")
    train.add_argument("--patience", metavar="SECONDS", type=float,
                       help="how long it may take (default: 600)")  # fmt: skip
    for command in (serve, train):
        command.add_argument("image", metavar="REPO:TAG", help="the image to start")
        for name, metavar, text in _CLAIMS:
            command.add_argument(f"--{name}", metavar=metavar, help=text)
    serve.set_defaults(run=_launch, command="serve", out=None, patience=None)
    train.set_defaults(run=_launch, command="train", model_data=None)

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


def _add_judging(command: argparse.ArgumentParser) -> None:
    """The options of every command that judges."""
    command.add_argument("image", nargs="?", metavar="REPO:TAG", help="one image for both jobs")
    for name, metavar, text in _PASSED_ON:
        command.add_argument(f"--{name}", metavar=metavar, help=text)
    command.add_argument("--keep", action="store_true", help="keep containers of failed launches")
    command.add_argument("--allow-network", action="store_true", help="a failing launch may be "
                         "repeated with a network, to name the cause")  # fmt: skip
    command.add_argument("-v", "--verbose", action="store_true", help="name each clause")


def _add_certificates(commands: Any) -> None:
    """``keygen``, ``certify``, ``attach`` and ``verify``."""
    keygen = commands.add_parser("keygen", help="make a pair of keys to certify with")
    keygen.add_argument("-o", "--output", metavar="NAME", default="sm-conformance",
                        help="write NAME.key and NAME.pub (default: sm-conformance); the private key "
                        "is encrypted with the password in SM_KEY_PASSWORD, if there is one")  # fmt: skip
    keygen.set_defaults(run=_certificates, command="keygen")

    certify = commands.add_parser(
        "certify", help="judge an image and, when it is conformant, write a signed certificate"
    )
    _add_judging(certify)
    certify.add_argument("-o", "--output", metavar="FILE", default="certificate.json",
                         help="write the certificate there (default: certificate.json), and the report, "
                         "unless --report names a folder, beside it")  # fmt: skip
    certify.add_argument("--key", metavar="FILE", help="sign with this private key")
    certify.add_argument("--sign-command", metavar="COMMAND", help="sign by this command: the bytes to "
                         "sign on its stdin, the signature (base64 or raw) on its stdout")  # fmt: skip
    certify.add_argument("--public-key", metavar="FILE", help="the public key of --sign-command")
    certify.add_argument("--valid-days", metavar="N", default="365",
                         help="how long the certificate holds (default: 365)")  # fmt: skip
    certify.set_defaults(run=_certificates, command="certify", k=None)

    attach = commands.add_parser("attach", help="attach a certificate to its image in a registry")
    attach.add_argument("bundle", metavar="FILE", help="the certificate")
    attach.add_argument("image", metavar="REGISTRY/REPO:TAG", help="the image that it is of")
    attach.set_defaults(run=_certificates, command="attach")

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
    verify.set_defaults(run=_certificates, command="verify")


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
                f"sm-conformance {options.command}: --{name} is empty; leave it out or name something\n"
            )
            return ExitStatus.UNUSABLE
    if not (options.image or options.train_image or options.serve_image):
        sys.stderr.write(f"sm-conformance {options.command}: name an image\n")
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


def _gate(options: argparse.Namespace) -> int:
    try:
        from sm_conformance.gate import command
    except ModuleNotFoundError as error:
        return _missing(options.command, error)
    return command.gate(options, _check)


def _missing(command: str, error: ModuleNotFoundError) -> int:
    """A library that only some commands need is not there."""
    sys.stderr.write(
        f"sm-conformance {command}: needs {error.name}: pip install 'sm-conformance[certify]'\n"
    )
    return ExitStatus.UNUSABLE


def _certificates(options: argparse.Namespace) -> int:
    """``keygen``, ``certify``, ``attach`` and ``verify``."""
    try:
        from sm_conformance.certificate import command
    except ModuleNotFoundError as error:
        return _missing(options.command, error)
    if options.command == "certify":
        return command.certify(options, _check)
    own = {"keygen": command.keygen, "attach": command.attach, "verify": command.verify}
    return own[options.command](options)


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


def _launch(options: argparse.Namespace) -> int:
    """``serve`` and ``train``."""
    from sm_conformance.engine.docker import DockerEngine
    from sm_conformance.hold_open.command import Wish, launch
    from sm_conformance.pytest_run.termination import Termination

    names = [name for name, _, _ in _CLAIMS]
    wish = Wish(
        command=options.command,
        image=options.image,
        claims={name: said for name in names if (said := _value(options, name)) is not None},
        model_data=options.model_data,
        out=options.out,
        patience_s=options.patience,
    )
    termination = Termination()
    termination.watch()
    try:
        return launch(wish, engine=DockerEngine, hold_off=termination.hold_off)
    except UsageProblem as error:
        sys.stderr.write(f"sm-conformance {options.command}: {error}\n")
        return ExitStatus.UNUSABLE
    except HarnessTrouble as error:
        sys.stderr.write(f"sm-conformance {options.command}: {error}\n")
        return ExitStatus.INCONCLUSIVE
    except KeyboardInterrupt:
        sys.stderr.write(
            f"sm-conformance {options.command}: interrupted; what was launched is removed\n"
        )
        return ExitStatus.INTERRUPTED
    finally:
        termination.release()


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
