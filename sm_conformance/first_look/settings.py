"""Finds the names of hyperparameters in a program's text, with the values that it falls back to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sm_conformance.first_look.files import TextFile

_NAME = r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"
_MOST = 20
_MOST_VARIABLES = 20

# A variable that holds the hyperparameters, by what it is assigned from or by its own name.
_ASSIGNED = re.compile(
    r"\b([A-Za-z_]\w{0,40})\s{0,4}(?:=|<-)\s{0,4}[^\n=]{0,100}hyper_?param[^\n]{0,100}",
    re.IGNORECASE,
)
_LOADED = re.compile(
    r"\b([A-Za-z_]\w{0,40})\s{0,4}(?:=|<-)\s{0,4}(?:json\.loads?|read_json|fromJSON|jsonlite::\w{1,20})\("
)
_SPEAKING = re.compile(r"\b(\w{0,30}(?:hyper_?param|hyperparam|_params|Params)\w{0,20}|hps?)\b")
_CHAINED = re.compile(
    rf"(?:json\.loads?|hyper_?param)[^\n]{{0,80}}\.get\(\s{{0,4}}[\"']({_NAME})[\"']"
    r"(?:\s{0,4},\s{0,4}([^\n,)]{1,60}))?",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"add_argument\(\s{{0,20}}[\"']--({_NAME})[\"']")
_DEFAULT = re.compile(r"\bdefault\s{0,4}=\s{0,4}([^\n,)]{1,60})")
_TYPE = re.compile(r"\btype\s{0,4}=\s{0,4}(int|float)\b")
_NUMBER = re.compile(r"-?(?:[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(?:[eE][-+]?[0-9]{1,2})?")
_TEXT = re.compile(r"[\"']([ -~]{1,80})[\"']")
# Options of servers and of the toolkit, which no training takes for a hyperparameter.
_NO_SETTING = re.compile(
    r"(?:sagemaker|sm)[_-].*|.*(?:[_-]|^)(?:dir|path|file|host|hosts|port|workers|channel|bucket)$|"
    r"train|training|test|validation|current[_-]host|num[_-]gpus",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A hyperparameter that a program seems to take; ``default`` is the text of its fallback.

    ``kind`` is ``integer`` or ``continuous`` where the program converts it so.
    """

    name: str
    path: str
    default: str | None = None
    kind: str | None = None

    @property
    def numeric(self) -> bool:
        """Whether it is known to be a number."""
        return self.kind is not None or bool(self.default and _NUMBER.fullmatch(self.default))

    @property
    def whole(self) -> bool:
        """Whether it may be a whole number."""
        return self.kind != "continuous" and (
            self.default is None
            or self.kind == "integer"
            or bool(re.fullmatch(r"-?[0-9]+", self.default))
        )


def settings(texts: Iterable[TextFile], *, by_option: bool) -> tuple[Setting, ...]:
    """The hyperparameters that the files name; ``by_option``: they are told as options, too."""
    found: dict[str, Setting] = {}
    for one in texts:
        for setting in _of_file(one, by_option=by_option):
            held = found.get(setting.name)
            if held is None and (_NO_SETTING.fullmatch(setting.name) or len(found) >= _MOST):
                continue
            held = held or setting
            found[setting.name] = replace(
                held, default=held.default or setting.default, kind=held.kind or setting.kind
            )
    return tuple(found.values())


def _of_file(one: TextFile, *, by_option: bool) -> Iterator[Setting]:
    if re.search(r"hyper_?param", one.text, re.IGNORECASE):
        for found in _CHAINED.finditer(one.text):
            yield _setting(one, found, found[1], found[2])
        for variable in _variables(one.text):
            yield from _of_variable(one, variable)
    if by_option:
        for found in _OPTION.finditer(one.text):
            rest = one.text[found.end() : found.end() + 300].partition("add_argument")[0]
            default, kind = _DEFAULT.search(rest), _TYPE.search(rest)
            setting = _setting(one, found, found[1], default[1] if default else None)
            kinds = {"int": "integer", "float": "continuous"}
            yield replace(setting, kind=kinds[kind[1]]) if kind else setting


def _variables(text: str) -> list[str]:
    found = [
        match[1] for pattern in (_ASSIGNED, _LOADED, _SPEAKING) for match in pattern.finditer(text)
    ]
    return list(dict.fromkeys(found))[:_MOST_VARIABLES]


def _of_variable(one: TextFile, variable: str) -> Iterator[Setting]:
    """What is taken from a variable that holds the hyperparameters, in the ways of Python and R."""
    held = re.escape(variable)
    fallback = r"(?:\s{0,4},\s{0,4}([^\n,)]{1,60}))?"
    for form in (
        rf"\b{held}\.get\(\s{{0,4}}[\"']({_NAME})[\"']{fallback}",
        rf"\b{held}\[\[?\s{{0,4}}[\"']({_NAME})[\"']\s{{0,4}}\]()",
        rf"\b{held}\$({_NAME})()",
    ):
        for found in re.finditer(form, one.text):
            yield _setting(one, found, found[1], found[2])
    # A function of the program's own that is given them all and the name of one.
    for found in re.finditer(rf"\(\s{{0,4}}{held}\s{{0,4}},\s{{0,4}}[\"']({_NAME})[\"']", one.text):
        rest = one.text[found.end() : found.end() + 120].partition("\n")[0]
        default = _DEFAULT.search(rest)
        yield _setting(one, found, found[1], default[1] if default else None)


def _setting(one: TextFile, found: re.Match[str], name: str, default: str | None) -> Setting:
    before = one.text[max(0, found.start() - 40) : found.start()].rpartition("\n")[2]
    return Setting(
        name=name, path=one.path, default=_value(default), kind=_kind(one.text, before, name)
    )


def _value(text: str | None) -> str | None:
    """The hyperparameter that a literal of the program stands for; None for anything else."""
    text = (text or "").strip()
    quoted = _TEXT.fullmatch(text)
    if quoted:
        return quoted[1]
    if text in ("True", "False", "TRUE", "FALSE"):
        return text.lower()
    whole = re.fullmatch(r"([0-9]{1,15})L", text)
    if whole:
        return whole[1]
    return text if _NUMBER.fullmatch(text) else None


def _kind(text: str, before: str, name: str) -> str | None:
    """Whether the program makes a whole number or a number of it."""
    own = re.escape(name)
    for kind, words in (("integer", r"int|as\.integer"), ("continuous", r"float")):
        if re.search(rf"\b(?:{words})\(\s{{0,4}}[\w.]{{0,40}}\(?$", before) or re.search(
            rf"\b(?:{words})\(\s{{0,4}}{own}\b", text
        ):
            return kind
    return None
