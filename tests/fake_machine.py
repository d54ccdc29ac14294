"""A machine made of a folder: the only commands on PATH are harmless ones and fakes that log."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What the scripts may use as it is; anything that could change the real machine is a fake.
HARMLESS = (
    *("basename", "bash", "cat", "cksum", "cp", "cut", "date", "dirname", "env", "grep", "head"),
    *("mkdir", "mktemp", "rm", "setsid", "sh", "sleep", "tail", "timeout", "touch"),
)

DOCKER = """
[ ! -e {run}/answers ] || {{ echo 99.1; exit 0; }}
# One question later it answers: a daemon that is still starting.
[ ! -e {run}/answers-soon ] || touch {run}/answers
exit 1
"""
DOCKERD = """
echo $$ >{run}/docker.pid
echo $$ >>{folder}/daemons
trap 'rm -f {run}/docker.pid {run}/answers; exit 0' TERM
touch {run}/answers
while :; do sleep 0.05; done
"""
APT_GET = """
cat {folder}/output >{folder}/said-before-$1
[ "$1" != install ] || cp {folder}/packages/* {folder}/bin/
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a script ended: status, both output streams in one, calls of fakes in their order."""

    status: int
    said: str
    calls: list[str]


@dataclass(frozen=True, slots=True)
class Machine:
    """A copy of the scripts beside the commands that they find; root unless told otherwise."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> Machine:
        machine = cls(folder)
        for name in ("bin", "packages", "run", "project"):
            (folder / name).mkdir()
        for name in HARMLESS:
            found = shutil.which(name)
            assert found, f"this test needs the command {name}"
            (folder / "bin" / name).symlink_to(found)
        shutil.copytree(ROOT / "scripts", folder / "project/scripts")
        machine.fake("id", "case $1 in -u) echo 0 ;; *) echo somebody ;; esac")
        machine.fake("apt-get", APT_GET)
        machine.fake("apt-cache", "echo '  Candidate: (none)'")
        machine.fake("mount")
        machine.package("docker", DOCKER)
        machine.package("dockerd", DOCKERD)
        return machine

    @property
    def run_folder(self) -> Path:
        return self.folder / "run"

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def fake(self, name: str, body: str = "", *, where: str = "bin") -> Path:
        """Puts a command of this name in place, which logs its calls and then runs ``body``."""
        path = self.folder / where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        filled = body.replace("{run}", str(self.run_folder)).replace("{folder}", str(self.folder))
        filled = filled.replace("{{", "{").replace("}}", "}")
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.folder}/calls\n{filled}\n', "utf-8")
        path.chmod(0o755)
        return path

    def package(self, name: str, body: str) -> None:
        """A command that is there once apt-get has installed something."""
        self.fake(name, body, where="packages")

    def install(self, *names: str) -> None:
        """Puts commands of the packages in place before the script runs."""
        for name in names:
            shutil.copy(self.folder / "packages" / name, self.folder / "bin" / name)

    def not_root(self) -> None:
        self.fake("id", "case $1 in -u) echo 1000 ;; *) echo somebody ;; esac")

    def run(self, *command: str, **environment: str) -> Outcome:
        """Runs a script of the project, such as ``scripts/engine``, with its arguments."""
        output, calls = self.folder / "output", self.folder / "calls"
        calls.write_text("", "utf-8")
        settings = {"PATH": str(self.folder / "bin"), "SM_RUN": str(self.run_folder), **environment}
        with output.open("w", encoding="utf-8") as stream:
            done = subprocess.run(
                [str(self.project / command[0]), *command[1:]],
                env=settings, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT,
                cwd=self.folder, timeout=30, check=False,
            )  # fmt: skip
        asked = [line.strip() for line in calls.read_text("utf-8").splitlines()]
        changing = [line for line in asked if not line.startswith(("docker version", "id -"))]
        return Outcome(status=done.returncode, said=output.read_text("utf-8"), calls=changing)

    def said_before(self, apt_command: str) -> str:
        """What the user had been told when apt-get was called with this command."""
        return (self.folder / f"said-before-{apt_command}").read_text("utf-8")

    def start_foreign_engine(self) -> int:
        """An engine that somebody else started; its process number."""
        subprocess.run(["setsid", "--fork", self.folder / "packages/dockerd"], check=True)
        deadline = time.monotonic() + 10
        while not (self.run_folder / "answers").exists():
            assert time.monotonic() < deadline, "the fake engine does not start"
            time.sleep(0.02)
        return int((self.run_folder / "docker.pid").read_text("utf-8"))

    def engine(self) -> int | None:
        """The process of the engine that runs, None when there is none."""
        try:
            number = int((self.run_folder / "docker.pid").read_text("utf-8"))
            name = Path(f"/proc/{number}/comm").read_text("utf-8").strip()
        except OSError:
            return None
        return number if name == "dockerd" else None

    def close(self) -> None:
        """Ends every engine that was started here."""
        daemons = self.folder / "daemons"
        for line in daemons.read_text("utf-8").splitlines() if daemons.exists() else []:
            try:
                if Path(f"/proc/{line}/comm").read_text("utf-8").strip() == "dockerd":
                    os.kill(int(line), signal.SIGKILL)
            except (OSError, ProcessLookupError):
                continue
