"""Compares the suite's closed loop with `wrk` (Debian's package), in one run on one machine.

    python benchmarks/latency.py [--image sm-conformance/reference:latest] [--rounds 5]

Both ask the same server over as many connections, alternately: five times each by default. Of each
the middle of its percentiles counts. They agree where p50 differs by at most 10 % or 0.2 ms, and
p99 by at most 20 % or 1 ms. The servers are the harness's own echo server, and the one of an image.

wrk 4.1.0, which Debian has, does not show the percentiles of what it measured: behind each time that
is longer than usual it first counts those that would have waited, had it asked on (its
`stats_correct`). That is done to the suite's times too before they are compared; the percentiles of
the suite's times as they are stand beside them.

A server whose threads wait for one lock (Python's, for up to 5 ms) makes them wait the longer, the
sooner a client asks again: the suite takes some 6 microseconds between a reply and the next request,
wrk fewer. On two busy processors that is the most that is left between the two at p99.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from sm_conformance.engine.docker import DockerEngine
from sm_conformance.inputs.requests import PLATFORM_HEADERS
from sm_conformance.inputs.scenario import PLAIN_SERVER, PLAIN_TRAINING
from sm_conformance.inputs.scenario import load as load_scenario
from sm_conformance.laboratory.conversation import Conversation
from sm_conformance.laboratory.serving import serve
from sm_conformance.laboratory.trained import model_archive
from sm_conformance.observed.floor import echo_server
from sm_conformance.observed.http import Address
from sm_conformance.observed.latency import measure, summarise
from sm_conformance.observed.run import TrainRun
from sm_conformance.rules import Options, read_rules
from sm_conformance.session import open_session

DECLARATION = Path(__file__).resolve().parent.parent / "sample_images/reference/sm-conformance.yaml"
CONNECTIONS = (1, 4)
# How far the two may be apart: a share, or milliseconds where these are more.
TOLERANCES = {"p50": (0.10, 0.2), "p99": (0.20, 1.0)}
# wrk measures for this long, and the suite as many requests as wrk did, for as long at most.
SECONDS = 2
MOST_REQUESTS = 20_000
# wrk's own last words, as JSON: percentiles in microseconds, and what went wrong.
SCRIPT = """
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format('{"p50": %f, "p99": %f, "count": %d, "errors": %d}\\n',
    latency:percentile(50), latency:percentile(99), summary.requests,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""


@dataclass(frozen=True)
class Figures:
    """Percentiles in milliseconds of ``count`` requests; ``plain_p99``: as they were measured."""

    p50: float
    p99: float
    count: int
    plain_p99: float | None = None


def by_wrk(address: Address, *, connections: int, script: Path) -> Figures:
    """What wrk says of ``GET /ping``."""
    headers = [
        part for name, said in PLATFORM_HEADERS.items() for part in ("-H", f"{name}: {said}")
    ]
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(script), *headers,
         f"http://{address.host}:{address.port}/ping"],
        check=True, capture_output=True, text=True, timeout=SECONDS + 60,
    )  # fmt: skip
    said = json.loads(done.stdout.splitlines()[-1])
    if said["errors"]:
        sys.exit(f"wrk met {said['errors']} errors:\n{done.stdout}")
    return Figures(p50=said["p50"] / 1000, p99=said["p99"] / 1000, count=said["count"])


def by_suite(address: Address, *, connections: int, count: int) -> Figures:
    """What the suite says of the same, counted as wrk counts."""
    found = measure(
        address, method="GET", path="/ping", headers=PLATFORM_HEADERS, body=None, limit_s=10,
        samples=min(MOST_REQUESTS, count), budget_s=SECONDS, connections=connections,
    )  # fmt: skip
    if found.failures:
        sys.exit(f"the suite met {found.failures} failures")
    usual_ms = found.seconds * 1000 * connections / found.count
    filled = as_wrk_counts(found.samples_ms, usual_ms=usual_ms)
    counted = summarise(filled, failures=0, seconds=found.seconds)
    return Figures(counted.p50_ms, counted.p99_ms, found.count, plain_p99=found.p99_ms)


def as_wrk_counts(samples_ms: Sequence[float], *, usual_ms: float) -> list[float]:
    """The times, and behind each of twice the usual or more those that would have waited with it."""
    filled = list(samples_ms)
    for sample in samples_ms:
        left_ms = sample - usual_ms
        while sample >= 2 * usual_ms and left_ms > usual_ms:
            filled.append(left_ms)
            left_ms -= usual_ms
    return filled


def compare(name: str, address: Address, *, rounds: int, script: Path) -> None:
    """Measures alternately, and prints both with what the comparison comes to."""
    for connections in CONNECTIONS:
        wrk, suite = [], []
        for _ in range(rounds):
            wrk.append(by_wrk(address, connections=connections, script=script))
            suite.append(by_suite(address, connections=connections, count=wrk[-1].count))
        print(
            f"latency: {name}, {connections} connection{'s'[: connections > 1]}, {rounds} times each, "
            f"{median(one.count for one in wrk):.0f} requests by wrk and "
            f"{median(one.count for one in suite):.0f} by the suite"
        )
        for percentile, (share, least_ms) in TOLERANCES.items():
            theirs = median(getattr(one, percentile) for one in wrk)
            ours = median(getattr(one, percentile) for one in suite)
            agrees = abs(ours - theirs) <= max(share * theirs, least_ms)
            print(
                f"  {percentile}: suite {ours:.3f} ms, wrk {theirs:.3f} ms, {ours - theirs:+.3f} ms: "
                f"{'agrees' if agrees else 'DOES NOT AGREE'} (within {share:.0%} or {least_ms:g} ms)"
            )
        plain = median(one.plain_p99 or 0.0 for one in suite)
        print(f"  p99 of the suite's times as they are: {plain:.3f} ms")


def compare_image(image: str, *, rounds: int, script: Path) -> None:
    """The same of an image's server, launched as the suite launches it."""
    options = Options(image=image, declaration=DECLARATION)
    scenario = replace(load_scenario(PLAIN_SERVER), steps=())

    def ask(talk: Conversation) -> None:
        compare(f"{image} /ping", talk.address, rounds=rounds, script=script)

    with tempfile.TemporaryDirectory() as folder:
        session = open_session(options, read_rules(options), DockerEngine(), folder=Path(folder))
        try:
            trained = session.lab.observe(PLAIN_TRAINING)
            assert isinstance(trained, TrainRun)
            serve(
                session.lab.bench, scenario, scenario.conditions, model=model_archive(trained),
                further=ask,
            )  # fmt: skip
        finally:
            session.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", default="sm-conformance/reference:latest")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("latency: left out, for wrk is not installed (apt-get install wrk)")
        return
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "percentiles.lua"
        script.write_text(SCRIPT, "utf-8")
        with echo_server() as address:
            compare("the echo server", address, rounds=options.rounds, script=script)
        compare_image(options.image, rounds=options.rounds, script=script)


if __name__ == "__main__":
    main()
