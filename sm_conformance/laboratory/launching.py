"""Says how the container of a training job is launched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sm_conformance.engine.protocol import Launch, Network, Place
from sm_conformance.inputs.archive import CODE, pack
from sm_conformance.inputs.config import FURTHER_FOLDERS
from sm_conformance.inputs.scenario import Conditions
from sm_conformance.inputs.training import TrainingInputs
from sm_conformance.laboratory.bench import Bench
from sm_conformance.observed.facts import ImageFacts

# Root owns what it makes. What rights the platform gives other users here is not published, and an
# image may become another user by its USER or by itself: both are let write.
OPEN_FOLDERS = frozenset({"model", "output", "output/data", CODE}) | FURTHER_FOLDERS
_WORD = "train"


def launch_of(bench: Bench, inputs: TrainingInputs, conditions: Conditions, *, name: str) -> Launch:
    """The launch of a training that is handed ``inputs`` under ``conditions``."""
    image = bench.candidate.training
    assert image is not None, "training is launched only where there is an image for it"
    said = bench.candidate.declaration.training
    entrypoint = said.entrypoint if said else ()
    arguments = (said.arguments if said else ()) or (() if entrypoint else (_WORD,))
    with_interface = conditions.reachable or bench.wants_interface.is_set()
    ordinary = Network.ISOLATED if with_interface else Network.NONE
    return Launch(
        name=name,
        image=image.reference,
        entrypoint=entrypoint,
        arguments=() if conditions.image_command else arguments,
        bounds=bench.bounds(),
        environment=inputs.environment,
        hostname=conditions.host,
        places=_places(inputs),
        network=bench.network(ordinary, lifted=conditions.open_network),
        watched=conditions.reachable,
        inputs=_packed(
            {
                name: content
                for name, content in inputs.files.items()
                if not any(_below(name, folder) for folder in inputs.read_only)
            }
        ),
    )


def _places(inputs: TrainingInputs) -> tuple[Place, ...]:
    """A place for each folder that the platform mounts, and one in it for what nobody may write to."""
    mounted = dict.fromkeys(name.partition("/")[0] for name in inputs.files)
    apart = {
        folder: {
            name.removeprefix(f"{folder}/"): content
            for name, content in inputs.files.items()
            if _below(name, folder) and name != folder
        }
        for folder in inputs.read_only
    }
    return (
        *(Place(path=f"/opt/ml/{name}") for name in mounted),
        *(
            Place(path=f"/opt/ml/{folder}", read_only=True, content=_packed(files))
            for folder, files in apart.items()
        ),
    )


def _below(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}/")


def _packed(files: Mapping[str, bytes | None]) -> bytes:
    return pack(files, open_folders=OPEN_FOLDERS)


def as_started(bench: Bench, half: str) -> tuple[ImageFacts, str]:
    """The image of a half as it is started, and the word that it is told.

    The declaration may put something else in the place of a training image's ENTRYPOINT, and of the
    word `train`; the platform has nothing like it for hosting.
    """
    if half == "hosting":
        image, hosting = bench.candidate.hosting, bench.candidate.declaration.hosting
        assert image is not None
        return _with(image, hosting.environment if hosting else {}), "serve"
    image, said = bench.candidate.training, bench.candidate.declaration.training
    assert image is not None
    if said is None:
        return image, _WORD
    word = next(iter(said.arguments), _WORD)
    started = replace(image, entrypoint=said.entrypoint or image.entrypoint)
    return _with(started, said.environment), word


def _with(image: ImageFacts, environment: Mapping[str, str]) -> ImageFacts:
    """The image with what a launch adds to its environment: PATH may be among it."""
    return replace(image, environment={**image.environment, **environment})
