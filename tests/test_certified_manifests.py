"""A certificate names a manifest only where its registry says that it is of the judged image alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest
from reports import report

from sm_conformance.certificate.manifests import with_manifests
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.observed.manifest import DOCKER_LIST, DOCKER_MANIFEST
from sm_conformance.registry.manifest import Manifest, manifest_of

CONFIG = "sha256:" + "ab" * 32
ONE = manifest_of(json.dumps({"config": {"digest": CONFIG}}).encode(), DOCKER_MANIFEST)
OTHER = manifest_of(
    json.dumps({"config": {"digest": "sha256:" + "cd" * 32}}).encode(), DOCKER_MANIFEST
)
INDEX = manifest_of(
    json.dumps({"manifests": [{"digest": ONE.digest}, {"digest": OTHER.digest}]}).encode(),
    DOCKER_LIST,
)
HELD = {f"registry.example/team/{one.digest[-6:]}@{one.digest}": one for one in (ONE, OTHER, INDEX)}


def about(*held: Manifest, **image: Any) -> dict[str, Any]:
    """A report on an image that the engine knows by these digests."""
    said = report()
    references = [f"registry.example/team/{one.digest[-6:]}@{one.digest}" for one in held]
    said["candidate"]["images"][0] |= {
        "config_digest": CONFIG, "manifest_digest": None, "repo_digests": references, **image,
    }  # fmt: skip
    return said


def named(said: Mapping[str, Any], ask: Any = HELD.get) -> tuple[str | None, tuple[str, ...]]:
    found, notes = with_manifests(said, ask)
    return found["candidate"]["images"][0]["manifest_digest"], notes


def test_the_manifest_of_the_judged_image_is_named() -> None:
    assert named(about(ONE)) == (ONE.digest, ())


def test_an_index_of_several_images_is_not_named_whatever_comes_first() -> None:
    digest, notes = named(about(INDEX))

    assert digest is None
    assert "index of several images" in notes[0]
    assert named(about(INDEX, ONE))[0] == ONE.digest


def test_the_manifest_of_another_image_is_not_named() -> None:
    digest, notes = named(about(OTHER))

    assert digest is None
    assert "another one" in notes[0]


@pytest.mark.parametrize("trouble", [HarnessTrouble("nobody answers"), UsageProblem("log in")])
def test_a_registry_that_cannot_be_asked_costs_the_name_and_no_certificate(
    trouble: Exception,
) -> None:
    def ask(reference: str) -> Manifest | None:
        raise trouble

    digest, notes = named(about(ONE), ask)

    assert digest is None
    assert str(trouble) in notes[0]


def test_a_manifest_that_was_removed_is_not_named() -> None:
    digest, notes = named(about(ONE), lambda _: None)

    assert digest is None
    assert "no more" in notes[0]


def test_of_many_references_a_few_are_asked() -> None:
    asked: list[str] = []

    def ask(reference: str) -> Manifest | None:
        asked.append(reference)
        return None

    named(about(*[ONE] * 100), ask)

    assert len(asked) == 5


def test_an_image_that_the_engine_keeps_as_an_index_of_several_is_not_certified() -> None:
    with pytest.raises(UsageProblem, match=r"linux/amd64, linux/arm64.*build or pull that one"):
        named(about(index_of=["linux/amd64", "linux/arm64"]))


def test_an_image_that_was_never_in_a_registry_is_known_by_its_configuration() -> None:
    said = report()
    digest = "sha256:" + hashlib.sha256(b"x").hexdigest()
    said["candidate"]["images"][0] |= {"config_digest": digest, "manifest_digest": None}

    assert named(said) == (None, ())


@pytest.mark.parametrize("answers", [True, False])
def test_an_image_that_is_known_by_an_index_of_several_is_not_certified(answers: bool) -> None:
    """An engine that keeps manifests has no other digest for it."""

    def ask(reference: str) -> Manifest | None:
        if not answers:
            raise HarnessTrouble("nobody answers")
        return HELD.get(reference)

    with pytest.raises(UsageProblem, match="by its own digest"):
        named(about(INDEX, config_digest=INDEX.digest), ask)


def test_an_image_that_is_known_by_its_one_manifest_is_certified() -> None:
    assert named(about(ONE, config_digest=ONE.digest)) == (ONE.digest, ())
