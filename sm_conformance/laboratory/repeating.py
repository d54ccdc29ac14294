"""The commands that show again what a launch showed; they are run where ``evidence/`` lies."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from sm_conformance.engine.protocol import Bounds, Launch, Network
from sm_conformance.inputs.malformed_http import RawRequest
from sm_conformance.inputs.requests import PLATFORM_HEADERS
from sm_conformance.secrecy.shapes import hidden_by_name, secrets

_ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
_DIRECT_ADDRESS = f"at=$(docker inspect -f '{_ADDRESS}' sm-repeat):8080"
# Where the engine is on another machine, that machine's name belongs here.
_PUBLISHED_ADDRESS = "at=127.0.0.1:$(docker port sm-repeat 8080/tcp | head -n 1 | sed 's/.*://')"
# Nobody's names are known, and that is found out soon, as in the launch itself.
_NO_NAMES = "--dns 127.0.0.1 --dns-search . --dns-opt timeout:1 --dns-opt attempts:1"
# Sends a file in parts with a pause after each; what can send any byte is at hand wherever this runs.
_SEND_RESET = """import socket, struct, sys, time
host, port = sys.argv[1].rsplit(":", 1)
data, size = open(sys.argv[2], "rb").read(), int(sys.argv[3])
s = socket.create_connection((host, int(port)), 5)
for at in range(0, len(data), size):
    s.sendall(data[at:at + size])
    time.sleep(float(sys.argv[4]))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
