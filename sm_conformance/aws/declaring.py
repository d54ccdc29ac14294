"""Makes a declaration of requests, with or without a ``sm-conformance.yaml`` beside them."""

from __future__ import annotations

from pathlib import Path

from sm_conformance.aws.merge import merge
from sm_conformance.aws.requests import Requests
from sm_conformance.declaration.document import parse, read_bounded
from sm_conformance.declaration.loading import load_document
from sm_conformance.declaration.problems import Problems
from sm_conformance.declaration.rules import hold_against_each_other
from sm_conformance.declaration.schema import hold_against_schema
from sm_conformance.declaration.values import Declaration


def declare(requests: Requests, *, path: Path | None, origin: str) -> Declaration:
    """The declaration that the requests and the YAML file ``path`` make together.

    Raises ``DeclarationError`` for what either says wrongly, and for what they say differently.
    """
    _hold_alone(requests)
    if path is None:
        first = next(iter(requests.files.values()))
        return load_document(
            requests.document,
            folder=first.absolute().parent,
            path=first,
            origin=origin,
            raw=requests.sha256.encode(),
            data_elsewhere=True,
            requests=requests.requests,
        )
    raw = read_bounded(path)
    folder = path.absolute().parent
    problems = Problems(path)
    said = parse(raw, problems=problems)
    return load_document(
        merge(requests, said, folder=folder, problems=problems),
        folder=folder,
        path=path,
        origin=origin,
        problems=problems,
        raw=raw + requests.sha256.encode(),
        data_elsewhere=True,
        requests=requests.requests,
    )


def _hold_alone(requests: Requests) -> None:
    """Tell what a declaration cannot say of the request that says it, and not of the YAML file."""
    trial = _held(requests, Path())
    if trial.touch(()):
        kinds = [kind for where, (kind, _) in requests.origins.items() if trial.touch(where)]
        kind = next(iter(kinds), next(iter(requests.files)))
        _held(requests, requests.files[kind]).raise_if_any()


def _held(requests: Requests, path: Path) -> Problems:
    problems = Problems(path)
    hold_against_schema(requests.document, problems=problems, data_elsewhere=True)
    hold_against_each_other(requests.document, problems=problems)
    return problems
