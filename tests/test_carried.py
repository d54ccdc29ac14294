"""A declaration that travels in an image: by a label that holds it, or that says where it lies."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from miniatures.engine import MiniatureEngine

from sm_conformance.carried import LABEL, carried
from sm_conformance.errors import UsageProblem
from sm_conformance.observed.facts import ImageFacts

YAML = "claims: [training]\nnetwork: isolated\n"
WITH_DATA = "claims: [training]\ntraining: {channels: {train: {path: data.csv}}}\n"


class Images(MiniatureEngine):
    """Images that hold files, for who copies them out."""

    def __init__(self, files: dict[str, bytes], *, limit: int | None = None) -> None:
        super().__init__()
        self._files = files
        self._limit = limit

    def copy_out(self, reference: str, path: str, to: Path, limit_bytes: int) -> bool | None:
        there = {name: data for name, data in self._files.items() if name.startswith(path)}
        if not there:
            return None
        with tarfile.open(to, "w") as archive:
            for name, data in there.items():
                member = tarfile.TarInfo(str(Path(name).relative_to(Path(path).parent)))
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        return self._limit is None or to.stat().st_size <= self._limit


def image(label: str | None, reference: str = "lawful") -> ImageFacts:
    facts = MiniatureEngine().image("lawful")
    digest = f"sha256:{reference}"
    labels = {} if label is None else {LABEL: label}
    return replace(facts, reference=reference, config_digest=digest, labels=labels)


def test_an_image_without_the_label_carries_nothing(tmp_path: Path) -> None:
    assert carried(Images({}), [image(None)], folder=tmp_path) is None


def test_a_label_may_hold_the_declaration(tmp_path: Path) -> None:
    found = carried(Images({}), [image(YAML)], folder=tmp_path)

    assert found is not None
    assert (found.origin, found.claims, found.network) == (
        "image", frozenset({"training"}), "isolated",
    )  # fmt: skip
    assert found.sha256


@pytest.mark.parametrize("path", ["/opt/judge", "/opt/judge/sm-conformance.yaml"])
def test_a_label_may_name_the_folder_or_the_file(tmp_path: Path, path: str) -> None:
    files = {"/opt/judge/sm-conformance.yaml": YAML.encode()}

    found = carried(Images(files), [image(path)], folder=tmp_path)

    assert found is not None
    assert found.claims == frozenset({"training"})


def test_the_files_that_it_names_lie_beside_it(tmp_path: Path) -> None:
    files = {
        "/opt/judge/sm-conformance.yaml": WITH_DATA.encode(),
        "/opt/judge/data.csv": b"1,2\n",
    }

    found = carried(Images(files), [image("/opt/judge")], folder=tmp_path)

    assert found is not None
    assert found.training is not None
    assert found.training.channels[0].files == (("data.csv", b"1,2\n"),)


@pytest.mark.parametrize(
    ("label", "files", "said"),
    [
        ("claims: [trainig]", {}, r"the declaration in lawful .*sm-conformance.yaml:1"),
        ("{", {}, "not usable YAML"),
        ("/opt/judge", {}, "the image has no /opt/judge"),
        ("/opt/judge", {"/opt/judge/other.yaml": b""}, "cannot be read"),
        (WITH_DATA, {}, "cannot read .*data.csv"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_names_the_image(
    tmp_path: Path, label: str, files: dict[str, bytes], said: str
) -> None:
    with pytest.raises(UsageProblem, match=said):
        carried(Images(files), [image(label)], folder=tmp_path)


@pytest.mark.parametrize("path", ["/etc/hostname", "../../../../../../etc/hostname"])
def test_an_image_cannot_make_us_read_files_of_this_machine(tmp_path: Path, path: str) -> None:
    label = f"claims: [training]\ntraining: {{channels: {{train: {{path: {path}}}}}}}\n"

    with pytest.raises(UsageProblem, match="leads out of the folder of the declaration"):
        carried(Images({}), [image(label)], folder=tmp_path)


def test_more_than_is_read_is_refused(tmp_path: Path) -> None:
    files = {"/opt/judge/sm-conformance.yaml": YAML.encode()}

    with pytest.raises(UsageProblem, match="has more than 256 MiB"):
        carried(Images(files, limit=1), [image("/opt/judge")], folder=tmp_path)

    assert list(tmp_path.glob("*.tar")) == []


@pytest.mark.parametrize("old", [False, True], ids=["with filters", "as in early Pythons 3.11"])
@pytest.mark.parametrize("name", ["judge/sm-conformance.yaml", "../sm-conformance.yaml"])
def test_what_leads_out_of_the_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, old: bool
) -> None:
    if old:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)

    class Sly(Images):
        def copy_out(self, reference: str, path: str, to: Path, limit_bytes: int) -> bool | None:
            with tarfile.open(to, "w") as archive:
                member = tarfile.TarInfo(name)
                if name.startswith("judge"):
                    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(member)
            return True

    with pytest.raises(UsageProblem, match="cannot be unpacked"):
        carried(Sly({}), [image("/opt/judge")], folder=tmp_path)


def test_two_images_may_carry_the_same_and_not_two_different_ones(tmp_path: Path) -> None:
    same = [image(YAML, "trains"), image(YAML, "serves")]
    assert carried(Images({}), same, folder=tmp_path) is not None

    other = [image(YAML, "trains"), image("claims: [hosting]", "serves")]
    with pytest.raises(UsageProblem, match="trains and serves carry different declarations"):
        carried(Images({}), other, folder=tmp_path)
