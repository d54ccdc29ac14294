"""Limits: the platform's numbers and the harness's own patience, from ``specs/limits.yaml``."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sm_conformance import specs
from sm_conformance.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Limits:
    """One number each; the unit is the end of the name. See ``specs/limits.yaml`` for sources."""

    ping_limit_s: float
    connect_limit_ms: float
    invocation_limit_s: float
    stream_limit_s: float
    startup_limit_s: float
    training_stop_limit_s: float
    hosting_stop_limit_s: float
    failure_reason_chars: int
    body_small_bytes: int
    body_large_bytes: int
    custom_attributes_chars: int
    error_message_chars: int
    serverless_image_bytes: int
    transform_payload_mb: int
    transform_retries: int
    transform_s: float
    unhealthy_after: int
    ping_spacing_s: float
    connect_tries: int
    server_recovery_s: float
    idle_s: float
    training_patience_s: float
    startup_grace_s: float
    progress_patience_s: float
    sample_requests: int
    latency_budget_s: float
    load_s: float
    load_under_way: int
    load_late_ms: float
    load_late_percent: int
    default_memory_bytes: int
    default_pids: int
    default_log_bytes: int
    default_output_bytes: int
    failure_file_lead_s: float
    log_delay_s: float
    scratch_bytes: int


@cache
def _table() -> Mapping[str, Mapping[str, Any]]:
    table: Mapping[str, Mapping[str, Any]] = specs.read_yaml("limits.yaml")
    return table


@cache
def load() -> Limits:
    """The limits as published."""
    return Limits(**{name: entry["value"] for name, entry in _table().items()})


def source(name: str) -> str:
    """Where the limit ``name`` comes from."""
    return str(_table()[name]["source"])


def load_changed(path: Path) -> Limits:
    """The limits with those of a user's file in their place.

    The file maps names to numbers. Raises :class:`UsageProblem` when it cannot be used.
    """
    try:
        changes = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageProblem(f"--sm-limits {path}: cannot be read: {error}") from error
    if not isinstance(changes, dict):
        raise UsageProblem(f"--sm-limits {path}: expected a mapping of limit names to numbers")
    published = load()
    known = {field.name for field in fields(Limits)}
    for name, value in changes.items():
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise UsageProblem(f"--sm-limits {path}: unknown limit {name!r}{hint}")
        usable = isinstance(value, int | float) and not isinstance(value, bool)
        if not usable or not math.isfinite(value) or value <= 0:
            raise UsageProblem(
                f"--sm-limits {path}: {name} must be a number above 0, got {value!r}"
            )
        counted = not name.endswith(("_s", "_ms"))
        if counted and not isinstance(value, int):
            raise UsageProblem(f"--sm-limits {path}: {name} must be a whole number, got {value!r}")
    return replace(published, **changes)
