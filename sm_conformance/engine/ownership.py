"""Labels everything that a run makes, and sweeps what a dead run left behind.

A run is named by the machine, the boot, the process and its start time, so that another run which
is still alive on the same engine is never disturbed. Nothing without the label is ever touched.
Labels cannot change while a container exists, so one kept for the user is known by its name.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from docker import APIClient
from docker.errors import APIError

RUN_LABEL = "sm-conformance.run"
OWNER_LABEL = "sm-conformance.owner"

_KEPT_PREFIX = "sm-conformance-kept-"

# An owner on another machine cannot be asked whether it lives; after a day nobody waits for it.
_FOREIGN_OWNER_AGE_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Owner:
    """The process a run belongs to."""

    machine: str
    pid: int
    born: str
    since: int

    def __str__(self) -> str:
        return f"{self.machine}/{self.pid}/{self.born}/{self.since}"

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """The owner written in a label, or None when the label is not one of ours."""
        parts = text.split("/")
        if len(parts) != 4 or not (parts[1].isdigit() and parts[3].isdigit()):
            return None
        return cls(machine=parts[0], pid=int(parts[1]), born=parts[2], since=int(parts[3]))

    @classmethod
    def current(cls) -> Owner:
        """The process that asks."""
        pid = os.getpid()
        return cls(machine=_machine(), pid=pid, born=_born(pid), since=int(time.time()))

    def gone(self) -> bool:
        """Whether the process has ended for certain."""
        if self.machine != _machine():
            return time.time() - self.since > _FOREIGN_OWNER_AGE_S
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return _born(self.pid) != self.born


def new_run_id() -> str:
    """A short name for one run, unique on every engine."""
    return uuid.uuid4().hex[:12]


def labels(*, run_id: str, owner: Owner) -> dict[str, str]:
    """The labels of everything a run makes."""
    return {RUN_LABEL: run_id, OWNER_LABEL: str(owner)}


def kept_name(own: Mapping[str, str], launch: str) -> str:
    """The name by which the container of a launch is spared; ``own`` are the labels of its run."""
    return f"{_KEPT_PREFIX}{own[RUN_LABEL]}-{launch}"


def clear(api: APIClient, *, run_id: str) -> None:
    """Removes everything labelled with ``run_id``, except containers kept for the user."""
    _remove(api, f"{RUN_LABEL}={run_id}", wanted=lambda _: True)


def sweep(api: APIClient) -> None:
    """Removes what runs left behind whose process is gone."""

    def dead(found: dict[str, str]) -> bool:
        owner = Owner.parse(found.get(OWNER_LABEL, ""))
        return owner is not None and owner.gone()

    _remove(api, RUN_LABEL, wanted=dead)


def _remove(api: APIClient, label: str, *, wanted: Callable[[dict[str, str]], bool]) -> None:
    filters = {"label": label}
    for container in api.containers(all=True, filters=filters):
        kept = any(name.startswith(f"/{_KEPT_PREFIX}") for name in container["Names"] or [])
        if not kept and wanted(container["Labels"]):
            with contextlib.suppress(APIError):
                api.remove_container(container["Id"], force=True, v=True)
    for network in api.networks(filters=filters):
        if wanted(network.get("Labels") or {}):
            with contextlib.suppress(APIError):
                api.remove_network(network["Id"])
    for volume in api.volumes(filters=filters)["Volumes"] or []:
        if wanted(volume.get("Labels") or {}):
            with contextlib.suppress(APIError):
                # Not by force: some engines would take the containers that use it, kept ones too.
                api.remove_volume(volume["Name"])


def _machine() -> str:
    """Where a process number means something: this boot and this process namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return os.uname().nodename.replace("/", "-")
    return f"{boot}-{namespace.strip('pid:[]')}"


def _born(pid: int) -> str:
    """When a process started, in clock ticks; tells it from a later one of the same number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "-"
    return stat.rpartition(")")[2].split()[19]
