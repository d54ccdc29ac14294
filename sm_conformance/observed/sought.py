"""What a candidate tried to reach outside: names that it asked for, addresses that it dialled."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from sm_conformance.observed.http import printable

# More are counted, not named.
_MOST_TOLD = 8
_LONGEST_NAME = 253
# Addresses that every AWS SDK tries when it is given no Region or no credentials.
_KNOWN = {
    "169.254.169.254": "the instance metadata service",
    "fd00:ec2::254": "the instance metadata service",
    "169.254.170.2": "the service that gives containers credentials",
}


@dataclass(frozen=True, slots=True)
class Sought:
    """What one launch tried to reach while it was isolated; empty also where nothing can be seen.

    ``names`` are those that a name server was asked for, ``addresses`` are written ``host:port``;
    both safe to print, without repetition, in the order in which they were seen.
    """

    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.addresses)

    def describe(self) -> str:
        """Its account in one line, such as ``it asked for the name huggingface.co``; empty of nothing."""
        parts = []
        if self.names:
            word = "name" if len(self.names) == 1 else "names"
            parts.append(f"asked for the {word} {_listed(self.names)}")
        if self.addresses:
            parts.append(f"dialled {_listed([_explained(one) for one in self.addresses])}")
        return f"it {' and '.join(parts)}" if parts else ""


NOTHING_SOUGHT = Sought()


def merged(several: Iterable[Sought]) -> Sought:
    """What several launches of one candidate tried to reach, taken together."""
    held = list(several)
    return Sought(
        names=tuple(dict.fromkeys(name for one in held for name in one.names)),
        addresses=tuple(dict.fromkeys(where for one in held for where in one.addresses)),
    )


def as_name(asked: str) -> str:
    """A name as it is told: without the final dot, in small letters, safe to print."""
    return printable(asked.rstrip(".").lower())[:_LONGEST_NAME]


def as_address(host: str, port: int) -> str:
    """An address as it is told."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _explained(where: str) -> str:
    host = where.rpartition(":")[0].strip("[]")
    known = _KNOWN.get(str(ipaddress.ip_address(host)))
    return f"{where} ({known})" if known else where


def _listed(items: Iterable[str]) -> str:
    held = list(items)
    more = len(held) - _MOST_TOLD
    return ", ".join(held[:_MOST_TOLD]) + (f" and {more} more" if more > 0 else "")
