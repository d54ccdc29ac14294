"""Reads which sockets a process's network namespace listens on, from /proc of this host."""

from __future__ import annotations

import ipaddress
import struct
from pathlib import Path

from sm_conformance.observed.facts import Listener

_LISTEN = "0A"


def listening(pid: int) -> tuple[Listener, ...]:
    """The TCP listeners in the network of process ``pid``; empty when they cannot be read."""
    found: set[Listener] = set()
    for family in ("tcp", "tcp6"):
        try:
            table = Path(f"/proc/{pid}/net/{family}").read_text(encoding="ascii")
        except OSError:
            continue
        for line in table.splitlines()[1:]:
            columns = line.split()
            if len(columns) > 3 and columns[3] == _LISTEN:
                host, _, port = columns[1].partition(":")
                found.add(Listener(host=_address(host), port=int(port, 16)))
    return tuple(sorted(found, key=lambda listener: (listener.port, listener.host)))


def _address(text: str) -> str:
    """The kernel writes an address as 32-bit words in the byte order of the machine."""
    words = [int(text[start : start + 8], 16) for start in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return str(ipaddress.ip_address(packed))
