"""Says how the container of a training job is launched."""

from __future__ import annotations

from sm_conformance.engine.protocol import Launch, Network, Place
from sm_conformance.inputs.archive import pack
from sm_conformance.inputs.scenario import Conditions
from sm_conformance.inputs.training import HOST, TrainingInputs
from sm_conformance.laboratory.bench import Bench

# Root owns what it makes. What rights the platform gives other users here is not published, and an
# image may become another user by its USER or by itself: both are let write.
OPEN_FOLDERS = frozenset({"model", "output", "output/data"})
_PLACES = tuple(Place(path=f"/opt/ml/{name}") for name in ("input", "model", "output"))


def launch_of(bench: Bench, inputs: TrainingInputs, conditions: Conditions, *, name: str) -> Launch:
    """The launch of a training that is handed ``inputs`` under ``conditions``."""
    image = bench.candidate.training
    assert image is not None, "training is launched only where there is an image for it"
    with_interface = conditions.reachable or bench.wants_interface.is_set()
    ordinary = Network.ISOLATED if with_interface else Network.NONE
    return Launch(
        name=name,
        image=image.reference,
        arguments=() if conditions.image_command else ("train",),
        bounds=bench.bounds(),
        environment=inputs.environment,
        hostname=HOST,
        places=_PLACES,
        network=bench.network(ordinary, lifted=conditions.open_network),
        inputs=pack(inputs.files, open_folders=OPEN_FOLDERS),
    )
