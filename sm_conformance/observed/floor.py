"""What the harness itself costs: the same requests to a server that does nothing but answer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sm_conformance.errors import HarnessTrouble
from sm_conformance.observed.http import Address

# What lies between the harness and a candidate, and not between it and the echo server.
DIFFERS = (
    "over the loopback of this machine: the container, its network and its engine are left out"
)

_PROGRAM = Path(__file__).with_name("echo.py")


@contextmanager
def echo_server() -> Iterator[Address]:
    """An echo server in a process of its own, and where it listens.

    Raises HarnessTrouble when it cannot be started.
    """
    # -I and -S: it needs nothing of the environment, and starts in half the time.
    command = [sys.executable, "-I", "-S", str(_PROGRAM)]
    try:
        process = subprocess.Popen(  # noqa: S603 - a program of ours
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
    except OSError as error:
        raise HarnessTrouble(f"the echo server cannot be started: {error}") from error
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline()
        if not port.strip().isdigit():
            raise HarnessTrouble("the echo server did not start")
        try:
            yield Address("127.0.0.1", int(port))
        finally:
            process.stdin.close()
