"""Says which folders of an image are hidden by what the platform mounts over them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sm_conformance.laboratory.bench import Bench

_MODEL = "/opt/ml/model"
_TRAINING = ("/opt/ml/input", "/opt/ml/output", "/opt/ml/checkpoints")


@dataclass(frozen=True, slots=True)
class Folders:
    """Folders that are hidden, and those that may be: it depends on what nobody said."""

    hidden: tuple[str, ...]
    perhaps: tuple[str, ...] = ()


def hidden_folders(bench: Bench, roles: Collection[str]) -> Folders:
    """The folders that are mounted over in an image with these roles, "training" and "hosting".

    A server without model data sees what its image has in the folder of the model.
    """
    candidate = bench.candidate
    folders = list(_TRAINING) if "training" in roles else []
    if "hosting" not in roles:
        return Folders(hidden=(*folders, _MODEL))
    hosting, training = candidate.declaration.hosting, candidate.declaration.training
    if hosting is not None and hosting.without_model and bench.model is None:
        return Folders(hidden=tuple(folders))
    given = bench.model is not None or (hosting is not None and hosting.model is not None)
    trained = "training" in candidate.claims and (training is None or training.yields_model)
    if given or (trained and candidate.claims_are_declared):
        return Folders(hidden=(*folders, _MODEL))
    return Folders(hidden=tuple(folders), perhaps=(_MODEL,))
