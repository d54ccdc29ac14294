"""Writes the report in all its forms; each is made from the same JSON data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sm_conformance.judgement import badge, page, sarif, summary

REPORT = "report.json"


def write(report: Mapping[str, Any], folder: Path) -> None:
    """``report.json``, ``report.html``, ``report.sarif``, ``summary.md`` and ``badge.svg`` in ``folder``.

    Raises :class:`OSError` when they cannot be written there.
    """
    texts = {
        REPORT: _json(report),
        "report.html": page.render(report),
        "report.sarif": _json(sarif.render(report)),
        "summary.md": summary.render(report),
        "badge.svg": badge.render(report),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
