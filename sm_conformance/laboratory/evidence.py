"""Writes what was handed over and seen into a folder, and the command that shows it again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from sm_conformance.engine.protocol import Container, Launch, Network
from sm_conformance.observed.http import Reply
from sm_conformance.observed.run import Logs

_OWNED = ("input", "model", "output")


def write_inputs(folder: Path, files: Mapping[str, bytes | None]) -> None:
    """The tree that a training was handed, below ``folder/opt/ml``, as plain files.

    Only our own and the owner's data come here; what a candidate wrote is never unpacked.
    """
    root = folder / "opt" / "ml"
    for name, content in files.items():
        target = root / PurePosixPath(name)
        if content is None:
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


def write_logs(folder: Path, container: Container) -> Logs:
    """Both streams as ``stdout.log`` and ``stderr.log``; the same as a value."""
    log = container.log
    stdout, stderr = log.stdout(), log.stderr()
    (folder / "stdout.log").write_bytes(stdout)
    (folder / "stderr.log").write_bytes(stderr)
    after = log.first_at - container.started_at if log.first_at is not None else None
    return Logs(stdout=stdout, stderr=stderr, total_bytes=log.total_bytes, first_after_s=after)


def write_reply(folder: Path, name: str, reply: Reply) -> None:
    """One reply as ``replies/<name>.txt``: the status line, the headers, the body as received."""
    target = folder / "replies"
    target.mkdir(exist_ok=True)
    head = [reply.describe(), *(f"{key}: {value}" for key, value in reply.headers), "", ""]
    (target / f"{name}.txt").write_bytes("\n".join(head).encode("utf-8", "replace") + reply.body)


def repeat_training(launch: Launch, *, name: str) -> str:
    """The command that trains again on the same inputs; run where ``evidence/`` lies."""
    words = ["docker run --rm", *_network(launch)]
    words += [f"-v {_here(name, f'opt/ml/{part}')}:/opt/ml/{part}" for part in _OWNED]
    return " ".join([*words, *_tail(launch)])


def repeat_server(launch: Launch, *, name: str) -> str:
    """The commands that start the same server again and ask it; run where ``evidence/`` lies."""
    lines = []
    words = ["docker run -d --name sm-repeat"]
    if launch.network is Network.OPEN:
        words.append("--network bridge")
    else:
        lines.append("docker network create --internal sm-repeat")
        words.append("--network sm-repeat")
    for place in launch.places:
        if place.archive is not None:
            folder = _here(name, "unpacked")
            archive = _here(place.archive.parent.name, place.archive.name)
            lines.append(f"mkdir -p {folder} && tar -xzf {archive} -C {folder}")
            words.append(f"-v {folder}:{place.path}{':ro' if place.read_only else ''}")
    lines.append(" ".join([*words, *_tail(launch)]))
    lines.append(
        "at=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' sm-repeat)"
    )
    return "\n".join(lines)


def repeat_request(
    name: str, *, request: str, method: str, path: str, headers: Mapping[str, str], body: bool
) -> str:
    """The ``curl`` line that sends the same request to a server started by the commands above."""
    words = ["curl -i --max-time 70", f"-X {method}"]
    words += [f"-H {shlex.quote(f'{key}: {value}')}" for key, value in headers.items()]
    if body:
        words.append(f'--data-binary @"$PWD"/evidence/{name}/requests/{request}')
    return " ".join([*words, f'"http://$at:8080{path}"'])


def _network(launch: Launch) -> list[str]:
    if launch.network is Network.OPEN:
        return ["--network bridge", f"--hostname {launch.hostname}"]
    own = f"{launch.hostname}:127.0.0.1"
    return ["--network none", f"--hostname {launch.hostname}", f"--add-host {own}"]


def _tail(launch: Launch) -> list[str]:
    variables = [f"-e {shlex.quote(f'{key}={value}')}" for key, value in launch.environment.items()]
    bounds = [f"--memory {launch.bounds.memory_bytes}", f"--pids-limit {launch.bounds.pids}"]
    return [*bounds, *variables, shlex.quote(launch.image), *launch.arguments]


def _here(name: str, part: str) -> str:
    return f'"$PWD"/evidence/{name}/{part}'
