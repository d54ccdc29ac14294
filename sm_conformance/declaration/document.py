"""Makes plain values of the YAML text of a declaration, and notes the line of each.

The YAML is strict: duplicate keys, aliases, tags and what is too large or too deep are refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from sm_conformance.declaration.problems import DeclarationError, Problems, Where

_MOST_TEXT = 1 << 20
_MOST_VALUES = 20_000  # PyYAML and the schema need seconds for more
_DEEPEST_YAML = 20

SURROGATE = re.compile("[\ud800-\udfff]")

# These values are kept as they are written: 0.10 must not become 0.1, nor yes become true.
_VERBATIM = {
    ("training", "hyperparameters"),
    ("training", "environment"),
    ("training", "entrypoint"),
    ("training", "arguments"),
    ("training", "fault", "hyperparameters"),
    ("training", "lasts", "hyperparameters"),
    ("hosting", "environment"),
    ("hosting", "transform", "environment"),
}
_VERBATIM_OF_A_HYPERPARAMETER = ("value", "default", "min", "max", "values")


class _Loader(yaml.SafeLoader):
    """Composes nodes by the scalar rules of YAML 1.2, without what could make a short text large.

    PyYAML's own rules are those of YAML 1.1, by which 1:30 is 90, 010 is 8 and ``on`` is true.
    Sources: YAML 1.2.2, section 10.3.2 (core schema).
    """

    yaml_implicit_resolvers = {}  # noqa: RUF012  # PyYAML's own name; add_implicit_resolver fills it

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._values = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # so types-PyYAML has it
        if isinstance(event, yaml.AliasEvent):
            refused = f"the alias *{event.anchor} is not allowed; write the value out"
        elif event.tag is not None:
            refused = f"the tag {event.tag} is not allowed; put text in quotes"
        elif self._depth == _DEEPEST_YAML:
            refused = f"more than {_DEEPEST_YAML} levels"
        elif self._values == _MOST_VALUES:
            refused = f"more than {_MOST_VALUES} keys and values"
        else:
            self._values += 1
            self._depth += 1
            node = super().compose_node(parent, index)
            self._depth -= 1
            return node
        raise yaml.MarkedYAMLError(problem=refused, problem_mark=event.start_mark)


# Leading zeros, infinities and numbers beyond 18 digits are left as text: nothing here needs them.
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,17})$", list("-+0123456789")),
    (
        "float",
        r"^[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]{0,17})(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?$",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def read_bounded(path: Path) -> bytes:
    """The bytes of the declaration; ``DeclarationError`` if it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST_TEXT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DeclarationError(f"{path}: the declaration cannot be read: {reason}") from error
    if len(raw) > _MOST_TEXT:
        raise DeclarationError(f"{path}: the declaration is larger than 1 MiB")
    return raw


def parse(raw: bytes, *, problems: Problems) -> Any:
    """The plain value that ``raw`` stands for, with the lines of its parts in ``problems.lines``.

    Raises ``DeclarationError`` for what is not YAML; lesser problems are added to ``problems``.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        raise problems.syntax(
            line=before.count(b"\n") + 1,
            column=error.start - before.rfind(b"\n"),
            text="not UTF-8",
        ) from error
    node = _node(text, problems=problems)
    return None if node is None else _plain(node, where=(), problems=problems)


def _node(text: str, *, problems: Problems) -> yaml.Node | None:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        raise problems.syntax(
            line=before.count("\n") + 1,
            column=error.position - before.rfind("\n"),
            text=f"the character {text[error.position]!a} is not allowed in YAML",
        ) from error
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or loader.get_mark()
        raise _unusable(mark, error.problem, problems=problems) from error
    except (ValueError, OverflowError) as error:  # PyYAML lets "\UFFFFFFFF" reach chr()
        raise _unusable(loader.get_mark(), error, problems=problems) from error


def _unusable(mark: yaml.Mark, reason: object, *, problems: Problems) -> DeclarationError:
    return problems.syntax(
        line=mark.line + 1, column=mark.column + 1, text=f"not usable YAML: {reason}"
    )


def _plain(node: yaml.Node, *, where: Where, problems: Problems) -> Any:
    problems.lines.setdefault(where, node.start_mark.line + 1)
    match node:
        case yaml.MappingNode():
            return _plain_mapping(node, where=where, problems=problems)
        case yaml.SequenceNode():
            return [
                _plain(item, where=(*where, index), problems=problems)
                for index, item in enumerate(node.value)
            ]
        case _:
            return _plain_scalar(node, where=where, problems=problems)


def _plain_mapping(node: yaml.Node, *, where: Where, problems: Problems) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            problems.add(where, "expected a name before the colon", line=line)
            continue
        key = _text(key_node, where=where, problems=problems)
        place = (*where, key)
        if key in plain:
            first = problems.lines[place]
            problems.add(place, f"this key is already on line {first}", line=line)
            continue
        problems.lines[place] = line
        plain[key] = _plain(value_node, where=place, problems=problems)
    return plain


def _plain_scalar(node: yaml.Node, *, where: Where, problems: Problems) -> Any:
    text = _text(node, where=where, problems=problems)
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind == "null":
        return None
    if _verbatim(where):
        return text
    match kind:
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text)
        case "float":
            return float(text)
        case _:
            return text


def _verbatim(where: Where) -> bool:
    if where[:2] == ("training", "hyperparameters") and len(where) > 3:
        return where[3] in _VERBATIM_OF_A_HYPERPARAMETER
    return where[:-1] in _VERBATIM


def _text(node: yaml.Node, *, where: Where, problems: Problems) -> str:
    return _whole_text(node.value, where=where, problems=problems, line=node.start_mark.line + 1)


def usable(value: Any, *, problems: Problems, where: Where = ()) -> Any:
    """The plain value as YAML could have said it; what it could not is noted.

    That is half a character, which JSON allows, and what is nested too deep to be looked at.
    """
    match value:
        case dict() | list() if len(where) == _DEEPEST_YAML:
            problems.add(where, f"more than {_DEEPEST_YAML} levels")
            return None
        case dict():
            return {
                _whole_text(str(key), where=where, problems=problems): usable(
                    inner, problems=problems, where=(*where, str(key))
                )
                for key, inner in value.items()
            }
        case list():
            return [
                usable(inner, problems=problems, where=(*where, index))
                for index, inner in enumerate(value)
            ]
        case str():
            return _whole_text(value, where=where, problems=problems)
        case _:
            return value


def _whole_text(text: str, *, where: Where, problems: Problems, line: int | None = None) -> str:
    if SURROGATE.search(text):
        problems.add(where, "half of a surrogate pair; write the character itself", line=line)
        return SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)
    return text
