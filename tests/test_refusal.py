"""A program that was never executed, as runc tells it after the start; and what is not that."""

from __future__ import annotations

import pytest

from sm_conformance.observed.facts import Exit
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.refusal import told_late


def logs(stderr: str, stdout: str = "") -> Logs:
    return Logs(
        stdout=stdout.encode(),
        stderr=stderr.encode(),
        total_bytes=len(stdout) + len(stderr),
        first_after_s=0.01,
    )


def ended(code: int) -> Exit:
    return Exit(code=code, memory_killed=False)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("exec /opt/program/main: exec format error\n", "wrong-format"),
        ("exec /opt/program/main: no such file or directory", "not-found"),
        ("exec /a folder/main: permission denied\r\n", "not-executable"),
        (
            "standard_init_linux.go:228: exec user process caused: no such file or directory\n",
            "not-found",
        ),
        (
            'standard_init_linux.go:211: exec user process caused "exec format error"\n',
            "wrong-format",
        ),
    ],
)
@pytest.mark.parametrize("code", [1, 255])
def test_the_one_line_of_runc_says_why_nothing_was_executed(
    line: str, kind: str, code: int
) -> None:
    found = told_late(ended(code), logs(line))

    assert found is not None
    assert (found.kind, found.text) == (kind, line.strip())


@pytest.mark.parametrize(
    "line",
    [
        "",
        "exec: /opt/program/main: not found",
        "/opt/program/main: 4: exec: trainer: not found",
        "fork/exec /usr/bin/trainer: permission denied",
        "exec trainer: permission denied",
        "exec /opt/program/main: exec format error, says a program that runs",
        "starting\nexec /opt/program/main: exec format error",
        "exec /opt/program/main: exec format error\nTraceback",
        "exec /" + "x" * 9000 + ": exec format error",
    ],
)
def test_other_words_are_the_words_of_a_program_that_ran(line: str) -> None:
    assert told_late(ended(1), logs(line)) is None


def test_a_program_that_wrote_to_stdout_ran() -> None:
    said = logs("exec /opt/program/main: exec format error\n", stdout="hello\n")

    assert told_late(ended(1), said) is None


@pytest.mark.parametrize("found", [None, ended(0)])
def test_a_program_that_goes_on_or_went_well_ran(found: Exit | None) -> None:
    assert told_late(found, logs("exec /opt/program/main: exec format error\n")) is None
