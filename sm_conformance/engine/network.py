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

from sm_conformance.engine.name_server import NameServer
from sm_conformance.engine.outward import Outward
from sm_conformance.engine.protocol import Launch, Network
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
        self._names: NameServer | None = None

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
        # An engine's own name server asks ours, which answers at once. Where there is none of ours,
        # it would wait for an answer from outside that cannot come: then it shall give up quickly,
        # and never ask the host's resolver. A name is asked for once, not once more in each domain.
        held: dict[str, Any] = {
            "network_mode": way.network_id,
            "dns": [self._names.address[0] if self._names else "127.0.0.1"],
            "dns_search": ["."],
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

    def outward(
        self, launch: Launch, inspected: Mapping[str, Any], *, began: float
    ) -> Outward | None:
        """Attends to a container that has just been started; None where nothing can be seen of it."""
        if launch.network is not Network.ISOLATED or self.way().name != "direct":
            return None
        return Outward(
            inspected,
            asked=self._names.asked if self._names else None,
            gateway=self.way().host,
            began=began,
            watched=launch.watched,
        )

    def close(self) -> None:
        """Removes the network of this process, and ends its name server."""
        with self._lock:
            if self._names is not None:
                self._names.close()
            self._names = None
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
            self._names = self._name_server(gateway)
            return Way(name="direct", isolation_proved=proved, network_id=made, host=gateway)
        self._api.remove_network(made)
        return None

    def _name_server(self, gateway: str) -> NameServer | None:
        """One of ours at the gateway, where this user may and nobody else has the port."""
        if is_podman(self._api.version()):  # its own name server wants that very port
            return None
        try:
            return NameServer(gateway)
        except OSError:
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


def is_podman(version: Mapping[str, Any]) -> bool:
    """Whether an engine that says this of itself is Podman."""
    names = [part.get("Name", "") for part in version.get("Components") or []]
    return any("podman" in name.lower() for name in names)


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
