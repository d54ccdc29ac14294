"""The model that a server is handed: the archive that the owner gives, and one that is spoiled."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.judgement.outcome import NotApplicable, NotRun, demand
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.archive import flaw_of
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import Server, Stage


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


@clause("HOST-007", "sees-a-broken-model", given="serve-spoiled", needs=Stage.ANSWERED)
def test_sees_a_broken_model(given: str, server: Server) -> None:
    """A server whose model cannot be used does not say that it is ready."""
    if not server.with_model:
        raise NotApplicable("it serves without model data")
    if server.scenario != given:
        raise NotRun("its model holds no file that could be spoiled", excused=True)
    first = server.replies.get("first")
    if not server.ready or first is None:
        return
    demand(
        first.ok,
        expected="no 200 to a ping, or an answer all the same",
        actual=f"with noise in the place of its model it says 200 to a ping, and then: "
        f"{first.describe()}",
        repeat=server.curl("first"),
    )
