"""How xdist spreads a run over its workers: all clauses go to one, for they share launches.

Its own ``--dist=loadgroup`` cannot be relied on: with pytest 9.2 it silently groups nothing
(pytest-dev/pytest-xdist#1386). Loaded only by xdist's own hook, so xdist is there.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

from sm_conformance.pytest_run.run import SUITE

_MODULES = frozenset(path.name for path in SUITE.glob("test_*.py"))


class ClausesTogether(LoadScopeScheduling):  # type: ignore[misc]
    """One work unit of all clauses, one of each other test."""

    def _split_scope(self, nodeid: str) -> str:
        # Outside the rootdir a node id has lost its folders. A test of somebody else's in a module
        # of the same name goes along, which does no harm.
        module = nodeid.partition("::")[0].rpartition("/")[2]
        return "sm-conformance" if module in _MODULES else nodeid
