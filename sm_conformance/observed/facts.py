"""Facts that an engine reports: of itself, of images, of processes and of how containers end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sm_conformance.observed.manifest import ManifestForm

_SIGTERM_BIT = 1 << 14


@dataclass(frozen=True, slots=True)
class StartProblem:
    """The container's program could not be started; ``text`` is the engine's own account.

    ``kind`` is "not-found", "not-executable", "wrong-format", "no-user", "no-gpu" (the engine cannot
    give one), "archive" (the model could not be unpacked) or "other".
    """

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended. ``memory_killed`` is true also when only a child was killed.

    ``finished_at`` is when, in seconds since 1970 by the engine's own clock; None when not told.
    """

    code: int
    memory_killed: bool
    # Two launches that end alike do so at different times.
    finished_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a container, as the engine lists it.

    ``caught`` and ``blocked`` are signal sets as in /proc/PID/status; None when not told.
    ``state`` begins with the letter of the process's state; ``waits_in`` is the kernel function in
    which it sleeps, empty when not told.
    """

    pid: int
    parent: int
    command: str
    caught: int | None
    blocked: int | None
    state: str
    waits_in: str

    @property
    def drops_sigterm(self) -> bool:
        """Whether SIGTERM does nothing, were this the first process of a container.

        The kernel never applies a default action to such a process; a blocked signal may be waited
        for (sigwait, signalfd). While a process is in sigwait, the kernel shows the signal as not
        blocked, so this is only certain where it is known to do something else.
        """
        if self.caught is None or self.blocked is None:
            return False
        asleep_somewhere = not self.state.startswith("R") and not self.waits_in
        if asleep_somewhere or "sigtimedwait" in self.waits_in:
            return False
        return not (self.caught | self.blocked) & _SIGTERM_BIT


class NotKilled(StrEnum):
    """Why no child of a container was killed."""

    ALONE = "alone"  # its first process has none
    UNSEEN = "unseen"  # its processes cannot be seen or killed from here, or none of them serves


@dataclass(frozen=True, slots=True)
class Killing:
    """A process of a container, not its first one, was killed."""

    command: str


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What an image says of itself, read without starting it."""

    reference: str
    config_digest: str
    manifest_digest: str | None
    os: str
    architecture: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    working_directory: str
    user: str
    labels: Mapping[str, str]
    exposed_ports: tuple[str, ...]
    size_bytes: int
    # The manifest by which it is pulled, or will be once it is pushed; None where nobody can tell.
    manifest: ManifestForm | None = None
    # References by digest under which an engine pulled or pushed it, perhaps of an index of several.
    repo_digests: tuple[str, ...] = ()

    @property
    def runs_as_root(self) -> bool:
        """Whether the image's user is root, by name, by number or by saying nothing."""
        name = self.user.partition(":")[0]
        return name in ("", "root") or (name.isdigit() and int(name) == 0)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What lies at a path of an image, links followed; ``path`` is where they led.

    ``kind`` is "file", "folder", "other", or "link" for one that leads nowhere or in a circle.
    ``mode`` has the nine permission bits.
    """

    path: str
    kind: str
    mode: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One step in the making of an image: the command, and the bytes that it added, unpacked."""

    command: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """Which engine judged, and how servers are reached: ``way`` is "direct" or "published".

    It is "none" where nothing can be launched: the image lies in an archive or a registry.
    """

    name: str
    version: str
    platform: str
    way: str
    isolation_proved: bool
    cpus: int

    @property
    def launches(self) -> bool:
        return self.way != "none"


@dataclass(frozen=True, slots=True)
class Listener:
    """A TCP socket that a container listens on, found where nothing answered on port 8080."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        return self.host.startswith("127.") or self.host == "::1"
