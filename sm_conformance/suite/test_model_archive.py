"""The model archive that the owner gives, by the declaration or by an option."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.judgement.outcome import NotApplicable, NotRun, demand
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.archive import flaw_of
from sm_conformance.observed.http import printable


@clause("HOST-031", "model-archive")
def test_model_archive(bench: Bench) -> None:
    """The model archive that is given is one gzip-compressed tar without symbolic links and without absolute or parent names."""
    archive = bench.given_model
    if archive is None:
        raise NotApplicable("no model archive is given, neither declared nor by an option")
    found = flaw_of(archive)
    demand(
        found.text is None,
        expected="an archive that the platform can unpack",
        actual=f"{printable(archive.name)}: {found.text}",
    )
    if not found.whole:
        raise NotRun(f"{printable(archive.name)} is larger than is read", excused=True)
