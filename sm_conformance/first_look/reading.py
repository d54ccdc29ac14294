"""Finds names in a program's text: of channels, hyperparameters, content types and columns.

What is found is a hint and no more: each is tried before it is written down. The text is the
candidate's, so every pattern here is linear in its length and every list is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sm_conformance.first_look.files import TextFile
from sm_conformance.first_look.settings import Setting, settings

CHANNEL = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
DATA_FILE = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,80}\.[A-Za-z0-9]{1,10}"
# A channel's folder, and maybe the one file that is wanted in it.
CHANNEL_PATH = re.compile(rf"/opt/ml/input/data/({CHANNEL})(?:/({DATA_FILE}))?")

_MOST_NAMES = 8
_VARIABLE = re.compile(r"\bSM_CHANNEL_([A-Z0-9_]{1,64})\b")
_NAMED_CHANNEL = re.compile(
    rf"\bchannel(?:_?name)?[\"']?\s{{0,4}}(?:=|<-|:)\s{{0,4}}[\"']({CHANNEL})[\"']", re.IGNORECASE
)
_JOINED_CHANNEL = re.compile(
    r"(?:input/data|\binput_?(?:path|dir|folder|data)|\bdata_?(?:path|dir))[\"')\s]{0,4}"
    r"[,/+]\s{0,4}[\"']/?([A-Za-z0-9][A-Za-z0-9_-]{0,63})[\"']",
    re.IGNORECASE,
)
_CONTENT_TYPE = re.compile(
    r"[\"']((?:text|application|image|audio|video)/[A-Za-z0-9][A-Za-z0-9.+-]{1,60}"
    r"(?:; ?charset=[A-Za-z0-9-]{1,20})?)[\"';]"
)
_KEY = re.compile(r"(?:\.get\(|\[)\s{0,4}[\"']([A-Za-z_]\w{0,40})[\"']")
_KEY_OF_R = re.compile(r"\b(?:json|input|body|data|payload)\w{0,20}\$([A-Za-z_]\w{0,40})")
_COLUMN = r"[A-Za-z_][A-Za-z0-9_. -]{0,58}"
_TARGET = re.compile(
    rf"\b(?:target|label|outcome)(?:_?(?:col|column|name|variable|feature))?\s{{0,4}}(?:=|<-)"
    rf"\s{{0,4}}[\"']({_COLUMN})[\"']|\.pop\(\s{{0,4}}[\"']({_COLUMN})[\"']",
    re.IGNORECASE,
)
_MODEL_FILE = re.compile(
    r"(?:/opt/ml/model|\bmodel_?(?:path|dir|folder)\}?[\"')\s]{0,4}[,+]\s{0,4}[\"']|"
    r"\{model_?dir\})/?([A-Za-z0-9_][A-Za-z0-9_-]{0,80}\.[A-Za-z0-9]{1,12})",
    re.IGNORECASE,
)
_TOOLKIT = re.compile(r"\bsagemaker[_-]training\b|\bSAGEMAKER_(?:PROGRAM|TRAINING_MODULE)\b")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a program's text names; each mapping leads from a name to the file that it was read in.

    ``files`` are names of files that are wanted in a channel, ``targets`` of label columns, ``keys``
    names that a request's JSON may have, ``toolkit`` the file that shows an image which
    runs a user's program.
    """

    channels: Mapping[str, str]
    files: Mapping[str, str]
    settings: tuple[Setting, ...]
    content_types: Mapping[str, str]
    keys: Mapping[str, str]
    targets: Mapping[str, str]
    model_files: Mapping[str, str]
    toolkit: str | None


def read(texts: Iterable[TextFile]) -> Reading:
    """What the files of a program name."""
    held = tuple(texts)
    answering = tuple(one for one in held if "invocations" in one.text)
    toolkit = next((one.path for one in held if _TOOLKIT.search(one.text)), None)
    return Reading(
        channels=_names(_channels(held)),
        files=_files(held),
        settings=settings(held, by_option=toolkit is not None),
        content_types=_names(_found(_CONTENT_TYPE, held), most=30),
        keys=_names([*_found(_KEY, answering), *_found(_KEY_OF_R, answering)], most=40),
        targets=_names(_found(_TARGET, held), most=3),
        model_files=_names(_found(_MODEL_FILE, held), most=5),
        toolkit=toolkit,
    )


def _channels(texts: tuple[TextFile, ...]) -> Iterator[tuple[str, str]]:
    for pattern in (CHANNEL_PATH, _NAMED_CHANNEL, _JOINED_CHANNEL):
        for name, path in _found(pattern, texts):
            if name.rstrip("."):
                yield name.rstrip("."), path
    for name, path in _found(_VARIABLE, texts):
        yield name.lower(), path


def _files(texts: tuple[TextFile, ...]) -> dict[str, str]:
    return {
        found[2]: one.path for one in texts for found in CHANNEL_PATH.finditer(one.text) if found[2]
    }


def _found(pattern: re.Pattern[str], texts: tuple[TextFile, ...]) -> Iterator[tuple[str, str]]:
    for one in texts:
        for found in pattern.finditer(one.text):
            name = next((group for group in found.groups() if group), None)
            if name:
                yield name, one.path


def _names(found: Iterable[tuple[str, str]], *, most: int = _MOST_NAMES) -> dict[str, str]:
    """Each name with the first file that has it."""
    names: dict[str, str] = {}
    for name, path in found:
        if len(names) < most:
            names.setdefault(name, path)
    return names
