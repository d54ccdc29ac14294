"""Reads the files of scanners: JSON of trivy, grype and Dockle, or SARIF 2.1.0 of one of these.

Scanners, and who sends their files, are believed in nothing but what they found: sizes are bounded, and
a file of another form is refused rather than understood to have found nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from sm_conformance import specs
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.http import printable
from sm_conformance.scans.scan import SERIOUS, Named, Scan, Weakness

MOST_BYTES = 32 << 20
_FATAL = "fatal"
_PACKAGES = ("os-pkgs", "lang-pkgs")
_LINE = re.compile(
    r"^(Vulnerability|Severity|Package|Version|Installed Version|Fix(?:ed)? Version)(?:: ?| )(.*)$"
)

Found = Iterator[Weakness]


def read(path: Path) -> Scan:
    """What the scanner found that wrote this file. Raises :class:`UsageProblem`."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise UsageProblem(f"scan {path}: has more than {MOST_BYTES >> 20} MiB")
        data = json.loads(content)
    except OSError as error:
        raise UsageProblem(f"scan {path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageProblem(f"scan {path}: it is no JSON") from error
    form = _form(data)
    if form is None:
        raise UsageProblem(
            f"scan {path}: it is neither SARIF 2.1.0 nor the JSON of trivy, grype or Dockle"
        )
    schema = specs.read_schema("scan")
    validator = Draft202012Validator({"$ref": f"#/$defs/{form}", "$defs": schema["$defs"]})
    problem = next(validator.iter_errors(data), None)
    if problem is not None:
        where = "".join(f"[{part!r}]" for part in problem.absolute_path)
        raise UsageProblem(
            f"scan {path}: {form}{printable(where)[:200]}: {printable(problem.message)[:200]}"
        )
    try:
        return _READERS[form](path.name, data)
    except _NotUnderstood as error:
        raise UsageProblem(f"scan {path}: {error}") from error


class _NotUnderstood(Exception):
    """A finding is worded in a way that is not known."""


def _form(data: Any) -> str | None:
    if not isinstance(data, dict):
        return None
    for form, keys in (
        ("sarif", {"version", "runs"}),
        ("trivy", {"SchemaVersion", "ArtifactName"}),
        ("grype", {"matches", "descriptor"}),
        ("dockle", {"summary", "details"}),
    ):
        if keys <= data.keys():
            return form
    return None


def _trivy(file: str, data: Mapping[str, Any]) -> Scan:
    about = data.get("Metadata") or {}
    of = Named.by(
        about.get("ImageID"),
        data["ArtifactName"],
        *_all(about, "RepoTags"),
        *_all(about, "RepoDigests"),
        architecture=(about.get("ImageConfig") or {}).get("architecture") or None,
    )
    results = _all(data, "Results")
    found = [
        Weakness(
            id=one["VulnerabilityID"],
            subject=one["PkgName"],
            installed=one.get("InstalledVersion") or "",
            fixed=one.get("FixedVersion") or "",
            severity=one["Severity"].lower(),
        )
        for result in results
        for one in _all(result, "Vulnerabilities")
    ]
    # Of packages that it looks at there is a result, found or not; it may have looked for secrets only.
    looked = any(result.get("Class") in _PACKAGES for result in results)
    return Scan(file, "trivy", of, _serious(found), looks_for_known=looked)


def _grype(file: str, data: Mapping[str, Any]) -> Scan:
    target = (data["source"] or {}).get("target")
    about = target if isinstance(target, dict) else {}
    of = Named.by(
        about.get("imageID"), about.get("manifestDigest"), about.get("userInput"),
        *_all(about, "tags"), *_all(about, "repoDigests"),
        architecture=about.get("architecture") or None,
    )  # fmt: skip
    found = []
    for match in _all(data, "matches"):
        one, fix = match["vulnerability"], match["vulnerability"].get("fix") or {}
        found.append(
            Weakness(
                id=one["id"],
                subject=match["artifact"]["name"],
                installed=match["artifact"]["version"],
                fixed=", ".join(_all(fix, "versions")) if fix.get("state") == "fixed" else "",
                severity=(one.get("severity") or "").lower(),
            )
        )
    return Scan(file, "grype", of, _serious(found))


def _dockle(file: str, data: Mapping[str, Any]) -> Scan:
    found = [
        Weakness(
            one["code"], f"{one['title']}: {', '.join(_all(one, 'alerts'))}", "", None, "critical"
        )
        for one in _all(data, "details")
        if one["level"].lower() == _FATAL
    ]
    return Scan(file, "Dockle", Named.by(data.get("image")), _serious(found), looks_for_known=False)


def _sarif(file: str, data: Mapping[str, Any]) -> Scan:
    runs = [(_scanner(run), run) for run in data["runs"]]
    named = [
        Named.by(
            about.get("imageID"), about.get("imageName"), *_all(about, "repoTags"),
            *_all(about, "repoDigests"),
        )
        for about in (run.get("properties") or {} for _, run in runs)
    ]  # fmt: skip
    of = named[0]
    if any(one != of for one in named):
        raise _NotUnderstood("its runs are of several images: give each a file of its own")
    found = chain.from_iterable(_IN_SARIF[scanner](run) for scanner, run in runs)
    known = any(scanner != "Dockle" and _ended_well(run) for scanner, run in runs)
    names = dict.fromkeys(scanner for scanner, _ in runs)
    return Scan(file, " and ".join(names), of, _serious(found), looks_for_known=known)


def _scanner(run: Mapping[str, Any]) -> str:
    name = run["tool"]["driver"]["name"]
    for scanner in _IN_SARIF:
        if scanner.lower() in name.lower():
            return scanner
    raise _NotUnderstood(f"it is of {printable(name)[:80]!r}; known are trivy, grype and Dockle")


def _ended_well(run: Mapping[str, Any]) -> bool:
    """Whether nothing found is what was found: a run that failed has no list of results (3.14.23)."""
    told = _all(run, "invocations")
    return run.get("results") is not None and all(one["executionSuccessful"] for one in told)


def _sarif_of_trivy(run: Mapping[str, Any]) -> Found:
    """Each vulnerability is in the words of its message; other findings have other tags."""
    rules = {rule["id"]: rule for rule in _all(run["tool"]["driver"], "rules")}
    for result in _all(run, "results"):
        about = rules.get(result["ruleId"], {}).get("properties") or {}
        if "vulnerability" in _all(about, "tags") or not about:
            yield _in_words(result["ruleId"], result["message"]["text"])


def _sarif_of_grype(run: Mapping[str, Any]) -> Found:
    """Each vulnerability of each package is a rule, in the words of its help."""
    rules = {rule["id"]: rule for rule in _all(run["tool"]["driver"], "rules")}
    for result in _all(run, "results"):
        help_of = rules.get(result["ruleId"], {}).get("help") or {}
        yield _in_words(result["ruleId"], help_of.get("text") or "")


def _sarif_of_dockle(run: Mapping[str, Any]) -> Found:
    """Dockle writes what is fatal as an error."""
    for result in _all(run, "results"):
        if result.get("level") == "error":
            yield Weakness(result["ruleId"], result["message"]["text"], "", None, "critical")


def _in_words(rule: str, text: str) -> Weakness:
    # What comes first counts: a description follows, which is anybody's.
    said: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found:
            said.setdefault(
                found[1].replace("Installed ", "").replace("Fixed", "Fix"), found[2].strip()
            )
    if not {"Vulnerability", "Severity", "Package", "Version", "Fix Version"} <= said.keys():
        raise _NotUnderstood(f"what it says of {printable(rule)[:80]} is worded in an unknown way")
    return Weakness(
        id=said["Vulnerability"],
        subject=said["Package"],
        installed=said["Version"],
        fixed=said["Fix Version"],
        severity=said["Severity"].lower(),
    )


def _serious(found: Iterable[Weakness]) -> tuple[Weakness, ...]:
    kept = dict.fromkeys(one for one in found if one.severity in SERIOUS)
    return tuple(sorted(kept, key=lambda one: (SERIOUS.index(one.severity), one.subject, one.id)))


def _all(data: Mapping[str, Any], key: str) -> list[Any]:
    """A list that may be null or missing; it was held against the schema before."""
    return list(data.get(key) or ())


_READERS: Mapping[str, Callable[[str, Mapping[str, Any]], Scan]] = {
    "trivy": _trivy,
    "grype": _grype,
    "dockle": _dockle,
    "sarif": _sarif,
}
_IN_SARIF: Mapping[str, Callable[[Mapping[str, Any]], Found]] = {
    "trivy": _sarif_of_trivy,
    "grype": _sarif_of_grype,
    "Dockle": _sarif_of_dockle,
}
