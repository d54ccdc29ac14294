"""Reads Markdown as far as the tests of the documents need it."""

from __future__ import annotations

import re
import shlex
from functools import cache


def code_blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks in one of the languages."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [body for language, body in found if language in languages]


def prose(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def code_spans(text: str) -> list[str]:
    """What stands between backticks in the prose."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def links(text: str) -> list[str]:
    """The targets of all links outside of code."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(text)))


@cache
def anchors(text: str) -> set[str]:
    """The fragments that GitHub makes of the headings."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(text: str, program: str) -> list[list[str]]:
    """The arguments of every call of ``program``, in console blocks and between backticks."""
    lines = [
        line.removeprefix("$ ")
        for block in code_blocks(text, "console", "sh")
        for line in block.splitlines()
    ]
    calls = [shlex.split(line, comments=True) for line in lines + code_spans(text)
             if line.startswith(f"{program} ")]  # fmt: skip
    return [words[1:] for words in calls]
