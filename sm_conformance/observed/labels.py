"""Holds the Content-Type of a reply against its body, and against what the caller accepts."""

from __future__ import annotations

import json

from sm_conformance.observed.http import Reply, printable

# Larger bodies are believed: reading them as JSON would take longer than the whole step.
_MOST_BYTES = 1 << 20
_SHOWN = 80


def mislabelled(reply: Reply) -> str | None:
    """How the body of a complete reply plainly is another thing than its Content-Type says.

    One printable line, or None. Only what nobody can take for the named type counts: a number is
    JSON and CSV alike, and a line of JSON may stand in any text.
    """
    kind = media_type(reply.header("content-type"))
    if not reply.body.strip() or reply.truncated or len(reply.body) > _MOST_BYTES:
        return None
    if reply.header("content-encoding") not in (None, "", "identity"):
        return None
    is_json, value = _as_json(reply.body)
    if (kind == "application/json" or kind.endswith("+json")) and not is_json:
        return f"labelled {_shown(kind)}, and is no JSON: '{_excerpt(reply)}'"
    if kind == "text/html" and isinstance(value, dict | list):
        return f"labelled text/html, and is JSON: '{_excerpt(reply)}'"
    if kind == "text/csv" and isinstance(value, dict):
        return f"labelled text/csv, and is JSON: '{_excerpt(reply)}'"
    return None


def accepted(accept: str, kind: str) -> bool:
    """Whether the Content-Type ``kind`` is one that the value ``accept`` of an Accept header allows.

    Parameters count for nothing but ``q=0``, with which a caller refuses a type.
    """
    found = media_type(kind)
    for one in accept.split(","):
        wanted, *parameters = (part.strip().lower() for part in one.split(";"))
        if any(
            part.replace(" ", "") in ("q=0", "q=0.0", "q=0.00", "q=0.000") for part in parameters
        ):
            continue
        family = wanted.removesuffix("*") if wanted.endswith("/*") else None
        if wanted in ("*/*", "*", found) or (family is not None and found.startswith(family)):
            return True
    return False


def media_type(said: str | None) -> str:
    """A media type without its parameters, in lower case; "" for none."""
    return (said or "").partition(";")[0].strip().lower()


def _as_json(body: bytes) -> tuple[bool, object]:
    try:
        return True, json.loads(body)
    except RecursionError:
        return True, None
    except ValueError:
        return False, None


def _excerpt(reply: Reply) -> str:
    return printable(reply.body[: 4 * _SHOWN].decode("utf-8", "backslashreplace")[:_SHOWN])


def _shown(kind: str) -> str:
    return printable(kind[:_SHOWN])
