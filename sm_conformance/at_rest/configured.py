"""What the configuration of an image says, read strictly: it was written by strangers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sm_conformance.at_rest.parts import document, is_digest, listed, mapped, text
from sm_conformance.at_rest.stored import MOST_LAYERS, Stored
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.http import printable

_MOST_TEXTS = 10_000
_MOST_STEPS = 2000
_MOST_COMMAND_CHARS = 64 * 1024


@dataclass(frozen=True, slots=True)
class Step:
    """One step in the making of an image; ``layer`` tells whether it left one."""

    command: str
    layer: bool


@dataclass(frozen=True, slots=True)
class Configured:
    """The facts of an image, the digests of its layers as they are unpacked, and how it was made."""

    facts: ImageFacts
    unpacked: tuple[str, ...]
    steps: tuple[Step, ...]


def configured(stored: Stored, *, reference: str) -> Configured:
    """What is said of the image that is known as ``reference``. Raises :class:`UsageProblem`."""
    what = f"the configuration of {printable(reference)[:200]}"
    said = document(stored.config.small(what), what)
    own = mapped(said, "config", what)
    environment = [pair.partition("=") for pair in _texts(own, "Env", what)]
    layers = _texts(mapped(said, "rootfs", what), "diff_ids", what)
    if len(layers) != len(stored.layers) or not all(is_digest(one) for one in layers):
        raise UsageProblem(f"{what} does not name its {len(stored.layers)} layers")
    return Configured(
        facts=ImageFacts(
            reference=reference,
            config_digest=stored.config_digest,
            manifest_digest=stored.manifest_digest,
            os=text(said, "os", what),
            architecture=text(said, "architecture", what),
            entrypoint=_texts(own, "Entrypoint", what),
            command=_texts(own, "Cmd", what),
            environment={name: value for name, _, value in environment},
            working_directory=text(own, "WorkingDir", what) or "/",
            user=text(own, "User", what),
            labels=_labels(mapped(own, "Labels", what), what),
            exposed_ports=tuple(mapped(own, "ExposedPorts", what))[:_MOST_TEXTS],
            size_bytes=sum(layer.size for layer in stored.layers),
            manifest=stored.form,
        ),
        unpacked=layers,
        steps=_steps(said, what),
    )


def _texts(said: Mapping[str, Any], key: str, what: str) -> tuple[str, ...]:
    found = listed(said, key, what, most=_MOST_TEXTS)
    if not all(isinstance(one, str) for one in found):
        raise UsageProblem(f"{what}: {key} is no list of texts")
    return tuple(found)


def _labels(said: Mapping[str, Any], what: str) -> Mapping[str, str]:
    if not all(isinstance(value, str) for value in said.values()):
        raise UsageProblem(f"{what}: a label is no text")
    return dict(said)


def _steps(said: Mapping[str, Any], what: str) -> tuple[Step, ...]:
    told = listed(said, "history", what, most=_MOST_STEPS + MOST_LAYERS)
    return tuple(
        Step(
            command=str(step.get("created_by") or "")[:_MOST_COMMAND_CHARS],
            layer=not step.get("empty_layer"),
        )
        for step in told
        if isinstance(step, Mapping)
    )
