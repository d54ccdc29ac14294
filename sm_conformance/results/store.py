"""The results of complete runs, each in a file of the user's own cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from sm_conformance import specs

_FORM = "sm-conformance/result/1"
# Of the results that are kept the newest stay.
NEWEST = 50
_MOST_BYTES = 16 << 20
_SUFFIX = ".json"


class Store:
    """Results by the question that a run was asked. What cannot be read or written is not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, question: Mapping[str, str]) -> dict[str, Any] | None:
        """The last result: ``judged_at`` and ``report``; None where there is none to be relied on."""
        try:
            content = _read(self._file(question))
            held = json.loads(content)
            whole = held["form"] == _FORM and held["question"] == dict(question)
            datetime.fromisoformat(held["judged_at"])
            report = held["report"]
            errors = Draft202012Validator(specs.read_schema("report")).iter_errors(report)
            if not whole or next(errors, None) is not None or not is_complete(report):
                return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return {"judged_at": held["judged_at"], "report": report}

    def keep(self, question: Mapping[str, str], report: Mapping[str, Any], *, at: datetime) -> bool:
        """Keeps the result of a run that ended ``at`` this time; whether it could be kept.

        Without its evidence, which lies in the report folder of that run.
        """
        findings = [{**one, "evidence": None, "repeat": None} for one in report["findings"]]
        held = {
            "form": _FORM,
            "question": dict(question),
            "judged_at": at.isoformat(timespec="seconds"),
            "report": {**report, "findings": findings},
        }
        content = json.dumps(held).encode()
        if len(content) > _MOST_BYTES or not is_complete(report):
            return False
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Whoever reads meanwhile finds the one before, or this one as a whole.
            opened, name = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(opened, "wb") as file:
                    file.write(content)
                Path(name).replace(self._file(question))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            self._remove_older()
        except OSError:
            return False
        return True

    def _file(self, question: Mapping[str, str]) -> Path:
        text = json.dumps(dict(question), sort_keys=True)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()}{_SUFFIX}"

    def _remove_older(self) -> None:
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime_ns, path))
        for _, path in sorted(found, reverse=True)[NEWEST:]:
            path.unlink(missing_ok=True)


def is_complete(report: Mapping[str, Any]) -> bool:
    """Whether a run reached its end without trouble of the harness, and was not itself answered."""
    verdicts = {finding["verdict"] for finding in report["findings"]}
    return bool(report["complete"]) and "error" not in verdicts and "cached" not in report


def user_store() -> Store | None:
    """The store of this user, where the XDG specification has such things; None without a home."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not base.is_absolute():  # counts as none, says the specification
        try:
            base = Path.home() / ".cache"
        except RuntimeError:
            return None
    return Store(base / "sm-conformance" / "results")


def _read(path: Path) -> bytes:
    """The content of a file of this user's that nobody else may write. Raises OSError."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(opened, "rb") as file:
        facts = os.fstat(opened)
        own = facts.st_uid == os.geteuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if not (stat.S_ISREG(facts.st_mode) and own and facts.st_size <= _MOST_BYTES):
            raise PermissionError("it is no result of this user's")
        return file.read(_MOST_BYTES + 1)
