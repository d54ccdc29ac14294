"""Holds a request or an answer against the service's published model, which botocore carries.

botocore's own validator leaves out patterns, enumerations and upper bounds; all are looked at here.
Patterns are Java's: one that Python cannot compile is left out, and named.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sm_conformance.declaration.problems import Where, nearest, shown
from sm_conformance.errors import UsageProblem

# Each kind of request, by the word that the options use, and the service's name of what it makes.
KINDS = {
    "algorithm": "Algorithm",
    "model-package": "ModelPackage",
    "training-job": "TrainingJob",
    "model": "Model",
    "transform-job": "TransformJob",
}
_LONGEST_LIST = 12


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that the service would refuse.

    ``rule`` is ``unknown``, ``required``, ``type``, ``enum``, ``pattern``, ``min`` or ``max``;
    ``expected`` says in words what holds there, ``known`` has the names that are lawful there, and
    ``most`` the bound of a ``max``.
    """

    where: Where
    rule: str
    expected: str
    actual: str
    known: tuple[str, ...] = ()
    most: int | None = None

    @property
    def text(self) -> str:
        """The fault in one line, without its place."""
        match self.rule:
            case "unknown":
                key = str(self.where[-1])
                return f"unknown key; {nearest(key, list(self.known))}"
            case "required":
                return f"{self.actual} is missing"
            case "enum":
                return f"expected {self.expected}, got {self.actual}{self._meant()}"
            case _:
                return f"expected {self.expected}, got {self.actual}"

    def _meant(self) -> str:
        near = difflib.get_close_matches(self.actual.strip("'"), self.known, n=1)
        return f"; did you mean {near[0]!r}?" if near else ""


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in one request; ``unchecked`` are the places whose pattern was left out."""

    faults: tuple[Fault, ...]
    unchecked: tuple[Where, ...]


def is_answer(kind: str, content: Mapping[str, Any]) -> bool:
    """Whether ``content`` is a Describe answer rather than a Create request."""
    return f"{KINDS[kind]}Arn" in content or "CreationTime" in content


def operation(kind: str, content: Mapping[str, Any]) -> str:
    """What ``content`` is taken for, such as ``a CreateModel request``."""
    word = "DescribeX answer" if is_answer(kind, content) else "CreateX request"
    return f"a {word.replace('X', KINDS[kind])}"


def examine(kind: str, content: Mapping[str, Any]) -> Examined:
    """All that the service's model has against ``content``. Raises ``UsageProblem`` without botocore."""
    held = {name: value for name, value in content.items() if not _is_envelope(name, kind, content)}
    walk = _Walk()
    faults = tuple(walk.value(_shape(kind, answer=is_answer(kind, content)), held, ()))
    return Examined(faults=faults, unchecked=tuple(walk.unchecked))


def examine_part(shape: str, content: Mapping[str, Any]) -> Examined:
    """The same for a part of a request, by the name of its shape in the service's model."""
    walk = _Walk()
    faults = tuple(walk.value(_model().shape_for(shape), content, ()))
    return Examined(faults=faults, unchecked=tuple(walk.unchecked))


def likelier_kind(kind: str, content: Mapping[str, Any]) -> str | None:
    """Another kind that knows all keys of ``content`` and has all that it requires, if ``kind`` does not."""

    def fits(kind: str) -> bool:
        shape = _shape(kind, answer=is_answer(kind, content))
        return set(shape.required_members) <= set(content) <= set(shape.members)

    if not content or fits(kind):
        return None
    return next((other for other in KINDS if fits(other)), None)


@cache
def version() -> str:
    """The version of botocore, whose edition of the model is used."""
    import botocore

    return str(botocore.__version__)


@cache
def _model() -> Any:
    try:
        from botocore.loaders import Loader
        from botocore.model import ServiceModel
    except ImportError as error:
        raise UsageProblem(
            "AWS's requests are read with botocore, which is not installed: "
            "pip install 'sm-conformance[aws]'"
        ) from error
    # Its own folder alone: a model in the user's home would change what is judged.
    loader = Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
    )
    return ServiceModel(loader.load_service_model("sagemaker", "service-2"), "sagemaker")


