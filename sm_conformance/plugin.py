"""The door for pytest: the options, and the plugins that make a run once an image is named.

Imports nothing heavy: it is loaded in every pytest run of its environment, and without an image it
does nothing there.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from sm_conformance.aws.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Generator

# Short names and the options that they stand for; other projects define some of them themselves.
SHORT_NAMES = {
    "--image": "--sm-image",
    "--train-image": "--sm-train-image",
    "--serve-image": "--sm-serve-image",
    "--declaration": "--sm-declaration",
    "--model-data": "--sm-model-data",
    "--algorithm": "--sm-algorithm",
    "--model-package": "--sm-model-package",
    "--training-job": "--sm-training-job",
    "--model": "--sm-model",
    "--transform-job": "--sm-transform-job",
}


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    from sm_conformance import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sm-conformance", "SageMaker container conformance")
    add = group.addoption
    add("--sm-image", metavar="REPO:TAG", help="judge this image (short: --image)")
    add("--sm-train-image", metavar="REPO:TAG", help="judge this image for training")
    add("--sm-serve-image", metavar="REPO:TAG", help="judge this image for hosting")
    add(
        "--sm-archive",
        metavar="FILE",
        help="judge an image in this archive, of `docker save` or in OCI's layout, without an engine: "
        "nothing is launched; --sm-image says which, where there are several",
    )
    add(
        "--sm-registry",
        action="store_true",
        help="judge the image where it lies in its registry, without an engine: nothing is launched",
    )
    add(
        "--sm-declaration",
        metavar="FILE",
        help="what the image claims; default: sm-conformance.yaml in the current folder",
    )
    for kind, text in KINDS.items():
        add(f"--sm-{kind}", metavar="FILE", help=f"what the image claims, as AWS has it: {text}")
    add(
        "--sm-s3",
        metavar="DIR",
        help="the folder that holds BUCKET/KEY of what these requests name",
    )
    add("--sm-model-data", metavar="FILE", help="serve this model.tar.gz instead of a trained one")
    add(
        "--sm-baseline",
        metavar="REPO:TAG",
        help="ask this image's server the same, and tell what answers, types, sizes and latency "
        "changed; no verdict depends on it",
    )
    add(
        "--sm-scan",
        metavar="FILE",
        action="append",
        help="what a scanner found in the image: SARIF, or JSON of trivy, grype or Dockle; may be "
        "given several times",
    )
    add(
        "--sm-profile",
        metavar="NAME",
        default="platform",
        help="platform (default), strict, marketplace, or a file of yours",
    )
    add(
        "--sm-report",
        metavar="DIR",
        help="write the report there: report.json, .html, .sarif, junit.xml, summary.md, badge.svg, evidence/",
    )
    add(
        "--sm-patience",
        metavar="SECONDS",
        type=float,
        help="how long a training may take to be judged (default: 600)",
    )
    add(
        "--sm-watch",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="how long the idle server is watched once more before it is stopped; one that ends by "
        "itself later is not seen (default: 0)",
    )
    add(
        "--sm-examples",
        metavar="N",
        type=_count,
        default=3,
        help="how many values within the declared ranges of hyperparameters, and how many outside, "
        "to train with; for each of them, some requests that are made up (default: 3)",
    )
    add("--sm-limits", metavar="FILE", help="replace limits; such a run is never conformant")
    add("--sm-max-ping-p99-ms", metavar="MS", type=float, help="bound of /ping latency")
    add(
        "--sm-max-invocation-p99-ms", metavar="MS", type=float, help="bound of /invocations latency"
    )
    add(
        "--sm-rate",
        metavar="PER_SECOND",
        type=float,
        help="requests a second at which the bounds hold, each sent when it is due",
    )
    add(
        "--sm-rate-seconds",
        metavar="SECONDS",
        type=float,
        help="how long that rate is kept up (default: 10)",
    )
    add(
        "--sm-cached",
        action="store_true",
        help="where nothing has changed since the last complete run, answer from its result; such "
        "an answer is never certified",
    )
    add("--sm-keep", action="store_true", help="keep the containers of failed launches")
    add(
        "--sm-allow-network",
        action="store_true",
        help="a failing launch may be repeated with a network, to name the cause",
    )
    add(
        "--sm-hermetic",
        action="store_true",
        help="take a declaration from --sm-declaration alone, not from the current folder",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Adds the short names that the command line uses, unless a project has its own by then."""
    yield
    for short, canonical in SHORT_NAMES.items():
        if any(arg == short or arg.startswith(f"{short}=") for arg in args):
            try:
                dest = _short_dest(short)
                parser.addoption(short, dest=dest, default=None, help=f"same as {canonical}")
            except ValueError:
                continue  # somebody else's option; ours keeps its canonical name


@pytest.hookimpl(tryfirst=True)  # before pytest's own JUnit reporter looks for its file
def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    _settle_names(config)
    options = ("sm_image", "sm_train_image", "sm_serve_image", "sm_archive")
    named = [getattr(option, name, None) for name in options]
    if all(name is None for name in named):
        return
    from sm_conformance.pytest_run.collecting import Collecting
    from sm_conformance.pytest_run.ending import Ending
    from sm_conformance.pytest_run.judging import Judging
    from sm_conformance.pytest_run.run import RUN_KEY, PytestRun

    config.addinivalue_line("markers", "sm_clause(key): the clause that a test judges")
    run = PytestRun(config)
    config.stash[RUN_KEY] = run
    config.pluginmanager.register(Collecting(run), "sm-conformance-collecting")
    config.pluginmanager.register(Judging(run), "sm-conformance-judging")
    config.pluginmanager.register(Ending(run), "sm-conformance-ending")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"must be a whole number of 0 or more, got {text!r}")
    return int(text)


def _settle_names(config: pytest.Config) -> None:
    """Takes over what short names said; refuses what is empty or said twice in different words.

    An empty value is most often a variable that a pipeline forgot to set: nothing would be judged.
    """
    for short, canonical in SHORT_NAMES.items():
        dest = canonical.removeprefix("--").replace("-", "_")
        said = getattr(config.option, _short_dest(short), None)
        held = getattr(config.option, dest, None)
        if said is not None and held not in (None, said):
            raise pytest.UsageError(f"{canonical}={held} and {short}={said} contradict each other")
        if said is not None:
            setattr(config.option, dest, said)
    for name, value in vars(config.option).items():
        if (
            name.startswith("sm_")
            and (value == "" or (isinstance(value, list) and "" in value))
            and "_short_" not in name
        ):
            raise pytest.UsageError(
                f"--{name.replace('_', '-')} is empty; leave it out or name something"
            )


def _short_dest(short: str) -> str:
    """Where a short name puts its value: apart from the canonical one's, so that both are seen."""
    return f"sm_conformance_short_{short.removeprefix('--').replace('-', '_')}"