"""
_SEND = _SEND_RESET.replace(_SEND_RESET.splitlines()[-1], "s.settimeout(2)\nprint(s.recv(65536))")
# How often the printed commands ask a server for its first 200, once a second.
_MOST_TRIES = 60


def repeat_training(launch: Launch, *, name: str) -> str:
    """The command that trains again on the same inputs; run where ``evidence/`` lies."""
    words = ["docker run --rm", *_network(launch)]
    if launch.network is Network.ISOLATED:
        words.insert(0, "docker network create --internal sm-repeat 2>/dev/null;")
    words += [
        f"-v {_here(name, place.path.lstrip('/'))}:{place.path}{':ro' if place.read_only else ''}"
        for place in launch.places
    ]
    return "\n".join([*_to_set(launch), " ".join([*words, *_tail(launch)])])


def repeat_stopped_training(launch: Launch, *, name: str, after_s: float, limit_s: float) -> str:
    """The commands that train again on the same inputs and stop it ``after_s`` seconds later."""
    lines = ["docker rm -f sm-repeat 2>/dev/null; docker network rm sm-repeat 2>/dev/null"]
    started = repeat_training(launch, name=name)
    lines.append(started.replace("docker run --rm", "docker run -d --name sm-repeat", 1))
    lines.append(f"sleep {math.ceil(after_s)}")
    return "\n".join([*lines, repeat_stop(limit_s=limit_s)])


def repeat_stop(*, limit_s: float) -> str:
    """The commands that stop what the commands before them started; 137 means that it was killed."""
    return (
        f"docker stop -t {limit_s:.0f} sm-repeat\n"
        "docker inspect -f 'exit code {{.State.ExitCode}}' sm-repeat"
    )


def repeat_server(launch: Launch, *, folder: Path, direct: bool, seconds: float) -> str:
    """The commands that start the same server again and ping it; run where ``evidence/`` lies.

    ``folder`` is the launch's evidence, ``direct`` whether a server is reached at its own address.
    The first 200 is waited for twice as long as the ``seconds`` that were seen.
    """
    words = ["docker run -d --name sm-repeat"]
    lines = ["docker rm -f sm-repeat 2>/dev/null; docker network rm sm-repeat 2>/dev/null"]
    if launch.network is Network.OPEN:
        words.append("--network bridge")
    else:
        made = "--internal" if direct else "-o com.docker.network.bridge.enable_ip_masquerade=false"
        lines.append(f"docker network create {made} sm-repeat")
        words.append(f"--network sm-repeat {_NO_NAMES}")
    if not direct:
        words.append("-p 8080")
    if launch.hostname is not None:
        words.append(f"--hostname {launch.hostname}")
    for place in launch.places:
        if place.archive is not None:
            unpacked = _here(folder.name, "unpacked")
            archive = _archive(place.archive, folder)
            lines.append(f"mkdir -p {unpacked} && tar -xzf {archive} -C {unpacked}")
            words.append(f"-v {unpacked}:{place.path}{':ro' if place.read_only else ''}")
    lines += [*_to_set(launch), " ".join([*words, *_tail(launch)])]
    lines.append(_DIRECT_ADDRESS if direct else _PUBLISHED_ADDRESS)
    ping = f'{_headers(PLATFORM_HEADERS)} "http://$at/ping"'
    tries = min(_MOST_TRIES, 5 + 2 * math.ceil(seconds))
    lines.append(
        f"for try in $(seq {tries}); do curl -sf --max-time 10 -o /dev/null {ping} && break; "
        "sleep 1; done"
    )
    lines.append(f"curl -i --max-time 10 {ping}")
    return "\n".join(lines)


def repeat_request(
    name: str,
    *,
    request: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bool,
    longest_s: float | None = None,
) -> str:
    """The ``curl`` line that sends the same request to a server started by the commands above.

    An answer that streams, for at most ``longest_s`` seconds, is shown as it comes.
    """
    shown = "-i --max-time 70" if longest_s is None else f"-iN --max-time {longest_s:.0f}"
    words = [f"curl {shown}", f"-X {method}"]
    words.append(_headers(headers))
    if body:
        words.append(f'--data-binary @"$PWD"/evidence/{name}/requests/{request}')
    return " ".join([*words, f'"http://$at{path}"'])


def repeat_load(lines: Sequence[str], *, callers: int, bouts: int) -> str:
    """Sends the requests of ``lines`` (of :func:`repeat_request`) ``callers`` at a time, and pings.

    What each request is answered follows its number; those of ``lines`` take turns.
    """
    told = 'curl -s -w " %{http_code} after %{time_total} s"'
    asked = " ".join(f"{at}) {line.replace('curl -i', told, 1)};;" for at, line in enumerate(lines))
    ping = f"{told} -o /dev/null --max-time 10 {_headers(PLATFORM_HEADERS)}"
    return "\n".join(
        [
            f"ask() {{ case $1 in {asked} esac; }}",
            f"for bout in $(seq {bouts}); do",
            f"  for n in $(seq 0 {callers - 1}); do r=$((n % {len(lines)}));",
            '    (said=$(ask $r); echo "request $r: $said") &',
            "  done",
            f'  echo "ping: $({ping} "http://$at/ping")"',
            "  wait",
            "done",
        ]
    )


def repeat_in_flight(
    name: str,
    *,
    request: str,
    headers: Mapping[str, str],
    body_bytes: int,
    waits_s: tuple[float, float],
) -> str:
    """The commands that send half of a request, then SIGTERM, then the other half."""
    before_s, after_s = waits_s
    between = f"sleep {before_s:g}; docker kill -s TERM sm-repeat >&2; sleep {after_s:g}"
    return _in_halves(
        _here(name, f"requests/{request}"), between, headers=headers, body_bytes=body_bytes
    )


def repeat_in_parts(
    name: str, *, request: str, headers: Mapping[str, str], body_bytes: int, apart_s: float
) -> str:
    """The commands that send half of a request and the other half a moment later."""
    body = _here(name, f"requests/{request}")
    return _in_halves(body, f"sleep {apart_s:g}", headers=headers, body_bytes=body_bytes)


def repeat_outlived(in_flight: str, *, limit_s: float) -> str:
    """The commands of :func:`repeat_in_flight`, and whether the container has ended afterwards."""
    state = "docker inspect -f 'still running: {{.State.Running}}' sm-repeat"
    return f"{in_flight}\nsleep {limit_s:g}; {state}"


def repeat_kill(command: str) -> str:
    """The commands that kill the child which serves, for root, where the engine runs."""
    listed = f"docker top sm-repeat -eo pid,args | grep -F -- {shlex.quote(command)}"
    return (
        "first=$(docker inspect -f '{{.State.Pid}}' sm-repeat)\n"
        f"kill -KILL $({listed} | awk -v first=$first '$1 != first {{print $1; exit}}')\n"
        "sleep 1"
    )


def repeat_raw(name: str, request: RawRequest) -> str:
    """The line that sends bytes as they are to a server started by the commands above."""
    program = _SEND_RESET if request.abandoned else _SEND
    return (
        f"python3 -c {shlex.quote(program)} $at {_here(name, f'requests/{request.name}')} "
        f"{request.part_bytes} {request.pause_s:g}"
    )


def _in_halves(body: str, between: str, *, headers: Mapping[str, str], body_bytes: int) -> str:
    half = body_bytes // 2
    length = _headers({**headers, "Content-Length": str(body_bytes), "Transfer-Encoding": ""})
    return (
        f"{{ head -c {half} {body}; {between}; tail -c +{half + 1} {body}; }} \\\n"
        f'  | curl -i --max-time 40 -X POST -T . {length} "http://$at/invocations"'
    )


def _headers(headers: Mapping[str, str]) -> str:
    return " ".join(f"-H {shlex.quote(f'{key}: {value}')}" for key, value in headers.items())


def _archive(archive: Path, folder: Path) -> str:
    """A model that a training left lies with the evidence; one that the user gave, elsewhere."""
    if archive.parent.parent == folder.parent:
        return _here(archive.parent.name, archive.name)
    return shlex.quote(str(archive.absolute()))


def _network(launch: Launch) -> list[str]:
    if launch.network is Network.OPEN:
        return ["--network bridge", f"--hostname {launch.hostname}"]
    if launch.network is Network.ISOLATED:
        return ["--network sm-repeat", f"--hostname {launch.hostname}"]
    own = f"{launch.hostname}:127.0.0.1"
    return ["--network none", f"--hostname {launch.hostname}", f"--add-host {own}"]


def _to_set(launch: Launch) -> list[str]:
    """What has to be in the caller's environment, for it is not shown; a shell stops without it."""
    return [
        f'export {name}="${{{name}:?is a secret that is not shown: set it first}}"'
        for name, value in launch.environment.items()
        if _is_secret(name, value)
    ]


