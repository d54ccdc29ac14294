"""The name server of isolated networks: it knows no name, says so at once, and remembers who asked.

An engine's own name server forwards to it what it does not know itself. Where nobody answers, each
name costs a program seconds; and what was asked tells why a program needs a network.
"""

from __future__ import annotations

import contextlib
import math
import socketserver
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from dnslib import RCODE, DNSError, DNSRecord

from sm_conformance.observed.sought import as_name

_PORT = 53
_POLL_S = 0.05
_PACKET_BYTES = 4096
# One question is a few dozen bytes; who sends nothing on a connection holds up only other connections.
_CONNECTION_S = 0.5
# A candidate may ask for any number of names, from any address.
_MOST_NAMES = 64
_MOST_SOURCES = 512
_MOST_CLAIMS = 16


@dataclass(slots=True)
class _Source:
    """What came from one address: each name with the first and the last time that it was asked for.

    ``began`` are the start times of the containers that had the address, one after the other.
    """

    names: dict[str, tuple[float, float]] = field(default_factory=dict)
    began: list[float] = field(default_factory=list)
    living: int = 0


class Asked:
    """Who asked for what and when, bounded; used from several threads.

    An engine gives an address to the next container as soon as one has ended, so a container is told
    by its address and the monotonic time before its start.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def add(self, source: str, name: str) -> None:
        """Remembers that ``source`` has just asked for ``name``."""
        now = time.monotonic()
        with self._lock:
            names = self._source(source).names
            first, _ = names.pop(name, (now, now))
            names[name] = (first, now)
            if len(names) > _MOST_NAMES:
                del names[next(iter(names))]

    def claim(self, source: str, began: float) -> None:
        """Says that a container started at ``began`` has the address ``source``."""
        with self._lock:
            held = self._source(source)
            held.began = [*held.began, began][-_MOST_CLAIMS:]
            held.living += 1

    def release(self, source: str) -> None:
        """Says that a container that had the address ``source`` is gone."""
        with self._lock:
            self._source(source).living -= 1

    def by(self, source: str, began: float) -> tuple[str, ...]:
        """The names that the container started at ``began`` has asked for from ``source``."""
        with self._lock:
            held = self._source(source)
            until = min((other for other in held.began if other > began), default=math.inf)
            return _between(held, began, until)

    def by_strangers(self, began: float) -> tuple[str, ...]:
        """The names asked for since ``began`` from addresses that no living container claims."""
        with self._lock:
            strangers = [held for held in self._sources.values() if held.living <= 0]
            found = [_between(held, began, math.inf) for held in strangers]
        return tuple(dict.fromkeys(name for names in found for name in names))

    def _source(self, source: str) -> _Source:
        held = self._sources.setdefault(source, _Source())
        self._sources.move_to_end(source)
        if len(self._sources) > _MOST_SOURCES:
            self._sources.popitem(last=False)
        return held

    def answer(self, packet: bytes, source: str) -> bytes | None:
        """The reply to a question: there is no such name. None for what is no question.

        A server failure would be as true, but some resolvers wait and ask again after one; after
        this all of them give up at once.
        """
        try:
            question = DNSRecord.parse(packet)
        except DNSError:
            return None
        if question.header.qr or not question.questions:
            return None
        name = as_name(str(question.q.qname))
        # To look up an address is to want a name for it, not to want it.
        if name and not name.endswith((".in-addr.arpa", ".ip6.arpa")):
            self.add(source, name)
        reply = DNSRecord(question.header, q=question.q).reply(ra=1)
        reply.header.rcode = RCODE.NXDOMAIN
        return bytes(reply.pack())


def _between(held: _Source, began: float, until: float) -> tuple[str, ...]:
    times = sorted((first, name, last) for name, (first, last) in held.names.items())
    return tuple(name for first, name, last in times if last >= began and first < until)


class NameServer:
    """Answers at one address of this host until it is closed."""

    def __init__(self, address: str, port: int = _PORT) -> None:
        """Raises OSError where the address or the port cannot be had."""
        self.asked = Asked()
        self._servers: list[socketserver.BaseServer] = []
        self._threads: list[threading.Thread] = []
        with contextlib.ExitStack() as opened:
            datagrams = opened.enter_context(_Datagrams((address, port), self.asked))
            self.address = (address, int(datagrams.server_address[1]))
            connections = opened.enter_context(_Connections(self.address, self.asked))
            opened.pop_all()
        self._servers += [datagrams, connections]
        for server in self._servers:
            going = threading.Thread(
                target=server.serve_forever, args=(_POLL_S,), daemon=True, name="name-server"
            )
            going.start()
            self._threads.append(going)

    def close(self) -> None:
        """Ends its threads and gives the port back."""
        # Each of them takes a poll to notice; they are told together.
        told = [threading.Thread(target=server.shutdown) for server in self._servers]
        for thread in told:
            thread.start()
        for thread in (*told, *self._threads):
            thread.join()
        for server in self._servers:
            server.server_close()


class _Datagrams(socketserver.UDPServer):
    max_packet_size = _PACKET_BYTES

    def __init__(self, address: tuple[str, int], asked: Asked) -> None:
        self.asked = asked
        super().__init__(address, _Datagram)


class _Connections(socketserver.TCPServer):
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], asked: Asked) -> None:
        self.asked = asked
        super().__init__(address, _Connection)


class _Datagram(socketserver.BaseRequestHandler):
    server: _Datagrams

    def handle(self) -> None:
        packet, ours = self.request
        reply = self.server.asked.answer(packet, self.client_address[0])
        if reply is not None:
            with contextlib.suppress(OSError):
                ours.sendto(reply, self.client_address)


class _Connection(socketserver.BaseRequestHandler):
    server: _Connections

    def handle(self) -> None:
        # A candidate that breaks off, or sends nothing, is no trouble of ours.
        with contextlib.suppress(OSError):
            reply = self.server.asked.answer(self._question(), self.client_address[0])
            if reply is not None:
                self.request.sendall(len(reply).to_bytes(2, "big") + reply)

    def _question(self) -> bytes:
        """The one question that is read of a connection; it is preceded by its length."""
        deadline = time.monotonic() + _CONNECTION_S
        data = b""
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
            self.request.settimeout(max(deadline - time.monotonic(), 0.001))
            piece = self.request.recv(_PACKET_BYTES)
            if not piece:
                break
            data += piece
        return data[2:]
