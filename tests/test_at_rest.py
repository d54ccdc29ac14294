"""Images in archives: what is seen of them is what an engine would show, and no archive does harm."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from handmade import (
    Made,
    attested,
    described,
    digest,
    file,
    folder,
    index,
    layout,
    link,
    oci,
    packed,
    saved,
    tar,
    written,
)

from sm_conformance.at_rest import layers as layer_reading
from sm_conformance.at_rest import tarred
from sm_conformance.at_rest.archive import Archive
from sm_conformance.at_rest.archived import InArchive
from sm_conformance.at_rest.engine import AtRest
from sm_conformance.errors import HarnessTrouble, Unknowable, UsageProblem
from sm_conformance.observed.manifest import OCI_INDEX, OCI_MANIFEST, ManifestForm, Place

NAME = "team/model:3"
SAID = {
    "Entrypoint": ["python3", "/program"], "Cmd": ["serve"], "Env": ["PATH=/bin", "EMPTY=", "A=b=c"],
    "WorkingDir": "/work", "User": "1000:10", "Labels": {"own": "true"}, "ExposedPorts": {"80/tcp": {}},
}  # fmt: skip


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes the archives that a test opened."""
    there: list[Archive] = []
    make = Archive.__init__

    def noted(archive: Archive, path: Path) -> None:
        make(archive, path)
        there.append(archive)

    monkeypatch.setattr(Archive, "__init__", noted)
    yield
    for archive in there:
        archive.close()


def opened(folder: Path, files: dict[str, bytes]) -> AtRest:
    return AtRest(InArchive(written(folder / "image.tar", files)))


def seen(folder: Path, *layers: bytes) -> AtRest:
    """An image of these layers; it is called NAME."""
    return opened(folder, oci(Made(layers=layers)))


# -- what an image says of itself ------------------------------------------------------------------


def both(made: Made) -> list[dict[str, bytes]]:
    return [
        saved((made, [NAME])),
        oci(made),
        attested(made),
        {**oci(made), **saved((made, [NAME]))},
    ]


@pytest.mark.parametrize("form", range(4), ids=["saved", "oci", "attested", "saved in both forms"])
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_every_form_of_archive_shows_the_same_image(
    form: int, zipped: bool, tmp_path: Path
) -> None:
    made = Made(config=SAID)
    path = written(tmp_path / "image.tar", both(made)[form])
    if zipped:
        path.write_bytes(gzip.compress(path.read_bytes()))
    engine = AtRest(InArchive(path))

    facts = engine.image(NAME)

    assert facts.config_digest == digest(made.said)
    assert (facts.os, facts.architecture) == ("linux", "amd64")
    assert facts.entrypoint == ("python3", "/program")
    assert (facts.command, facts.user) == (("serve",), "1000:10")
    assert facts.environment == {"PATH": "/bin", "EMPTY": "", "A": "b=c"}
    assert (facts.working_directory, facts.labels) == ("/work", {"own": "true"})
    assert facts.exposed_ports == ("80/tcp",)
    assert facts.manifest_digest == (None if form == 0 else digest(made.manifest()))
    assert engine.stat(NAME, ["/usr/hello"])["/usr/hello"].size_bytes == 5
    assert [(one.command, one.size_bytes) for one in engine.layers(NAME)] == [("COPY", 5)]
    assert engine.facts().launches is False
    engine.close()


def test_only_a_layout_by_itself_says_in_which_form_it_is(tmp_path: Path) -> None:
    made = Made()
    forms = [opened(tmp_path, files).image(NAME).manifest for files in both(made)]

    assert forms == [
        None,
        ManifestForm(OCI_MANIFEST, Place.ARCHIVE),
        ManifestForm(OCI_INDEX, Place.ARCHIVE, platforms=("linux/amd64",), attestations=1),
        None,
    ]


