"""The folder that a run writes to: temporary ones do not pile up, and nothing else is removed."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sm_conformance.errors import HarnessTrouble, UsageProblem
from sm_conformance.laboratory.quiet import Quiet
from sm_conformance.run_folder import EVIDENCE, LOCK, MARK, NEWEST, RunFolder, remove_older

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The place for temporary files, of this test alone."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def begun() -> RunFolder:
    """The temporary folder of a run that has written evidence."""
    folder = RunFolder(None)
    (folder.path / EVIDENCE / "train-plain").mkdir(parents=True)
    (folder.path / EVIDENCE / "train-plain" / "stdout.log").write_text("said\n", "utf-8")
    (folder.path / LOCK).touch()
    return folder


def ended(*, age_s: int = 0) -> Path:
    """What a run left that ended so long ago."""
    path = Path(tempfile.mkdtemp(prefix="sm-conformance-"))
    (path / EVIDENCE).mkdir()
    aged(path, age_s)
    return path


def aged(path: Path, age_s: int) -> None:
    now = path.stat().st_mtime
    os.utime(path, (now - age_s, now - age_s))


def left(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()}


# -- one folder ------------------------------------------------------------------------------------


def test_without_a_report_a_run_has_a_new_folder_that_nobody_else_may_read(temporary: Path) -> None:
    one, other = RunFolder(None), RunFolder(None)

    assert one.path != other.path
    assert one.path.parent == other.path.parent == temporary
    assert one.path.stat().st_mode & 0o077 == 0
    one.leave(keep=False)
    other.leave(keep=False)


def test_a_folder_that_is_not_kept_goes_with_all_that_is_in_it(temporary: Path) -> None:
    begun().leave(keep=False)

    assert left(temporary) == set()


def test_a_folder_that_is_kept_loses_only_its_lock_file() -> None:
    folder = begun()

    folder.leave(keep=True)

    assert left(folder.path) == {EVIDENCE}
    assert (folder.path / EVIDENCE / "train-plain" / "stdout.log").read_text("utf-8") == "said\n"


@pytest.mark.parametrize("keep", [True, False])
def test_the_users_own_folder_stays_whatever_is_in_it(
    tmp_path: Path, temporary: Path, keep: bool
) -> None:
    report = tmp_path / "deep" / "report"
    old = [ended(age_s=age) for age in (40, 30, 20, 10)]
    folder = RunFolder(report)
    (report / LOCK).touch()
    (report / "notes").touch()

    folder.leave(keep=keep)

    assert folder.path == report
    assert left(report) == {"notes"}
    assert left(temporary) == {path.name for path in old}


def test_a_relative_report_stays_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(Path("report"))
    monkeypatch.chdir("/")

    assert folder.path == tmp_path / "report"


def test_a_report_that_cannot_be_made_is_the_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageProblem, match=r"--sm-report .+: cannot be made"):
        RunFolder(tmp_path / "file" / "report")


def test_two_runs_do_not_write_to_one_report_at_the_same_time(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "report")

    with pytest.raises(UsageProblem, match=r"--sm-report .+report: another run is writing there"):
        RunFolder(tmp_path / "report")

    first.leave(keep=True)
    RunFolder(tmp_path / "report").leave(keep=True)


def test_a_report_may_be_reached_by_a_link(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "link").symlink_to("report")

    folder = RunFolder(tmp_path / "link")

    with pytest.raises(UsageProblem, match="another run is writing there"):
        RunFolder(tmp_path / "report")
    folder.leave(keep=True)


def test_a_report_where_nothing_can_be_locked_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_locks(folder: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", without_locks)

    RunFolder(tmp_path / "report").leave(keep=True)

    assert left(tmp_path / "report") == set()


def test_no_place_for_temporary_files_is_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")

    with pytest.raises(HarnessTrouble, match="no temporary folder can be made"):
        RunFolder(None)


def test_a_report_holds_nothing_of_an_earlier_run_and_keeps_what_is_of_none(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "report")
    first.begin()
    for name in ("train-plain/replies/a.txt", "serve-plain/stdout.log"):
        path = first.path / EVIDENCE / name
        path.parent.mkdir(parents=True)
        path.touch()
    (first.path / "carried-1").mkdir()
    for name in ("report.json", "declaration.json", "junit.xml", "notes", f"{EVIDENCE}/notes"):
        (first.path / name).touch()
    first.leave(keep=True)

    second = RunFolder(tmp_path / "report")
    second.begin()

    assert left(second.path) == {EVIDENCE, "notes"}
    assert left(second.path / EVIDENCE) == {MARK, "notes"}
    second.leave(keep=True)


def test_evidence_beside_a_report_of_ours_is_a_runs(tmp_path: Path) -> None:
    (tmp_path / EVIDENCE / "train-plain").mkdir(parents=True)
    (tmp_path / "report.json").write_text('{\n "schema": "sm-conformance/report/1"}', "utf-8")

    folder = RunFolder(tmp_path)
    folder.begin()

    assert left(tmp_path / EVIDENCE) == {MARK}
    assert not (tmp_path / "report.json").exists()
    folder.leave(keep=True)


@pytest.mark.parametrize("report", [b"", b'{"schema": "of another tool"}'])
def test_evidence_of_somebody_else_is_never_removed(tmp_path: Path, report: bytes) -> None:
    (tmp_path / EVIDENCE / "case-7").mkdir(parents=True)
    if report:
        (tmp_path / "report.json").write_bytes(report)
    folder = RunFolder(tmp_path)

    with pytest.raises(UsageProblem, match="is of no run; name another folder"):
        folder.begin()

    assert (tmp_path / EVIDENCE / "case-7").is_dir()
    folder.leave(keep=True)


def test_a_link_in_the_place_of_the_evidence_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine" / "case-7").mkdir(parents=True)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / EVIDENCE).symlink_to(tmp_path / "mine")
    folder = RunFolder(tmp_path / "report")

    with pytest.raises(UsageProblem, match="is of no run"):
        folder.begin()

    assert (tmp_path / "mine" / "case-7").is_dir()
    folder.leave(keep=True)


# -- what goes -------------------------------------------------------------------------------------


def test_only_the_newest_stay_when_a_run_leaves_evidence() -> None:
    old = [ended(age_s=age) for age in (50, 40)]
    young = [ended(age_s=age) for age in (30, 20)]
    folder = begun()

    folder.leave(keep=True)

    assert NEWEST == 3
    assert [path.exists() for path in (*old, *young, folder.path)] == [False] * 2 + [True] * 3


def test_nothing_goes_when_a_run_leaves_no_evidence() -> None:
    old = [ended(age_s=age) for age in (40, 30, 20, 10)]

    begun().leave(keep=False)

    assert all(path.exists() for path in old)


def test_what_evidence_points_at_is_not_removed_with_it(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    old = ended()
    (old / EVIDENCE / "link").symlink_to(tmp_path / "mine")

    remove_older(newest=0)

    assert not old.exists()
    assert (tmp_path / "mine" / "file").exists()


def test_what_vanished_meanwhile_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    gone, there = Path(tempfile.gettempdir()) / "sm-conformance-gone", ended()
    monkeypatch.setattr(Path, "glob", lambda *_: iter([gone, there]))

    remove_older(newest=0)

    assert not there.exists()


# -- what stays ------------------------------------------------------------------------------------


def test_the_folder_of_a_live_run_stays_however_old_it_is_and_does_not_count() -> None:
    live = begun()
    aged(live.path, 100)
    old = [ended(age_s=age) for age in (30, 20, 10)]

    remove_older(newest=3)
    assert all(path.exists() for path in (live.path, *old))
    remove_older(newest=0)

    assert live.path.exists()
    assert not any(path.exists() for path in old)
    live.leave(keep=False)


def test_the_folder_of_a_live_process_stays_and_goes_once_it_was_killed(temporary: Path) -> None:
    code = (
        "import sys, tempfile\n"
        "tempfile.tempdir = sys.argv[1]\n"
        "from sm_conformance.run_folder import RunFolder\n"
        "folder = RunFolder(None)\n"
        "(folder.path / 'evidence').mkdir()\n"
        "print(folder.path, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(temporary)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        path = Path(process.stdout.readline().strip())
        assert path.parent == temporary

        remove_older(newest=0)
        assert path.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        remove_older(newest=0)

    assert not path.exists()


@pytest.mark.parametrize("kind", ["busy", "alone"])
def test_a_folder_in_which_a_launch_holds_the_lock_file_stays(kind: str) -> None:
    path = ended()
    quiet = Quiet(path / LOCK)

    with getattr(quiet, kind)():
        remove_older(newest=0)
        assert path.exists()
    remove_older(newest=0)

    assert not path.exists()


def test_a_folder_whose_lock_file_is_a_link_stays(tmp_path: Path) -> None:
    path = ended()
    (path / LOCK).symlink_to(tmp_path / "nowhere")

    remove_older(newest=0)

    assert path.exists()


def test_a_folder_with_more_in_it_stays(temporary: Path) -> None:
    checkout = temporary / "sm-conformance-main"
    (checkout / EVIDENCE).mkdir(parents=True)
    (checkout / "README.md").touch()

    remove_older(newest=0)

    assert left(checkout) == {EVIDENCE, "README.md"}


@pytest.mark.parametrize("inside", [(), (LOCK,)])
def test_a_folder_without_evidence_may_be_of_a_run_that_begins_and_stays(
    temporary: Path, inside: tuple[str, ...]
) -> None:
    new = temporary / "sm-conformance-new"
    new.mkdir()
    for name in inside:
        (new / name).touch()

    remove_older(newest=0)

    assert new.exists()


def test_a_link_stays_and_so_does_what_it_leads_to(tmp_path: Path, temporary: Path) -> None:
    old = ended(age_s=10)
    (tmp_path / "elsewhere" / EVIDENCE).mkdir(parents=True)
    link = temporary / "sm-conformance-link"
    link.symlink_to(tmp_path / "elsewhere")

    remove_older(newest=1)
    assert old.exists()  # a link is none of the newest either
    remove_older(newest=0)

    assert link.is_symlink()
    assert (tmp_path / "elsewhere" / EVIDENCE).is_dir()


def test_a_folder_of_somebody_else_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    path = ended()
    somebody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody)

    remove_older(newest=0)

    assert path.exists()


def test_files_and_folders_of_other_names_stay(temporary: Path) -> None:
    (temporary / "sm-conformance-file").touch()
    (temporary / "sm-other" / EVIDENCE).mkdir(parents=True)

    remove_older(newest=0)

    assert left(temporary) == {"sm-conformance-file", "sm-other"}
