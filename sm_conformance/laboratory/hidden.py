"""Finds the secrets of a candidate: in its images, and in what its owner declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from sm_conformance.engine.protocol import Engine
from sm_conformance.errors import Unknowable
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.secrecy.mask import Mask
from sm_conformance.secrecy.shapes import MOST_CHARS, Secret, hidden_by_name, in_data, secrets


def places(engine: Engine, image: ImageFacts) -> Iterator[tuple[str, Secret]]:
    """Each secret of an image once, with the first place that it stands in: the history repeats it.

    Looked at are its environment, its labels and the commands of its history; those show a secret
    also where a later step removed the file. What only a layer holds is not. Raises Unknowable when
    the history, which comes last, cannot be told.
    """
    seen: set[tuple[str, ...]] = set()
    for place, text in _texts(engine, image):
        for secret in secrets(text[:MOST_CHARS]):
            if secret.values not in seen:
                seen.add(secret.values)
                yield place, secret


def _texts(engine: Engine, image: ImageFacts) -> Iterator[tuple[str, str]]:
    for name, value in image.environment.items():
        yield f"the variable {name}", f"{name}={value}"
    for name, value in image.labels.items():
        yield f"the label {name}", f"{name}={value}"
    for number, layer in enumerate(engine.layers(image.reference), start=1):
        yield f"step {number} of its history", layer.command


def mask_of(engine: Engine, images: Iterable[ImageFacts], *declared: Any) -> Mask:
    """Hides the secrets of the images, and those of JSON data that was ``declared``.

    Those come first: how many there are in an image, and so what is too much, is not the owner's word.
    """
    found: list[Secret] = [secret for data in declared for secret in in_data(data)]
    for image in {image.config_digest: image for image in images}.values():
        with suppress(Unknowable):  # its clause says so; what nobody can read does not get out
            for _, secret in places(engine, image):
                found.append(secret)
        for name, value in image.environment.items():
            found += hidden_by_name(name, value)
    return Mask(found)
