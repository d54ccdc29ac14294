"""Says what is wrong with a regular expression or a JSON Schema that a declaration holds."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import SchemaError
from jsonschema.exceptions import best_match
from jsonschema.validators import Draft202012Validator, validator_for

_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
# What a schema is tried on: it must not fail on a reply, whatever that is.
_TRIALS: tuple[Any, ...] = ({}, [], "", 0, True, None)


def wrong_pattern(text: str) -> str | None:
    """Why ``text`` is no regular expression of Python's; None where it is one."""
    try:
        compiled(text)
    except (re.error, OverflowError, RecursionError) as error:
        return f"not a regular expression: {error}"
    return None


def is_foreign(text: str) -> bool:
    r"""Whether ``text`` has escapes that Python's regular expressions have not, such as ``\p{Digit}``.

    In which dialect the platform reads the patterns of metrics is not published.
    """
    try:
        compiled(text)
    except re.error as error:
        return error.msg.startswith("bad escape")
    except (OverflowError, RecursionError):
        return False
    return False


def compiled(text: str) -> re.Pattern[str]:
    """The regular expression; raises what :func:`re.compile` does, and never warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forms that a later Python reads differently
        return re.compile(text)


def wrong_schema(schema: dict[str, Any]) -> str | None:
    """Why ``schema`` is no JSON Schema that can be used offline; None where it is one."""
    unknown: Any = None
    judge: Any = Draft202012Validator
    if "$schema" in schema:
        named = isinstance(schema["$schema"], str)
        judge = validator_for(schema, default=unknown) if named else unknown
    if judge is unknown:
        return "not a JSON Schema: its $schema is unknown"
    references = list(_references(schema))
    for reference in references:
        if not reference.startswith("#"):
            return f"a schema that refers elsewhere, to {reference!r:.60}, cannot be used here"
    try:
        judge.check_schema(schema, format_checker=judge.FORMAT_CHECKER)
        whole = judge(schema)
        for part in (whole, *(whole.evolve(schema={"$ref": one}) for one in references)):
            for trial in _TRIALS:
                part.is_valid(trial)
    except SchemaError as error:
        return f"not a JSON Schema: {' '.join(error.message.split())[:200]}"
    except Exception as error:  # noqa: BLE001 - the library raises much for what cannot be followed
        return f"a JSON Schema that cannot be followed ({type(error).__name__})"
    return None


def read_schema(content: bytes) -> tuple[dict[str, Any], str | None]:
    """The schema that a file holds, and what is wrong with it."""
    try:
        schema = json.loads(content)
    except (ValueError, RecursionError):
        return {}, "expected a JSON Schema in JSON"
    if not isinstance(schema, dict):
        return {}, "expected a JSON Schema that is an object"
    return schema, wrong_schema(schema)


def wrong_sample(schema: Mapping[str, Any], body: bytes) -> str | None:
    """Why ``body`` does not keep a usable schema; None where it does, or where there is no body."""
    if not body:
        return None
    try:
        wrong = unkept(schema, json.loads(body))
    except (ValueError, RecursionError):
        return "the body of the sample is no JSON, and a schema is of JSON alone"
    except Exception as error:  # noqa: BLE001 - the library raises much for what cannot be followed
        return f"the schema cannot be followed on the sample ({type(error).__name__})"
    return None if wrong is None else f"the body of the sample does not keep it: {wrong:.200}"


def unkept(schema: Mapping[str, Any], value: Any) -> str | None:
    """Where ``value`` breaks a schema that ``wrong_schema`` lets pass; None where it keeps it.

    Raises whatever the library does where it cannot follow the schema on such a value.
    """
    judge = validator_for(schema, default=Draft202012Validator)
    error = best_match(judge(schema).iter_errors(value))
    return None if error is None else f"{error.json_path}: {error.message}"


def _references(schema: Any) -> Iterator[str]:
    """What the schema refers to; a property may have such a name, but its value is no text."""
    match schema:
        case dict():
            for key, value in schema.items():
                if key in _REFERENCES and isinstance(value, str):
                    yield value
                yield from _references(value)
        case list():
            for value in schema:
                yield from _references(value)
