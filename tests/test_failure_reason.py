"""What the platform would show of a failure file, and whether that says what went wrong."""

from __future__ import annotations

import time

import pytest

from sm_conformance.observed.failure import reason

PYTHON = "Traceback (most recent call last):\n" + "".join(
    f'  File "/opt/program/layer{n}.py", line {n}, in step\n    go_on()\n' for n in range(30)
)
JAVA = "".join(f"\tat org.example.Layer{n}.step(Layer{n}.java:{n})\n" for n in range(40))
R = "".join(f"[[{n}]]\nfit_layer_{n}(data, control = list(steps = {n}))\n\n" for n in range(1, 40))
LATER = "ValueError: invalid literal for int() with base 10: 'many'"


def wrong(content: str | bytes) -> str | None:
    """What is wrong with a failure file."""
    data = content.encode() if isinstance(content, str) else content
    return reason(data, limit_chars=1024).wrong


LAWFUL: dict[str, str | bytes] = {
    "one word": "no",
    "a sentence in two languages": "Daten fehlen — データがありません",
    "a line end too many": "\n\nno data\n",
    "a byte order mark": b"\xef\xbb\xbfno data",
    "a short trace": PYTHON[:200] + "\n" + LATER,
    "the reason first": LATER + "\n" + PYTHON + LATER,
    "words of its own first": "Exception during training: many\n" + PYTHON + LATER,
    "a sentence of its own first": "rounds is not a number\n\n" + PYTHON + LATER,
    "a cause within, another behind": PYTHON[:200] + "\n" + LATER + "\n\nDuring handling of the "
    "above exception, another exception occurred:\n\n" + PYTHON + "SystemExit: 1",
    "its message alone is long": PYTHON[:900] + "\nRuntimeError: " + "x" * 5000,
    "cut while it said it": (PYTHON[:960] + "\nRuntimeError: " + "x" * 5000)[:1024],
    "a log that is no trace": "step\n" * 1000 + LATER,
    "the command line of a framework": "ExecuteUserScriptError:\nCommand " + "-m x " * 400,
    "Java says it first": "java.lang.IllegalArgumentException: rounds: many\n" + JAVA,
    "Java with another cause behind": "Exception in thread \"main\" java.lang.RuntimeException: "
    "bad rounds\n" + JAVA + "Caused by: java.lang.NumberFormatException: many",
    "Java that has no more to say": "java.lang.NullPointerException\n" + JAVA,
    "Java behind words of its own": "rounds is not a number\njava.lang.RuntimeException\n" + JAVA
    + "Caused by: java.lang.NumberFormatException: many",
    "R says it first": "Error in fit(data) : rounds is 'many'\n" + R,
    "rlang": "Error in `fit()`:\n! rounds is 'many'\nBacktrace:\n" + R,
    "cut by its program in the middle of a letter": "ü".encode() * 511 + b"xx\xc3",
    "bytes behind what is shown": b"no data " * 200 + b"\xff\xfe",
    "numbered lines": "1: step (one)\n" * 200,
}  # fmt: skip


@pytest.mark.parametrize("name", LAWFUL)
def test_a_reason_that_is_shown_is_lawful(name: str) -> None:
    assert wrong(LAWFUL[name]) is None


WRONG: dict[str, tuple[str | bytes, str]] = {
    "Latin-1": ("Daten f\xfcr rounds".encode("latin-1"), "not UTF-8"),
    "UTF-16": ("no data".encode("utf-16"), "not UTF-8"),
    "a bare byte": (b"\xff", "not UTF-8"),
    "blanks": (" \n\t" * 400 + "no data", "1024 characters are blank"),
    "Python": (PYTHON + LATER, "a Python trace; the error itself, 'ValueError: invalid"),
    "Python under a heading": ("Training failed:\n" + PYTHON + LATER, "a Python trace"),
    "Python, many lines": (PYTHON + "Error: a\nb\nc", "the error itself, 'Error: a', begins at"),
    "Python cut by its program": ((PYTHON + LATER)[:1024], "cut before the error itself"),
    "Python cut too late": (PYTHON[:1010] + "\n" + LATER, "the error itself"),
    "Java": (
        "java.lang.RuntimeException\n" + JAVA + "Caused by: java.io.IOException: no data",
        "a Java trace; the error itself, 'Caused by: java.io.IOException: no data'",
    ),
    "R": (R + "<simpleError in fit(data): no data>", "a R trace"),
    "R in words": ("Calls:\n" + R + "Error: no data", "the error itself, 'Error: no data'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_reason_that_nobody_is_shown_is_told(name: str) -> None:
    content, words = WRONG[name]

    assert words in (wrong(content) or "")


def test_what_is_shown_is_counted_in_characters() -> None:
    found = reason(("ü" * 1023 + "abc").encode(), limit_chars=1024)

    assert found.shown == "ü" * 1023 + "a"


@pytest.mark.parametrize(
    "text",
    ["\n" * 500_000, "Error in " * 100_000, "at " * 300_000, "\tat " + "a" * 900_000, "1: " * 300_000,
     "x.Exception" * 90_000, "Traceback (most recent call last):\n" + "A:" * 400_000, "[[1]]\n" * 100_000],
)  # fmt: skip
def test_a_hostile_file_costs_no_time(text: str) -> None:
    began = time.perf_counter()

    wrong(text)

    assert time.perf_counter() - began < 2
