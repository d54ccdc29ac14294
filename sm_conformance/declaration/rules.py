"""Holds a document against itself: what no schema can see."""

from __future__ import annotations

import datetime
from typing import Any

from sm_conformance.declaration import generate, parts, ranges
from sm_conformance.declaration.patterns import compiled, is_foreign, wrong_pattern, wrong_schema
from sm_conformance.declaration.problems import Problems, Where, nearest, shown

_LEAST_MEMORY = 6 << 20  # the smallest --memory that Docker accepts
# Each opens a connection where others are under way, and this machine has some 28000 ports for that.
MOST_REQUESTS = 20000
# Amazon SageMaker API, EnvironmentMap: the sum over the containers of a model.
_MOST_ENVIRONMENT = 32 << 10

# Claims that a section belongs to, and claims that mean nothing without one of others.
_SECTIONS = {"training": ("training",), "hosting": ("hosting", "batch")}
_NEED_TRAINING = (
    "tuning", "pipe-mode", "fast-file", "distributed", "checkpoints", "model-trainer", "efa",
)  # fmt: skip
_NEED_HOSTING = (
    "multi-model", "streaming", "asynchronous", "serverless", "bidirectional", "sessions",
    "openai", "inference-components", "explainability",
)  # fmt: skip
_NEEDS = {
    **dict.fromkeys(_NEED_TRAINING, ("training",)),
    **dict.fromkeys(_NEED_HOSTING, ("hosting",)),
    "pipeline": ("hosting", "batch"),
    "script-mode": ("training", "hosting", "batch"),
}


def hold_against_each_other(document: Any, *, problems: Problems) -> None:
    """Note values that contradict each other, cannot be used, or are beyond a limit of the API."""
    _look_at_claims(document, problems=problems)
    for name, said in parts.mapping(document, "training", "hyperparameters").items():
        if isinstance(said, dict):
            ranges.look_at(said, where=("training", "hyperparameters", name), problems=problems)
    for keys in (("training", "channels"), ("training", "lasts", "channels")):
        for name, said in parts.mapping(document, *keys).items():
            _look_at_channel(parts.mapping(said), where=(*keys, name), problems=problems)
    packed = "sourcedir" in parts.mapping(document, "training", "code")
    if packed and "code" in parts.mapping(document, "training", "channels"):
        text = "the packed program is handed over in this channel: give it another name"
        problems.add(("training", "channels", "code"), text)
    _look_at_fault(document, problems=problems)
    _look_at_metrics(document, problems=problems)
    _look_at_hosting(document, problems=problems)
    _look_at_rate(document, problems=problems)
    memory = parts.size_in_bytes(parts.mapping(document, "resources").get("memory"))
    if memory is not None and memory < _LEAST_MEMORY:
        problems.add(("resources", "memory"), "expected at least 6m, or no container can be made")
    for index, said in enumerate(parts.entries(document, "waivers")):
        expires = parts.mapping(said).get("expires")
        where = ("waivers", index, "expires")
        if expires is not None and not problems.touch(where) and day(expires) is None:
            problems.add(where, f"there is no such day: {shown(expires)}")


def day(text: Any) -> datetime.date | None:
    """The day that a text such as 2027-01-31 stands for; None where there is none."""
    try:
        return datetime.date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _look_at_claims(document: Any, *, problems: Problems) -> None:
    claims = parts.claims(document)
    if claims is None or problems.touch(("claims",)):
        return
    for section, owners in _SECTIONS.items():
        if section in document and not claims.intersection(owners):
            text = f"the claims do not name {section}: add it to them or remove this section"
            problems.add((section,), text)
    for claim in sorted(claims):
        needed = _NEEDS.get(claim, (claim,))
        if not claims.intersection(needed):
            problems.add(("claims",), f"{claim} needs {' or '.join(needed)} among the claims")


def _look_at_channel(said: dict[str, Any], *, where: Where, problems: Problems) -> None:
    if "generate" in said and not problems.touch((*where, "generate")):
        generate.look_at(said, where=where, problems=problems)
    modes = said.get("modes", ["File"])
    if said.get("compression") == "gzip" and isinstance(modes, list) and "Pipe" not in modes:
        text = "gzip is for Pipe mode: add Pipe to the modes, or hand over the file as it is"
        problems.add((*where, "compression"), text)


