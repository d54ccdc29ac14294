"""Holds a document against ``specs/schemas/declaration.schema.json``, and words what it refuses."""

from __future__ import annotations

import difflib
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from sm_conformance import specs
from sm_conformance.declaration.problems import Problems, Where, nearest, shown

_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
# Of longer lists of words only the first are told, and one that is nearly what was written.
_FEW_WORDS = 6
_NEARLY = 0.75


def hold_against_schema(document: Any, *, problems: Problems, data_elsewhere: bool = False) -> None:
    """Note each value and key that the schema refuses.

    ``data_elsewhere``: channels of the training need not say what is in them.
    """
    validator = Draft202012Validator(specs.read_schema("declaration"))
    incomplete: set[Where] = set()
    for error in validator.iter_errors(document):
        where = tuple(error.absolute_path)
        instance: Any = error.instance
        wanted: Any = error.validator_value
        schema: Any = error.schema
        match error.validator:
            case _ if "propertyNames" in error.absolute_schema_path:
                problems.add((*where, instance), f"expected {_expected(error)} as the key")
            case "additionalProperties":
                known = list(schema["properties"])
                for key in [key for key in instance if key not in known]:
                    problems.add((*where, key), f"unknown key; {nearest(key, known)}")
            case "oneOf" | "not" if not isinstance(instance, dict):
                pass  # it has failed its type already
            case "oneOf":
                names = [name for choice in wanted for name in choice["required"]]
                if not (data_elsewhere and _is_channel(where) and not set(names) & set(instance)):
                    problems.add(where, _one_of(names, instance))
            case "not":
                first, second = wanted["required"]
                problems.add(where, f"{first} and {second} exclude each other")
            case "required":
                if where not in incomplete:  # there is an error for each of the keys
                    incomplete.add(where)
                    missing = [key for key in wanted if key not in instance]
                    problems.add(where, f"{' and '.join(missing)} must be said too")
            case _:
                text = f"expected {_expected(error)}, got {shown(instance)}{_meant(error)}"
                problems.add(where, text)


def _expected(error: ValidationError) -> str:
    """What the schema wants, in words: what the failed keyword says, or else its title."""
    wanted: Any = error.validator_value
    schema: Any = error.schema
    match error.validator:
        case "enum":
            more = len(wanted) - _FEW_WORDS
            told = ", ".join(wanted[:_FEW_WORDS])
            words = f"one of {told} or {more} more" if more > 0 else f"one of {told}"
        case "dependentRequired":
            words = ", ".join(f"'{key}' only beside '{need}'" for key, (need,) in wanted.items())
        case "uniqueItems":
            words = "no entry twice"
        case "maxProperties" | "maxItems":
            words = f"at most {wanted} entries"
        case "maxLength":
            words = f"at most {wanted} characters"
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
        case keyword:
            raise AssertionError(f"the schema uses {keyword} without a title")
    return words


def _meant(error: ValidationError) -> str:
    """The word that was probably meant, where not all of them are told."""
    wanted: Any = error.validator_value
    if error.validator != "enum" or len(wanted) <= _FEW_WORDS:
        return ""
    near = difflib.get_close_matches(str(error.instance), wanted, n=1, cutoff=_NEARLY)
    return f"; did you mean {shown(near[0])}?" if near else ""


def _is_channel(where: Where) -> bool:
    return len(where) == 3 and where[:2] == ("training", "channels")


def _one_of(names: list[str], instance: dict[str, Any]) -> str:
    present = [name for name in names if name in instance]
    return f"expected exactly one of {', '.join(names)}, got {' and '.join(present) or 'none'}"