def _is_secret(name: str, value: str) -> bool:
    return any(secrets(f"{name}={value}")) or any(hidden_by_name(name, value))


def _tail(launch: Launch) -> list[str]:
    variables = [
        f"-e {shlex.quote(name if _is_secret(name, value) else f'{name}={value}')}"
        for name, value in launch.environment.items()
    ]
    # The rest of an ENTRYPOINT stands where its arguments do.
    program, rest = launch.entrypoint[:1], launch.entrypoint[1:]
    return [
        *_bounds(launch.bounds),
        *variables,
        *(f"--entrypoint {shlex.quote(word)}" for word in program),
        shlex.quote(launch.image),
        *(shlex.quote(word) for word in (*rest, *launch.arguments)),
    ]


def _bounds(bounds: Bounds) -> list[str]:
    words = [f"--memory {bounds.memory_bytes}", f"--pids-limit {bounds.pids}"]
    if bounds.cpus is not None:
        words.append(f"--cpus {bounds.cpus:g}")
    if bounds.shm_bytes is not None:
        words.append(f"--shm-size {bounds.shm_bytes}")
    if bounds.gpus is not None:
        words.append(f"--gpus {'all' if bounds.gpus < 0 else bounds.gpus}")
    return words


def _here(name: str, part: str) -> str:
    return f'"$PWD"/evidence/{name}/{part}'
