"""Rules on what an algorithm or a model package offers: MKT clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation

from sm_conformance.aws.places import (
    Place,
    below,
    having,
    inference_specifications,
    packages,
    training_specifications,
)
from sm_conformance.aws.rule import ANY_DEPTH, Rule, Said, at
from sm_conformance.declaration.problems import shown

_RANGES = {
    "Integer": "IntegerParameterRangeSpecification",
    "Continuous": "ContinuousParameterRangeSpecification",
    "Categorical": "CategoricalParameterRangeSpecification",
}
_IMAGES = (
    ("TrainingSpecification", "TrainingImage"),
    ("InferenceSpecification", "Containers", "*", "Image"),
)
_REGISTRY = re.compile(
    r"([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com|on\.aws)/"
)
_LONGEST_IMAGE = 255
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):")
# Account Management guide, manage-acct-regions: every Region that came later needs an opt-in.
_REGIONS = frozenset({
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-central-1",
    "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "ap-northeast-1", "ap-northeast-2",
    "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
})  # fmt: skip


def _ranges(places: Sequence[Place]) -> Iterator[Said]:
    for specifications in places:
        names: set[str] = set()
        for one in specifications.inner("*"):
            name = one.get("Name")
            if name in names:
                yield Said(f"another name for each hyperparameter at {at(one)}", shown(name))
            names.add(name)
            yield from _range(one)


def _range(one: Place) -> Iterator[Said]:
    kind, default = one.get("Type"), one.get("DefaultValue")
    wanted = _RANGES.get(kind)
    for form in one.get("Range") or ():
        if wanted is not None and form != wanted:
            yield Said(f"{wanted} for the type {kind} at {at(one)}", form)
            return
    values = one.get("Range", "CategoricalParameterRangeSpecification", "Values")
    if values is not None and default is not None and default not in values:
        yield Said(f"a default among the values at {at(one)}", shown(default))
    for form in ("IntegerParameterRangeSpecification", "ContinuousParameterRangeSpecification"):
        for place in one.inner("Range", form):
            yield from _numbers(place, default)


def _numbers(place: Place, default: str | None) -> Iterator[Said]:
    """Bounds and default are text, and are compared as decimal numbers."""
    least, most = place.get("MinValue"), place.get("MaxValue")
    low, high = _number(least), _number(most)
    if low is None or high is None or low > high:
        said = f"{shown(least)} to {shown(most)}"
        yield Said(f"numbers from the lower to the higher at {at(place)}", said)
    elif default is not None:
        number = _number(default)
        if number is None or not low <= number <= high:
            yield Said(
                f"a default from {shown(least)} to {shown(most)} at {at(place)}", shown(default)
            )


def _number(text: str | None) -> Decimal | None:
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return None if number.is_nan() else number


def _default_or_required(places: Sequence[Place]) -> Iterator[Said]:
    for specifications in places:
        for one in specifications.inner("*"):
            if one.get("IsRequired") and one.get("DefaultValue") is not None:
                yield Said(f"either a default or IsRequired at {at(one)}", "both")


def _tuning(places: Sequence[Place]) -> Iterator[Said]:
    for specification in places:
        defined = {one.get("Name") for one in specification.inner("MetricDefinitions", "*")}
        for objective in specification.inner("SupportedTuningJobObjectiveMetrics", "*"):
            metric = objective.get("MetricName")
            if metric not in defined:
                yield Said(f"a metric that MetricDefinitions has at {at(objective)}", shown(metric))
        tunable = [
            one.get("IsTunable") for one in specification.inner("SupportedHyperParameters", "*")
        ]
        if not any(tunable):
            yield Said(f"a hyperparameter with IsTunable at {at(specification)}", "none")


def _images(places: Sequence[Place]) -> Iterator[Said]:
    for specification in places:
        for container in specification.inner("Containers", "*"):
            if container.get("Image") is None:
                yield Said(f"an Image at {at(container)}", "none")


def _certified(places: Sequence[Place]) -> Iterator[Said]:
    for package in places:
        said = package.get("CertifyForMarketplace")
        if said is not True:
            yield Said(f"CertifyForMarketplace is true at {at(package)}", shown(said))


def _own_registry(places: Sequence[Place]) -> Iterator[Said]:
    """The images of all packages lie in one registry, which is that of the validation role's account."""
    first: tuple[str, str] | None = None
    for package in places:
        role = _ROLE.match(package.get("ValidationSpecification", "ValidationRole") or "")
        for steps in _IMAGES:
            for image in package.inner(*steps):
                if len(image.value) > _LONGEST_IMAGE:
                    continue  # no reference at all, which another clause tells
                found = _REGISTRY.match(image.value)
                if found is None:
                    yield Said(
                        f"an image in the seller's own ECR at {at(image)}", shown(image.value)
                    )
                    continue
                account, region = found.groups()
                if region not in _REGIONS:
                    yield Said(f"a Region that needs no opt-in at {at(image)}", region)
                if role is not None and role[1] != account:
                    yield Said(f"the account of the validation role at {at(image)}", account)
                first = first or (account, region)
                if first != (account, region):
                    yield Said(f"{first[0]} in {first[1]} at {at(image)}", f"{account} in {region}")


_channels = below(training_specifications, "TrainingChannels")
_hyperparameters = below(training_specifications, "SupportedHyperParameters")
_metrics = below(training_specifications, "MetricDefinitions")
_with_objectives = having(training_specifications, "SupportedTuningJobObjectiveMetrics", "*")

RULES: tuple[Rule, ...] = (
    Rule(
        "MKT-001 training-specification",
        training_specifications,
        owns=training_specifications,
        depth=1,
        kinds=frozenset({"required"}),
    ),
    Rule("MKT-002 channel-count", _channels, owns=_channels),
    Rule("MKT-003 channel-form", _channels, owns=below(_channels, "*"), depth=ANY_DEPTH),
    Rule(
        "MKT-004 hyperparameter-form",
        _hyperparameters,
        owns=_hyperparameters,
        depth=ANY_DEPTH,
        more=_ranges,
    ),
    Rule("MKT-005 default-or-required", _hyperparameters, more=_default_or_required),
    Rule("MKT-007 tuning-metrics", _with_objectives, more=_tuning),
    Rule("MKT-008 metric-limits", _metrics, owns=_metrics, depth=ANY_DEPTH),
    # An instance type may be newer than the model.
    Rule(
        "MKT-010 inference-specification",
        inference_specifications,
        owns=inference_specifications,
        depth=ANY_DEPTH,
        doubtful=frozenset({"enum"}),
        more=_images,
    ),
    Rule("MKT-014 certified", packages, more=_certified),
    Rule("MKT-017 own-registry", packages, more=_own_registry),
)
