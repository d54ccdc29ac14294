"""What the requests say of training, in the form of ``sm-conformance.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sm_conformance.aws.draft import Draft
from sm_conformance.aws.places import Place, Raw, training_jobs, training_specifications
from sm_conformance.aws.s3 import NotThere, Store
from sm_conformance.declaration import ranges
from sm_conformance.declaration.patterns import compiled, wrong_pattern
from sm_conformance.declaration.problems import Problems

# Longer times are bounds of the bill rather than of the training; nobody would wait for them here.
_LONGEST_WAIT_S = 3600
_KINDS = {
    "Integer": "integer",
    "Continuous": "continuous",
    "Categorical": "categorical",
    "FreeText": "free-text",
}
_NUMERIC_RANGES = ("IntegerParameterRangeSpecification", "ContinuousParameterRangeSpecification")


def write(draft: Draft, requests: Raw, *, store: Store) -> None:
    """Add to the draft what is said of training.

    A training job says how it is run, an algorithm what may be said; where there is no job, the
    algorithm's validation profile stands for one.
    """
    specification = next(training_specifications(requests), None)
    job = next(training_jobs(requests), None)
    if specification is not None:
        draft.claim("training", by=specification)
        if _is_for_tuning(specification):
            draft.claim("tuning", by=specification)
        if specification.get("SupportsDistributedTraining"):
            draft.claim("distributed", by=specification)
    if job is not None:
        draft.claim("training", by=job)
        if _instances(job) > 1:
            draft.claim("distributed", by=job)
        if job.get("CheckpointConfig") is not None:
            draft.claim("checkpoints", by=job)
    _hyperparameters(draft, specification, job)
    _channels(draft, specification, job, store=store)
    _metrics(draft, specification, job)
    if job is not None:
        _job(draft, job)


def _is_for_tuning(specification: Place) -> bool:
    tunable = any(
        one.get("IsTunable") for one in specification.inner("SupportedHyperParameters", "*")
    )
    return tunable or bool(specification.get("SupportedTuningJobObjectiveMetrics"))


def _instances(job: Place) -> int:
    groups = [
        group.get("InstanceCount") or 0
        for group in job.inner("ResourceConfig", "InstanceGroups", "*")
    ]
    return max(job.get("ResourceConfig", "InstanceCount") or 0, sum(groups))


def _hyperparameters(draft: Draft, specification: Place | None, job: Place | None) -> None:
    where = ("training", "hyperparameters")
    given: dict[str, Place] = {}
    for values in job.inner("HyperParameters") if job else ():
        given = {name: next(values.inner(name)) for name in values.value}
    specified: set[str] = set()
    for one in specification.inner("SupportedHyperParameters", "*") if specification else ():
        name = one.get("Name")
        said = _specified(one)
        if name in given:
            said = {"value": given[name].value, **said}
            draft.origins[(*where, name, "value")] = (given[name].kind, given[name].where)
        if _contradicts_itself(said):
            draft.note(one, "the range is left out: type, range, values and default do not fit")
            said = {key: said[key] for key in ("value", "required", "tunable") if key in said}
        if name and said:
            draft.say((*where, name), said, by=one)
            specified.add(name)
    for name, place in given.items():
        if name and name not in specified:
            draft.say((*where, name), place.value, by=place)


def _specified(one: Place) -> dict[str, Any]:
    """What is known of a hyperparameter; numbers stay the text that they are in the request."""
    said: dict[str, Any] = {"type": _KINDS.get(one.get("Type"))}
    for form in _NUMERIC_RANGES:
        for bounds in one.inner("Range", form):
            said |= {"min": bounds.get("MinValue"), "max": bounds.get("MaxValue")}
    said |= {
        "values": one.get("Range", "CategoricalParameterRangeSpecification", "Values") or None,
        "required": one.get("IsRequired") or None,
        "tunable": one.get("IsTunable") or None,
        "default": one.get("DefaultValue"),
    }
    return {key: value for key, value in said.items() if value is not None}


def _contradicts_itself(said: dict[str, Any]) -> bool:
    """Whether a declaration that says this would be refused."""
    problems = Problems(Path())
    ranges.look_at(said, where=(), problems=problems)
    values = said.get("values", [])
    return problems.touch(()) or len(set(values)) < len(values)


def _channels(
    draft: Draft, specification: Place | None, job: Place | None, *, store: Store
) -> None:
    offers = list(specification.inner("TrainingChannels", "*")) if specification else []
    uses = list(job.inner("InputDataConfig", "*")) if job else []
    offered = {offer.get("Name"): offer for offer in offers}
    used = {use.get("ChannelName"): use for use in uses}
    for name in dict.fromkeys([*offered, *used]):
        offer, use = offered.get(name), used.get(name)
        by = use or offer
        # The job shows that training succeeds without an optional channel that it leaves out.
        spared = job is not None and use is None and offer is not None
        if not name or by is None or (spared and offer is not None and not offer.get("IsRequired")):
            continue
        mode = _mode(use, job) if use and job else None
        modes = [*(offer.get("SupportedInputModes") or [] if offer else []), mode]
        said = _channel(offer, use, modes=list(dict.fromkeys(filter(None, modes))))
        if use is not None:
            try:
                said["path"] = str(_data(use, store=store))
            except NotThere as reason:
                draft.note(use, f"no data: {reason}")
        draft.say(("training", "channels", name), said, by=by)
        if "File" not in said.get("modes", ["File"]):
            draft.claim("pipe-mode" if "Pipe" in said["modes"] else "fast-file", by=by)


def _mode(use: Place, job: Place) -> str | None:
    usual = job.get("TrainingInputMode") or job.get("AlgorithmSpecification", "TrainingInputMode")
    mode: str | None = use.get("InputMode") or usual
    return mode


def _channel(offer: Place | None, use: Place | None, *, modes: list[str]) -> dict[str, Any]:
    """What the algorithm offers of a channel and the job uses of it, without the data."""
    types = [one for one in (offer.get("SupportedContentTypes") or [] if offer else []) if one]
    content_type = use.get("ContentType") if use else next(iter(types), None)
    others = [one for one in dict.fromkeys(types) if one != content_type]
    packed = use is not None and use.get("CompressionType") == "Gzip" and "Pipe" in modes
    said = {
        "content_type": content_type or None,
        "content_types": others or None,
        "modes": modes if modes not in ([], ["File"]) else None,
        "required": offer.get("IsRequired") if offer else None,
        "compression": "gzip" if packed else None,
    }
    return {key: value for key, value in said.items() if value is not None}


def _data(use: Place, *, store: Store) -> Path:
    source = next(use.inner("DataSource", "S3DataSource"), None)
    if source is None:
        raise NotThere("only data in S3 is handed over")
    if source.get("S3DataType") not in ("S3Prefix", None):
        raise NotThere(f"the data type {source.get('S3DataType')} is not read")
    return store.locate(source.get("S3Uri") or "")


def _metrics(draft: Draft, specification: Place | None, job: Place | None) -> None:
    said: dict[str, dict[str, str]] = {}
    by = job or specification
    for place, steps in ((job, ("AlgorithmSpecification",)), (specification, ())):
        for one in place.inner(*steps, "MetricDefinitions", "*") if place else ():
            name, regex = one.get("Name"), one.get("Regex")
            if not name or not regex or name in said:
                continue
            wrong = wrong_pattern(regex) or ("" if compiled(regex).groups else "it has no group")
            if wrong:
                draft.note(one, f"the metric is left out: {wrong}")
            else:
                said[name] = {"name": name, "regex": regex}
    if by is not None and said:
        draft.say(("training", "metrics"), list(said.values()), by=by)
    objectives = (
        specification.inner("SupportedTuningJobObjectiveMetrics", "*") if specification else ()
    )
    for one in objectives:
        if one.get("MetricName") in said and one.get("Type"):
            objective = {"metric": one.get("MetricName"), "goal": one.get("Type")}
            draft.say(("training", "objective"), objective, by=one)
            break


def _job(draft: Draft, job: Place) -> None:
    for where, steps in (
        (("training", "entrypoint"), ("AlgorithmSpecification", "ContainerEntrypoint")),
        (("training", "arguments"), ("AlgorithmSpecification", "ContainerArguments")),
        (("training", "environment"), ("Environment",)),
        (("resources", "time_s"), ("StoppingCondition", "MaxRuntimeInSeconds")),
    ):
        for place in job.inner(*steps):
            if where[-1] == "time_s" and place.value > _LONGEST_WAIT_S:
                draft.note(
                    place, f"{place.value} s is no bound to wait for here; see --sm-patience"
                )
            else:
                draft.say(where, place.value or None, by=place)
