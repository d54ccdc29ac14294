"""Finds in the requests what they have in common: jobs, containers and specifications.

A training job, say, is described by a CreateTrainingJob request and by the validation profile of a
CreateAlgorithm request alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sm_conformance.declaration.problems import Where

# The requests and answers as they were read, by kind (see ``service.KINDS``).
Raw: TypeAlias = Mapping[str, Mapping[str, Any]]

_EACH = "*"


@dataclass(frozen=True, slots=True)
class Place:
    """A value in one of the requests."""

    kind: str
    where: Where
    value: Any

    def inner(self, *steps: str) -> Iterator[Place]:
        """The places below this one that ``steps`` lead to; ``*`` stands for each entry of a list."""
        if not steps:
            yield self
            return
        step, rest = steps[0], steps[1:]
        if step == _EACH:
            entries = enumerate(self.value) if isinstance(self.value, list) else ()
            for index, item in entries:
                yield from Place(self.kind, (*self.where, index), item).inner(*rest)
        elif isinstance(self.value, Mapping) and step in self.value:
            yield from Place(self.kind, (*self.where, step), self.value[step]).inner(*rest)

    def get(self, *steps: str) -> Any:
        """The value that ``steps`` lead to, or None."""
        found = next(self.inner(*steps), None)
        return found.value if found else None


Finder: TypeAlias = Callable[[Raw], Iterator[Place]]


def _finder(*ways: tuple[str, ...]) -> Finder:
    """Finds all places that one of the ways leads to; a way begins with the kind of the request."""

    def find(raw: Raw) -> Iterator[Place]:
        for kind, *steps in ways:
            if kind in raw:
                yield from Place(kind, (), raw[kind]).inner(*steps)

    return find


def below(find: Finder, *steps: str) -> Finder:
    """Finds the places that ``steps`` lead to from each place that ``find`` finds."""

    def further(raw: Raw) -> Iterator[Place]:
        for place in find(raw):
            yield from place.inner(*steps)

    return further


def either(*finders: Finder) -> Finder:
    """Finds what any of the finders finds."""

    def all_of_them(raw: Raw) -> Iterator[Place]:
        for find in finders:
            yield from find(raw)

    return all_of_them


def nowhere(_: Raw) -> Iterator[Place]:
    """Finds nothing."""
    return iter(())


def having(find: Finder, *steps: str) -> Finder:
    """Finds those of the places from which ``steps`` lead somewhere."""

    def fitting(raw: Raw) -> Iterator[Place]:
        return (place for place in find(raw) if next(place.inner(*steps), None) is not None)

    return fitting


_PROFILE = ("ValidationSpecification", "ValidationProfiles", _EACH)

# The job itself comes before a profile, which describes another, smaller one.
training_jobs = _finder(("training-job",), ("algorithm", *_PROFILE, "TrainingJobDefinition"))
transform_jobs = _finder(
    ("transform-job",),
    ("model-package", *_PROFILE, "TransformJobDefinition"),
    ("algorithm", *_PROFILE, "TransformJobDefinition"),
)
training_specifications = _finder(("algorithm", "TrainingSpecification"))
inference_specifications = _finder(
    ("model-package", "InferenceSpecification"), ("algorithm", "InferenceSpecification")
)
# Of a model that is run, and of packages, which say what may be run.
model_containers = _finder(("model", "PrimaryContainer"), ("model", "Containers", _EACH))
package_containers = below(inference_specifications, "Containers", _EACH)
containers = either(model_containers, package_containers)
models = _finder(("model",))
packages = _finder(("algorithm",), ("model-package",))