def test_of_several_platforms_the_one_of_most_instances_is_judged(tmp_path: Path) -> None:
    arm, amd = Made(architecture="arm64"), Made(architecture="amd64")
    within = index(
        *(
            described(OCI_MANIFEST, one.manifest(),
                      platform={"os": "linux", "architecture": one.architecture})
            for one in (arm, amd)
        )
    )  # fmt: skip
    blobs = {digest(one.manifest()): one.manifest() for one in (arm, amd)}
    files = layout(
        index(described(OCI_INDEX, within)),
        {digest(within): within, **blobs, **arm.blobs, **amd.blobs},
    )

    source = InArchive(written(tmp_path / "image.tar", files))
    facts = AtRest(source).image(source.only())

    assert facts.architecture == "amd64"
    assert facts.manifest is not None
    assert facts.manifest.platforms == ("linux/arm64", "linux/amd64")


def test_of_an_index_that_is_not_all_there_the_image_that_is_there_is_judged(
    tmp_path: Path,
) -> None:
    arm, amd = Made(architecture="arm64"), Made(architecture="amd64")
    within = index(
        *(
            described(OCI_MANIFEST, one.manifest(),
                      platform={"os": "linux", "architecture": one.architecture})
            for one in (amd, arm)
        )
    )  # fmt: skip
    blobs = {digest(within): within, digest(arm.manifest()): arm.manifest(), **arm.blobs}
    source = InArchive(
        written(tmp_path / "image.tar", layout(index(described(OCI_INDEX, within)), blobs))
    )

    assert AtRest(source).image(source.only()).architecture == "arm64"


def test_what_the_history_does_not_speak_of_counts_too(tmp_path: Path) -> None:
    made = Made(
        layers=[tar(file("a", b"123")), tar(file("b", b"12345"))],
        history=[{"created_by": "ENV x", "empty_layer": True}, {"created_by": "COPY a"}],
    )

    told = opened(tmp_path, oci(made)).layers(NAME)

    assert [(one.command, one.size_bytes) for one in told] == [("ENV x", 0), ("COPY a", 3), ("", 5)]


# -- which image is meant --------------------------------------------------------------------------


def test_several_images_are_listed_and_one_is_chosen_by_its_name(tmp_path: Path) -> None:
    one, other = Made(), Made(architecture="arm64")
    images = saved((one, ["a:1", "docker.io/library/b:2"]), (other, []))
    source = InArchive(written(tmp_path / "image.tar", images))

    with pytest.raises(UsageProblem, match=r"several images, name one: a:1, .*b:2; sha256:"):
        source.only()
    with pytest.raises(UsageProblem, match="no image 'c:1'; it has: a:1"):
        source.find("c:1")
    assert source.find("b:2").config_digest == digest(one.said)
    assert source.find(digest(other.said)).config_digest == digest(other.said)
    assert source.find(digest(other.said)[7:19]).config_digest == digest(other.said)


def test_an_image_without_a_name_is_known_by_its_digest(tmp_path: Path) -> None:
    made = Made()
    source = InArchive(written(tmp_path / "image.tar", oci(made, name=None)))

    assert source.only() == digest(made.said)
    assert AtRest(source).image(source.only()).config_digest == digest(made.said)


# -- layers, one above the other -------------------------------------------------------------------


def test_later_layers_hide_what_lies_below(tmp_path: Path) -> None:
    engine = seen(
        tmp_path,
        tar(folder("d"), file("d/old", b"1"), file("gone", b"1"), file("o/below", b"1"), file("f")),
        tar(file(".wh.gone"), file("d/new", b"22"), file("o/beside"), file("o/.wh..wh..opq"),
            file("f/now-a-folder")),
    )  # fmt: skip

    found = engine.stat(
        NAME, ["/d/old", "/d/new", "/gone", "/o/below", "/o/beside", "/f", "/d/.wh.x"]
    )

    assert sorted(found) == ["/d/new", "/d/old", "/f", "/o/beside"]
    assert found["/f"].kind == "folder"


