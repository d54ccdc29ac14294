"""The NVIDIA drivers of the platform's machine images, from ``specs/drivers.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from sm_conformance import specs


@dataclass(frozen=True, slots=True)
class MachineImage:
    """A machine image that can be asked for by name.

    ``use`` is "hosting" or "batch", ``driver`` the branch of its driver, ``cuda`` the newest version
    that the driver knows by itself.
    """

    name: str
    use: str
    driver: int
    cuda: tuple[int, int]


@cache
def load() -> tuple[MachineImage, ...]:
    """The machine images with an NVIDIA driver, as published."""
    return tuple(
        MachineImage(name=name, use=row["use"], driver=row["driver"], cuda=_version(row["cuda"]))
        for name, row in specs.read_yaml("drivers.yaml").items()
    )


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)
