"""The folder that one run writes to: the user's own, or one of its own among temporary files.

Of an earlier run nothing stays in it, and what is of no run is left alone. It is locked for as long as
its run lives: no other run writes to it, nor removes a temporary one. When a run leaves evidence
behind, the older of the folders that earlier runs left behind go.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.secrecy.files import hide_in
from sm_conformance.secrecy.mask import Mask

EVIDENCE = "evidence"
# Lies in the evidence from the beginning of a run, and says whose it is.
MARK = ".sm-conformance"
LOCK = ".lock"
# How many temporary folders of ended runs are left to the user.
NEWEST = 3

_PREFIX = "sm-conformance-"
# Declarations that images carry, unpacked.
_CARRIED = "carried-[0-9]*"
# What a run writes beside its evidence.
_FORMS = (
    "report.json", "report.html", "report.sarif", "summary.md", "badge.svg", "declaration.json",
    "junit.xml",
)  # fmt: skip


class RunFolder:
    """The folder of a run: ``report``, made where it is missing, else a new temporary one.

    Raises :class:`UsageProblem` when ``report`` cannot be made or another run writes to it, and
    :class:`HarnessTrouble` when there is no place for temporary files.
    """

    def __init__(self, report: Path | None) -> None:
        self.is_temporary = report is None
        self.path = _made(report) if report is not None else _new()
        self._held: int | None = _held_alone(report) if report is not None else _opened(self.path)
        if self.is_temporary:
            _locked(self._held, fcntl.LOCK_SH)

    def begin(self) -> None:
        """Clears what an earlier run left in the user's folder, and marks the evidence as a run's.

        Raises :class:`UsageProblem` for evidence that is of no run.
        """
        if self.is_temporary:
            return
        evidence = self.path / EVIDENCE
        try:
            _clear(self.path, evidence)
            evidence.mkdir(exist_ok=True)
            (evidence / MARK).touch()
        except OSError as error:
            raise UsageProblem(f"--sm-report {self.path}: cannot be written: {error}") from error

    def hide(self, mask: Mask) -> list[Path]:
        """Hides secrets in what the run left; the files that had to be removed for it."""
        if self._held is None:
            return []
        parts = (self.path / EVIDENCE, *self.path.glob(_CARRIED))
        return [path for part in parts for path in hide_in(part, mask)]

    def leave(self, *, keep: bool) -> None:
        """Ends the use of the folder. A temporary one goes, or it is kept and older ones go."""
        if self._held is None:
            return
        (self.path / LOCK).unlink(missing_ok=True)
        os.close(self._held)
        self._held = None
        if self.is_temporary and keep:
            remove_older(newest=NEWEST)
        elif self.is_temporary:
            shutil.rmtree(self.path, ignore_errors=True)


@contextlib.contextmanager
def ended(folder: Path, *, images: Collection[str]) -> Iterator[dict[str, Any]]:
    """The report that a run on these ``images`` left in ``folder``, which no other run has meanwhile.

    A folder is free as soon as its run ends. Raises :class:`HarnessTrouble` when another run has it
    by now, or has left its own report there.
    """
    another = HarnessTrouble(
        f"{folder}: another run has written there since; give each run a folder of its own (--report)"
    )
    try:
        held = _held_alone(folder)
    except (OSError, UsageProblem) as error:
        raise another from error
    try:
        try:
            report = json.loads((folder / _FORMS[0]).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise another from error
        judged = {image["reference"] for image in report["candidate"]["images"]}
        if not judged or not judged <= set(images):
            raise another
        yield report
    finally:
        os.close(held)


def remove_older(*, newest: int) -> None:
    """Removes the temporary folders of this user's ended runs, but for the ``newest`` ones.

    Left alone is what a live run uses, what belongs to somebody else, every link, and a folder with
    more in it than a run writes there.
    """
    for path in _of_ended_runs()[newest:]:
        shutil.rmtree(path, ignore_errors=True)


def _of_ended_runs() -> list[Path]:
    """The temporary folders that may go, newest first."""
    found = []
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            folder = _opened(path)
        except OSError:
            continue  # no folder, a link to one, somebody else's, or gone meanwhile
        try:
            if _is_of_a_run(folder) and _has_ended(folder):
                found.append((os.fstat(folder).st_mtime_ns, path))
        finally:
            os.close(folder)
    return [path for _, path in sorted(found, reverse=True)]


def _is_of_a_run(folder: int) -> bool:
    """Whether a run of this user wrote there, and nobody anything else.

    A run that has just made its folder, and not locked it yet, has not written there.
    """
    inside = set(os.listdir(folder))
    return os.fstat(folder).st_uid == os.getuid() and EVIDENCE in inside <= {EVIDENCE, LOCK}


def _has_ended(folder: int) -> bool:
    """Whether nobody holds the folder, nor the lock file that launches hold: of a run that was
    killed a worker may still launch."""
    if not _locked(folder, fcntl.LOCK_EX):
        return False
    try:
        file = os.open(LOCK, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return _locked(file, fcntl.LOCK_EX)
    finally:
        os.close(file)


def _locked(opened: int, operation: int) -> bool:
    """Locks without waiting. False where somebody else holds it, or the file system has no locks."""
    try:
        fcntl.flock(opened, operation | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _held_alone(report: Path) -> int:
    """The user's own folder, opened and locked; each run replaces what another left there."""
    folder = os.open(report, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(folder)
        raise UsageProblem(
            f"--sm-report {report}: another run is writing there; give each a folder of its own"
        ) from None
    except OSError:
        pass  # a file system without locks: nothing is known of other runs
    return folder


def _clear(path: Path, evidence: Path) -> None:
    """Removes a run's forms and the folders of its launches; files beside these stay."""
    if not (evidence / MARK).is_file() and not _is_a_report(path / _FORMS[0]):
        if evidence.is_symlink() or (evidence.is_dir() and any(evidence.iterdir())):
            raise UsageProblem(
                f"--sm-report {path}: what lies in {EVIDENCE}/ there is of no run; name another folder"
            )
        return
    for launch in (*evidence.glob("*/"), *path.glob(_CARRIED)):
        if launch.is_dir() and not launch.is_symlink():
            shutil.rmtree(launch)
    for name in _FORMS:
        (path / name).unlink(missing_ok=True)


def _is_a_report(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return b'"schema": "sm-conformance/report/' in opened.read(200)
    except OSError:
        return False


def _new() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=_PREFIX))
    except OSError as error:
        raise HarnessTrouble(f"no temporary folder can be made: {error}") from error


def _made(report: Path) -> Path:
    try:
        report.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageProblem(f"--sm-report {report}: cannot be made: {error}") from error
    return report.absolute()
