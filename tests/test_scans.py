"""What scanners found is read of their files, held against the image, and never believed blindly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from miniatures.declared import TRAINS
from miniatures.engine import MiniatureEngine
from miniatures.found_out import hurry, judge_here
from miniatures.judging import Judged

from sm_conformance.errors import UsageProblem
from sm_conformance.scans import reading
from sm_conformance.scans.reading import read
from sm_conformance.scans.scan import Weakness

OURS = f"sha256:{hashlib.sha256(b'lawful').hexdigest()}"
OTHER = "sha256:" + "0a1b" * 16
KEY = "MKT-018 scanned"


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def trivy(image: str | None = OURS, *, name: str = "lawful", **found: Any) -> dict[str, Any]:
    vulnerabilities = [
        {
            "VulnerabilityID": "CVE-2026-1", "PkgName": "openssl", "InstalledVersion": "3.0.1",
            "FixedVersion": "3.0.2", "Severity": "CRITICAL", "Status": "fixed",
            **found,
        },
        {"VulnerabilityID": "CVE-2026-2", "PkgName": "zlib1g", "InstalledVersion": "1.2",
         "Severity": "HIGH", "Status": "affected"},
        {"VulnerabilityID": "CVE-2026-3", "PkgName": "tar", "InstalledVersion": "1",
         "FixedVersion": "2", "Severity": "MEDIUM"},
    ]  # fmt: skip
    return {
        "SchemaVersion": 2,
        "ArtifactName": name,
        "ArtifactType": "container_image",
        "Metadata": {"ImageID": image, "RepoTags": [name]} if image else {},
        "Results": [
            {
                "Target": f"{name} (debian 13)",
                "Class": "os-pkgs",
                "Vulnerabilities": vulnerabilities,
            },
            {"Target": "python", "Class": "lang-pkgs"},
        ],
    }


def grype(image: str | None = OURS, *, state: str = "fixed") -> dict[str, Any]:
    return {
        "matches": [
            {
                "vulnerability": {
                    "id": "CVE-2026-1",
                    "severity": "High",
                    "fix": {"versions": ["3.0.2"] if state == "fixed" else [], "state": state},
                },
                "artifact": {"name": "openssl", "version": "3.0.1", "type": "deb"},
            }
        ],
        "source": {"type": "image", "target": {"userInput": "lawful", "imageID": image}},
        "distro": {"name": "debian"},
        "descriptor": {"name": "grype", "version": "0.99.0"},
    }


def dockle(level: str = "FATAL", **image: str) -> dict[str, Any]:
    return {
        **image,
        "summary": {"fatal": 1, "warn": 0, "info": 0, "skip": 0, "pass": 15},
        "details": [
            {"code": "DKL-LI-0001", "title": "Avoid empty password", "level": level,
             "alerts": ["No password user found! username : root"]}
        ],
    }  # fmt: skip


def sarif_of_trivy(image: str | None = OURS) -> dict[str, Any]:
    message = (
        "Package: openssl\nInstalled Version: 3.0.1\nVulnerability CVE-2026-1\nSeverity: CRITICAL\n"
        "Fixed Version: 3.0.2\nLink: [CVE-2026-1](https://avd.aquasec.com/nvd/cve-2026-1)"
    )
    secret = "Artifact: app\nType: \nSecret AWS Access Key ID\nSeverity: CRITICAL\nMatch: ****"
    return sarif(
        "Trivy",
        [
            {"id": "CVE-2026-1", "properties": {"tags": ["vulnerability", "security", "CRITICAL"]}},
            {"id": "aws", "properties": {"tags": ["secret", "security", "CRITICAL"]}},
        ],
        [
            {"ruleId": "CVE-2026-1", "level": "error", "message": {"text": message}},
            {"ruleId": "aws", "level": "error", "message": {"text": secret}},
        ],
        **({"properties": {"imageID": image, "imageName": "lawful"}} if image else {}),
    )


def sarif_of_grype(fixed: str = "3.0.2") -> dict[str, Any]:
    text = (
        "Vulnerability CVE-2026-1\nSeverity: critical\nPackage: openssl\nVersion: 3.0.1\n"
        f"Fix Version: {fixed}\nType: deb\nLocation: /lib\nData Namespace: debian\nLink: CVE-2026-1"
    )
    result = {"ruleId": "CVE-2026-1-openssl", "message": {"text": "The path /lib reports openssl"}}
    rule = {"id": "CVE-2026-1-openssl", "help": {"text": text}}
    return sarif("Anchore Grype Scan", [rule], [result])


def sarif(name: str, rules: list[Any], results: list[Any], **more: Any) -> dict[str, Any]:
    driver = {"name": name, "rules": rules}
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results, **more}]}


SSL = Weakness("CVE-2026-1", "openssl", "3.0.1", "3.0.2", "critical")


def written(folder: Path, data: Any) -> Path:
    path = folder / "scan.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


# -- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "scanner", "found"),
    [
        (trivy(), "trivy", (SSL, Weakness("CVE-2026-2", "zlib1g", "1.2", "", "high"))),
        ({**trivy(), "Results": None}, "trivy", ()),
        (grype(), "grype", (Weakness("CVE-2026-1", "openssl", "3.0.1", "3.0.2", "high"),)),
        (grype(state="wont-fix"), "grype", (Weakness("CVE-2026-1", "openssl", "3.0.1", "", "high"),)),
        (sarif_of_trivy(), "trivy", (SSL,)),
        (sarif_of_grype(), "grype", (SSL,)),
        (sarif_of_grype(fixed=""), "grype", (Weakness("CVE-2026-1", "openssl", "3.0.1", "", "critical"),)),
        (dockle(level="WARN"), "Dockle", ()),
    ],
)  # fmt: skip
def test_what_is_critical_or_high_is_read_with_package_and_fix(
    tmp_path: Path, data: Any, scanner: str, found: tuple[Weakness, ...]
) -> None:
    scan = read(written(tmp_path, data))

    assert scan.scanner == scanner
    assert scan.found == found


def test_what_dockle_calls_fatal_is_critical(tmp_path: Path) -> None:
    by_json = read(written(tmp_path, dockle(image="lawful:latest")))
    result = {"ruleId": "DKL-LI-0001", "level": "error", "message": {"text": "No password"}}
    by_sarif = read(written(tmp_path, sarif("Dockle", [{"id": "DKL-LI-0001"}], [result])))

    for scan in (by_json, by_sarif):
        (one,) = scan.found
        assert (one.id, one.severity, one.mendable) == ("DKL-LI-0001", "critical", True)
        assert not scan.looks_for_known


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[]", "neither SARIF"),
        ({"vulnerabilities": []}, "neither SARIF"),
        ({**trivy(), "SchemaVersion": 1}, "trivy['SchemaVersion']"),
        ({**trivy(), "Results": [{"Vulnerabilities": [{"VulnerabilityID": 7}]}]}, "trivy['Results']"),
        ({**grype(), "matches": [{}]}, "grype['matches'][0]"),
        ({**dockle(), "details": {}}, "dockle['details']"),
        ({"version": "2.0.0", "runs": []}, "sarif"),
        (sarif("Snyk", [], []), "it is of 'Snyk'"),
        (sarif("Grype", [], [{"ruleId": "x", "message": {"text": "y"}}]), "worded in an unknown way"),
        (
            {"version": "2.1.0", "runs": [*sarif_of_trivy()["runs"], *sarif_of_trivy(OTHER)["runs"]]},
            "its runs are of several images",
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_not_understood_is_the_users_mistake(
    tmp_path: Path, data: Any, told: str
) -> None:
    with pytest.raises(UsageProblem) as raised:
        read(written(tmp_path, data))

    assert told in str(raised.value)
    assert str(raised.value).startswith("scan ")


def test_a_file_without_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 1 << 20)

    with pytest.raises(UsageProblem, match="has more than 1 MiB"):
        read(Path("/dev/zero"))
    with pytest.raises(UsageProblem, match="cannot be read: No such file"):
        read(tmp_path / "none")


# -- judged ----------------------------------------------------------------------------------------

Judge = Callable[..., Judged]


@pytest.fixture
def judge(pytester: pytest.Pytester) -> Judge:
    """Judges the lawful miniature by this clause and what was scanned."""

    def judged(*scans: Any, claims: tuple[str, ...] = ("training",)) -> Judged:
        options = []
        for number, data in enumerate(scans):
            path = pytester.path / f"scan-{number}.json"
            path.write_text(json.dumps(data), "utf-8")
            options.append(f"--sm-scan={path}")
        declaration = {**TRAINS, "claims": list(claims)}
        return judge_here(
            pytester, "lawful", "-k", "test_scanned", *options, declaration=declaration
        )

    return judged


def test_a_run_without_a_scan_is_as_sure_as_before(pytester: pytest.Pytester) -> None:
    judged = judge_here(pytester, "lawful", declaration=TRAINS)

    assert judged.findings[KEY]["verdict"] == "n/a"
    assert judged.report["conclusion"] == "conformant"


def test_a_listing_without_a_scan_is_not_judged_and_excused(judge: Judge) -> None:
    found = judge(claims=("training", "marketplace")).findings[KEY]

    assert found["verdict"] == "not-run"
    assert found["excused"]
    assert "--sm-scan FILE" in found["reason"]


@pytest.mark.parametrize("data", [trivy(), grype(), sarif_of_trivy()])
def test_what_can_be_mended_is_advice_with_package_version_and_fix(judge: Judge, data: Any) -> None:
    found = judge(data).findings[KEY]

    assert found["verdict"] == "advice"
    assert "CVE-2026-1 in openssl 3.0.1 (" in found["actual"]
    assert "fixed in 3.0.2)" in found["actual"]
    assert "scan-0.json: 1 found" in found["actual"]


def test_few_are_named_and_all_are_counted(judge: Judge) -> None:
    data = trivy()
    (first, *_), *_ = [one["Vulnerabilities"] for one in data["Results"][:1]]
    many = [{**first, "VulnerabilityID": f"CVE-2026-{number}"} for number in range(1000, 1300)]
    data["Results"][0]["Vulnerabilities"] += many

    actual = judge(data).findings[KEY]["actual"]

    assert "301 found" in actual
    assert "and 296 more; 1 without a fix" in actual
    assert len(actual) < 1000


@pytest.mark.parametrize(
    "data", [grype(state="not-fixed"), trivy(FixedVersion=""), trivy(Severity="LOW")]
)
def test_what_nobody_can_mend_is_kept(judge: Judge, data: Any) -> None:
    assert judge(data).findings[KEY]["verdict"] == "pass"


@pytest.mark.parametrize("data", [trivy(OTHER), grype(OTHER), sarif_of_trivy(OTHER)])
def test_the_scan_of_another_image_is_the_users_mistake(judge: Judge, data: Any) -> None:
    judged = judge(data)

    assert judged.status == 4
    assert "it is of another image" in judged.errors


@pytest.mark.parametrize(
    "data",
    [
        trivy(None, Severity="LOW"),
        trivy(None, name="elsewhere/image:1"),
        grype(None, state="not-fixed"),
        sarif_of_grype(),
    ],
)
def test_a_scan_of_nobody_knows_which_image_shows_nothing(judge: Judge, data: Any) -> None:
    found = judge(data).findings[KEY]

    assert found["verdict"] == "not-run"
    assert found["excused"]
    assert "does not say by a digest which image it is of" in found["reason"]


def test_what_is_found_under_the_images_name_alone_says_so(judge: Judge) -> None:
    found = judge(dockle(image="docker.io/library/lawful:latest")).findings[KEY]

    assert found["verdict"] == "advice"
    assert "(which names the image without a digest)" in found["actual"]
    assert "No password user found" in found["actual"]


def test_dockle_alone_shows_no_image_free_of_vulnerabilities(judge: Judge) -> None:
    found = judge(dockle(level="INFO", image=f"lawful@{OURS}")).findings[KEY]

    assert found["verdict"] == "not-run"
    assert "no vulnerabilities of lawful were looked for" in found["reason"]


def of_trivy(**changed: Any) -> dict[str, Any]:
    data = sarif_of_trivy()
    return {**data, "runs": [{**data["runs"][0], "results": [], **changed}]}


@pytest.mark.parametrize(
    "data",
    [
        {**trivy(), "Results": None},
        {**trivy(), "Results": [{"Target": "app/key.pem", "Class": "secret", "Secrets": []}]},
        of_trivy(results=None),
        of_trivy(invocations=[{"executionSuccessful": False}]),
    ],
    ids=["no packages", "only secrets", "no results", "a run that failed"],
)
def test_nothing_found_where_nothing_was_looked_for_shows_nothing(judge: Judge, data: Any) -> None:
    found = judge(data).findings[KEY]

    assert (found["verdict"], found["excused"]) == ("not-run", True)
    assert "scan-0.json names no packages that were looked at" in found["reason"]
    assert "no vulnerabilities of lawful were looked for" in found["reason"]


def test_a_run_that_ended_well_and_found_nothing_keeps_the_clause(judge: Judge) -> None:
    data = of_trivy(invocations=[{"executionSuccessful": True}])

    assert judge(data).findings[KEY]["verdict"] == "pass"


@pytest.mark.parametrize(
    ("architecture", "surely"), [("amd64", True), (None, True), ("", True), ("arm64", False)]
)
@pytest.mark.parametrize("scanner", ["trivy", "grype"])
def test_the_digest_of_an_index_is_not_that_of_its_image_for_another_processor(
    tmp_path: Path, scanner: str, architecture: str | None, surely: bool
) -> None:
    """Both of its images were pulled by the same digest, the scanned and the judged one."""
    ours = MiniatureEngine().image("lawful")
    judged = replace(ours, architecture="amd64", manifest_digest="sha256:" + "77" * 32)
    pulled = [f"lawful@{judged.manifest_digest}"]
    if scanner == "trivy":
        data = trivy(OTHER)
        data["Metadata"] |= {"RepoDigests": pulled, "ImageConfig": {"architecture": architecture}}
    else:
        data = grype(OTHER)
        data["source"]["target"] |= {"repoDigests": pulled, "architecture": architecture}

    of = read(written(tmp_path, data)).of

    assert of.is_surely(judged) is surely
    assert of.is_another([judged]) is not surely


def test_several_scans_are_held_together(judge: Judge) -> None:
    told = judge(dockle(image="lawful"), trivy()).findings[KEY]["actual"]

    assert "DKL-LI-0001" in told
    assert "CVE-2026-1" in told


def test_what_a_scanner_wrote_cannot_move_the_cursor(judge: Judge) -> None:
    judged = judge(trivy(PkgName="\x1b[2Jopenssl\n= conformant ="))

    assert "\x1b[2J" not in judged.output
    assert "\n= conformant =" not in judged.findings[KEY]["actual"]


def test_an_empty_scan_is_the_users_mistake(pytester: pytest.Pytester) -> None:
    judged = judge_here(pytester, "lawful", "--sm-scan=", declaration=TRAINS)

    assert judged.status == 4
    assert "--sm-scan is empty" in judged.errors
