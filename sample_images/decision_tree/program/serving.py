"""Runs nginx in front of gunicorn; they end together, on SIGTERM or when either of them dies."""

from __future__ import annotations

import os
import signal
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent
SCRATCH = Path("/tmp/decision_tree")  # the only folder that is written to
SOCKET = SCRATCH / "gunicorn.sock"
POLL_S = 0.02
WORKERS = max(2, min(os.cpu_count() or 1, 4))
GUNICORN = [
    "gunicorn",
    f"--bind=unix:{SOCKET}",
    f"--chdir={PROGRAM}",
    f"--workers={WORKERS}",
    # Threads, so that a long request does not keep /ping waiting.
    "--worker-class=gthread",
    "--threads=4",
    # The model is loaded once, before the socket exists.
    "--preload",
    "--timeout=75",
    "--graceful-timeout=5",
    "--log-level=warning",
    "app:application",
]
NGINX = ["nginx", "-e", "stderr", "-p", str(SCRATCH), "-c", str(PROGRAM / "nginx.conf")]


WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def main() -> int:
    """Serves until both servers have ended; 0 after SIGTERM, 1 if a server ended by itself."""
    # Signals are waited for, not handled: none can come between a start and taking note of it.
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    SOCKET.unlink(missing_ok=True)
    running = {"gunicorn": start(GUNICORN)}
    asked = ending = False
    while running:
        starting = "nginx" not in running and not ending
        event = signal.sigtimedwait(WATCHED, POLL_S) if starting else signal.sigwaitinfo(WATCHED)
        if event is not None and event.si_signo != signal.SIGCHLD:
            asked = ending = True
        gone = ended()
        for name in [name for name, process in running.items() if process in gone]:
            print(f"{name} has ended", flush=True)
            del running[name]
            ending = True
        if ending:
            end(running)
        # nginx listens only when there is somebody behind it.
        elif starting and SOCKET.exists():
            running["nginx"] = start(NGINX)
    return 0 if asked else 1


def start(command: list[str]) -> int:
    """Starts a server with no signal blocked; its process id."""
    return os.posix_spawnp(command[0], command, os.environ, setsigmask=[])


def ended() -> set[int]:
    """The children that have ended; PID 1 is given orphans as well."""
    gone: set[int] = set()
    while True:
        try:
            process, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return gone
        if process == 0:
            return gone
        gone.add(process)


def end(running: dict[str, int]) -> None:
    """Lets requests in flight finish: nginx ends first, then what stands behind it."""
    if "nginx" in running:
        os.kill(running["nginx"], signal.SIGQUIT)
    elif "gunicorn" in running:
        os.kill(running["gunicorn"], signal.SIGTERM)
