"""The form of a manifest: how an engine will push an image, and what is said of it before the push."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from miniatures.candidates import MINIATURES
from miniatures.declared import BOTH, TRAINS
from miniatures.judging import judge, provide_engine
from miniatures.lawful import LAWFUL

from sm_conformance.engine.manifests import pushed_form
from sm_conformance.observed.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    ManifestForm,
    Place,
    entries,
    form_of,
)

NAMES = ("manifest-hosting", "manifest-training")
CLASSIC = {"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]}
CONTAINERD = {
    "Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
}  # fmt: skip
PLATFORM = {"ImageData": {"Platform": {"os": "linux", "architecture": "amd64"}}}


def form(
    media_type: str | None, *, info: Mapping[str, Any] = CONTAINERD, parts: object = None
) -> ManifestForm | None:
    """The form in which an engine will push an image whose descriptor has this type."""
    inspected = {} if media_type is None else {"Descriptor": {"mediaType": media_type}}
    return pushed_form(inspected, info=lambda: info, parts=lambda: parts)


def part(media_type: str, *, kind: str = "image", there: bool = True) -> dict[str, Any]:
    """How Docker lists a manifest of an index."""
    return {"Descriptor": {"mediaType": media_type}, "Kind": kind, "Available": there, **PLATFORM}


@pytest.mark.parametrize("driver", ["overlay2", "btrfs", "zfs", "vfs", "fuse-overlayfs"])
def test_a_store_of_layers_pushes_dockers_own_form(driver: str) -> None:
    assert form(None, info={**CLASSIC, "Driver": driver}) == ManifestForm(
        DOCKER_MANIFEST, Place.ENGINE
    )


@pytest.mark.parametrize(
    "info",
    [
        {}, {"Driver": None}, {"Driver": "overlay"}, CONTAINERD, {"Driver": "stargz"},
        {**CLASSIC, "DriverStatus": CONTAINERD["DriverStatus"]},
    ],
)  # fmt: skip
def test_of_another_store_that_describes_nothing_nobody_knows(info: dict[str, Any]) -> None:
    assert form(None, info=info) is None


@pytest.mark.parametrize(
    "info", [{**CLASSIC, "DriverStatus": None}, {**CLASSIC, "DriverStatus": ["x"]}]
)
def test_a_store_that_says_little_is_still_known_by_its_name(info: dict[str, Any]) -> None:
    assert form(None, info=info) is not None


@pytest.mark.parametrize(
    ("media_type", "accepted"), [(DOCKER_MANIFEST, True), (OCI_MANIFEST, False)]
)
def test_a_store_that_keeps_images_as_they_were_built_pushes_them_so(
    media_type: str, accepted: bool
) -> None:
    found = form(media_type)

    assert found is not None
    assert (found.media_type, found.accepted) == (media_type, accepted)


def test_an_index_with_a_build_attestation_is_pushed_as_it_is() -> None:
    found = form(OCI_INDEX, parts=[part(OCI_MANIFEST), part(OCI_MANIFEST, kind="attestation")])

    assert found == ManifestForm(
        OCI_INDEX, Place.ENGINE, platforms=("linux/amd64",), attestations=1
    )


def test_of_an_index_that_is_not_all_there_the_image_alone_is_pushed() -> None:
    found = form(OCI_INDEX, parts=[part(OCI_MANIFEST), part(OCI_MANIFEST, there=False)])

    assert found == ManifestForm(OCI_MANIFEST, Place.ENGINE)


@pytest.mark.parametrize(
    "parts",
    [
        None, [], {}, [7], [{}], [part(DOCKER_MANIFEST)], [part(OCI_MANIFEST, there=False)],
        [part(OCI_MANIFEST), part(DOCKER_MANIFEST)],
    ],
)  # fmt: skip
def test_an_index_that_may_end_as_a_lawful_manifest_is_not_spoken_of(parts: object) -> None:
    assert form(OCI_INDEX, parts=parts) is None


def test_an_index_of_dockers_may_end_as_a_lawful_manifest() -> None:
    assert form(DOCKER_LIST, parts=[part(OCI_MANIFEST)]) is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"7", b'{"manifests": 7}', b"[" * 100_000])
def test_what_is_no_index_names_nothing(raw: bytes) -> None:
    assert entries(raw) == ()


def test_an_index_is_read_whatever_stands_in_it() -> None:
    raw = b'{"manifests": [7, {}, {"platform": 7, "annotations": [], "size": true, "digest": {}}]}'

    assert [(one.size, one.platform, one.attestation) for one in entries(raw)] == [
        (None, "", False)
    ] * 2
    assert (
        form_of("a/b", b'{"manifests": [' + b"{}," * 5000 + b"{}]}", Place.REGISTRY).platforms == ()
    )


def test_many_platforms_are_told_in_few_words() -> None:
    text = ManifestForm(OCI_INDEX, Place.REGISTRY, platforms=("linux/\x1b[2J",) * 9).describe()

    assert "4 more" in text
    assert "\x1b" not in text


# -- as the suite says it --------------------------------------------------------------------------


def judged(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, said: Any, held: ManifestForm | None
) -> Any:
    monkeypatch.setitem(MINIATURES, "held", replace(LAWFUL, manifest=held))
    provide_engine(pytester)
    return judge(pytester.runpytest_inprocess, pytester, "held", "-k", "manifest", declaration=said)


def test_what_this_engine_would_push_in_another_form_is_advice(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged(pytester, monkeypatch, BOTH, ManifestForm(OCI_MANIFEST, Place.ENGINE))

    assert found.with_verdict("fail", "advice") == {
        "IMG-017 manifest-hosting": "advice", "IMG-017 manifest-training": "advice",
    }, found.output  # fmt: skip
    assert "will be pushed as a manifest of the type" in found.output
    assert "--provenance=false" in found.findings["IMG-017 manifest-hosting"]["fix"]


def test_for_training_alone_it_is_advice(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged(pytester, monkeypatch, TRAINS, ManifestForm(OCI_INDEX, Place.ENGINE))

    assert found.with_verdict("fail", "advice") == {"IMG-017 manifest-training": "advice"}


def test_a_form_that_nobody_knows_puts_nothing_in_doubt(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = judged(pytester, monkeypatch, BOTH, None)

    finding = found.findings["IMG-017 manifest-hosting"]
    assert (finding["verdict"], finding["excused"]) == ("not-run", True)
    assert "sm-conformance gate" in finding["reason"]
    assert not [doubt for doubt in found.report["doubts"] if "IMG-017" in doubt]
