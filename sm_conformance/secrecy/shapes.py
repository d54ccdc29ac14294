"""Knows secrets by the shape of their values, as their issuers document it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

# Identifiers of AWS access keys, long-term and temporary; those of AWS's own texts end in EXAMPLE.
_ACCESS_KEY = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")
# The secret half has no shape of its own, so that its name has to stand before it.
_SECRET_KEY = re.compile(
    r"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s{0,3}[=:\s]\s{0,3}[\"']?"
    r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
_DOCUMENTED = "EXAMPLE"
_TOKENS = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"gh[pousr]_[A-Za-z0-9]{36,251}"  # GitHub
    r"|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}"
    r"|glpat-[A-Za-z0-9_-]{20,64}"  # GitLab
    r"|hf_[A-Za-z]{34}"  # Hugging Face
    r"|npm_[A-Za-z0-9]{36}"
    r"|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,1000}"
    r"|xox[abprs]-[0-9]{10,13}-[A-Za-z0-9-]{20,200}"  # Slack
    r"|dckr_[po]at_[A-Za-z0-9_-]{27,64}"  # Docker Hub
    r"|[rs]k_live_[A-Za-z0-9]{24,247}"  # Stripe
    r"|sk-ant-[a-z]{3,5}[0-9]{2}-[A-Za-z0-9_-]{80,120}"  # Anthropic
    r")(?![A-Za-z0-9_-])"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY(?: BLOCK)?-----"
    # Headers, of a key that is encrypted or made by GnuPG.
    r"(?:(?:\s|\\[nr]){1,8}[A-Za-z-]{3,20}: [^\r\n\\]{1,200}){0,5}"
    r"((?:[A-Za-z0-9+/=\s]|\\[nr]){40,20000})"
)
_LINE_END = re.compile(r"(?:\s|\\[nr])+")
# The password of a user in a URL. A digest stands behind the same sign: image:tag@sha256:…
_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{1,20}://([^\s/@:?#\"'`]{0,200}):([^\s/@?#\"'`]{1,200})@(?!sha\d+:)"
    r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{1,253})"
)
_NOWHERE = re.compile(
    r"(?i)localhost|127\.[0-9.]+|\[::1\]|(?:.*\.)?(?:example(?:\.(?:com|net|org))?|test|invalid|localhost)"
)
# What a shell, a template or a person puts in the place of a value.
_FILLED_IN = re.compile(r"[$<>{}`]|%\(|%s")
_PLACEHOLDER = re.compile(
    r"(?i)(?:(?:your|my|the|some|a|an|default|dummy|fake|sample|test)[-_ ]?)*"
    r"(?:pass(?:word|wd|phrase|code)?|pwd?|secrets?|(?:access|auth|api)?[-_ ]?(?:tokens?|keys?)|"
    r"credentials?|change[-_ ]?(?:me|it|this)|example|dummy|fake|sample|test|default|foo|bar|baz|none|"
    r"null|empty|unset|redacted|hidden|masked|removed|placeholder|todo|guest|admin|root|user(?:name)?)"
    r"(?:[-_ ]?(?:here|goes[-_ ]here|value))?[-_]?[0-9]{0,3}"
)
# What stands for a value in an example repeats itself.
_LEAST_DIFFERENT = 10
_LEAST_DIFFERENT_KEY = 6
_LEAST_DIFFERENT_PASSWORD = 3
# Names of variables that hold secrets, and the least that a value has to look like one.
_NAMED = re.compile(
    r"(?i)(?:.*passw(?:or)?d|(?:.*[_-])?(?:secret|token|credential|"
    r"(?:api|secret|access|private|auth)_?key))$"
)
_NAMED_VALUE = re.compile(r"(?=[^\s]*[0-9])(?=[^\s]*[A-Za-z])[A-Za-z0-9+/=_.~!@#%^&*:-]{12,4096}")
# Of a longer text the beginning is looked at.
MOST_CHARS = 256 * 1024
# Lines of a private key that are too short to tell anything.
_SHORTEST_LINE = 16
_SHORTEST_ALONE = 8


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that was found. ``values`` must not be shown; ``shown`` is what a card says of it.

    A private key has a value for each of its lines. A password that could be any word has one only
    together with the signs that stand around it in a URL.
    """

    values: tuple[str, ...]
    shown: str


