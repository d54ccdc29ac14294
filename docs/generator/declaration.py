"""Makes the table of the declaration's keys, from its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from generator.markdown import plain, table
from sm_conformance import specs

_FEW_WORDS = 6

_Node = Mapping[str, Any]


def key_table() -> str:
    """Every key that a declaration may have, with what is expected and what it means.

    ``NAME`` stands for a name of the owner's, ``[]`` for each entry of a list.
    """
    schema = specs.read_schema("declaration")
    rows = [
        (f"`{key}`", _expected(node), _meaning(node)) for key, node in _keys(schema, schema, "")
    ]
    return table(("key", "value", "meaning"), rows)


def _keys(node: _Node, schema: _Node, at: str) -> Iterator[tuple[str, _Node]]:
    """All keys below ``at``, top to bottom."""
    below = {
        f"{at}.{name}" if at else name: held for name, held in node.get("properties", {}).items()
    }
    if isinstance(node.get("additionalProperties"), dict):
        below[f"{at}.NAME"] = node["additionalProperties"]
    if "properties" in node.get("items", {}):
        below |= {f"{at}[].{name}": held for name, held in node["items"]["properties"].items()}
    for key, held in below.items():
        resolved = _resolved(held, schema)
        yield key, resolved
        yield from _keys(resolved, schema, key)


def _resolved(node: _Node, schema: _Node) -> _Node:
    """The node with what it refers to; what it says itself comes first."""
    found = dict(node)
    if "$ref" in found:
        found = {**schema["$defs"][found["$ref"].rpartition("/")[2]], **found}
    if "items" in found:
        found["items"] = _resolved(found["items"], schema)
    return found


def _expected(node: _Node) -> str:
    if "enum" in node:
        words = [f"`{value}`" for value in node["enum"]]
        return (" or " if len(words) <= _FEW_WORDS else ", ").join(words)
    if "title" in node:
        return plain(node["title"])
    match node["type"]:
        case "array":
            held = node["items"]
            return f"a list of {_expected(held)}" if "enum" in held else "a list of mappings"
        case "number" | "integer" as kind:
            whole = "whole " if kind == "integer" else ""
            return f"a {whole}number from {node['minimum']} to {node['maximum']}"
        case kind:
            return {"object": "a mapping", "boolean": "`true` or `false`"}[kind]


def _meaning(node: _Node) -> str:
    """Its description, and of which keys it must have exactly one."""
    choices = node.get("oneOf") or node.get("items", {}).get("oneOf") or ()
    names = [f"`{choice['required'][0]}`" for choice in choices]
    owner = "Each has" if "items" in node else "It has"
    said = [plain(node.get("description", ""))]
    said += [f"{owner} exactly one of {', '.join(names[:-1])} and {names[-1]}."] if names else []
    return " ".join(said).strip()
