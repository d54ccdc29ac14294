"""What the requests say of hosting and batch transform, in the form of ``sm-conformance.yaml``."""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from pathlib import Path

from sm_conformance.aws.draft import Draft
from sm_conformance.aws.places import (
    Place,
    Raw,
    inference_specifications,
    model_containers,
    package_containers,
    transform_jobs,
)
from sm_conformance.aws.s3 import NotThere, Store

_MB = 1 << 20
_DEFAULT_PAYLOAD_MB = 6
_LARGEST_PAYLOAD_MB = 100
# What is sent in a rehearsal on one machine is a small file.
_LARGEST_OBJECT = 16 * _MB
# They hold no record.
_EMPTY_LINES = re.compile(rb"\A(?:[ \t\r]*\n)+")
_SPLITS = {"None": "none", "Line": "line"}
_STRATEGIES = {"SingleRecord": "single-record", "MultiRecord": "multi-record"}


def write(draft: Draft, requests: Raw, *, store: Store) -> None:
    """Add to the draft what is said of hosting and of batch transform.

    A model says how it is run; where there is none, a package says how it may be run. Each request
    has one container at most.
    """
    package = next(package_containers(requests), None)
    container = next(model_containers(requests), package)
    if container is not None:
        draft.claim("hosting", by=container)
        if container.get("Mode") == "MultiModel":
            draft.claim("multi-model", by=container)
        _model_data(draft, container, package, store=store)
        environment = container.get("Environment") or {}
        if package is not None and container.get("ModelPackageName"):
            environment = {**(package.get("Environment") or {}), **environment}
        draft.say(("hosting", "environment"), environment or None, by=container)
    elif "model-package" in requests:
        # A package of an algorithm's own model takes the container of the algorithm.
        whole = Place("model-package", (), requests["model-package"])
        for source in whole.inner("SourceAlgorithmSpecification", "SourceAlgorithms", "*"):
            draft.claim("hosting", by=source)
            _archive(draft, source, store=store)
    for key, name in (
        ("content_types", "SupportedContentTypes"),
        ("accepts", "SupportedResponseMIMETypes"),
    ):
        for specification in inference_specifications(requests):
            said = [one for one in dict.fromkeys(specification.get(name) or []) if one]
            if said:
                draft.say(("hosting", key), said, by=specification)
                break
    for job in transform_jobs(requests):
        _transform(draft, job, store=store)
        break


def _model_data(draft: Draft, container: Place, package: Place | None, *, store: Store) -> None:
    """The archive that the container is handed; none is one of what a model or a package may say."""
    if container.get("ModelPackageName") and package is not None:
        container = package
    if container.get("Mode") == "MultiModel":
        draft.note(container, "the models of a multi-model server are not handed over yet")
    elif container.get("ModelDataSource") is not None:
        draft.note(container, "a ModelDataSource is not handed over yet, only a ModelDataUrl")
    elif container.get("ModelDataUrl"):
        _archive(draft, container, store=store)
    elif container.kind != "algorithm" and not container.get("ModelPackageName"):
        draft.say(("hosting", "model"), "none", by=container)


def _archive(draft: Draft, container: Place, *, store: Store) -> None:
    for url in container.inner("ModelDataUrl"):
        try:
            path = store.locate(url.value)
        except NotThere as reason:
            draft.note(url, f"no model: {reason}")
        else:
            draft.say(("hosting", "model"), str(path), by=url)


def _transform(draft: Draft, job: Place, *, store: Store) -> None:
    """A request like those that the job sends, made of its first object."""
    own = job.kind == "transform-job"
    if own:
        draft.claim("batch", by=job)
        for named in job.inner("TransformResources", "TransformAmiVersion"):
            draft.say(("resources", "machine_image"), named.value, by=named)
    try:
        body = _body(job, store=store)
    except NotThere as reason:
        draft.note(job, f"no sample request: {reason}")
        return
    if not own and "hosting" not in draft.document.get("claims", ()):
        draft.note(job, "no sample request: nothing is said of hosting")
        return
    said = {
        "name": "transform-job" if own else "validation",
        "content_type": job.get("TransformInput", "ContentType") or None,
        "accept": job.get("TransformOutput", "Accept") or None,
        **body,
    }
    request = {key: value for key, value in said.items() if value is not None}
    draft.say(("hosting", "requests"), [request], by=job)
    _whole(draft, job, store=store)


