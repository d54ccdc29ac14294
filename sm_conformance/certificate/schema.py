"""Holds what a stranger's file says against the published schemas."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from sm_conformance import specs
from sm_conformance.errors import UsageProblem

_MOST_CHARS = 200


def hold(data: object, schema: str, part: str | None = None, *, what: str) -> None:
    """Raises :class:`UsageProblem` when ``data`` is not as ``schema``, or a part of it, has it.

    ``what`` is what a reader calls the data.
    """
    report = specs.read_schema("report")
    read = specs.read_schema(schema)
    wanted = {"$ref": f"{read['$id']}#/$defs/{part}" if part else read["$id"]}
    registry: Registry[Any] = Registry().with_resources(
        [(one["$id"], Resource.from_contents(one)) for one in (report, read)]
    )
    problem = next(Draft202012Validator(wanted, registry=registry).iter_errors(data), None)
    if problem is not None:
        raise UsageProblem(
            f"{what} is not as it has to be: {problem.json_path}: {problem.message[:_MOST_CHARS]}"
        )
