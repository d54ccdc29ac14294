"""Writes the report in all its forms; each is made from the same JSON data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sm_conformance.judgement import badge, page, sarif, summary

REPORT = "report.json"
DECLARATION = "declaration.json"


def write(report: Mapping[str, Any], folder: Path, *, declaration: Mapping[str, Any]) -> None:
    """``report.json``, ``.html`` and ``.sarif``, ``summary.md`` and ``badge.svg`` in ``folder``.

    Beside them the ``declaration`` that was judged by, if there was one, as ``declaration.json``.
    Raises :class:`OSError` when they cannot be written there.
    """
    texts = {
        REPORT: _json(report),
        "report.html": page.render(report),
        "report.sarif": _json(sarif.render(report)),
        "summary.md": summary.render(report),
        "badge.svg": badge.render(report),
    }
    if declaration:
        texts[DECLARATION] = _json(declaration)
    for name, text in texts.items():
        # Half of a surrogate pair becomes what JSON writes for it; elsewhere none is left.
        (folder / name).write_bytes(text.encode("utf-8", "backslashreplace"))


def rewrite(report: Mapping[str, Any], folder: Path) -> None:
    """Writes the report anew in all its forms but JUnit's, which is pytest's account of its tests."""
    declared = folder / DECLARATION
    said = json.loads(declared.read_text("utf-8")) if declared.is_file() else {}
    write(report, folder, declaration=said)


def _json(data: Mapping[str, Any]) -> str:
    # A date is the only thing in it that JSON does not have.
    return json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n"
