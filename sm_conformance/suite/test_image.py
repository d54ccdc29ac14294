"""The image itself: its entrypoint, its user, its architecture, how it starts."""

from __future__ import annotations

import posixpath
import re

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.outcome import NotApplicable, NotRun, demand
from sm_conformance.laboratory import image
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.arrival import held_back
from sm_conformance.observed.artefacts import size_text
from sm_conformance.observed.http import printable
from sm_conformance.observed.run import Ending, Server, Stage, TrainRun

_SHELLS = ("sh", "bash", "dash", "ash")
# A shell line whose last command takes the place of the shell.
_HANDS_OVER = re.compile(r"(?:^|[;&|\n])\s*exec\s+[^;&|\n]+\s*$")


@clause("IMG-001", "train-starts", given="train-plain", needs=Stage.STARTED)
def test_train_starts(run: TrainRun, candidate: Candidate) -> None:
    """The training program starts when the image is launched with the single argument `train`."""
    _told_train(candidate)
    demand(run.problem is None, expected="the program starts", actual=run.story())


@clause("IMG-002", "serve-starts", given="serve-plain", needs=Stage.STARTED)
def test_serve_starts(server: Server) -> None:
    """The server starts when the image is launched with the single argument `serve`."""
    demand(server.problem is None, expected="the program starts", actual=server.story())


@clause("IMG-003", "on-path", given=("train-plain", "serve-plain"), needs=Stage.STARTED)
def test_on_path(observed: TrainRun | Server) -> None:
    """The engine can execute what the word `train` or `serve` leads to, be it the ENTRYPOINT or, without one, a program of that name on PATH."""
    demand(observed.problem is None, expected="it can be executed", actual=observed.story())


@clause("IMG-004", "tells-jobs-apart", given="train-plain")
def test_tells_jobs_apart(run: TrainRun, candidate: Candidate) -> None:
    """An image that is claimed for both jobs trains and ends when told `train`, and serves and stays up when told `serve`."""
    if candidate.training != candidate.hosting or not {"training", "hosting"} <= candidate.claims:
        raise NotApplicable("no one image is claimed for both jobs")
    _told_train(candidate)
    demand(run.good, expected="`train` trains and ends", actual=run.story())


def _told_train(candidate: Candidate) -> None:
    """Raises NotApplicable where the declaration has something else in the place of the word."""
    said = candidate.declaration.training
    if said is not None and said.started_otherwise:
        raise NotApplicable("the declaration replaces the ENTRYPOINT or the word `train`")


@clause("IMG-005", "exec-form")
def test_exec_form(candidate: Candidate) -> None:
    """The ENTRYPOINT, where there is one, is in the exec (JSON array) form or wrapped in a `/bin/sh -c` that hands over with `exec`."""
    for facts, _ in candidate.images:
        first, option, line, *_ = (*facts.entrypoint, "", "", "")
        shell = posixpath.basename(first) in _SHELLS and option == "-c"
        demand(
            not shell or _HANDS_OVER.search(line) is not None,
            expected='ENTRYPOINT ["program", "argument"]',
            actual=f"{facts.reference} has the shell form: {printable(' '.join(facts.entrypoint))[:200]}",
        )


@clause("IMG-006", "no-init-entrypoint")
def test_no_init_entrypoint(candidate: Candidate) -> None:
    """No init program such as `tini` stands as the ENTRYPOINT of the image."""
    for facts, _ in candidate.images:
        first = posixpath.basename(facts.entrypoint[0]) if facts.entrypoint else ""
        demand(
            first not in image.INIT_PROGRAMS,
            expected="the ENTRYPOINT is the program itself",
            actual=f"the ENTRYPOINT of {facts.reference} begins with {first}",
        )


@clause("IMG-012", "root-hosting")
def test_root_hosting(candidate: Candidate) -> None:
    """An image that serves runs as root, that is, it sets no other USER."""
    facts = candidate.hosting
    if facts is None:
        raise NotApplicable("no image is named for hosting")
    demand(
        facts.runs_as_root,
        expected="no USER, or root",
        actual=f"{facts.reference} sets USER {printable(facts.user)}",
    )


@clause("IMG-012", "root-training")
def test_root_training(candidate: Candidate) -> None:
    """An image that only trains runs as root, that is, it sets no other USER."""
    facts = candidate.training
    if facts is None or ("hosting" in candidate.claims and facts == candidate.hosting):
        raise NotApplicable(
            "no image only trains; IMG-012 root-hosting looks at the one that serves"
        )
    demand(
        facts.runs_as_root,
        expected="no USER, or root",
        actual=f"{facts.reference} sets USER {printable(facts.user)}",
    )


@clause("IMG-016", "architecture", given=("train-plain", "serve-plain"), needs=Stage.NOTHING)
def test_architecture(given: str, candidate: Candidate, bench: Bench) -> None:
    """The image is built for the processor architecture of the instances it is meant for, which is linux/amd64 unless the declaration says otherwise."""
    facts = candidate.training if given.startswith("train") else candidate.hosting
    assert facts is not None, "a scenario is run only where there is an image for it"
    wrong = image.mismatch(bench.engine, facts, candidate.claims)
    demand(wrong is None, expected="instances exist that can run it", actual=wrong or "")


@clause("IMG-023", "logs", given=("train-plain", "serve-plain"), needs=Stage.STARTED)
def test_logs(observed: TrainRun | Server) -> None:
    """The program writes a line to standard output or standard error while it works."""
    if isinstance(observed, TrainRun) and observed.ending is Ending.SERVING:
        # Nobody asked it anything; as a server it is looked at where it serves.
        raise NotRun(observed.story(), excused=True)
    demand(
        observed.logs.total_bytes > 0,
        expected="at least one line on stdout or stderr",
        actual=f"nothing at all; {observed.story()}",
    )


@clause("IMG-023", "logs-arrive", given="train-plain")
def test_logs_arrive(run: TrainRun, limits: Limits) -> None:
    """The lines of the log arrive while the program works, not all at once when it ends."""
    came = held_back(run, delay_s=limits.log_delay_s)
    demand(
        came is None,
        expected="lines arrive as they are written",
        actual=f"{came}; perhaps they were written before and stood in a buffer",
    )


@clause("IMG-024", "scratch-space", given=("train-plain", "serve-plain"))
def test_scratch_space(observed: TrainRun | Server, limits: Limits) -> None:
    """Large scratch files go to `/tmp` or to the job's own folders under `/opt/ml`."""
    written, most = observed.written, size_text(limits.scratch_bytes)
    if written is None:
        raise NotRun("the engine does not say what a container wrote", excused=True)
    if written.least_bytes < limits.scratch_bytes <= written.most_bytes:
        raise NotRun(
            f"up to {size_text(written.most_bytes)} were written outside of /tmp and /opt/ml, in "
            "too many files to tell",
            excused=True,
        )
    files = [f"{printable(path)[:200]} ({size_text(size)})" for path, size in written.files[:5]]
    demand(
        written.least_bytes < limits.scratch_bytes,
        expected=f"less than {most} outside of /tmp, /var/tmp, /dev/shm and /opt/ml",
        actual=f"{size_text(written.least_bytes)} elsewhere, the largest first: {', '.join(files)}",
    )
