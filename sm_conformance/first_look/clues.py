"""Reads what a failed launch or a refused request said of the input that it missed.

All of it was written by the candidate: it is bounded, and only names of a known form are taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sm_conformance.first_look.reading import CHANNEL, CHANNEL_PATH
from sm_conformance.observed.facts import StartProblem
from sm_conformance.observed.http import Reply, printable
from sm_conformance.observed.logs import Logs
from sm_conformance.observed.run import TrainRun

_MOST_READ = 64 << 10
_MOST_COLUMNS = 1000
_LINE = 200

_CHANNEL_WORD = re.compile(rf"\bchannel:?\s{{1,4}}[\"'`]({CHANNEL})[\"'`]", re.IGNORECASE)
_MISSING_KEY = re.compile(r"KeyError: [\"']([A-Za-z_][A-Za-z0-9_. -]{0,59})[\"']")
_REQUIRED = re.compile(r"arguments are required: ([^\n]{1,300})")
_HYPERPARAMETER = re.compile(
    r"hyper-?\s?parameter:?\s{1,4}[\"'`]?([A-Za-z_][A-Za-z0-9_-]{0,63})\b", re.IGNORECASE
)
_OF_A_TABLE = re.compile(r"pandas|dataframe|undefined columns|column", re.IGNORECASE)
_OF_THE_ENVIRONMENT = re.compile(r"\bos\.py\"|<frozen os>|\benviron")
# What libraries say of a row with too many or too few numbers; the group is the number wanted.
_COLUMNS = re.compile(
    r"(?:expect(?:s|ed|ing)?|need(?:s|ed)?|require[sd]?|model has|trained with|training data:?)"
    r"[^\n0-9]{0,30}([0-9]{1,4})(?:\.|\b)[^\n]{0,12}?(?:features?|columns?|values?|numbers?|inputs?)"
    r"|expected:?\s{0,3}([0-9]{1,4}), got",
    re.IGNORECASE,
)
_ERROR_LINE = re.compile(
    r"^(?:[A-Za-z_.]{0,80}(?:Error|Exception|Exit)\b|Error in)[^\n]{0,300}", re.MULTILINE
)
_LOCATION = re.compile(r"\"loc\":\s{0,2}\[\"body\",\s{0,2}\"([A-Za-z_]\w{0,40})\"")
_NOT_WORDS = frozenset({"is", "was", "must", "value", "values", "and", "the", "not", "has", "s"})


@dataclass(frozen=True, slots=True)
class Clues:
    """What a failed training said that it missed.

    ``channels`` are names below /opt/ml/input/data, ``files`` the one file that was wanted in a
    channel, ``keys`` hyperparameters, ``columns`` columns of a table, ``variables`` of environment.
    """

    channels: tuple[str, ...]
    files: tuple[str, ...]
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    variables: tuple[str, ...]


def of_training(run: TrainRun) -> Clues:
    """What a training missed, by its failure file and its log."""
    text = told(run)
    paths = [found.groups() for found in CHANNEL_PATH.finditer(text)]
    channels = [name.rstrip(".") for name, _ in paths]
    channels += [found[1] for found in _CHANNEL_WORD.finditer(text)]
    keys = [found[1] for found in _MISSING_KEY.finditer(text)]
    variables = [key for key in keys if _OF_THE_ENVIRONMENT.search(text) and key.isupper()]
    rest = [key for key in keys if key not in variables]
    of_a_table = bool(_OF_A_TABLE.search(text))
    wanted = [
        word.strip(" -,")
        for found in _REQUIRED.finditer(text)
        for word in found[1].split(",")
        if word.strip().startswith("--")
    ]
    wanted += [
        found[1] for found in _HYPERPARAMETER.finditer(text) if found[1].lower() not in _NOT_WORDS
    ]
    return Clues(
        channels=_first(name for name in channels if name),
        files=_first(file for _, file in paths if file),
        keys=_first([*wanted, *(() if of_a_table else rest)]),
        columns=_first(rest if of_a_table else ()),
        variables=_first(variables),
    )


def told(run: TrainRun) -> str:
    """What a training left as the reason of its failure, and its log, newest last."""
    parts = (run.logs.stdout, run.logs.stderr, run.failure or b"")
    return "\n".join(part[-_MOST_READ:].decode("utf-8", "replace") for part in parts)


def reason(run: TrainRun) -> str:
    """Why a training failed, in one line that is safe to print; empty where it did not say."""
    failure = (run.failure or b"")[:_MOST_READ].decode("utf-8", "replace").strip()
    return _short(failure.splitlines()[0]) if failure else telling(run.logs)


def wanted_columns(replies: Iterable[Reply], logs: str) -> tuple[int, ...]:
    """How many numbers a row should have had, by what a server answered or wrote."""
    found = []
    for text in (*(reply.body[:_MOST_READ].decode("utf-8", "replace") for reply in replies), logs):
        for match in _COLUMNS.finditer(text):
            count = int(match[1] or match[2])
            if 0 < count <= _MOST_COLUMNS:
                found.append(count)
    return tuple(dict.fromkeys(found))[:2]


def wanted_keys(replies: Iterable[Reply], logs: str) -> tuple[str, ...]:
    """Keys of the JSON that a request should have had."""
    found = []
    for text in (*(reply.body[:_MOST_READ].decode("utf-8", "replace") for reply in replies), logs):
        found += [match[1] for match in _LOCATION.finditer(text)]
        found += [match[1] for match in _MISSING_KEY.finditer(text)]
    return _first(found)[:3]


def telling(logs: Logs) -> str:
    """The last line of a log that names an error, else the last one, safe to print; or nothing."""
    return error_line(logs) or _short(next(iter(logs.tail(1)), ""))


def error_line(logs: Logs) -> str:
    """The last line of a log that names an error, safe to print; empty where there is none."""
    for part in (logs.stderr, logs.stdout):
        found = _ERROR_LINE.findall(part[-_MOST_READ:].decode("utf-8", "replace"))
        if found:
            return _short(found[-1])
    return ""


def cannot_start(word: str, problem: StartProblem) -> str:
    """Why nothing was started when the image was told ``word``."""
    said = _short(problem.text.strip().rpartition("process: ")[2])
    return f"told `{word}`, the image cannot be started ({said})"


def _short(line: str) -> str:
    return printable(line.strip())[:_LINE]


def _first(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:8]
