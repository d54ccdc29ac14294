"""Reads the sockets of a process's network namespace, from /proc of this host."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

from sm_conformance.observed.facts import Listener
from sm_conformance.observed.sought import as_address

_LISTEN = "0A"
# The flag of a Unix socket that accepts connections.
_ACCEPTS = "00010000"
# The state in which a socket shows whom it would like to speak to: a connection that nobody has
# answered yet, a datagram socket that was given its one peer.
_ATTEMPTS = {"tcp": "02", "tcp6": "02", "udp": "01", "udp6": "01"}
_POLL_S = 0.03
# A candidate may hold thousands of sockets; what is read of them each time, and kept, has an end.
_READ_BYTES = 64 * 1024
_MOST_DIALLED = 64
_TABLE_BYTES = 1 << 20


def listening(pid: int) -> tuple[Listener, ...]:
    """The TCP listeners in the network of process ``pid``; empty when they cannot be read."""
    found: set[Listener] = set()
    for family in ("tcp", "tcp6"):
        try:
            table = Path(f"/proc/{pid}/net/{family}").read_bytes()
        except OSError:
            continue
        for own, _, state in _rows(table):
            if state == _LISTEN:
                host, port = _socket_address(own)
                found.add(Listener(host=host, port=port))
    return tuple(sorted(found, key=lambda listener: (listener.port, listener.host)))


def listening_sockets(pid: int) -> dict[int, int | None]:
    """The listeners in the network of process ``pid`` by inode; the port of TCP, None of others."""
    found: dict[int, int | None] = {}
    for family in ("tcp", "tcp6", "unix"):
        with contextlib.suppress(OSError), Path(f"/proc/{pid}/net/{family}").open("rb") as table:
            for line in table.read(_TABLE_BYTES).decode("ascii", "replace").splitlines()[1:]:
                columns = line.split()
                if family == "unix" and len(columns) > 6 and columns[3] == _ACCEPTS:
                    found[int(columns[6])] = None
                elif family != "unix" and len(columns) > 9 and columns[3] == _LISTEN:
                    found[int(columns[9])] = _socket_address(columns[1])[1]
    return found


class Dialled:
    """The addresses outside that a network namespace dials, while they are being dialled.

    A connection is seen for as long as nobody has answered. What fails at once, because there is no
    route, leaves no trace. ``near`` are addresses that do not count: those of the network itself.
    """

    def __init__(self, pid: int, *, near: frozenset[str]) -> None:
        self._near = near
        self._lock = threading.Lock()
        self._found: dict[str, None] = {}
        self._tables: list[tuple[str, io.FileIO]] = []
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        # An open table stays that of its namespace, whoever is given the process number later.
        for kind, state in _ATTEMPTS.items():
            with contextlib.suppress(OSError):
                self._tables.append((state, io.FileIO(f"/proc/{pid}/net/{kind}")))

    def watch(self) -> None:
        """Looks every few hundredths of a second, in a thread, until it is closed."""
        self._thread = threading.Thread(target=self._go_on, daemon=True, name="dialled")
        self._thread.start()

    def addresses(self) -> tuple[str, ...]:
        """What was dialled so far, or is being dialled now, as ``host:port``."""
        self._look()
        with self._lock:
            return tuple(self._found)

    def close(self) -> None:
        """Ends its thread and lets the namespace go."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            for _, file in self._tables:
                file.close()
            self._tables.clear()

    def _go_on(self) -> None:
        while not self._over.wait(_POLL_S):
            self._look()

    def _look(self) -> None:
        with self._lock:
            for wanted, file in self._tables:
                with contextlib.suppress(OSError):
                    for _, peer, state in _rows(_read(file)):
                        if state == wanted:
                            self._add(peer)

    def _add(self, peer: str) -> None:
        host, port = _socket_address(peer)
        address = ipaddress.ip_address(host)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_loopback or address.is_unspecified or str(address) in self._near:
            return
        if len(self._found) < _MOST_DIALLED:
            self._found.setdefault(as_address(str(address), port))


def _read(file: io.FileIO) -> bytes:
    """A table from its start; the kernel gives it piece by piece."""
    file.seek(0)
    held = b""
    while len(held) < _READ_BYTES and (piece := file.read(_READ_BYTES)):
        held += piece
    return held


def _rows(table: bytes) -> Iterator[tuple[str, str, str]]:
    """Own address, peer's address and state of each socket; a last line that was cut is left out."""
    for line in table.decode("ascii", "replace").splitlines(keepends=True)[1:]:
        columns = line.split()
        if len(columns) > 3 and line.endswith("\n"):
            yield columns[1], columns[2], columns[3]


def _socket_address(text: str) -> tuple[str, int]:
    """The kernel writes an address as 32-bit words in the byte order of the machine."""
    host, _, port = text.partition(":")
    words = [int(host[start : start + 8], 16) for start in range(0, len(host), 8)]
    address = ipaddress.ip_address(struct.pack(f"={len(words)}I", *words))
    return str(address), int(port, 16)