def test_links_are_followed_inside_the_image_and_in_a_circle_they_end(tmp_path: Path) -> None:
    engine = seen(
        tmp_path,
        tar(folder("usr/lib"), file("usr/lib/x.so", b"\x7fELF"), link("lib", "usr/lib"),
            link("up", "../../../usr/lib/x.so"), link("a", "b"), link("b", "/a"),
            link("nowhere", "/etc/none"), link("same", "usr/lib/x.so", hard=True)),
    )  # fmt: skip

    found = engine.stat(NAME, ["/lib/x.so", "/up", "/a", "/nowhere", "/same", "/lib/../lib/x.so"])

    assert {path: (one.kind, one.path) for path, one in found.items()} == {
        "/lib/x.so": ("file", "/usr/lib/x.so"),
        "/up": ("file", "/usr/lib/x.so"),
        "/a": ("link", "/a"),
        "/nowhere": ("link", "/etc"),
        "/same": ("file", "/same"),
        "/lib/../lib/x.so": ("file", "/usr/lib/x.so"),
    }
    assert engine.file_head(NAME, "/same", 2) == b"\x7fE"
    assert engine.file_head(NAME, "/lib/x.so", 100) == b"\x7fELF"
    assert engine.file_head(NAME, "/lib", 100) is None


def test_a_listing_names_what_lies_below_a_folder(tmp_path: Path) -> None:
    engine = seen(tmp_path, tar(file("opt/ml/model/a/b", b"123"), link("opt/ml/model/c", "a")))

    (tree,) = engine.listing(NAME, ["/opt/ml/model", "/none", "/opt/ml/model/a/b"], 1).values()

    assert [(one.name, one.kind, one.size) for one in tree.entries] == [
        ("a", "folder", 0), ("c", "symlink", 0), ("a/b", "file", 3),
    ]  # fmt: skip
    assert tree.whole


def test_a_folder_is_copied_out_of_all_layers(tmp_path: Path) -> None:
    engine = seen(
        tmp_path,
        tar(file("d/one", b"1"), file("d/two", b"22"), link("d/too", "d/one", hard=True)),
        tar(file("d/two", b"333"), link("d/link", "one")),
    )
    to = tmp_path / "out.tar"

    assert engine.copy_out(NAME, "/none", to, 1 << 20) is None
    assert engine.copy_out(NAME, "/d", to, 1000) is False
    assert engine.copy_out(NAME, "/d", to, 1 << 20) is True
    with tarfile.open(to) as archive:
        content = {
            one.name: archive.extractfile(one).read()  # type: ignore[union-attr]
            for one in archive
            if one.isreg()
        }
        assert content == {"d/one": b"1", "d/too": b"1", "d/two": b"333"}
        assert archive.getmember("d/link").linkname == "one"


def test_what_is_packed_as_nobody_reads_is_not_known_and_nothing_worse(tmp_path: Path) -> None:
    made = Made()
    zstd = b"\x28\xb5\x2f\xfd" + bytes(20)
    raw = made.manifest().replace(
        json.dumps(described("", packed(made.layers[0])))[17:].encode(),
        json.dumps(described("", zstd))[17:].encode(),
    )
    top = index(described(OCI_MANIFEST, raw))
    files = layout(top, {digest(raw): raw, digest(made.said): made.said, digest(zstd): zstd})
    source = InArchive(written(tmp_path / "image.tar", files))
    engine = AtRest(source)

    name = source.only()
    assert engine.image(name).entrypoint == ("/program",)
    with pytest.raises(Unknowable, match="zstd"):
        engine.stat(name, ["/x"])


