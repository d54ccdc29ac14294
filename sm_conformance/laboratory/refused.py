"""Names the cause when the program of an image was not executed, by the engine or by a shell."""

from __future__ import annotations

from sm_conformance.laboratory import image
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.launching import as_started
from sm_conformance.laboratory.startable import Hindrance, hindrance
from sm_conformance.laboratory.wording import nobody
from sm_conformance.observed.facts import Exit, ImageFacts, StartProblem
from sm_conformance.observed.run import Cause, Stage

_SHELL_CANNOT_RUN = (126, 127)
_QUICK_S = 10.0
_NOT_EXECUTABLE = ("not-found", "not-executable", "wrong-format")


def found_no_program(found: Exit | None, seconds: float) -> bool:
    """Whether it ended soon with what shells say of a program that they cannot run.

    What the program was to be may depend on the input, or be installed from the network.
    """
    return found is not None and found.code in _SHELL_CANNOT_RUN and seconds < _QUICK_S


def found_wrong(bench: Bench, half: str) -> Hindrance | None:
    """What is wrong with the program of a half, where a shell or an init program started nothing."""
    return hindrance(bench.engine, *as_started(bench, half))


def starts_with(word: str) -> str:
    """What is expected of an image that is told ``word``."""
    return f"the image starts with the single argument `{word}`"


def cause(bench: Bench, half: str, problem: StartProblem, story: str) -> Cause:
    """The cause where the engine could not execute the program, which no input can change."""
    facts, word = as_started(bench, half)
    if problem.kind == "no-gpu":
        return nobody(
            Stage.STARTED,
            f"{story}; a GPU is declared and this engine gives none: judge it on a machine with one",
        )
    foreign = _foreign_program(bench, facts, word, story)
    if foreign is not None:
        return foreign
    wrong = hindrance(bench.engine, facts, word)
    fix = wrong.fix if wrong else None
    story = f"{story}; {wrong.seen}" if wrong else story
    said = bench.candidate.declaration.training
    otherwise = half == "training" and said is not None and said.started_otherwise
    if problem.kind in _NOT_EXECUTABLE or otherwise:
        on_path = f"`{word}`, which is on PATH as there is no ENTRYPOINT,"
        program = f"the ENTRYPOINT {facts.entrypoint[0]}" if facts.entrypoint else on_path
        return Cause(
            missed=Stage.STARTED,
            blames="IMG-003 on-path",
            expected=f"{program} can be executed",
            actual=story,
            fix=fix,
        )
    return Cause(
        missed=Stage.STARTED,
        blames="IMG-001 train-starts" if half == "training" else "IMG-002 serve-starts",
        expected=starts_with(word),
        actual=story,
        fix=fix,
    )


def _foreign_program(bench: Bench, facts: ImageFacts, word: str, story: str) -> Cause | None:
    """The cause where the program is made for another processor than this engine's."""
    machine = image.program_machine(bench.engine, facts, word)
    native = bench.engine.facts().platform.rpartition("/")[2]
    if machine is None or machine == native:
        return None
    lawful = image.lawful_architectures(bench.candidate.claims)
    if machine in lawful:
        return Cause(
            missed=Stage.STARTED,
            blames=None,
            expected="",
            actual=f"the image is for linux/{machine}, which hosting has instances for, and this "
            f"engine (linux/{native}) cannot run it; judge it on such a machine",
        )
    return Cause(
        missed=Stage.STARTED,
        blames="IMG-016 architecture",
        expected=f"the program is for {' or '.join(sorted(lawful))}",
        actual=f"the image says {facts.architecture}, its program is for {machine}; {story}",
    )
