"""``declare``, ``specification``, ``explain`` and ``clauses``: what needs no image."""

from __future__ import annotations

import argparse
import difflib
import sys
import textwrap
from typing import Any

from sm_conformance import coverage
from sm_conformance.cli.options import add_claims, claims_of, unable, unusable
from sm_conformance.contract import clause
from sm_conformance.contract.clause import Clause, Contract
from sm_conformance.errors import UsageProblem
from sm_conformance.sources import titled


def add_requests(commands: Any) -> None:
    """Adds ``declare`` and ``specification``."""
    declare = commands.add_parser(
        "declare",
        help="print the declaration that requests to AWS, and yours where it is named, amount to",
    )
    specification = commands.add_parser(
        "specification",
        help="print the ValidationSpecification that a declaration amounts to, as JSON",
    )
    for command in (declare, specification):
        add_claims(command)
    declare.set_defaults(run=_print, command="declare", report=None)
    specification.set_defaults(run=_print, command="specification")
    specification.add_argument(
        "--report", metavar="FILE", help="report.json of a run that judged the image"
    )


def add_clauses(commands: Any) -> None:
    """Adds ``explain`` and ``clauses``."""
    explain = commands.add_parser("explain", help="print a clause, why it matters, how to fix it")
    explain.add_argument("number", metavar="NUMBER", help="such as TRAIN-064")
    explain.set_defaults(run=_explain)

    clauses = commands.add_parser("clauses", help="list all clauses")
    clauses.add_argument(
        "--coverage", action="store_true", help="say of each what is done about it, and where"
    )
    clauses.set_defaults(run=_clauses)


def _print(options: argparse.Namespace) -> int:
    """``declare`` and ``specification``."""
    from sm_conformance.aws import commands

    make = commands.specification if options.command == "specification" else commands.declaration
    given = claims_of(options)
    if options.report is not None:
        given["report"] = options.report
    try:
        made = make(given)
    except UsageProblem as error:
        return unable(options.command, error)
    sys.stderr.writelines(f"note: {note}\n" for note in made.notes)
    sys.stdout.flush()
    # Whatever the terminal's encoding is: this is the text of a file.
    sys.stdout.buffer.write(made.text.encode())
    return 0


def _explain(options: argparse.Namespace) -> int:
    contract = clause.load()
    found = contract.find(options.number)
    if not found:
        near = _near(contract, options.number)
        return unusable("explain", f"there is no clause {options.number!r}{near}")
    print("\n\n".join(_explanation(one) for one in found))
    return 0


def _near(contract: Contract, number: str) -> str:
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