def _whole(draft: Draft, job: Place, *, store: Store) -> None:
    """The job itself, with the whole of its first object."""
    split = _SPLITS.get(job.get("TransformInput", "SplitType") or "None")
    if split is None:
        draft.note(job, "only the whole object or its lines are transformed here")
        return
    try:
        body = _content(job, store=store)
    except NotThere as reason:
        draft.note(job, f"no transform: {reason}")
        return
    said = {
        "content_type": job.get("TransformInput", "ContentType") or None,
        "accept": job.get("TransformOutput", "Accept") or None,
        **body,
        "split": split,
        "strategy": _STRATEGIES.get(job.get("BatchStrategy")),
        "max_payload_mb": job.get("MaxPayloadInMB"),
        "max_concurrent": job.get("MaxConcurrentTransforms") or None,
        "environment": job.get("Environment") or None,
    }
    transform = {key: value for key, value in said.items() if value is not None}
    draft.say(("hosting", "transform"), transform, by=job)


def _content(job: Place, *, store: Store) -> dict[str, str]:
    """The first object of the job, by its path where it is not packed."""
    path = store.first_object(
        job.get("TransformInput", "DataSource", "S3DataSource", "S3Uri") or ""
    )
    packed = job.get("TransformInput", "CompressionType") == "Gzip"
    content = _start(path, size=_LARGEST_OBJECT, packed=packed)
    if len(content) > _LARGEST_OBJECT:
        raise NotThere(f"{path} is larger than {_LARGEST_OBJECT // _MB} MiB")
    return _as_text(content) if packed else {"body_path": str(path)}


def _body(job: Place, *, store: Store) -> dict[str, str]:
    """The first line where lines are sent one by one, else the whole object, by its path if it can be.

    Source: Amazon SageMaker API, TransformInput: SplitType; CreateTransformJob: BatchStrategy,
    MaxPayloadInMB.
    """
    source = next(job.inner("TransformInput", "DataSource", "S3DataSource"), None)
    if source is None or source.get("S3DataType") != "S3Prefix":
        raise NotThere("only objects under a prefix are read")
    path = store.first_object(source.get("S3Uri") or "")
    split = job.get("TransformInput", "SplitType") or "None"
    single = job.get("BatchStrategy") == "SingleRecord"
    packed = job.get("TransformInput", "CompressionType") == "Gzip"
    said = job.get("MaxPayloadInMB")
    size = (_DEFAULT_PAYLOAD_MB if said is None else said or _LARGEST_PAYLOAD_MB) * _MB
    if single and split not in ("None", "Line"):
        raise NotThere(f"single records of {split} are not taken apart yet")
    content = _start(path, size=size, packed=packed)
    whole = len(content) <= size
    if split == "Line" and (single or not whole):
        content = _EMPTY_LINES.sub(b"", content)
        content = content[: content.find(b"\n") + 1] or content
        whole = False
    elif whole and not packed:
        return {"body_path": str(path)}
    if not content or len(content) > size:
        raise NotThere(f"what {path} begins with is no record of at most {size} bytes")
    return _as_text(content)


def _as_text(content: bytes) -> dict[str, str]:
    try:
        return {"body": content.decode("utf-8")}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(content).decode("ascii")}


def _start(path: Path, *, size: int, packed: bool) -> bytes:
    """As much of the object as makes a payload, and one byte more if there is more."""
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NotThere(f"{path} cannot be read: {error}") from error
