"""Writes a document as the text of a ``sm-conformance.yaml``."""

from __future__ import annotations

import re
from typing import Any

import yaml

from sm_conformance.declaration import parts
from sm_conformance.declaration.problems import Where

_WIDTH = 100
_DATA = {"path", "data", "generate"}
_REMARK = "Nothing says what is in these channels; give each a path, data or generate:"
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_./+][A-Za-z0-9]+)*")
_PATH = re.compile(r"/[A-Za-z0-9_./-]+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+)?")
# Words that some reader of YAML takes for something else than text.
_SPECIAL = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def as_yaml(document: dict[str, Any]) -> str:
    """YAML that reads back as ``document``; data that it names by a path stays a path.

    Numbers among hyperparameters and environment variables are written bare: they are read as they
    are written there. A channel of which nobody says what is in it becomes a comment.
    """
    channels = parts.mapping(document, "training", "channels")
    empty = {name: said for name, said in channels.items() if not _DATA & set(said)}
    if not empty:
        return _dumped(document)
    training = dict(document["training"])
    training["channels"] = {name: said for name, said in channels.items() if name not in empty}
    if not training["channels"]:
        del training["channels"]
    remark = _dumped({"training": {"channels": empty}})
    commented = "".join(f"# {line}\n" for line in (_REMARK, *remark.splitlines()))
    return _dumped({**document, "training": training}) + commented


def _dumped(document: dict[str, Any]) -> str:
    text: str = yaml.dump(
        _marked(document, ()),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=None,
        width=_WIDTH,
    )
    return text


class _Verbatim(str):
    """Text at a place where a number may stand for it."""


class _Dumper(yaml.SafeDumper):
    """Quotes what could be read as anything but text, and never writes an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
    plain = _PATH.fullmatch(data) or (_WORD.fullmatch(data) and data.lower() not in _SPECIAL)
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(data), style=None if plain else '"')


def _verbatim(dumper: yaml.SafeDumper, data: _Verbatim) -> yaml.ScalarNode:
    if not _NUMBER.fullmatch(data):
        return _text(dumper, data)
    kind = "float" if "." in data else "int"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", str(data))


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Verbatim, _verbatim)


def _marked(value: Any, where: Where) -> Any:
    match value:
        case dict():
            return {key: _marked(inner, (*where, key)) for key, inner in value.items()}
        case list():
            return [_marked(inner, (*where, index)) for index, inner in enumerate(value)]
        case str() if _is_verbatim(where):
            return _Verbatim(value)
        case _:
            return value


def _is_verbatim(where: Where) -> bool:
    """Whether the declaration keeps a value as it is written here."""
    match where:
        case ("training", "hyperparameters", _):
            return True
        case ("training", "hyperparameters", _, "value" | "default" | "min" | "max"):
            return True
        case ("training" | "hosting", "environment", _):
            return True
        case _:
            return False
