"""Makes the values of the sections ``training`` and ``hosting`` of a document.

Like ``parts``, it does not fail on what has been refused already; that is never handed out.
"""

from __future__ import annotations

from typing import Any

from sm_conformance.declaration import parts
from sm_conformance.declaration.files import NamedFiles
from sm_conformance.declaration.problems import Where
from sm_conformance.declaration.values import (
    Channel,
    Expectation,
    Fault,
    Hosting,
    Hyperparameter,
    Lasts,
    Metric,
    Objective,
    SampleRequest,
    Training,
    Transform,
)


def training_of(document: Any, *, files: NamedFiles) -> Training | None:
    """How to train; None where nothing is said of it."""
    said = parts.mapping(document).get("training")
    if not isinstance(said, dict):
        return None
    return Training(
        hyperparameters=parts.good_hyperparameters(document),
        channels=_channels(document, "training", "channels", files=files),
        fault=Fault(
            hyperparameters=parts.texts(parts.mapping(said, "fault", "hyperparameters")),
            channels=parts.mapping(said, "fault", "channels"),
        )
        if "fault" in said
        else None,
        lasts=Lasts(
            hyperparameters=parts.texts(parts.mapping(said, "lasts", "hyperparameters")),
            channels=_channels(document, "training", "lasts", "channels", files=files),
        )
        if "lasts" in said
        else None,
        yields_model=said.get("yields_model", True),
        idle_s=parts.number(said.get("idle_s")),
        environment=parts.texts(parts.mapping(said, "environment")),
        hyperparameter_specs=tuple(
            _hyperparameter(name, one)
            for name, one in parts.mapping(said, "hyperparameters").items()
            if isinstance(one, dict)
        ),
        metrics=tuple(
            Metric(name=one.get("name", ""), regex=one.get("regex", ""))
            for one in parts.mappings(said, "metrics")
        ),
        objective=_objective(said),
        entrypoint=parts.text_list(parts.entries(said, "entrypoint")),
        arguments=parts.text_list(parts.entries(said, "arguments")),
        code=files.code(said.get("code"), where=("training", "code")),
    )


def hosting_of(document: Any, *, files: NamedFiles) -> Hosting | None:
    """How to serve; None where nothing is said of it."""
    said = parts.mapping(document).get("hosting")
    if not isinstance(said, dict):
        return None
    return Hosting(
        model=files.model(said.get("model"), where=("hosting", "model")),
        without_model=said.get("model") == "none",
        startup_s=parts.number(said.get("startup_s")),
        environment=parts.texts(parts.mapping(said, "environment")),
        requests=tuple(
            _request(name, request, where=("hosting", "requests", index), files=files)
            for index, (name, request) in enumerate(parts.named_requests(document))
        ),
        content_types=parts.text_list(parts.entries(said, "content_types")),
        accepts=parts.text_list(parts.entries(said, "accepts")),
        code=files.code(said.get("code"), where=("hosting", "code")),
        transform=_transform(said.get("transform"), files=files),
    )


def _transform(said: Any, *, files: NamedFiles) -> Transform | None:
    if not isinstance(said, dict):
        return None
    return Transform(
        content_type=said.get("content_type"),
        accept=said.get("accept"),
        body=files.body(said, where=("hosting", "transform")),
        split=said.get("split", "none"),
        strategy=said.get("strategy"),
        max_payload_mb=parts.whole_number(said.get("max_payload_mb")),
        max_concurrent=parts.whole_number(said.get("max_concurrent")),
        environment=parts.texts(parts.mapping(said, "environment")),
    )


def _channels(document: Any, *keys: str, files: NamedFiles) -> tuple[Channel, ...]:
    return tuple(
        _channel(name, parts.mapping(said), where=(*keys, name), files=files)
        for name, said in parts.mapping(document, *keys).items()
    )


def _channel(name: str, said: dict[str, Any], *, where: Where, files: NamedFiles) -> Channel:
    return Channel(
        name=name,
        content_type=said.get("content_type"),
        files=files.channel(said, where=where),
        modes=parts.text_list(parts.entries(said, "modes")) or ("File",),
        content_types=parts.text_list(parts.entries(said, "content_types")),
        required=said.get("required", True),
        compression=said.get("compression", "none"),
    )


def _hyperparameter(name: str, said: dict[str, Any]) -> Hyperparameter:
    return Hyperparameter(
        name=name,
        value=parts.text(said.get("value")),
        kind=said.get("type"),
        low=parts.text(said.get("min")),
        high=parts.text(said.get("max")),
        values=parts.text_list(parts.entries(said, "values")),
        required=said.get("required", False),
        tunable=said.get("tunable", False),
        default=parts.text(said.get("default")),
    )


def _objective(said: dict[str, Any]) -> Objective | None:
    wanted = parts.mapping(said, "objective")
    return (
        Objective(metric=wanted.get("metric", ""), goal=wanted.get("goal", "")) if wanted else None
    )


def _request(name: str, said: dict[str, Any], *, where: Where, files: NamedFiles) -> SampleRequest:
    expected = parts.mapping(said, "expect")
    body = files.body(said, where=where)
    return SampleRequest(
        name=name,
        content_type=said.get("content_type"),
        accept=said.get("accept"),
        body=body,
        expect=Expectation(
            content_type=expected.get("content_type"),
            body=files.body(expected, where=(*where, "expect"))
            if {"body", "body_path"} & set(expected)
            else None,
            pattern=expected.get("matches"),
            schema=expected.get("schema"),
        )
        if expected
        else None,
        takes_s=parts.number(said.get("takes_s")),
        stream=parts.mapping(said, "stream").get("format"),
        schema=files.schema(said, body=body, where=where),
    )
