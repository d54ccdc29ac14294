"""A GPU image and the driver of its host, as far as both can be known without a GPU."""

from __future__ import annotations

from dataclasses import replace

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.contract import drivers
from sm_conformance.judgement.outcome import Broken, NotApplicable, NotRun
from sm_conformance.laboratory import cuda, libraries
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.image import places_of
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.http import printable
from sm_conformance.suite.images import claimed_images

_DRIVER = ("libcuda.so.1", "libcuda.so", "libnvidia-ml.so.1", "libnvidia-ml.so")
# Folders of libraries that let an older driver run newer programs, or a program be linked.
_LAWFUL = frozenset({"compat", "stubs"})
_RUNTIME = tuple(f"libcudart.so.{version}" for version in ("13", "12", "11.0", "10.2", "10.1"))
_CUDA_FOLDERS = ("/usr/local/cuda/lib64", "/usr/local/cuda/targets/x86_64-linux/lib")


@clause("IMG-014", "no-gpu-driver")
def test_no_gpu_driver(candidate: Candidate, bench: Bench) -> None:
    """A GPU image brings the CUDA libraries it needs and leaves the NVIDIA driver libraries to the host."""
    for facts, _ in claimed_images(candidate):
        there = dict(libraries.find(bench.engine, facts, _DRIVER))
        there |= bench.engine.stat(facts.reference, places_of(facts, "nvidia-smi"))
        files = {found.path: found for found in there.values()}
        real = [
            path
            for path, found in files.items()
            if not _LAWFUL & set(path.split("/"))
            and libraries.is_program(bench.engine, facts, found)
        ]
        if real:
            raise Broken(
                expected="no file of the NVIDIA driver where the loader looks for libraries",
                actual=f"{facts.reference} has {printable(', '.join(sorted(real)))[:400]}",
                only_advice=True,  # whether they clash shows on a host with a GPU alone
            )


@clause("IMG-014", "gpu-environment")
def test_gpu_environment(candidate: Candidate, bench: Bench) -> None:
    """An image with the CUDA runtime asks for the GPUs by the variables that NVIDIA's base images set."""
    asked = False
    for facts in _as_launched(candidate):
        names_version = "CUDA_VERSION" in facts.environment
        if not names_version and not libraries.find(
            bench.engine, facts, _RUNTIME, beside=_CUDA_FOLDERS
        ):
            continue
        asked = True
        wrong = _wrong_variables(facts)
        if wrong:
            raise Broken(
                expected="NVIDIA_VISIBLE_DEVICES=all, NVIDIA_DRIVER_CAPABILITIES=compute,utility",
                actual=f"in {facts.reference} {wrong}",
                only_advice=True,
            )
    if not asked:
        raise NotApplicable("no CUDA runtime is where its base images have it")


@clause("IMG-015", "cuda-fits-driver")
def test_cuda_fits_driver(candidate: Candidate, bench: Bench) -> None:
    """The CUDA version in the image runs on the driver of the chosen machine image."""
    facts, said = candidate.hosting, candidate.declaration.hosting
    uses = candidate.claims & {"hosting", "batch"}
    if facts is None or not uses:
        raise NotApplicable("the drivers of training hosts are not published")
    environment = {**facts.environment, **(said.environment if said else {})}
    needed = cuda.version(environment)
    if needed is None:
        raise NotRun("the image's environment names no CUDA_VERSION, as CUDA base images do")
    chosen = candidate.declaration.resources.machine_image
    hosts = [host for host in drivers.load() if host.use in uses and chosen in (None, host.name)]
    if not hosts:
        raise NotRun(f"the driver of the machine image {printable(str(chosen))} is not known")
    compatible = cuda.forward_compatible(bench.engine, facts, needed)
    wrong = {
        host.name: why
        for host in hosts
        if (why := cuda.hindrance(environment, needed, host, forward_compatible=compatible))
    }
    if len(wrong) == len(hosts):
        raise Broken(
            expected="a driver that runs what the image needs",
            actual=f"{facts.reference}: {'; '.join(wrong.values())}"[:1000],
            only_advice=True,  # a run on such a host decides
        )
    if wrong:
        raise NotRun(
            f"CUDA {needed[0]}.{needed[1]} does not run on every machine image "
            f"({', '.join(wrong)}): say which one with `resources: {{machine_image: …}}`"
        )


def _as_launched(candidate: Candidate) -> list[ImageFacts]:
    """The images with what a request adds to their environment."""
    said = candidate.declaration
    added = {
        "training": said.training.environment if said.training else {},
        "hosting": said.hosting.environment if said.hosting else {},
    }
    return [
        replace(facts, environment={**facts.environment, **added[role]})
        for facts, roles in claimed_images(candidate)
        for role in roles
    ]


def _wrong_variables(facts: ImageFacts) -> str:
    """What keeps the container toolkit from giving the GPUs to a container; empty where nothing does."""
    devices = facts.environment.get("NVIDIA_VISIBLE_DEVICES")
    capabilities = facts.environment.get("NVIDIA_DRIVER_CAPABILITIES")
    if devices is None or devices in ("", "void", "none"):
        return f"NVIDIA_VISIBLE_DEVICES is {'not set' if devices is None else printable(repr(devices))[:100]}"
    # Without a value the toolkit takes the two by itself.
    if capabilities and not {"all", "compute"} & set(capabilities.split(",")):
        return f"NVIDIA_DRIVER_CAPABILITIES is {printable(capabilities)[:100]!r}"
    return ""
