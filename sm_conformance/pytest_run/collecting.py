"""Which tests a run has: the suite's, those that bind this candidate, in the order of the contract."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from sm_conformance.binding import binding_of
from sm_conformance.contract.clause import Clause
from sm_conformance.pytest_run.answering import Answered
from sm_conformance.pytest_run.run import SUITE, PytestRun


class Collecting:
    """The plugin that chooses, orders and spreads the tests."""

    def __init__(self, run: PytestRun) -> None:
        self._run = run
        # Without paths of the user's, pytest collects the suite instead of what lies around.
        if run.config.args_source is not pytest.Config.ArgsSource.ARGS:
            run.config.args[:] = [str(SUITE)]

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        """Collects the suite also where the project's ``python_files`` would hide it."""
        patterns: list[str] = self._run.config.getini("python_files")
        seen = any(file_path.match(pattern) for pattern in patterns)
        if seen or parent.session.isinitpath(file_path) or not _is_ours(file_path):
            return None
        module: pytest.Module = _SuiteModule.from_parent(parent, path=file_path)
        return module

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        """Finds the suite's tests also where the project's ``python_functions`` would hide them."""
        if not _is_ours(module_path):
            return None
        module: pytest.Module = _SuiteModule.from_parent(parent, path=module_path)
        return module

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Runs a clause on each of its scenarios that the claims allow."""
        binding = binding_of(metafunc.function)
        if binding is not None and len(binding.given) > 1:
            wanted = [name for name in binding.given if self._run.claimed(name)]
            # Without any, the first says so.
            metafunc.parametrize("given", wanted or binding.given[:1])

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Leaves out clauses that bind other images; keeps ours together, in the order of the contract."""
        yield
        contract = self._run.rules.contract
        place = {clause.key: at for at, clause in enumerate(contract.clauses)}
        ours, others = [], []
        for item in items:
            binding = binding_of(getattr(item, "function", None))
            if binding is None:
                others.append(item)
            elif self._binds(contract.clause(binding.key)):
                item.add_marker(pytest.mark.sm_clause(binding.key))
                # What needs no launch is known at once, also to who breaks the run off.
                if self._run.last is not None:
                    item = Answered.in_place_of(item)  # noqa: PLW2901
                ours.append(((bool(binding.given), place[binding.key]), item))
        ours.sort(key=lambda placed: placed[0])
        items[:] = [item for _, item in ours] + others

    def _binds(self, clause: Clause) -> bool:
        """Whether there is something of this candidate that the clause looks at."""
        given = bool(self._run.rules.declaration.requests) or not clause.on_requests
        return given and clause.applies(self._run.claims)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Keeps the clauses together on one worker, whichever way the others are spread."""
        if config.option.dist == "each":
            return None
        from sm_conformance.pytest_run.spreading import ClausesTogether

        return ClausesTogether(config, log)


class _SuiteModule(pytest.Module):
    """A module of the suite, whose tests are called as we call them, not as the project does."""

    def funcnamefilter(self, name: str) -> bool:
        return name.startswith("test_")


def _is_ours(path: Path) -> bool:
    return path.parent == SUITE and path.name.startswith("test_")
