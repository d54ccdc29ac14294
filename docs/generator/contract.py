"""Makes the page that lists the contract."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import yaml

from generator.markdown import NOTICE, link, plain, table
from sm_conformance import specs, suite
from sm_conformance.binding import binding_of
from sm_conformance.contract import clause, profile
from sm_conformance.contract.clause import Clause, Disposition
from sm_conformance.contract.profile import Profile
from sm_conformance.judgement.page import CHAPTERS

MUTANTS = Path(__file__).resolve().parents[2] / "sample_images" / "mutants"

DISPOSITIONS = {
    Disposition.ASSERTED: ("asserted", "a test judges it on a real launch"),
    Disposition.EMULATED: (
        "emulated",
        "every launch is made so; an image that minds it breaks others",
    ),
    Disposition.DECLARATION: ("declaration", "checked on the declaration"),
    Disposition.UNOBSERVABLE: ("not observable", "cannot be seen from outside the platform"),
    Disposition.NOT_YET: ("not yet", "known, and not judged by this edition"),
}
HEAD = """\
# The contract, clause by clause

Every rule of the container contract that this project knows, and what it does about each. A rule
whose parts differ in weight is several clauses with one number; number and name together are the
key of a clause. `sm-conformance explain TRAIN-064` prints those of one number,
`sm-conformance clauses` lists all.

Edition {edition}: {rules} rules in {clauses} clauses, of which {asserted} are asserted."""
WORDS = (
    (
        "level",
        "how strongly the source words it: MUST, SHOULD, MAY; OBS was seen on real jobs and is "
        "never judged",
    ),
    (
        "consequence",
        "what breaking it does on the platform. `refused`: the image, the model or the job is not "
        "accepted or never starts. `fails`: the job, the endpoint or ordinary requests fail. "
        "`loses`: it works, but something is lost. `none`",
    ),
    (
        "promise",
        "one of the five that the project is founded on. P1: training exits 0 on good input. P2: "
        "artefacts land in `/opt/ml/model`. P3: a failing training exits non-zero and says why. "
        "P4: `/ping` answers. P5: `/invocations` answers within its bounds",
    ),
)


def page() -> str:
    """``docs/contract.md``: counts, chapters, then each clause with all that is known of it."""
    contract = clause.load()
    judges, mutants = _judges(), _mutants()
    head = HEAD.format(
        edition=contract.edition,
        rules=len({one.number for one in contract.clauses}),
        clauses=len(contract.clauses),
        asserted=len(contract.asserted),
    )
    parts = [
        NOTICE,
        head,
        table(("word", "meaning"), WORDS),
        _disposition_table(contract.clauses),
        _counts(contract.clauses),
    ]
    for prefix, title in CHAPTERS.items():
        held = [one for one in contract.clauses if one.chapter == prefix]
        rows = [
            (
                link(one.key),
                one.level,
                one.consequence,
                one.promise or "",
                _done(one),
                plain(one.sentence),
            )
            for one in held
        ]
        columns = ("clause", "level", "consequence", "promise", "done", "what is required")
        parts += [f"## {title}", table(columns, rows)]
        parts += [_clause(one, judges.get(one.key), mutants[one.key]) for one in held]
    return "\n\n".join([*parts, _sources()]) + "\n"


def _disposition_table(clauses: Sequence[Clause]) -> str:
    counted = Counter(one.disposition for one in clauses)
    rows = [(name, meaning, counted[key]) for key, (name, meaning) in DISPOSITIONS.items()]
    return table(("what is done", "meaning", "clauses"), rows)


def _counts(clauses: Sequence[Clause]) -> str:
    rows = []
    for prefix, title in CHAPTERS.items():
        held = [one for one in clauses if one.chapter == prefix]
        counted = Counter(one.disposition for one in held)
        numbers = len({one.number for one in held})
        rows.append((link(title), numbers, len(held), *(counted[key] for key in DISPOSITIONS)))
    names = (name for name, _ in DISPOSITIONS.values())
    return "## Chapters\n\n" + table(("chapter", "rules", "clauses", *names), rows)


def _clause(one: Clause, judge: str | None, mutants: Sequence[str]) -> str:
    claims = " or ".join(sorted(one.claims))
    facts = [
        f"**{one.level}**",
        f"breaking it: **{one.consequence}**",
        *([f"promise {one.promise}"] if one.promise else []),
        f"binds an image that claims {claims}" if claims else "binds every image",
    ]
    lines = [
        f"### {one.key}",
        "",
        plain(one.sentence),
        "",
        f"- {' · '.join(facts)}",
        f"- If broken: {plain(one.matters)}",
        f"- How to fix: {plain(one.fix)}",
    ]
    if judge is None:
        lines.append(f"- {_done(one).capitalize()}: {plain(one.because or '')}")
    else:
        proofs = [f"[{name}](../sample_images/mutants/{name})" for name in mutants]
        lines += [
            f"- Judged by {judge}",
            f"- That it can fail is shown by {', '.join(proofs) or 'no mutant yet'}",
            f"- A broken one {_weight(one)}",
        ]
    return "\n".join([*lines, f"- Sources: {'; '.join(_source(source) for source in one.sources)}"])


def _done(one: Clause) -> str:
    return DISPOSITIONS[one.disposition][0]


def _weight(one: Clause) -> str:
    if _profile("platform").can_fail(one):
        return "can fail the image"
    fails_strict = _profile("strict").can_fail(one)
    return (
        "is advice; it fails the image under `--sm-profile=strict`" if fails_strict else "is advice"
    )


@cache
def _profile(name: str) -> Profile:
    return profile.load(name)


@cache
def _source_table() -> Mapping[str, Mapping[str, str]]:
    table: Mapping[str, Mapping[str, str]] = specs.read_yaml("sources.yaml")["sources"]
    return table


def _judges() -> dict[str, str]:
    """Clause key to the test that judges it and the scenarios that it looks at."""
    found = {}
    for module in pkgutil.iter_modules(suite.__path__):
        if not module.name.startswith("test_"):
            continue
        for name, test in vars(importlib.import_module(f"{suite.__name__}.{module.name}")).items():
            binding = binding_of(test)
            if binding is not None:
                path = f"../sm_conformance/suite/{module.name}.py"
                given = " and ".join(
                    f"[{scenario}](../specs/scenarios/{scenario}.yaml)"
                    for scenario in binding.given
                )
                where = f"on {given}" if given else "on the image alone, without a launch"
                found[binding.key] = f"[`{name}`]({path}) {where}"
    return found


def _mutants() -> dict[str, list[str]]:
    """Clause key to the folders of the sample images that break it."""
    found = defaultdict(list)
    for file in sorted(MUTANTS.glob("*/mutant.yaml")):
        found[yaml.safe_load(file.read_text("utf-8"))["breaks"]].append(file.parent.name)
    return found


def _source(source: str) -> str:
    key, _, detail = source.partition(" ")
    if key not in _source_table():
        return plain(source)
    return f"[{key}](#{key.lower()}) {plain(detail)}".strip()


def _sources() -> str:
    parts = [
        "## Sources",
        "What stands as `repository#number` is an issue or a pull request on GitHub.",
    ]
    for key, entry in _source_table().items():
        where = f" `{entry['where']}`" if entry.get("where") else ""
        parts.append(f"### {key}\n\n{plain(entry['title'].strip())}.{where}")
    return "\n\n".join(parts)
