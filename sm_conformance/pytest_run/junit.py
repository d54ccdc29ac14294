"""What ``junit.xml`` says of clauses beside tests."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from _pytest.junitxml import xml_key

from sm_conformance.judgement.finding import Finding


class Properties:
    """The plugin that gives the test suite a property for each clause: its verdict.

    Of the suite, for the schema that Jenkins validates by (junit-10.xsd) allows a test case none.
    """

    def __init__(self, found: Mapping[str, Finding]) -> None:
        self._found = found

    @pytest.hookimpl(tryfirst=True)  # the file is written in this hook
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        xml = session.config.stash.get(xml_key, None)
        if xml is not None:
            for key, finding in self._found.items():
                xml.add_global_property(key, finding.verdict)
