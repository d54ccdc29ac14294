"""Attends to what one isolated container tries to reach outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sm_conformance.engine.name_server import Asked
from sm_conformance.engine.sockets import Dialled
from sm_conformance.observed.sought import Sought


class Outward:
    """From just after the start of a container until it is closed.

    ``inspected`` is what the engine said of it then, ``began`` the monotonic time before the start,
    ``asked`` None where there is no name server of ours. With ``watched`` its sockets are looked at
    all the time, else only when :meth:`sought` is called.
    """

    def __init__(
        self,
        inspected: Mapping[str, Any],
        *,
        asked: Asked | None,
        gateway: str,
        began: float,
        watched: bool,
    ) -> None:
        networks = inspected["NetworkSettings"]["Networks"]
        self._asked = asked
        self._began = began
        # An address is taken back as soon as its container has ended.
        self._source = next((str(net["IPAddress"]) for net in networks.values()), "")
        self._own_names = {str(inspected["Config"]["Hostname"]).lower(), "localhost"}
        self._dialled: Dialled | None = None
        if asked is not None and self._source:
            asked.claim(self._source, began)
        pid = int(inspected["State"].get("Pid") or 0)
        if pid:
            self._dialled = Dialled(pid, near=frozenset({gateway, self._source}))
            if watched:
                self._dialled.watch()

    def sought(self) -> Sought:
        """What it has tried to reach so far."""
        names: tuple[str, ...] = ()
        if self._asked is not None and self._source:
            names = self._asked.by(self._source, self._began)
        elif self._asked is not None:
            # It ended before it could be looked at, so nobody knows its address.
            names = self._asked.by_strangers(self._began)
        return Sought(
            names=tuple(name for name in names if name not in self._own_names),
            addresses=self._dialled.addresses() if self._dialled else (),
        )

    def close(self) -> None:
        """Looks no more; may be called twice."""
        if self._asked is not None and self._source:
            self._asked.release(self._source)
            self._source = ""
        if self._dialled is not None:
            self._dialled.close()