# -- what is no archive, or a hostile one ----------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no archive of images"),
        (b"hello", "no archive of images"),
        (bytes(10240), "no archive of images"),
        (tar(file("hello")), "no archive of images"),
        (gzip.compress(b"hello", mtime=0), "no archive of images"),
        (gzip.compress(tar(file("hello")), mtime=0)[:40], "breaks off"),
        (b"\x28\xb5\x2f\xfd" + bytes(100), "packed with zstd"),
        (b"\xfd7zXZ\x00" + bytes(100), "packed with xz"),
        (tar(file("manifest.json", b"[")), "manifest.json is no JSON"),
        (tar(file("manifest.json", b"[" * 100_000)), "manifest.json is no JSON"),
        (tar(file("manifest.json", b"7")), "no list of at most"),
        (tar(file("manifest.json", b"[7]")), "which images there are"),
        (tar(file("manifest.json", b"[]")), "without an image"),
        (tar(file("manifest.json", b'[{"Config": "x"}]')), "lacks x"),
        (tar(file("manifest.json", b'[{"Config": "../../etc/passwd"}]')), "lacks ../../etc/passwd"),
        (tar(file("manifest.json", b'[{"Config": 7}]')), "Config is no text"),
        (tar(file("manifest.json", b"[]"), file("./manifest.json", b"[]")), "twice"),
        (tar(link("manifest.json", "manifest.json")), "no archive of images"),
        (tar(link("manifest.json", "/etc/passwd")), "no archive of images"),
        (tar(file("oci-layout"), file("index.json", b"{}")), "without an image"),
        (tar(file("oci-layout"), file("index.json", b'{"manifests": [{}]}')), "no digest"),
    ],
)  # fmt: skip
def test_what_is_no_archive_of_images_is_told_in_one_message(
    content: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(content)

    with pytest.raises(UsageProblem, match=told) as problem:
        InArchive(path).only()
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("path", ["none.tar", "."])
def test_an_archive_that_cannot_be_read_is_told(path: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="cannot be read"):
        InArchive(tmp_path / path)


def test_a_part_that_is_not_what_its_digest_says_is_refused(tmp_path: Path) -> None:
    made = Made()
    for name in (digest(made.manifest()), digest(made.said), digest(packed(made.layers[0]))):
        files = oci(made)
        place = f"blobs/{name.replace(':', '/')}"
        for changed, told in ((files[place] + b" ", "other bytes than"), (None, "lacks")):
            files.pop(place)
            if changed is not None:
                files[place] = changed
            with pytest.raises(UsageProblem, match=told):
                InArchive(written(tmp_path / "image.tar", files)).only()


def test_a_configuration_that_is_not_what_its_name_says_is_refused(tmp_path: Path) -> None:
    files = saved((Made(), [NAME]))
    files[f"{digest(Made().said)[7:]}.json"] += b" "

    with pytest.raises(UsageProblem, match="other bytes than"):
        InArchive(written(tmp_path / "image.tar", files))


def test_a_size_that_is_not_what_the_manifest_says_is_refused(tmp_path: Path) -> None:
    raw = Made().manifest().replace(b'"size": ', b'"size": 1')
    files = layout(index(described(OCI_MANIFEST, raw)), {digest(raw): raw, **Made().blobs})

    with pytest.raises(UsageProblem, match="and it has others"):
        InArchive(written(tmp_path / "image.tar", files))


def test_a_layer_that_is_not_the_one_of_the_configuration_is_refused(tmp_path: Path) -> None:
    files = saved((Made(), [NAME]))
    name = next(name for name in files if name.endswith("layer.tar"))
    files[name] = tar(file("usr/hello", b"other"))

    with pytest.raises(UsageProblem, match="is not the one with the digest"):
        opened(tmp_path, files).image(NAME)


@pytest.mark.parametrize(
    "config",
    [
        {"Env": 7}, {"Env": [7]}, {"Entrypoint": "sh"}, {"Labels": []}, {"Labels": {"a": 1}},
        {"User": {}}, {"ExposedPorts": "80"}, {"Env": ["A=1"] * 20_000},
    ],
)  # fmt: skip
def test_a_configuration_of_another_form_is_refused(config: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match=r"configuration of team/model:3"):
        opened(tmp_path, oci(Made(config=config))).image(NAME)


def test_indexes_without_an_end_are_not_followed(tmp_path: Path) -> None:
    raw, blobs = index(described(OCI_MANIFEST, b"x")), {}
    for _ in range(6):
        blobs[digest(raw)] = raw
        raw = index(described(OCI_INDEX, raw))

    with pytest.raises(UsageProblem, match="no engine follows that"):
        InArchive(written(tmp_path / "image.tar", layout(raw, blobs)))


def test_what_unpacks_without_an_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layer_reading, "_MOST_BYTES", 1 << 20)
    monkeypatch.setattr(layer_reading.Allowance.__init__, "__defaults__", (1000, 1 << 20))
    bomb = tar(file("zeros", bytes(2 << 20)))

    with pytest.raises(UsageProblem, match=r"its layers have more than|is not the one"):
        seen(tmp_path, bomb).image(NAME)
    with pytest.raises(UsageProblem, match="more than 1000000 files"):
        seen(tmp_path, tar(*(file(f"f{n}") for n in range(1001)))).image(NAME)

    monkeypatch.setattr(tarred, "_MOST_BYTES", 1 << 20)
    (tmp_path / "bomb.tar.gz").write_bytes(gzip.compress(bytes(2 << 20)))
    with pytest.raises(UsageProblem, match="more than there is room for"):
        InArchive(tmp_path / "bomb.tar.gz")


