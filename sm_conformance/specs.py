"""Finds the data half of the project: ``specs/`` in a checkout, ``sm_conformance/_specs`` in a wheel."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_HERE = Path(__file__).resolve().parent


@cache
def root() -> Path:
    """The folder that holds ``clauses.yaml``, ``limits.yaml``, ``scenarios/`` and ``schemas/``."""
    packaged = _HERE / "_specs"
    return packaged if packaged.is_dir() else _HERE.parent / "specs"


def path(name: str) -> Path:
    """The file ``name``, a POSIX path relative to ``specs/``."""
    return root() / name


def read_yaml(name: str) -> Any:
    """The parsed YAML file ``name``; our own data, so a fault in it is a bug and may raise."""
    # The contract is large; the C parser, where PyYAML has it, reads it eight times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path(name).read_text(encoding="utf-8"), Loader=loader)  # noqa: S506


def read_schema(name: str) -> dict[str, Any]:
    """The JSON Schema ``schemas/<name>.schema.json``."""
    loaded: dict[str, Any] = json.loads(path(f"schemas/{name}.schema.json").read_text("utf-8"))
    return loaded
