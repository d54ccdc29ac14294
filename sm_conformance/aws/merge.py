"""Lays ``sm-conformance.yaml`` over what AWS's requests say.

Mappings are merged key by key. Claims, sample requests and metrics of both count. Everything else
is said by one of them, or by both alike: that they differ is a problem, which names both files.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sm_conformance.aws.draft import origin
from sm_conformance.aws.problems import dotted
from sm_conformance.aws.requests import Requests
from sm_conformance.declaration import parts
from sm_conformance.declaration.problems import Problems, Where, shown

_NAMED_FILES = ("path", "body_path", "model", "schema_path")
# Of a sample request: what AWS's requests have no words for.
_SAID_OF_A_REQUEST = ("name", "expect", "schema", "schema_path", "stream")


def merge(requests: Requests, said: Any, *, folder: Path, problems: Problems) -> Any:
    """What both say together; ``said`` is the document of the YAML file in ``folder``.

    Where they differ, ``problems`` gets a line, and the YAML's word stands.
    """
    if not isinstance(said, dict):
        return said
    return _Merge(requests, folder=folder, problems=problems).mapping(requests.document, said, ())


class _Merge:
    def __init__(self, requests: Requests, *, folder: Path, problems: Problems) -> None:
        self._requests = requests
        self._folder = folder
        self._problems = problems

    def mapping(self, ours: dict[str, Any], said: dict[str, Any], where: Where) -> dict[str, Any]:
        merged = {**ours, **said}
        for key, value in ours.items():
            if key in said:
                merged[key] = self._value(value, said[key], (*where, key))
        if where[:2] == ("training", "channels") and len(where) == 3:
            self._one_source(merged, said, where)
        return merged

    def _value(self, ours: Any, said: Any, where: Where) -> Any:
        match where:
            case ("claims",):
                return self._claims(ours, said, where)
            case ("hosting", "requests"):
                return self._requests_of_both(ours, said)
            case ("training", "metrics"):
                return self._metrics(ours, said, where)
            case ("training", "hyperparameters", _):
                # A bare value is short for the mapping that has nothing else.
                ours, said = _spelt_out(ours), _spelt_out(said)
        if isinstance(ours, dict):
            # What is no mapping here is refused by the schema.
            return self.mapping(ours, said, where) if isinstance(said, dict) else said
        if not self._alike(ours, said, key=where[-1]):
            there = repr(ours) if where[-1] in _NAMED_FILES else shown(ours)
            self._problems.add(where, f"{shown(said)} here, {there} in {self._origin(where)}")
        return said

    def _claims(self, ours: list[str], said: Any, where: Where) -> Any:
        if not isinstance(said, list):
            return said
        for claim in ours:
            if claim not in said:
                there = self._origin(("claims", claim))
                self._problems.add(where, f"{claim} is not named here, but in {there}")
        return [*said, *(claim for claim in ours if claim not in said)]

    def _requests_of_both(self, ours: list[dict[str, Any]], said: Any) -> Any:
        """The owner's come first: promises are judged with the first."""
        if not isinstance(said, list):
            return said
        known = [_asked(one) for one in said]
        return [*said, *(one for one in ours if _asked(one) not in known)]

    def _metrics(self, ours: list[dict[str, Any]], said: Any, where: Where) -> Any:
        if not isinstance(said, list):
            return said
        named = {parts.text(parts.mapping(one).get("name")): one for one in said}
        for one in ours:
            other = named.get(one["name"], one)
            if other != one:
                told = f"another regex of the metric {shown(one['name'])} here than in"
                self._problems.add(where, f"{told} {self._origin(where)}")
        return [*said, *(one for one in ours if one["name"] not in named)]

    def _one_source(self, merged: dict[str, Any], said: dict[str, Any], where: Where) -> None:
        """Data is said once, in whichever of the ways."""
        if "path" in merged and "path" not in said:
            for key in ("data", "generate"):
                if key in said:
                    told = f"data here, and also in {self._origin((*where, 'path'))}"
                    self._problems.add((*where, key), told)
                    merged.pop("path", None)

    def _alike(self, ours: Any, said: Any, *, key: str | int) -> bool:
        if isinstance(ours, list) and isinstance(said, list):
            return sorted(map(repr, ours)) == sorted(map(repr, said))
        if key in _NAMED_FILES and isinstance(ours, str) and isinstance(said, str):
            return os.path.normpath(ours) == os.path.normpath(self._folder / said)
        if isinstance(ours, int | float) and isinstance(said, int | float):
            return ours == said
        return parts.text(ours) is not None and parts.text(ours) == parts.text(said)

    def _origin(self, where: Where) -> str:
        """The file that says what is at ``where`` of its document, and the place in it."""
        kind, place = origin(self._requests.origins, where)
        return f"{self._requests.files[kind]} ({dotted(place)})"


def _spelt_out(value: Any) -> Any:
    return value if isinstance(value, dict) else {"value": value}


def _asked(request: Any) -> dict[str, Any]:
    """What goes out; all else that is said of a request is the owner's to add."""
    said = parts.mapping(request)
    return {key: value for key, value in said.items() if key not in _SAID_OF_A_REQUEST}