def test_names_that_lead_out_of_the_image_stay_inside(tmp_path: Path) -> None:
    engine = seen(tmp_path, tar(file("../../up", b"1"), file("/root", b"1"), file("a/../../b")))

    assert sorted(engine.stat(NAME, ["/up", "/root", "/b"])) == ["/b", "/root", "/up"]


def test_a_deep_tree_of_folders_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sm_conformance.at_rest.files._MOST_NODES", 5000)
    deep = [file(f"{n}/" + "/".join("a" * 1000)) for n in range(10)]

    with pytest.raises(UsageProblem, match="more than 5000 files and folders"):
        seen(tmp_path, tar(*deep)).image(NAME)


@pytest.mark.parametrize("form", [0, 1])
def test_a_changed_byte_is_a_problem_that_is_told_or_changes_nothing(
    form: int, tmp_path: Path
) -> None:
    """Whatever byte of an archive is changed: the same image, or one clear refusal."""
    made = Made(config=SAID)
    whole = tar(*(file(name, text) for name, text in both(made)[form].items()))
    facts = opened(tmp_path, both(made)[form]).image(NAME)
    chosen = random.Random(5)
    for _ in range(300):
        content = bytearray(whole)
        content[chosen.randrange(len(content))] ^= 1 << chosen.randrange(8)
        path = tmp_path / "changed.tar"
        path.write_bytes(content)
        try:
            source = InArchive(path)
            found = AtRest(source).image(source.only())
        except UsageProblem:
            continue
        assert (found.config_digest, found.environment) == (facts.config_digest, facts.environment)


@pytest.mark.parametrize(
    "headers",
    [
        {"GNU.sparse.map": "x"},
        {"GNU.sparse.map": "1,2", "GNU.sparse.size": "x"},
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"size": "9" * 5000},
    ],
    ids=["no numbers", "no size", "no map", "endless digits"],
)
def test_a_layer_with_numbers_that_are_none_is_refused_in_one_message(
    headers: dict[str, str], tmp_path: Path
) -> None:
    odd = tar(file("odd", b"no number here", pax_headers=headers), file("next", b"1"))

    try:
        seen(tmp_path, odd).image(NAME)
    except UsageProblem as problem:
        told = str(problem)
    else:
        told = "it is read"
    assert "\n" not in told


@pytest.mark.parametrize("time", ["inf", "-inf", "nan", "1e300", "-1e300"])
def test_a_file_of_no_day_is_copied_out_all_the_same(time: str, tmp_path: Path) -> None:
    engine = seen(tmp_path, tar(file("d/one", b"1", pax_headers={"mtime": time})))
    to = tmp_path / "out.tar"

    assert engine.copy_out(NAME, "/d", to, 1 << 20) is True
    with tarfile.open(to) as archive:
        assert archive.getmember("d/one").size == 1


def test_an_archive_that_comes_through_a_pipe_is_told_to_be_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(UsageProblem, match="is a pipe"):
        InArchive(tmp_path / "pipe")


def test_nothing_is_ever_launched(tmp_path: Path) -> None:
    launch: Any = type("Launch", (), {"image": NAME})()

    with pytest.raises(HarnessTrouble, match="nothing is launched"):
        seen(tmp_path, tar(file("x"))).create(launch)


def test_an_empty_layer_is_lawful(tmp_path: Path) -> None:
    assert seen(tmp_path, tar(), io.BytesIO(bytes(1024)).getvalue()).layers(NAME)
