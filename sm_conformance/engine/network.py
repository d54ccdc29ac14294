"""The way from the harness to an isolated server, chosen before judging.

The direct way is the container's own address on a network without a route out. It exists where the
harness shares the engine's host. Elsewhere a published port is used on a bridge without
masquerading; the engine's proxy then answers for the server, so connection times mean nothing
there, and that no packet leaves cannot be proved.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from docker import APIClient
from docker.errors import APIError

from sm_conformance.engine.protocol import Network
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.http import Address

SERVER_PORT = 8080


@dataclass(frozen=True, slots=True)
class Way:
    """How an isolated server is reached."""

    name: str  # "direct" or "published"
    isolation_proved: bool
    network_id: str
    host: str


class Networks:
    """The networks of one run, made when first needed."""

    def __init__(self, api: APIClient, labels: Mapping[str, str], run_id: str) -> None:
        self._api = api
        self._labels = dict(labels)
        self._run_id = run_id
        self._lock = threading.Lock()
        self._way: Way | None = None

    def way(self) -> Way:
        """The way to isolated servers; found out once. Raises HarnessTrouble when there is none."""
        with self._lock:
            if self._way is None:
                self._way = self._direct() or self._published()
            return self._way

    def settings(self, network: Network) -> dict[str, Any]:
        """What to tell the engine so that a container joins ``network``."""
        if network is Network.NONE:
            return {"network_mode": "none"}
        if network is Network.OPEN:
            return {"network_mode": "bridge", "port_bindings": {SERVER_PORT: (None, None)}}
        way = self.way()
        # An engine's own name server would wait for an answer from outside that cannot come;
        # where it is asked at all it shall give up quickly, and never ask the host's resolver.
        held: dict[str, Any] = {
            "network_mode": way.network_id,
            "dns": ["127.0.0.1"],
            "dns_opt": ["timeout:1", "attempts:1"],
        }
        if way.name == "published":
            held["port_bindings"] = {SERVER_PORT: (None, None)}
        return held

    def address(self, network: Network, inspected: Mapping[str, Any]) -> Address | None:
        """Where the server of an inspected container answers, seen from the harness."""
        if network is Network.NONE:
            return None
        settings = inspected["NetworkSettings"]
        own = next((net["IPAddress"] for net in settings["Networks"].values()), "")
        if own and (self.way().name == "direct"):
            return Address(host=own, port=SERVER_PORT)
        bound = (settings.get("Ports") or {}).get(f"{SERVER_PORT}/tcp") or []
        return Address(host=self.way().host, port=int(bound[0]["HostPort"])) if bound else None

    def close(self) -> None:
        """Removes the network of this process."""
        with self._lock:
            if self._way is not None:
                with contextlib.suppress(APIError):
                    self._api.remove_network(self._way.network_id)
            self._way = None

    def _direct(self) -> Way | None:
        made = self._create(internal=True, options={})
        found = self._api.inspect_network(made)
        gateway = _gateway(found)
        # The gateway's address belongs to this host exactly where the host routes to the network.
        if gateway and _is_local(gateway):
            proved = bool(found.get("Internal"))
            return Way(name="direct", isolation_proved=proved, network_id=made, host=gateway)
        self._api.remove_network(made)
        return None

    def _published(self) -> Way:
        host = urlsplit(self._api.base_url).hostname
        local = host in (None, "localhost", "localunixsocket")
        made = self._create(
            internal=False, options={"com.docker.network.bridge.enable_ip_masquerade": "false"}
        )
        return Way(
            name="published",
            isolation_proved=False,
            network_id=made,
            host="127.0.0.1" if local or host is None else host,
        )

    def _create(self, *, internal: bool, options: Mapping[str, str]) -> str:
        try:
            made = self._api.create_network(
                # Several processes of one run each have their own; equal names would be ambiguous.
                f"sm-conformance-{self._run_id}-{os.getpid()}",
                driver="bridge",
                internal=internal,
                options=dict(options),
                labels=self._labels,
            )
        except APIError as error:
            raise HarnessTrouble(f"the engine cannot make a network: {error}") from error
        return str(made["Id"])


def _gateway(network: Mapping[str, Any]) -> str | None:
    for config in (network.get("IPAM") or {}).get("Config") or []:
        gateway = config.get("Gateway")
        if gateway and ":" not in gateway:
            return str(gateway).partition("/")[0]
    return None


def _is_local(address: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
