"""Little liars in the image itself: how it starts, what it logs, what it writes to its disk."""

from __future__ import annotations

import contextlib
import threading
import time

from miniatures.container import Miniature
from miniatures.declared import BOTH
from miniatures.inside import Inside, Killed
from miniatures.lawful import LAWFUL, fit, invocation, lawful_but, ping, training, trains
from miniatures.sins import HASTE, Sin
from miniatures.training_ends import is_long
from miniatures.training_outputs import logs
from sm_conformance.observed.facts import Listener, StartProblem


def _burns(inside: Inside) -> None:
    """Long work shows itself by the processor time that it uses."""
    while is_long(inside) and time.thread_time() < 0.6:
        pass


def _works_silently(inside: Inside) -> None:
    inside.sleep(0.3)


def _dead(inside: Inside) -> int:
    return 127


def _silent(inside: Inside) -> int:
    inside.serve(ping, invocation)
    return 0


def chatters(inside: Inside) -> int:
    """A server that is never idle, as heartbeats and access logs make them."""

    def beat() -> None:
        with contextlib.suppress(Killed):
            while not inside.asked_to_stop.wait(0.02):
                inside.say("heartbeat")

    threading.Thread(target=beat, daemon=True).start()
    return _silent(inside)


def _shows_a_dashboard(inside: Inside) -> None:
    """Serves a page beside its work, and works longer than it takes to notice that."""
    inside.listeners.append(Listener(host="0.0.0.0", port=8080))
    threading.Thread(target=_dashboard, args=(inside,), daemon=True).start()
    for _ in range(12):
        inside.say("an epoch is over")
        inside.sleep(0.02)


def _dashboard(inside: Inside) -> None:
    with contextlib.suppress(Killed, OSError):
        inside.serve(ping, invocation)


MINIATURES: dict[str, Miniature] = {
    "holds-back": lawful_but(
        "It logs when it ends.",
        train=training(_works_silently, fit, logs(*"123456"), quiet=True),
    ),
    "sums-up": lawful_but(
        "It is quiet, and closes with one line.",
        train=training(_works_silently, fit, logs("done"), quiet=True),
    ),
    "fills-the-disk": lawful_but(
        "It writes much into its home.",
        adds={"/root/.cache/a\nb": 600_000_000, "/root/b": 500_000_000, "/tmp/c": 9_000_000_000},
    ),
    "fills-tmp": lawful_but("It writes much into /tmp.", adds={"/tmp/c": 9_000_000_000}),
    "many-files": lawful_but(
        "It writes many files.", adds={f"/root/{n}": 10_000_000 for n in range(250)}
    ),
    "not-told": lawful_but("Nobody knows what it writes.", adds=None),
    "quiet": lawful_but(
        "It writes no line.", train=training(_burns, fit, quiet=True), serve=_silent
    ),
    "serves-when-told-train": lawful_but(
        "It starts a server whatever it is told.",
        train=_silent,
    ),
    "dashboard": trains(_shows_a_dashboard, fit, story="It shows a dashboard while it trains."),
    "only-serves": lawful_but(
        "It serves whatever it is told, and writes heartbeats.", train=chatters
    ),
    "only-serves-silently": lawful_but("It serves whatever it is told.", train=_silent),
    "bad-program": lawful_but(
        "Its program cannot be executed.",
        problem=StartProblem(text="exec /program/main: permission denied", kind="not-executable"),
        modes={"/program/main": 0o644},
    ),
    "no-user": lawful_but(
        "Its user does not exist.",
        problem=StartProblem(text="unable to find user mallory", kind="no-user"),
    ),
    "needs-its-command": lawful_but(
        "It trains and serves by its CMD, which the platform replaces.",
        train=_dead,
        serve=_dead,
        command=("python", "main.py"),
        by_command=LAWFUL.train,
    ),
    "no-program": lawful_but(
        "Nothing called train is on its PATH.",
        entrypoint=(),
        problem=StartProblem(text='exec: "train": executable file not found', kind="not-found"),
    ),
    "shell-cannot-run": lawful_but("Its shell finds no program.", train=_dead, serve=_dead),
    "no-server": lawful_but("It only trains.", serve=_dead),
    "no-trainer": lawful_but("It only serves.", train=_dead),
    "for-arm": lawful_but("It is made for arm64.", architecture="arm64", elf_machine=183),
    "says-arm": lawful_but("Its metadata says arm64 of an amd64 program.", architecture="arm64"),
    "shell-form": lawful_but("A shell starts it.", entrypoint=("/bin/sh", "-c", "main")),
    "shell-that-execs": lawful_but(
        "A shell starts it and hands over.", entrypoint=("/bin/sh", "-c", "umask 22; exec main")
    ),
    "tini": lawful_but("Its entrypoint is tini.", entrypoint=("/sbin/tini", "--", "/main")),
    "not-root": lawful_but("It sets another user.", user="1000:1000"),
}
TRAINING_SINS = [
    Sin(
        "holds-back", "IMG-023 logs-arrive", "advice", says="then 6 lines at once",
        limits={"log_delay_s": 0.2},
    ),
    Sin(
        "fills-the-disk", "IMG-024 scratch-space", "advice",
        says="1.1 GB elsewhere, the largest first: /root/.cache/a\\nb (600.0 MB), /root/b (500",
    ),
    Sin("many-files", "IMG-024 scratch-space", "advice", says="2.0 GB elsewhere"),
    Sin("quiet", "IMG-023 logs", "advice", says="nothing at all"),
    Sin("bad-program", "IMG-003 on-path", says="permission denied; /program/main has the mode 0644"),
    Sin("shell-cannot-run", "IMG-001 train-starts", says="exited with 127"),
    Sin("no-program", "IMG-003 on-path", says="no folder of PATH holds a file named train"),
    Sin("for-arm", "IMG-016 architecture", says="its program is for arm64"),
    Sin("shell-form", "IMG-005 exec-form", "advice", says="/bin/sh -c main"),
    Sin("not-root", "IMG-012 root-training", "advice", says="USER 1000:1000"),
    Sin(
        "serves-when-told-train", "IMG-004 tells-jobs-apart", says="it answers GET /ping with 200",
        declaration=BOTH, limits=HASTE,
    ),
]  # fmt: skip
SERVING_SINS = [
    Sin("tini", "IMG-006 no-init-entrypoint", "advice", says="tini"),
    Sin("not-root", "IMG-012 root-hosting", "advice", says="USER 1000:1000"),
    Sin("bad-program", "IMG-003 on-path", says="permission denied"),
    Sin("no-program", "IMG-003 on-path", says="not found"),
    Sin("quiet", "IMG-023 logs", "advice", says="nothing at all"),
]  # fmt: skip
