"""Holds a document against ``specs/schemas/declaration.schema.json`` and against itself."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from sm_conformance import specs
from sm_conformance.declaration import parts
from sm_conformance.declaration.problems import Problems, nearest, shown

_LEAST_MEMORY = 6 << 20  # the smallest --memory that Docker accepts

_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


def hold_against_schema(document: Any, *, problems: Problems) -> None:
    """Note each value and key that the schema refuses."""
    validator = Draft202012Validator(specs.read_schema("declaration"))
    for error in validator.iter_errors(document):
        where = tuple(error.absolute_path)
        instance: Any = error.instance
        if error.validator == "additionalProperties":
            schema: Any = error.schema
            known = list(schema["properties"])
            for key in [key for key in instance if key not in known]:
                problems.add((*where, key), f"unknown key; {nearest(key, known)}")
        elif "propertyNames" in error.absolute_schema_path:
            problems.add((*where, instance), f"expected {_expected(error)} as the key")
        elif error.validator == "oneOf":
            if isinstance(instance, dict):  # anything else has failed its type already
                problems.add(where, _one_of(error))
        else:
            problems.add(where, f"expected {_expected(error)}, got {shown(instance)}")


def _expected(error: ValidationError) -> str:
    """What the schema wants, in words: its title, or else what the failed keyword says."""
    wanted: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "enum":
            words = "one of " + ", ".join(wanted)
        case "dependentRequired":
            words = ", ".join(f"'{key}' only beside '{need}'" for key, (need,) in wanted.items())
        case "uniqueItems":
            words = "no entry twice"
        case _ if "title" in schema:
            words = schema["title"]
        case "type":
            words = _KINDS[wanted]
        case "minimum":
            words = f"at least {wanted}"
        case "maximum":
            words = f"at most {wanted}"
        case "minItems":
            words = "at least one entry"
        case "maxProperties":
            words = f"at most {wanted} entries"
        case keyword:
            raise AssertionError(f"the schema uses {keyword} without a title")
    return words


def _one_of(error: ValidationError) -> str:
    choices: Any = error.validator_value
    instance: Any = error.instance
    names = [name for choice in choices for name in choice["required"]]
    present = [name for name in names if name in instance]
    return f"expected exactly one of {', '.join(names)}, got {' and '.join(present) or 'none'}"


def hold_against_each_other(document: Any, *, problems: Problems) -> None:
    """Note what no schema can see: values that contradict each other, a limit too small to use."""
    claims = parts.claims(document)
    if claims is not None and not problems.touch(("claims",)):
        for section in ("training", "hosting"):
            if section in document and section not in claims:
                text = f"the claims do not name {section}: add it to them or remove this section"
                problems.add((section,), text)
        if "tuning" in claims and "training" not in claims:
            problems.add(("claims",), "tuning needs training among the claims")
    _look_at_fault(document, problems=problems)
    names: set[str] = set()
    for index, (name, _) in enumerate(parts.named_requests(document)):
        if name in names:
            problems.add(("hosting", "requests", index), f"another request is named {shown(name)}")
        names.add(name)
    memory = parts.size_in_bytes(parts.mapping(document, "resources").get("memory"))
    if memory is not None and memory < _LEAST_MEMORY:
        problems.add(("resources", "memory"), "expected at least 6m, or no container can be made")


def _look_at_fault(document: Any, *, problems: Problems) -> None:
    if not parts.mapping(document, "training", "fault"):
        return
    channels = parts.mapping(document, "training").get("channels")
    spoilt = parts.mapping(document, "training", "fault", "channels")
    for name in spoilt:
        if isinstance(channels, dict) and name not in channels:
            text = f"training has no such channel; {nearest(name, list(channels))}"
            problems.add(("training", "fault", "channels", name), text)
    good = parts.mapping(document, "training", "hyperparameters")
    bad = parts.mapping(document, "training", "fault", "hyperparameters")
    if not spoilt and good | bad == good and not problems.touch(("training", "fault")):
        text = "this is the training that succeeds; name a value or a channel that differs"
        problems.add(("training", "fault"), text)
