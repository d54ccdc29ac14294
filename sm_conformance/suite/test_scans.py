"""What scanners found in the image, as the files say that the user hands over."""

from __future__ import annotations

from collections.abc import Iterator

from sm_conformance.binding import clause
from sm_conformance.candidate import Candidate
from sm_conformance.judgement.outcome import Broken, NotApplicable, NotRun
from sm_conformance.observed.facts import ImageFacts
from sm_conformance.observed.http import printable
from sm_conformance.scans.scan import Scan, Weakness
from sm_conformance.suite.images import claimed_images

_FEW = 5
_LONGEST = 120
_NOT_FOR_KNOWN = "Dockle"
_HAND_OVER = "hand over what trivy or grype found with --sm-scan FILE"


@clause("MKT-018", "scanned")
def test_scanned(candidate: Candidate, scans: tuple[Scan, ...]) -> None:
    """A security scan finds no known critical or high vulnerability in the image."""
    if not scans and "marketplace" not in candidate.claims:
        raise NotApplicable("no scanner's findings were handed over")
    images = [facts for facts, _ in claimed_images(candidate)]
    told = [said for scan in scans if (said := _serious(scan, images))]
    if told:
        raise Broken(
            expected="nothing critical or high that can be mended",
            actual="; ".join(told),
            only_advice=True,  # scanners disagree, and the platform's threshold is not published
        )
    doubts = list(_doubts(scans, images))
    if doubts:
        raise NotRun("; ".join(doubts[:_FEW]), excused=True)


def _serious(scan: Scan, images: list[ImageFacts]) -> str:
    """What a scan found that can be mended; nothing where it may be of another image."""
    by_name = not any(scan.of.is_surely(image) for image in images)
    if by_name and not any(scan.of.is_called(image) for image in images):
        return ""
    mendable = [one for one in scan.found if one.mendable]
    if not mendable:
        return ""
    rest = len(scan.found) - len(mendable)
    more = f" and {len(mendable) - _FEW} more" if len(mendable) > _FEW else ""
    unfixed = f"; {rest} without a fix" if rest else ""
    named = " (which names the image without a digest)" if by_name else ""
    return (
        f"{scan.scanner}, {printable(scan.file)[:_LONGEST]}{named}: {len(mendable)} found: "
        f"{', '.join(_shown(one) for one in mendable[:_FEW])}{more}{unfixed}"
    )


def _shown(one: Weakness) -> str:
    what = printable(f"{one.id} in {one.subject} {one.installed}".strip())[:_LONGEST]
    if one.fixed is None:
        return f"{what} ({one.severity})"
    return f"{what} ({one.severity}, fixed in {printable(one.fixed)[:_LONGEST]})"


def _doubts(scans: tuple[Scan, ...], images: list[ImageFacts]) -> Iterator[str]:
    """Why nothing serious in these files does not show that there is none."""
    for scan in scans:
        if not scan.of.digests:
            yield f"{printable(scan.file)[:_LONGEST]} does not say by a digest which image it is of"
        if not scan.looks_for_known and scan.scanner != _NOT_FOR_KNOWN:
            yield f"{printable(scan.file)[:_LONGEST]} names no packages that were looked at"
    for image in images:
        sure = [scan for scan in scans if scan.of.is_surely(image) and scan.looks_for_known]
        if not sure:
            yield f"no vulnerabilities of {image.reference} were looked for: {_HAND_OVER}"
