"""One container of a Docker-compatible engine, from its volumes to its removal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from docker import APIClient
from docker.errors import APIError, NotFound
from docker.types import DeviceRequest, LogConfig

from sm_conformance.engine import added
from sm_conformance.engine.children import kill_server
from sm_conformance.engine.client import EngineSilent, written
from sm_conformance.engine.log import LogCapture
from sm_conformance.engine.network import SERVER_PORT, Networks
from sm_conformance.engine.outward import Outward
from sm_conformance.engine.ownership import kept_name
from sm_conformance.engine.places import Places
from sm_conformance.engine.protocol import Launch, Network
from sm_conformance.engine.refusal import start_problem
from sm_conformance.engine.saving import write_bounded
from sm_conformance.engine.sockets import listening
from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.facts import (
    Exit,
    Killing,
    Listener,
    NotKilled,
    Process,
    StartProblem,
)
from sm_conformance.observed.http import Address
from sm_conformance.observed.sought import NOTHING_SOUGHT, Sought

# What ps prints for a kernel function that it may not see.
_NOT_TOLD = ("-", "0", "?")
# Where Docker puts its name server in the network of every container but those of its own bridge.
_NAME_SERVER = "127.0.0.11"
# After a container has ended, its streams end at once; an engine in trouble shall not hold us.
_LOG_END_S = 5.0
# Asking whether a container has ended takes the engine some milliseconds.
_LEAST_WAIT_S = 0.03


class DockerContainer:
    """Created at once; removed by :meth:`remove`. See :class:`~.protocol.Container`."""

    def __init__(
        self,
        api: APIClient,
        labels: Mapping[str, str],
        networks: Networks,
        launch: Launch,
        links: dict[tuple[str, str], bool],
    ) -> None:
        self._api = api
        self._labels = dict(labels)
        self._networks = networks
        self._launch = launch
        self._places = Places(api, labels, launch, links)
        self._id = ""
        self._problem: StartProblem | None = None
        self._log: LogCapture | None = None
        self._address: Address | None = None
        self._outward: Outward | None = None
        self.started_at = 0.0
        try:
            self._create()
        except BaseException:
            self.remove()
            raise

    @property
    def log(self) -> LogCapture:
        """What was written; empty before the start."""
        return self._log or LogCapture(())

    @property
    def address(self) -> Address | None:
        """Where the server answers, None without a network."""
        return self._address

    def _create(self) -> None:
        mounts, self._problem = self._places.make()
        if self._problem is not None:
            return
        settings = self._networks.settings(self._launch.network)
        if self._launch.network is Network.NONE and self._launch.hostname:
            settings["extra_hosts"] = {self._launch.hostname: "127.0.0.1"}
        bounds = self._launch.bounds
        host = self._api.create_host_config(
            mounts=mounts,
            mem_limit=bounds.memory_bytes,
            memswap_limit=bounds.memory_bytes,
            pids_limit=bounds.pids,
            nano_cpus=None if bounds.cpus is None else int(bounds.cpus * 1e9),
            shm_size=bounds.shm_bytes,
            device_requests=None
            if bounds.gpus is None
            else [DeviceRequest(count=bounds.gpus, capabilities=[["gpu"]])],
            log_config=LogConfig(
                type=LogConfig.types.JSON,
                config={"max-size": str(bounds.log_bytes), "max-file": "1"},
            ),
            **settings,
        )
        try:
            made = self._api.create_container(
                self._launch.image,
                entrypoint=list(self._launch.entrypoint) or None,
                command=list(self._launch.arguments),
                environment=dict(self._launch.environment),
                hostname=self._launch.hostname,
                host_config=host,
                labels=self._labels,
                ports=[SERVER_PORT] if "port_bindings" in settings else None,
            )
        except APIError as error:
            self._problem = start_problem(error)
            return
        self._id = made["Id"]
        if self._launch.inputs is not None:
            self._problem = self._places.put(self._id, self._launch.inputs)

    def start(self) -> StartProblem | None:
        """Starts the program; returns why not where the candidate is to blame."""
        began = time.monotonic()
        if self._problem is None:
            self._log = LogCapture(written(self._api, self._id))
            try:
                self._api.start(self._id)
            except APIError as error:
                self._problem = start_problem(error)
        self.started_at = time.monotonic()
        if self._problem is None and self._launch.network is not Network.NONE:
            inspected = self._api.inspect_container(self._id)
            self._address = self._networks.address(self._launch.network, inspected)
            self._outward = self._networks.outward(self._launch, inspected, began=began)
        return self._problem

    def wait(self, timeout_s: float) -> Exit | None:
        """How the container ended, or None when it still runs after ``timeout_s`` seconds."""
        try:
            # A fraction of a second is a lawful timeout of the HTTP call behind this.
            self._api.wait(self._id, timeout=max(timeout_s, 0.001))  # type: ignore[arg-type]
        except EngineSilent:
            return None
        state = self._api.inspect_container(self._id)["State"]
        self.log.finish(_LOG_END_S)
        return Exit(
            code=int(state["ExitCode"]),
            memory_killed=bool(state.get("OOMKilled")),
            finished_at=_moment(state.get("FinishedAt")),
        )

    def pause(self, seconds: float) -> bool:
        """Lets time pass; True, and at once, when the container has ended."""
        deadline = time.monotonic() + seconds
        if not self.log.finish(seconds):
            return False
        # A program may close its streams and go on.
        return self.wait(max(deadline - time.monotonic(), _LEAST_WAIT_S)) is not None

    def signal(self, name: str) -> None:
        """Sends a signal to the container's first process; one that has ended is left alone."""
        with contextlib.suppress(APIError):
            self._api.kill(self._id, signal=name)

    def kill_server(self) -> Killing | NotKilled:
        """Kills its server, a child of its first process, where that can be done from here."""
        if self._networks.way().name != "direct":
            return NotKilled.UNSEEN
        listed = self.processes()
        first = int(self._api.inspect_container(self._id)["State"].get("Pid") or 0)
        if not first or not listed:
            return NotKilled.UNSEEN
        return kill_server(first, listed, container=self._id, port=SERVER_PORT)

    def cpu_seconds(self) -> float | None:
        """Processor time used so far by all its processes, None when the engine does not say."""
        try:
            stats = self._api.stats(self._id, stream=False, one_shot=True)
            return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
        except (APIError, KeyError, TypeError):
            return None

    def processes(self) -> tuple[Process, ...]:
        """Its processes as the engine lists them; empty when they cannot be listed."""
        try:
            listed = self._api.top(
                self._id, ps_args="-eo pid,ppid,caught,blocked,stat,wchan:32,args"
            )
        except APIError:
            return ()
        rows = listed.get("Processes") or []
        return tuple(
            Process(
                pid=int(row[0]),
                parent=int(row[1]),
                caught=_mask(row[2]),
                blocked=_mask(row[3]),
                state=row[4],
                waits_in="" if row[5] in _NOT_TOLD else row[5],
                command=row[6],
            )
            for row in rows
            if len(row) >= 7 and row[0].isdigit() and row[1].isdigit()
        )

    def listeners(self) -> tuple[Listener, ...]:
        """Sockets it listens on; empty where the engine's processes cannot be seen from here.

        The engine's own name server, which listens in the same network, is left out.
        """
        if self._networks.way().name != "direct":
            return ()
        pid = int(self._api.inspect_container(self._id)["State"].get("Pid") or 0)
        found = listening(pid) if pid else ()
        return tuple(listener for listener in found if listener.host != _NAME_SERVER)

    def sought(self) -> Sought:
        """What it has tried to reach outside; seen only where it is isolated on the direct way."""
        return self._outward.sought() if self._outward else NOTHING_SOUGHT

    def save(self, path: str, to: Path, limit_bytes: int) -> bool:
        """Streams the folder ``path`` as a tar file into ``to``; False when cut at the limit."""
        try:
            stream, _ = self._api.get_archive(self._id, path)
        except NotFound:
            to.write_bytes(bytes(1024))  # the end mark of an empty tar file
            return True
        return write_bounded(stream, to, limit_bytes, name=path)

    def added_bytes(self) -> int | None:
        """Bytes of the files that it added to its image's; None when the engine does not say."""
        return added.added_bytes(self._api, self._id)

    def added_paths(self) -> tuple[str, ...] | None:
        """What it added or changed, folders too; None when that is too much, or not told."""
        return added.added_paths(self._api, self._id)

    def file_bytes(self, path: str) -> int | None:
        """The size of a regular file in it; None where there is none."""
        return added.file_bytes(self._api, self._id, path)

    def keep(self) -> str | None:
        """Stops it and leaves it to the user; its name, None when there is no container to keep."""
        if not self._id:
            return None
        self.signal("SIGKILL")
        name = kept_name(self._labels, self._launch.name)
        try:
            self._api.rename(self._id, name)
        except APIError as error:
            raise HarnessTrouble(f"the engine cannot keep {name}: {error}") from error
        return name

    def remove(self) -> None:
        """Removes the container and its volumes."""
        if self._outward is not None:
            self._outward.close()
        if self._id:
            with contextlib.suppress(APIError):
                self._api.remove_container(self._id, force=True, v=True)
        self._places.remove()
        self._id = ""


def _moment(text: object) -> float | None:
    """A time of the engine's in seconds since 1970; None where it tells none."""
    try:
        found = datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError):
        return None
    return found if found > 0 else None  # the year 1 stands for "not yet"


def _mask(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None
