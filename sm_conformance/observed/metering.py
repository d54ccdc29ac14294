"""Reads the header with which a container reports how many inferences a request was."""

from __future__ import annotations

import json

from sm_conformance.observed.http import Reply, printable

HEADER = "X-Amzn-Inference-Metering"
# The only dimension that products of machine learning are charged by.
_DIMENSION = "inference.count"
_SHOWN = 200


def wrong(reply: Reply) -> str | None:
    """Why the units that a reply reports cannot be counted, safe to print; None where they can."""
    said = [value for name, value in reply.headers if name.lower() == HEADER.lower()]
    if len(said) != 1:
        return f"{len(said)} such headers" if said else "no such header"
    shown = printable(said[0][:_SHOWN])
    try:
        found = json.loads(said[0])
    except (ValueError, RecursionError):
        return f"no JSON: {shown}"
    if not isinstance(found, dict):
        return f"no JSON object: {shown}"
    if found.get("Dimension") != _DIMENSION:
        return f"another Dimension: {shown}"
    units = found.get("ConsumedUnits")
    if isinstance(units, bool) or not isinstance(units, int) or units <= 0:
        return f"ConsumedUnits is no whole number above 0: {shown}"
    return None