@cache
def _shape(kind: str, *, answer: bool) -> Any:
    if answer:
        return _model().operation_model(f"Describe{KINDS[kind]}").output_shape
    return _model().operation_model(f"Create{KINDS[kind]}").input_shape


def _is_envelope(name: str, kind: str, content: Mapping[str, Any]) -> bool:
    """What boto3 puts around an answer is none of the service's."""
    return name == "ResponseMetadata" and is_answer(kind, content)


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """Java's pattern, a little milder: the dot matches line ends as well."""
    try:
        return re.compile(pattern, re.ASCII | re.DOTALL)
    except re.error:
        return None


class _Walk:
    """Goes through a value and its shape together."""

    def __init__(self) -> None:
        self.unchecked: list[Where] = []

    def value(self, shape: Any, value: Any, where: Where) -> Iterator[Fault]:
        expected, fits = _KINDS_OF_VALUES.get(shape.type_name, ("a value", (object,)))
        if not _is_one_of(fits, value):
            yield Fault(where, "type", expected, shown(value))
            return
        match shape.type_name:
            case "structure":
                yield from self._structure(shape, value, where)
            case "list":
                yield from _size(shape, len(value), where, "entries")
                for index, item in enumerate(value):
                    yield from self.value(shape.member, item, (*where, index))
            case "map":
                yield from _size(shape, len(value), where, "entries")
                for key, item in value.items():
                    yield from self._string(shape.key, key, (*where, key))
                    yield from self.value(shape.value, item, (*where, key))
            case "string":
                yield from self._string(shape, value, where)
            case "integer" | "long" | "float" | "double":
                yield from _size(shape, value, where, "")

    def _structure(self, shape: Any, value: Mapping[str, Any], where: Where) -> Iterator[Fault]:
        known = tuple(shape.members)
        for name in shape.required_members:
            if name not in value:
                yield Fault((*where, name), "required", "a value", name)
        for name, item in value.items():
            if name in shape.members:
                yield from self.value(shape.members[name], item, (*where, name))
            else:
                yield Fault((*where, name), "unknown", "a known key", name, known)

    def _string(self, shape: Any, value: str, where: Where) -> Iterator[Fault]:
        values, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
        if values and value not in values:
            yield Fault(where, "enum", _one_of(values), shown(value), tuple(values))
        faults = list(_size(shape, len(value), where, "characters"))
        yield from faults
        if pattern is None or faults:
            return
        compiled = _compiled(pattern)
        if compiled is None:
            self.unchecked.append(where)
        elif not compiled.fullmatch(value):
            yield Fault(where, "pattern", f"text that matches {pattern}", shown(value))


def _is_one_of(types: tuple[type, ...], value: Any) -> bool:
    """Python's own ``isinstance``, but true is no number."""
    return isinstance(value, types) and (int not in types or not isinstance(value, bool))


def _size(shape: Any, size: float, where: Where, unit: str) -> Iterator[Fault]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    counted = f"{size:g}" if isinstance(size, float) else str(size)
    if least is not None and size < least:
        yield Fault(where, "min", f"at least {least} {unit}".strip(), f"{counted} {unit}".strip())
    if most is not None and size > most:
        expected = f"at most {most} {unit}".strip()
        yield Fault(where, "max", expected, f"{counted} {unit}".strip(), most=most)


def _one_of(values: list[str]) -> str:
    if len(values) > _LONGEST_LIST:
        return f"one of the {len(values)} values that botocore {version()} knows"
    return f"one of {', '.join(values)}"


# In words, and in types of Python, for each type of the model. A time is text or seconds.
_KINDS_OF_VALUES: dict[str, tuple[str, tuple[type, ...]]] = {
    "structure": ("a mapping", (dict,)),
    "list": ("a list", (list,)),
    "map": ("a mapping", (dict,)),
    "string": ("text", (str,)),
    "integer": ("a whole number", (int,)),
    "long": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "double": ("a number", (int, float)),
    "boolean": ("true or false", (bool,)),
    "timestamp": ("a time", (str, int, float)),
}
