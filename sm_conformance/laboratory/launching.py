"""Says how the container of a training job is launched."""

from __future__ import annotations

from sm_conformance.engine.protocol import Launch, Network, Place
from sm_conformance.inputs.archive import pack
from sm_conformance.inputs.scenario import Conditions
from sm_conformance.inputs.training import HOST, TrainingInputs
from sm_conformance.laboratory.bench import Bench

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
        inputs=pack(inputs.files, open_folders=open_folders(bench)),
    )


def open_folders(bench: Bench) -> frozenset[str]:
    """Root owns what it makes; another user could write nowhere if these were not open to it."""
    image = bench.candidate.training
    as_root = image is None or image.runs_as_root
    return frozenset() if as_root else frozenset({"model", "output", "output/data"})
