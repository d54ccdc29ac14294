"""Knows secrets by the shape of their values, as their issuers document it; shows them masked."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Identifiers of AWS access keys, long-term and temporary; those of AWS's own texts end in EXAMPLE.
_ACCESS_KEY = re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Z0-9])")
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
    r")(?![A-Za-z0-9_-])"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]{2,10} )?PRIVATE KEY-----(?:\s|\\[nr]){0,8}[A-Za-z0-9+/]{40}"
)
# What stands for a value in an example repeats itself.
_LEAST_DIFFERENT = 10


def access_keys(text: str) -> Iterator[str]:
    """The AWS access keys in a text, masked."""
    for found in _ACCESS_KEY.findall(text):
        if not found.endswith(_DOCUMENTED):
            yield f"{found[:4]}{'*' * 12}{found[-4:]}"


def secrets(text: str) -> Iterator[str]:
    """The access keys, tokens and private keys in a text, masked."""
    yield from access_keys(text)
    for found in _TOKENS.findall(text):
        if len(set(found)) >= _LEAST_DIFFERENT:
            yield f"{found[:6]}{'*' * 12}{found[-2:]}"
    if _PRIVATE_KEY.search(text):
        yield "a private key in PEM form"
