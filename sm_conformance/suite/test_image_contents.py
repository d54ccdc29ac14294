"""What an image holds and says of itself, seen without starting it."""

from __future__ import annotations

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.contract.limits import Limits
from sm_conformance.judgement.outcome import Broken, NotApplicable, NotRun, demand
from sm_conformance.laboratory import libraries
from sm_conformance.laboratory.bench import Bench
from sm_conformance.laboratory.hidden import places
from sm_conformance.laboratory.image import places_of
from sm_conformance.laboratory.mounted import hidden_folders
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.http import printable
from sm_conformance.suite.images import claimed_images

_FEW = 5
_LISTED_BYTES = 16 << 20
_CAPABILITY = "com.amazonaws.sagemaker.capabilities."
_LABELS = {
    "pipeline": f"{_CAPABILITY}accept-bind-to-port",
    "multi-model": f"{_CAPABILITY}multi-models",
    "bidirectional": f"{_CAPABILITY}bidirectional-streaming",
}
# Of this one the guide says "should", and nobody has seen a refusal.
_NOT_SEEN_REFUSED = frozenset({"bidirectional"})
_EFA_FOLDERS = ("/opt/amazon/efa/lib64", "/opt/amazon/efa/lib", "/opt/conda/lib")
_EFA_LIBRARIES = ("libfabric.so.1", "libefa.so.1")


@clause("IMG-011", "nothing-baked-in-opt-ml")
def test_nothing_baked_in_opt_ml(candidate: Candidate, bench: Bench) -> None:
    """No file is shipped in a folder below `/opt/ml` that is hidden by what the platform mounts there."""
    for facts, roles in claimed_images(candidate):
        folders = hidden_folders(bench, roles)
        listed = bench.engine.listing(facts.reference, folders.hidden, _LISTED_BYTES)
        baked = [
            f"{folder}/{entry.name}"
            for folder, tree in listed.items()
            for entry in tree.files
            if entry.size
        ]
        demand(
            not baked,
            expected=f"no file in {', '.join(folders.hidden)}",
            actual=f"{facts.reference} has {len(baked)}: {_some(baked)}",
        )
        if not all(tree.whole for tree in listed.values()):
            raise NotRun("the folders below /opt/ml hold more than is listed")
        if folders.perhaps and bench.engine.listing(
            facts.reference, folders.perhaps, _LISTED_BYTES
        ):
            raise NotRun(
                "whether what lies in /opt/ml/model is hidden depends on the model data: say "
                "`hosting: {model: none}` or `{model: FILE}` in the declaration"
            )


@clause("IMG-020", "serverless-size")
def test_serverless_size(candidate: Candidate, bench: Bench, limits: Limits) -> None:
    """An image for a serverless endpoint unpacks to at most 10 GiB."""
    facts = _hosting(candidate)
    size = sum(layer.size_bytes for layer in bench.engine.layers(facts.reference))
    most = limits.serverless_image_bytes
    if not size and facts.size_bytes > most:
        # What engines give as the size of a whole image may count its packed layers as well.
        raise NotRun("the engine does not tell how large the layers of the image are")
    demand(
        size <= most,
        expected=f"layers of at most {most} bytes in all, unpacked",
        actual=f"those of {facts.reference} have {size} bytes",
    )


@clause("IMG-021", "no-secrets-in-image")
def test_no_secrets_in_image(candidate: Candidate, bench: Bench) -> None:
    """No access key, token or private key stands in the environment, the labels or the build history of the image."""
    for facts, _ in claimed_images(candidate):
        found = [
            f"{printable(place)[:200]} holds {secret.shown}"
            for place, secret in places(bench.engine, facts)
        ]
        demand(
            not found,
            expected="no value with the form of a secret",
            actual=f"{facts.reference}: {_some(found)}",
        )


@clause("IMG-022", "capability-labels")
def test_capability_labels(candidate: Candidate) -> None:
    """The image carries, with the value `true`, the capability label of each feature claimed for it."""
    facts = _hosting(candidate)
    for claim, label in _LABELS.items():
        value = facts.labels.get(label)
        if claim in candidate.claims and value != "true":
            said = "no such label" if value is None else f"the value {printable(value)[:100]!r}"
            raise Broken(
                expected=f"the label {label}=true, as `{claim}` is claimed",
                actual=f"{facts.reference} has {said}",
                # A value that is true in other letters may well be taken.
                only_advice=claim in _NOT_SEEN_REFUSED or (value or "").strip().lower() == "true",
            )


@clause("IMG-026", "efa-libraries")
def test_efa_libraries(candidate: Candidate, bench: Bench) -> None:
    """An EFA image holds libfabric with the EFA provider and the user-space parts of the EFA installer."""
    facts = _training(candidate)
    there = libraries.find(bench.engine, facts, _EFA_LIBRARIES, beside=_EFA_FOLDERS)
    missing = [
        name for name in _EFA_LIBRARIES if not any(path.endswith(f"/{name}") for path in there)
    ]
    if missing:
        raise Broken(
            expected="libfabric and the EFA library where the loader or EFA's installer has them",
            actual=f"{facts.reference} has no {' and no '.join(missing)} there",
            only_advice=True,  # they may lie elsewhere, or in the program itself
        )


@clause("IMG-027", "model-trainer-tools")
def test_model_trainer_tools(candidate: Candidate, bench: Bench) -> None:
    """An image that the SDK's ModelTrainer starts holds `/bin/bash` and a `python3` or `python`."""
    facts = _training(candidate)
    pythons = [path for name in ("python3", "python") for path in places_of(facts, name)]
    there = {
        path
        for path, found in bench.engine.stat(facts.reference, ["/bin/bash", *pythons]).items()
        if found.kind == "file" and found.mode & 0o111
    }
    missing = [] if "/bin/bash" in there else ["/bin/bash"]
    missing += [] if there & set(pythons) else ["python3 or python on PATH"]
    demand(
        not missing,
        expected="/bin/bash, and python3 or python on PATH",
        actual=f"{facts.reference} has no {' and no '.join(missing)}",
    )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(printable(name)[:200] for name in names[:_FEW]) + more


def _hosting(candidate: Candidate) -> ImageFacts:
    if candidate.hosting is None:
        raise NotApplicable("no image is named for hosting")
    return candidate.hosting


def _training(candidate: Candidate) -> ImageFacts:
    if candidate.training is None:
        raise NotApplicable("no image is named for training")
    return candidate.training