def _look_at_fault(document: Any, *, problems: Problems) -> None:
    if not parts.mapping(document, "training", "fault"):
        return
    channels = parts.mapping(document, "training").get("channels")
    spoilt = parts.mapping(document, "training", "fault", "channels")
    for name in spoilt:
        if isinstance(channels, dict) and name not in channels:
            text = f"training has no such channel; {nearest(name, list(channels))}"
            problems.add(("training", "fault", "channels", name), text)
    good = parts.good_hyperparameters(document)
    bad = parts.texts(parts.mapping(document, "training", "fault", "hyperparameters"))
    if not spoilt and good | bad == good and not problems.touch(("training", "fault")):
        text = "this is the training that succeeds; name a value or a channel that differs"
        problems.add(("training", "fault"), text)


def _look_at_metrics(document: Any, *, problems: Problems) -> None:
    names: list[str] = []
    for index, said in enumerate(parts.entries(document, "training", "metrics")):
        where: Where = ("training", "metrics", index)
        metric = parts.mapping(said)
        name, regex = metric.get("name"), metric.get("regex")
        if isinstance(name, str):
            if name in names:
                problems.add(where, f"another metric is named {shown(name)}")
            names.append(name)
        if not isinstance(regex, str) or is_foreign(regex):
            continue
        if not problems.touch((*where, "regex")):
            wrong = wrong_pattern(regex)
            if wrong is None and not compiled(regex).groups:
                wrong = "it has no group; put the number into parentheses"
            if wrong is not None:
                problems.add((*where, "regex"), wrong)
    wanted = parts.mapping(document, "training", "objective").get("metric")
    if isinstance(wanted, str) and wanted not in names:
        text = f"there is no such metric; {nearest(wanted, names)}"
        problems.add(("training", "objective", "metric"), text)


def _look_at_hosting(document: Any, *, problems: Problems) -> None:
    environment = parts.texts(parts.mapping(document, "hosting", "environment"))
    size = sum(len(f"{key}{value}".encode()) for key, value in environment.items())
    if size > _MOST_ENVIRONMENT:
        problems.add(("hosting", "environment"), "expected at most 32 KB in all")
    names: set[str] = set()
    claims = parts.claims(document)
    for index, (name, request) in enumerate(parts.named_requests(document)):
        where = ("hosting", "requests", index)
        if "stream" in request and claims is not None and "streaming" not in claims:
            text = "the claims do not name streaming: add it to them or remove this"
            problems.add((*where, "stream"), text)
        if name in names:
            problems.add(where, f"another request is named {shown(name)}")
        names.add(name)
        if index == 0 and "takes_s" in request:
            text = "the first request is sent often: put a slow one behind it"
            problems.add((*where, "takes_s"), text)
        if {"schema", "schema_path"} <= request.keys():
            problems.add((*where, "schema_path"), "there is a schema here as well: say one of them")
        expected = parts.mapping(request, "expect")
        for key, wrong in (
            ("matches", _wrong_match(expected)),
            ("schema", _wrong_schema(expected)),
        ):
            if wrong is not None and not problems.touch((*where, "expect", key)):
                problems.add((*where, "expect", key), wrong)


def _look_at_rate(document: Any, *, problems: Problems) -> None:
    said = parts.mapping(document, "latency")
    rate, seconds = (parts.number(said.get(key)) for key in ("rate_per_s", "seconds"))
    wrong = any(problems.touch(("latency", key)) for key in ("rate_per_s", "seconds"))
    if rate and seconds and not wrong and rate * seconds > MOST_REQUESTS:
        text = f"expected at most {MOST_REQUESTS} requests: lower the rate or the seconds"
        problems.add(("latency", "seconds"), text)


def _wrong_match(expected: dict[str, Any]) -> str | None:
    pattern = expected.get("matches")
    return wrong_pattern(pattern) if isinstance(pattern, str) else None


def _wrong_schema(expected: dict[str, Any]) -> str | None:
    schema = expected.get("schema")
    return wrong_schema(schema) if isinstance(schema, dict) else None
