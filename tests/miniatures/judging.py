"""Judges a miniature through the real plugin and reads what came of it."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis.strategies  # noqa: F401 - as those below
import pytest
import yaml

# Loaded once here, not anew by each run in this process.
import sm_conformance.judgement.page
import sm_conformance.pytest_run.run
import sm_conformance.suite
from miniatures.declared import BOTH

for _module in pkgutil.iter_modules(sm_conformance.suite.__path__, "sm_conformance.suite."):
    importlib.import_module(_module.name)

TESTS = Path(__file__).resolve().parent.parent

ENGINE = """
import sys
sys.path.insert(0, {tests!r})
from miniatures.engine import MiniatureEngine


def pytest_sm_engine(config, run_id):
    return MiniatureEngine(run_id=run_id, way={way!r})
"""

# What is installed for these tests; reruns leave a thread behind with all that a run in this process held.
OTHERS_OFF = ("-p", "no:hypothesispytest", "-p", "no:rerunfailures")
UNSCANNED = ("MKT-018 scanned", "not-run")

Runner = Callable[..., pytest.RunResult]


@dataclass(frozen=True, slots=True)
class Judged:
    """One run: its exit status, its output, and its report where it wrote one."""

    status: int
    output: str
    errors: str
    report: dict[str, Any]

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        """The findings by clause key."""
        return {f"{item['clause']} {item['name']}": item for item in self.report["findings"]}

    def with_verdict(self, *verdicts: str) -> dict[str, str]:
        """Clause key to verdict, for those that have one of ``verdicts``."""
        return {
            key: found["verdict"]
            for key, found in self.findings.items()
            if found["verdict"] in verdicts
        }

    @property
    def said(self) -> dict[str, str]:
        """What was said against the candidate, each with its verdict.

        Left out are the blocked ones, and what no scanner was asked.
        """
        told = self.with_verdict("fail", "advice", "not-run", "error", "waived")
        return {key: one for key, one in told.items() if (key, one) != UNSCANNED}

    @property
    def last_line(self) -> str:
        """The last line that our part of the summary wrote."""
        lines = [line for line in self.output.splitlines() if line.strip()]
        at = next(n for n, line in enumerate(lines) if "= sm-conformance =" in line)
        ends = (n for n in range(at + 1, len(lines)) if lines[n].startswith("="))
        return lines[next(ends, len(lines)) - 1]


def provide_engine(pytester: pytest.Pytester, *, way: str = "direct") -> None:
    """Writes the conftest that brings the miniature engine."""
    pytester.makeconftest(ENGINE.format(tests=str(TESTS), way=way))


def provide_plugin(pytester: pytest.Pytester) -> tuple[str, str]:
    """Writes the same as a plugin, for runs that name paths elsewhere; returns its option."""
    pytester.makepyfile(miniature_plugin=ENGINE.format(tests=str(TESTS), way="direct"))
    return "-p", "miniature_plugin"


def declare(pytester: pytest.Pytester, declaration: Mapping[str, Any]) -> None:
    """Writes ``sm-conformance.yaml`` in the current folder."""
    text = yaml.safe_dump(dict(declaration))
    (pytester.path / "sm-conformance.yaml").write_text(text, "utf-8")


def limit(pytester: pytest.Pytester, limits: Mapping[str, float]) -> str:
    """Writes a file of limits; returns the option that names it."""
    file = pytester.path / "limits.yaml"
    file.write_text(yaml.safe_dump(dict(limits)), "utf-8")
    return f"--sm-limits={file}"


def judge(
    run: Runner,
    pytester: pytest.Pytester,
    image: str,
    *arguments: str,
    declaration: Mapping[str, Any] | None = BOTH,
    limits: Mapping[str, float] | None = None,
) -> Judged:
    """Judges the miniature ``image`` with ``run``, one of pytester's runners."""
    if declaration is not None:
        declare(pytester, declaration)
    limited = [limit(pytester, limits)] if limits else []
    named = [f"--sm-image={image}"] if image else []
    result = run(
        *OTHERS_OFF, "-p", "no:cacheprovider", *named, *limited, "--sm-report=report", *arguments,
    )  # fmt: skip
    return judged(pytester, result)


def judged(pytester: pytest.Pytester, result: pytest.RunResult) -> Judged:
    """What a finished run left."""
    file = pytester.path / "report" / "report.json"
    return Judged(
        status=int(result.ret),
        output=result.stdout.str(),
        errors=result.stderr.str(),
        report=json.loads(file.read_text("utf-8")) if file.is_file() else {},
    )
