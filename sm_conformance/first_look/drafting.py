"""Puts together what was seen of an image: a document, its comments and a summary."""

from __future__ import annotations

from sm_conformance.carried import LABEL
from sm_conformance.first_look.draft import Draft
from sm_conformance.first_look.hosting import Served
from sm_conformance.first_look.hosting_part import write_hosting, write_no_hosting
from sm_conformance.first_look.reading import Reading
from sm_conformance.first_look.refining import Refined
from sm_conformance.first_look.training import Tried
from sm_conformance.first_look.training_part import write_no_training, write_training
from sm_conformance.observed.facts import ImageFacts

_CAPABILITIES = "com.amazonaws.sagemaker.capabilities."
_SHOWN = 160


def draft(
    image: ImageFacts,
    reading: Reading,
    tried: Tried | str,
    refined: Refined | None,
    served: Served,
    *,
    model: str | None,
) -> Draft:
    """The draft of what was seen. ``model`` is the path that the user gave, as it will be written.

    ``refined`` is None where no training left a model, ``tried`` a reason where none was launched.
    """
    made = Draft()
    _header(made, image)
    halves = {"training": refined is not None, "hosting": served.works}
    claims = [half for half, works in halves.items() if works]
    if claims:
        made.document = {"claims": claims, "network": "isolated"}
        made.note(("network",), "all of this was seen without a network")
    if refined is not None:
        write_training(made, reading, refined)
    else:
        write_no_training(made, tried)
    if served.works:
        write_hosting(made, reading, served, model=model, trained=refined is not None)
    else:
        write_no_hosting(made, served)
    return made


def _header(made: Draft, image: ImageFacts) -> None:
    words = " ".join(image.entrypoint) or "none, so `train` and `serve` are looked for on PATH"
    ports = ", ".join(image.exposed_ports) or "none"
    made.header += [
        f"A first declaration of {image.reference}, made by `sm-conformance init`.",
        f"Seen: {image.config_digest}, {image.os}/{image.architecture}, entrypoint {words}, "
        f"user {image.user or 'root'}, exposed ports {ports}.",
        "Each comment says what a line comes from; `guessed` marks what nobody said. Correct that, "
        "and put data of your own in the place of what is made up.",
    ]
    for name, value in sorted(image.labels.items()):
        if name.startswith(_CAPABILITIES):
            told = f"From the label {name[:_SHOWN]}={value[:_SHOWN]}"
            multi = name == f"{_CAPABILITIES}multi-models"
            meant = ": claim multi-model where that is meant; it was not tried" if multi else ""
            made.header.append(f"{told}{meant}.")
    if image.labels.get(LABEL):
        told = "the image carries a declaration of its own"
        made.header.append(
            f"From the label {LABEL}: {told}, which this file takes precedence over."
        )
        made.missing.append(f"{told} (label {LABEL}); this one was made without it")
