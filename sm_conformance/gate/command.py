"""The command ``gate``: judges an image, pushes it if it is conformant, and reads it back."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sm_conformance.contract import profile
from sm_conformance.contract.profile import Profile
from sm_conformance.engine.credentials import credentials
from sm_conformance.engine.docker import DockerEngine
from sm_conformance.engine.protocol import NoSuchImage
from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.gate.pushed import barred, with_pushed
from sm_conformance.judgement import forms
from sm_conformance.judgement.conclusion import Conclusion, ExitStatus
from sm_conformance.judgement.finding import Verdict
from sm_conformance.registry.client import Repository
from sm_conformance.registry.manifest import Manifest
from sm_conformance.run_folder import ended

# Where the report goes that nobody named a folder for: a pipeline keeps it with what it made.
_REPORT_FOLDER = "sm-conformance-report"


class _Refused(Exception):
    """The image must not pass; the text says why."""


def gate(options: argparse.Namespace, check: Callable[[argparse.Namespace], int]) -> int:
    """Judges with ``check`` and pushes what was judged, only when it is conformant."""
    try:
        target = Repository(options.push, credentials=credentials)
        if target.digest is not None:
            raise UsageProblem(f"--push {options.push}: a push is to a tag, and no digest")
        if not options.image:
            raise UsageProblem("name one image: what is pushed is what was judged")
        by = profile.load(options.profile or profile.DEFAULT)
    except UsageProblem as error:
        return _said("gate", error, ExitStatus.UNUSABLE)
    options.report = options.report or _REPORT_FOLDER
    status = check(options)
    if status != 0:
        if status != ExitStatus.UNUSABLE:  # which has said why by itself
            print(f"gate: closed; nothing was pushed to {target.reference}")
        return status
    folder = Path(options.report)
    try:
        with ended(folder, images=[options.image]) as report:
            manifest = _passed(report, by, target, folder, waivers=not options.no_waivers)
    except _Refused as error:
        print(f"gate: closed; {error}")
        return ExitStatus.NONCONFORMANT
    except (HarnessTrouble, UsageProblem) as error:
        return _said("gate", error, ExitStatus.INCONCLUSIVE)
    except KeyboardInterrupt:
        told = f"interrupted; whether {target.reference} was pushed, its registry knows"
        return _said("gate", told, ExitStatus.INTERRUPTED)
    print(f"gate: open; pushed {target.reference}")
    print(f"      {target.name}@{manifest.digest}")
    return 0


def _passed(
    report: Mapping[str, Any], by: Profile, target: Repository, folder: Path, *, waivers: bool
) -> Manifest:
    """What the registry holds after the push. Raises :class:`_Refused` when it must not be there."""
    if report["conclusion"] != Conclusion.CONFORMANT or not report["complete"]:
        raise _Refused(f"{folder} says {report['conclusion']}; nothing was pushed")
    if report["waivers"] and not waivers:
        waived = ", ".join(one["clause"] for one in report["waivers"])
        raise _Refused(f"waivers are not allowed here ({waived})")
    if (bar := barred(report, by)) is not None:
        raise _Refused(f"{bar.key}: {bar.actual}; {bar.fix} Nothing was pushed")
    manifest = _pushed(report, target)
    _tell(report, by, target, manifest, folder)
    return manifest


def _pushed(report: Mapping[str, Any], target: Repository) -> Manifest:
    """Pushes the judged image and reads it back. Raises :class:`_Refused` when it is another one."""
    (image,) = report["candidate"]["images"]
    judged = image["config_digest"]
    engine = DockerEngine()
    try:
        try:
            now = engine.image(image["reference"]).config_digest
        except NoSuchImage:
            now = "nothing"
        if now != judged:
            raise _Refused(
                f"{image['reference']} is {now} by now, and {judged} was judged; nothing was pushed"
            )
        # By its digest: whatever the tag comes to mean meanwhile, this is what was judged.
        told = engine.push(judged, repository=target.name, tag=target.tag)
    finally:
        engine.close()
    try:
        found = target.manifest(target.tag)
    except (HarnessTrouble, UsageProblem) as error:
        raise HarnessTrouble(
            f"{target.reference} was pushed and could not be read back: {error}"
        ) from error
    if found is None:
        raise _Refused(f"{target.reference} was pushed and is not there")
    if found.digest != told:
        raise _Refused(
            f"{target.reference} leads to {found.digest}, and {told} was pushed: somebody else "
            "has pushed to it, or the registry has written another manifest"
        )
    if judged not in (found.config_digest, found.digest):
        raise _Refused(
            f"{target.reference} names the image {found.config_digest}, and {judged} was judged"
        )
    return found


def _tell(
    report: Mapping[str, Any], by: Profile, target: Repository, found: Manifest, folder: Path
) -> None:
    """Writes down what was pushed. Raises :class:`_Refused` where no model can be made of it."""
    written, findings = with_pushed(report, by, target, found)
    forms.rewrite(written, folder)
    told = {one.verdict: f"{one.key}: {one.actual}; {one.fix}" for one in findings}
    if Verdict.FAIL in told:
        raise _Refused(f"{told[Verdict.FAIL]} It was pushed, so remove it from the registry")
    if Verdict.ADVICE in told:
        print(f"advice: {told[Verdict.ADVICE]}")


def _said(command: str, error: Exception | str, status: ExitStatus) -> int:
    sys.stderr.write(f"sm-conformance {command}: {error}\n")
    return status
