"""Says whether the CUDA version of an image runs on a driver, as far as the image tells it."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping

from sm_conformance.contract.drivers import MachineImage
from sm_conformance.engine.protocol import Engine
from sm_conformance.laboratory.libraries import search_path
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.http import printable

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?![0-9])")
_REQUIRED_VERSION = re.compile(r"(?:^|[\s,])cuda>=([0-9]{1,4}\.[0-9]{1,4})")
_CONDITION = re.compile(r"(cuda|driver)(>=|<=|!=|=|<|>)([0-9]{1,4})(?:\.([0-9]{1,4}))?[0-9.]*")
_COMPARE = {
    ">=": operator.ge, "<=": operator.le, "!=": operator.ne, "=": operator.eq,
    "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_MOST_CHARS = 4096


def version(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """The CUDA version that the base image of NVIDIA's names; None where none is named."""
    required = _REQUIRED_VERSION.search(_requirement(environment))
    named = environment.get("CUDA_VERSION", "") or (required[1] if required else "")
    found = _VERSION.match(named)
    return (int(found[1]), int(found[2])) if found else None


def hindrance(
    environment: Mapping[str, str],
    needed: tuple[int, int],
    host: MachineImage,
    *,
    forward_compatible: bool,
) -> str | None:
    """Why CUDA ``needed`` does not run on ``host``; None where it may.

    Programs of one major version run on each driver of it (NVIDIA's minor-version compatibility),
    newer ones with the forward-compatibility package.
    """
    driver = f"driver {host.driver} (CUDA {host.cuda[0]}.{host.cuda[1]}) of {host.name}"
    requirement = _requirement(environment)
    waived = environment.get("NVIDIA_DISABLE_REQUIRE", "").lower() in ("1", "true")
    if requirement.strip() and not waived and not _met(requirement, host):
        return f"{driver} does not meet NVIDIA_REQUIRE_CUDA={printable(requirement)[:200]}"
    if needed[0] <= host.cuda[0] or forward_compatible:
        return None
    return (
        f"CUDA {needed[0]}.{needed[1]} is a major version newer than the {driver}, and the image "
        "has no forward-compatibility package"
    )


def forward_compatible(engine: Engine, facts: ImageFacts, needed: tuple[int, int]) -> bool:
    """Whether the image has the libraries that let an older driver run this version."""
    major, minor = needed
    folders = [f"/usr/local/cuda{name}/compat" for name in ("", f"-{major}.{minor}", f"-{major}")]
    folders += [folder for folder in search_path(facts) if "compat" in folder]
    return bool(engine.stat(facts.reference, [f"{folder}/libcuda.so.1" for folder in folders]))


def _requirement(environment: Mapping[str, str]) -> str:
    return environment.get("NVIDIA_REQUIRE_CUDA", "")[:_MOST_CHARS]


def _met(requirement: str, host: MachineImage) -> bool:
    """Alternatives stand apart by blanks, conditions of one by commas.

    What is said of other things than the driver, such as the brand of the device, may well be so.
    """
    return any(
        all(_holds(condition, host) for condition in alternative.split(","))
        for alternative in requirement.split()
    )


def _holds(condition: str, host: MachineImage) -> bool:
    found = _CONDITION.fullmatch(condition)
    if found is None:
        return True
    what, compare, major, minor = found.groups()
    if what == "cuda":
        return bool(_COMPARE[compare](host.cuda, (int(major), int(minor or 0))))
    # Only the branch of the driver is published.
    return bool(_COMPARE[compare](host.driver, int(major)))