def access_keys(text: str) -> Iterator[Secret]:
    """The AWS access keys in a text: their identifiers, and secret ones by the name before them."""
    for found in _ACCESS_KEY.findall(text):
        if _DOCUMENTED not in found and len(set(found[4:])) >= _LEAST_DIFFERENT_KEY:
            yield Secret((found,), f"{found[:4]}{'*' * 12}{found[-4:]}")
    for found in _SECRET_KEY.findall(text):
        mixed = found not in (found.upper(), found.lower())
        if mixed and _DOCUMENTED not in found and len(set(found)) >= _LEAST_DIFFERENT:
            yield Secret((found,), f"a secret access key, {found[:2]}{'*' * 12}")


def secrets(text: str) -> Iterator[Secret]:
    """The access keys, tokens, private keys and passwords of URLs in a text."""
    yield from access_keys(text)
    for found in _TOKENS.findall(text):
        if len(set(found)) >= _LEAST_DIFFERENT:
            yield Secret((found,), f"{found[:6]}{'*' * 12}{found[-2:]}")
    for body in _PRIVATE_KEY.findall(text):
        lines = [line for line in _LINE_END.split(body) if len(line) >= _SHORTEST_LINE]
        if any(len(line) >= 40 and len(set(line)) >= 4 for line in lines):
            yield Secret(tuple(lines), "a private key in PEM form")
    for user, password, host in _URL.findall(text):
        if _is_password(user, password, host):
            yield Secret(tuple(_forms(password)), f"a password for {host} in a URL")


def hidden_by_name(name: str, value: str) -> Iterator[Secret]:
    """The value of a variable whose name says that it is secret, as far as it may be one.

    Enough to hide it, not to hold it against anybody: names are chosen freely.
    """
    said = _NAMED.fullmatch(name) and _NAMED_VALUE.fullmatch(value)
    if said and not is_placeholder(value) and len(set(value)) >= _LEAST_DIFFERENT_KEY:
        yield Secret((value,), f"the value of {name}")


def in_data(data: Any, name: str = "") -> Iterator[Secret]:
    """The secrets in JSON data, and the values of what ``name`` or the keys in it call secret."""
    match data:
        case str():
            yield from secrets(f"{name}={data}"[:MOST_CHARS])
            yield from hidden_by_name(name, data)
        case Mapping():
            for key, value in data.items():
                yield from secrets(str(key)[:MOST_CHARS])
                yield from in_data(value, str(key))
        case list() | tuple():
            for value in data:
                yield from in_data(value, name)


def is_placeholder(value: str) -> bool:
    """Whether a value stands for another: a variable, a template, a word for what belongs there."""
    return bool(
        _FILLED_IN.search(value)
        or _PLACEHOLDER.fullmatch(value)
        or _DOCUMENTED in value
        or len(set(value)) < _LEAST_DIFFERENT_PASSWORD
    )


def _is_password(user: str, password: str, host: str) -> bool:
    told = unquote(password)
    return not (is_placeholder(told) or told == unquote(user) or _NOWHERE.fullmatch(host))


def _forms(password: str) -> Iterator[str]:
    for form in dict.fromkeys((password, unquote(password))):
        kinds = (str.isupper, str.islower, str.isdigit, lambda char: not char.isalnum())
        told_apart = sum(any(kind(char) for char in form) for kind in kinds) > 1
        yield form if told_apart and len(form) >= _SHORTEST_ALONE else f":{form}@"
